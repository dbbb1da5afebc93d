// SPDX-License-Identifier: GPL-3.0-or-later
// What the warps of a block share in the scan of few channels (scan_narrow.cuh).
#pragma once

#include "cuda/scan_tile.cuh"

namespace statescope::kernels::cuda::narrow {
namespace {

constexpr int channels = 4;        // of a warp that carries the recurrence on
constexpr int quads_of_block = 3;  // such warps
constexpr int of_block = channels * quads_of_block;
constexpr int states = 16;       // N rounded up
constexpr int tokens = warp;     // of a tile
constexpr int at_once = 4;       // tokens of one read
constexpr int ahead = 4;         // tiles on their way, the one included that is prepared next
constexpr int kept = 8;          // raw tiles of what is read again when a tile is finished
constexpr int row = tokens + 4;  // padded so that neighbouring rows do not begin in the same bank
constexpr int of_lanes = warp * at_once + 4;
static_assert(of_block == channels_of(Plan::narrow) && kept >= ahead + 2);

// The channel and the first state of a lane; the other state is states / 2 further on. Of neighbouring lanes one reads
// the same Δ, of lanes two apart one reads the same B: such reads of 16 bytes a lane take two cycles, others four.
__device__ constexpr int channel_of(int lane) {
  return lane / 2 % channels;
}
__device__ constexpr int state_of(int lane) {
  return lane % 2 + lane / 8 * 2;
}
__device__ constexpr int lane_of(int channel, int state) {
  return state % 2 + channel * 2 + state / 2 * 8;
}

// Tile k is prepared in one half while tile k - 1 is read from the other.
struct Quad {
  alignas(16) float delta[2][channels][row];
  alignas(16) float step[2][channels][row];            // Δ·x
  alignas(16) float y[2][tokens / at_once][of_lanes];  // shares of C·h: four tokens of each lane
};
struct QuadSums {
  alignas(16) float squares[2][tokens / at_once][of_lanes];  // shares of Σ h², likewise
  float deltas[4][tokens], whole[2][tokens];
};
template <class T>
struct Shared {
  alignas(16) float B[2][states][row];
  alignas(16) float C[2][states][row];
  Quad quads[quads_of_block];
  alignas(16) T x[kept][tokens][of_block];
  alignas(16) T z[kept][tokens][of_block];
  alignas(16) T delta[ahead][tokens][of_block];
  alignas(16) T raw_B[ahead][tokens][states + 4];
  alignas(16) T raw_C[ahead][tokens][states + 4];
};

__device__ __host__ inline std::int64_t blocks_of_channels(const ScanArgs& args) {
  return (args.E + of_block - 1) / of_block;
}
struct Place {
  std::int64_t sequence, block;  // block of channels
  std::int64_t first;            // channel of the quad
  int quad;                      // of the block
  int lane;
};

}  // namespace
}  // namespace statescope::kernels::cuda::narrow
