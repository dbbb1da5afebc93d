// SPDX-License-Identifier: GPL-3.0-or-later
// Weight matrices as kernels read them, element by element or eight inputs of a product at a time.
#pragma once

#include "cuda/element.cuh"
#include "kernels/cuda_decode.h"

namespace statescope::kernels::cuda {

/// Eight neighbouring inputs: what a thread holds of a step.
template <class T>
struct alignas(16) Eight {
  T values[8];
};
constexpr int step_inputs = 32;

template <class T>
struct PlainWeights {
  const T* data;
  std::int64_t stride;

  __device__ float at(std::int64_t row, std::int64_t column) const { return to_float(data[row * stride + column]); }

  /// Of a product: thread `quad` of four holds inputs 8·quad to 8·quad + 7 of every step of 32.
  using Row = const T*;
  using Held = Eight<T>;
  __device__ Row row(std::int64_t m, int quad) const { return data + m * stride + 8 * quad; }
  static __device__ Held load(Row row, int step) {
    Held out;
    auto* words = reinterpret_cast<uint4*>(&out);
#pragma unroll
    for (int i = 0; i < static_cast<int>(sizeof(T)) / 2; ++i)
      asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
                   : "=r"(words[i].x), "=r"(words[i].y), "=r"(words[i].z), "=r"(words[i].w)
                   : "l"(reinterpret_cast<const char*>(row + step * step_inputs) + 16 * i));
    return out;
  }
  static __device__ Eight<T> expand(const Held& held) {
    return held;
  }
};

/// 8-bit weights, one scale for every step (kernels/cuda_decode.h), multiplied in bf16.
struct QuantisedWeights {
  static_assert(scale_inputs == step_inputs);
  const std::int8_t* data;
  std::int64_t stride, inputs;  // bytes from row to row; integers of a row, the scales come behind them

  __device__ float at(std::int64_t row, std::int64_t column) const {
    const std::int8_t* from = data + row * stride;
    const auto scale = reinterpret_cast<const Bf16*>(from + inputs)[column / scale_inputs];
    return to_float(scale) * static_cast<float>(from[column]);
  }

  struct Row {
    const std::int8_t* integers;
    const unsigned short* scales;
  };
  struct Held {
    uint2 integers;
    unsigned short scale;
  };
  __device__ Row row(std::int64_t m, int quad) const {
    const std::int8_t* from = data + m * stride;
    return {from + 8 * quad, reinterpret_cast<const unsigned short*>(from + inputs)};
  }
  static __device__ Held load(const Row& row, int step) {
    Held out;
    asm volatile("ld.global.nc.L1::no_allocate.v2.u32 {%0, %1}, [%2];"
                 : "=r"(out.integers.x), "=r"(out.integers.y)
                 : "l"(row.integers + step * step_inputs));
    out.scale = __ldg(row.scales + step);
    return out;
  }
  static __device__ Eight<Bf16> expand(const Held& held) {
    const float scale = __uint_as_float(static_cast<unsigned>(held.scale) << 16);
    std::int8_t integers[8];
    memcpy(integers, &held.integers, sizeof(integers));
    Eight<Bf16> out;
#pragma unroll
    for (int i = 0; i < 8; ++i) out.values[i] = from_float<Bf16>(scale * static_cast<float>(integers[i]));
    return out;
  }
};

/// Calls function(T{}, weights) with the matrix and the type it is multiplied in.
template <class Function>
void with_weights(const DeviceMatrix& W, const Function& function) {
  if (W.type == ElementType::i8)
    return function(Bf16{}, QuantisedWeights{W.as<const std::int8_t>(), W.stride, padded(W.cols)});
  with_type(W.type, [&](auto zero) {
    using T = decltype(zero);
    function(T{}, PlainWeights<T>{W.as<const T>(), W.stride});
  });
}

}  // namespace statescope::kernels::cuda
