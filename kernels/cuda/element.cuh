// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

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

/// The elements of one access as floats.
template <class T, int Count>
__device__ inline void unpack_floats(const Raw<sizeof(T) * Count>& raw, float (&out)[Count]) {
  if constexpr (std::is_same<T, Bf16>::value && Count % 2 == 0) {
    // A bf16 is the upper half of a float.
    unsigned words[Count / 2];
    memcpy(words, &raw, sizeof(words));
#pragma unroll
    for (int i = 0; i < Count; i += 2) {
      out[i] = __uint_as_float(words[i / 2] << 16);
      out[i + 1] = __uint_as_float(words[i / 2] & 0xffff0000U);
    }
  } else {
    const auto elements = unpack<T, Count>(raw);
#pragma unroll
    for (int i = 0; i < Count; ++i) out[i] = to_float(elements.values[i]);
  }
}

/// Count neighbouring elements as floats, by one access.
template <class T, int Count>
__device__ inline void load_floats(const T* from, float (&out)[Count]) {
  unpack_floats<T>(*reinterpret_cast<const Raw<sizeof(T) * Count>*>(from), out);
}

/// The row t of a matrix: a multiply-add of 32 bits of token and stride.
template <class T>
__device__ inline T* row_of(T* base, int t, std::int64_t stride) {
  using Bytes = std::conditional_t<std::is_const<T>::value, const char, char>;
  return reinterpret_cast<T*>(reinterpret_cast<Bytes*>(base) +
                              static_cast<std::int64_t>(t) * static_cast<int>(stride * static_cast<int>(sizeof(T))));
}

/// Copies 4, 8 or 16 aligned bytes from global to shared memory without waiting for them (from compute capability 8.0
/// on).
template <int Bytes>
__device__ inline void copy_async(void* to, const void* from) {
#if __CUDA_ARCH__ >= 800
  if constexpr (Bytes == 16)
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(static_cast<unsigned>(__cvta_generic_to_shared(to))),
                 "l"(from));
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2;" ::"r"(static_cast<unsigned>(__cvta_generic_to_shared(to))),
                 "l"(from), "n"(Bytes));
#else
  *static_cast<Raw<Bytes>*>(to) = *static_cast<const Raw<Bytes>*>(from);
#endif
}
/// Ends a group of copies.
__device__ inline void end_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;");
#endif
}
/// Waits until all but the thread's last `Pending` groups have arrived.
template <int Pending>
__device__ inline void wait_for_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(Pending) : "memory");
#endif
}

/// The same place in shared memory. The compiler keeps such an address in a register; others it finds anew in every
/// loop, beginning with a slow read of the block's place in its cluster.
template <class T>
__device__ inline T* keep_address(T* p) {
  auto address = static_cast<unsigned>(__cvta_generic_to_shared(p));
  asm volatile("" : "+r"(address));
  return static_cast<T*>(__cvta_shared_to_generic(address));
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

/// 1 / v by the special-function unit; relative error below 2^-22.
__device__ inline float reciprocal(float v) {
  float result;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(v));
  return result;
}

/// log(1 + e^v) = max(v, 0) + log(1 + e), e = e^-|v| <= 1; and log(1 + e) = e p(e) with a minimax polynomial whose
/// relative error is below 2e-7. No branch, and as good for a small Δ as for a large one.
__device__ inline float softplus(float v) {
  const float e = exp2_unit(-fabsf(v) * log2_e);
  float p = -8.539209167074393e-3f;
  p = fmaf(p, e, 4.408963409106785e-2f);
  p = fmaf(p, e, -1.0768171639577671e-1f);
  p = fmaf(p, e, 1.7745241683597932e-1f);
  p = fmaf(p, e, -2.4495462906326815e-1f);
  p = fmaf(p, e, 3.32754797857371e-1f);
  p = fmaf(p, e, -4.9997405396674904e-1f);
  p = fmaf(p, e, 9.99999805667079e-1f);
  return fmaf(e, p, fmaxf(v, 0.0f));
}

/// z · σ(z)
__device__ inline float silu(float z) {
  return z * reciprocal(1.0f + exp2_unit(-z * log2_e));
}

}  // namespace statescope::kernels::cuda
