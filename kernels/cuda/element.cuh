// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

#include "cuda/check.h"
#include "kernels/cuda_error.h"
#include "kernels/element_type.h"

namespace statescope::kernels::cuda {

using Bf16 = __nv_bfloat16;
using F16 = __half;

__device__ inline float to_float(float v) {
  return v;
}
__device__ inline float to_float(Bf16 v) {
  return __bfloat162float(v);
}
__device__ inline float to_float(F16 v) {
  return __half2float(v);
}

template <class T>
__device__ T from_float(float v);
template <>
__device__ inline float from_float<float>(float v) {
  return v;
}
template <>
__device__ inline Bf16 from_float<Bf16>(float v) {
  return __float2bfloat16_rn(v);
}
template <>
__device__ inline F16 from_float<F16>(float v) {
  return __float2half_rn(v);
}

/// Bytes as they travel in one access. Elements are unpacked where they are used, so that a load is not waited for
/// before that.
template <int Bytes>
struct RawOf;
template <>
struct RawOf<2> {
  using type = unsigned short;
};
template <>
struct RawOf<4> {
  using type = unsigned;
};
template <>
struct RawOf<8> {
  using type = uint2;
};
template <>
struct RawOf<16> {
  using type = uint4;
};
template <int Bytes>
using Raw = typename RawOf<Bytes>::type;

template <class T, int Count>
struct Unpacked {
  T values[Count];
};
template <class T, int Count>
__device__ inline Unpacked<T, Count> unpack(const Raw<sizeof(T) * Count>& raw) {
  Unpacked<T, Count> out;
  memcpy(&out, &raw, sizeof(out));
  return out;
}
template <class RawType, class T, int Count>
__device__ inline RawType pack(const Unpacked<T, Count>& values) {
  static_assert(sizeof(RawType) == sizeof(values));
  RawType out;
  memcpy(&out, &values, sizeof(out));
  return out;
}

/// Count floats at an address that is aligned to the widest access that divides them.
template <int Count>
__device__ inline void load(const float* from, float (&to)[Count]) {
  constexpr int width = Count % 4 == 0 ? 4 : Count % 2 == 0 ? 2 : 1;
  using Access = Raw<4 * width>;
#pragma unroll
  for (int i = 0; i < Count; i += width) {
    const Access access = *reinterpret_cast<const Access*>(from + i);
    memcpy(to + i, &access, sizeof(access));
  }
}
template <int Count>
__device__ inline void store(float* to, const float (&from)[Count]) {
  constexpr int width = Count % 4 == 0 ? 4 : Count % 2 == 0 ? 2 : 1;
  using Access = Raw<4 * width>;
#pragma unroll
  for (int i = 0; i < Count; i += width) {
    Access access;
    memcpy(&access, from + i, sizeof(access));
    *reinterpret_cast<Access*>(to + i) = access;
  }
}

/// Calls function(T{}) with the type of the elements; throws CudaError for one that no kernel computes in.
template <class Function>
void with_type(ElementType type, const Function& function) {
  switch (type) {
    case ElementType::f32:
      return function(float{});
    case ElementType::bf16:
      return function(Bf16{});
    case ElementType::f16:
      return function(F16{});
    case ElementType::i8:
      break;
  }
  throw CudaError("8-bit activations are not computed on a CUDA device; choose f32, bf16 or f16");
}

constexpr float log2_e = 1.44269504088896341f;

/// 2^t by the special-function unit; relative error below 2^-22.
__device__ inline float exp2_unit(float t) {
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(t));
  return result;
}

/// 2^t for t <= 0 on the multiply-add pipes: t = i + f with |f| <= 1/2, and a minimax polynomial for 2^f whose relative
/// error is below 4.4e-7 and vanishes at 0, so that slow decays (t near 0) keep their rate.
__device__ inline float exp2_polynomial(float t) {
  constexpr float rounder = 12582912.0f;  // 1.5 · 2^23: adding it rounds to an integer held in the low bits
  t = fmaxf(t, -126.0f);
  const float shifted = t + rounder;
  const float f = t - (shifted - rounder);
  float p = 1.1125509262700296e-3f;
  p = fmaf(p, f, 9.666282547484384e-3f);
  p = fmaf(p, f, 5.557400468642088e-2f);
  p = fmaf(p, f, 2.40223506501733e-1f);
  p = fmaf(p, f, 6.931428306110284e-1f);
  p = fmaf(p, f, 1.0f);
  return __int_as_float(__float_as_int(p) + (__float_as_int(shifted) << 23));
}

/// log(1 + e^v) = max(v, 0) + log(1 + e), e = e^-|v|; and log(1 + e) = 2 artanh(s), s = e / (2 + e) <= 1/3, by a
/// minimax polynomial in s² whose relative error is below 1.7e-7. No branch, and as good for a small Δ as for a large
/// one.
__device__ inline float softplus(float v) {
  const float e = exp2_unit(-fabsf(v) * log2_e);
  const float s = __fdividef(e, 2.0f + e);
  const float q = s * s;
  float p = 0.3422605035047164f;
  p = fmaf(p, q, 0.3958946131302431f);
  p = fmaf(p, q, 0.6667600287938802f);
  p = fmaf(p, q, 1.9999996708635988f);
  return fmaf(s, p, fmaxf(v, 0.0f));
}

/// z · σ(z)
__device__ inline float silu(float z) {
  return __fdividef(z, 1.0f + exp2_unit(-z * log2_e));
}

}  // namespace statescope::kernels::cuda
