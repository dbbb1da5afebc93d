// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/profile/work.h"

namespace statescope {

Work stage_work(Stage stage, const ModelSizes& sizes, std::int64_t tokens, std::int64_t weights,
                std::int64_t value_bytes) {
  constexpr std::int64_t f32 = sizeof(float);
  const auto [layers, D, E, N, K, R, V] = sizes;
  const std::int64_t T = tokens, v = value_bytes;
  switch (stage) {
    case Stage::embedding:
      return {T * D * (v + f32), 0, 0};
    case Stage::norm:
      return {T * D * (f32 + v) + D * f32, 4 * T * D, 0};
    case Stage::in_projection:
      return {weights + T * (D + 2 * E) * v, 4 * T * D * E, 0};
    case Stage::convolution:
      return {2 * T * E * v + (K + 1) * E * f32 + 2 * (K - 1) * E * f32, T * E * (2 * K + 2), T * E};
    case Stage::x_projection:
      return {weights + T * (E + R + 2 * N) * v, 2 * T * E * (R + 2 * N), 0};
    case Stage::dt_projection:
      return {weights + T * R * v + (T + 1) * E * f32, T * E * (2 * R + 1), 2 * T * E};
    case Stage::scan:
      return {T * (2 * E + 2 * N) * v + (T + 1) * E * f32 + 3 * E * N * f32, T * E * (6 * N + 3), T * E * N};
    case Stage::gate:
      return {3 * T * E * v, 3 * T * E, T * E};
    case Stage::out_projection:
      return {weights + T * E * v + 2 * T * D * f32, T * D * (2 * E + 1), 0};
    case Stage::head:
      return {weights + T * D * v + T * V * f32, 2 * T * D * V, 0};
    case Stage::sampling:
      return {T * V * f32, T * V, T * V};
    case Stage::copy:
      return {};
  }
  return {};
}

}  // namespace statescope
