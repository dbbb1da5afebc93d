// SPDX-License-Identifier: GPL-3.0-or-later
// What the two warps of a pair share in the fused forward scan (selective_scan.cuh).
#pragma once

#include <cstdint>

#include "cuda/element.cuh"
#include "cuda/selective_scan_plan.h"

namespace statescope::kernels::cuda {
namespace {

constexpr int warp = 32;
// Raw tiles: one being finished, one being read, one prepared, two on their way.
constexpr int ring = 4;

// U tokens are read ahead; at most Pairs pairs of warps make a block, and On of them are meant for a multiprocessor.
template <int NS_, int S_, int CH_, int TT_, int U_, int Pairs_, int On_>
struct Shape {
  static constexpr int NS = NS_, S = S_, CH = CH_, TT = TT_, U = U_, Pairs = Pairs_, On = On_;
  static constexpr int states = NS * S;           // N rounded up
  static constexpr int channels = CH * warp / S;  // of a warp
  static constexpr int most = channels < 4 ? channels : 4;
  static constexpr int width = TT * channels / warp < most ? TT * channels / warp : most;  // channels of one access
  static constexpr int items = TT * channels / (width * warp);  // accesses of a lane for a tile
  static_assert(TT * channels % (width * warp) == 0, "a tile is a whole number of rounds");
};

// Pairs of warps of this block, at most Sh::Pairs.
template <class Sh>
__device__ int pairs_here() {
  return Sh::Pairs == 1 ? 1 : static_cast<int>(blockDim.x) / (2 * warp);
}

// What a pair of warps shares. Tile k is prepared in one half while tile k - 1 is read from the other.
template <class Sh>
struct Tile {
  alignas(16) float2 step[Sh::TT][Sh::channels + 2];  // Δ, Δ·x; rows padded as below
  // Of C·h, by lane; rows padded so that neighbouring rows do not begin in the same bank.
  alignas(16) float share[Sh::TT][Sh::CH * warp + 4];
};

// B and C of a tile, which a block's pairs share.
template <class Element, class Sh>
struct Projections {
  alignas(16) Element B[Sh::TT][Sh::states];
  alignas(16) Element C[Sh::TT][Sh::states];
};

// Σ Δ and Σ h² of each token over the pair's channels, where they are asked for, until a tile is finished. The warp
// that carries the recurrence on, which everything waits for, adds h² up over four lanes each; the other one does the
// rest.
template <class Sh>
struct SumsOf {
  alignas(16) float steps[ring][Sh::TT];
  alignas(16) float squares[2][8][Sh::TT + 4];  // by neighbouring lanes; rows padded as above
};
// Where those of the four tokens around t go.
__device__ inline float* sums_of(const ScanArgs& args, std::int64_t sequence, std::int64_t t, std::int64_t slot,
                                 std::int64_t slots) {
  const std::int64_t rows = (args.T + summed_tokens - 1) / summed_tokens;
  return args.sums + ((sequence * rows + t / summed_tokens) * slots + slot) * 2 * summed_tokens;
}

// What a pair of warps works on.
struct Place {
  std::int64_t chunk, sequence;
  std::int64_t first;    // channel
  std::int64_t t_begin;  // first token of the chunk
  std::int64_t T;        // tokens of the chunk
};

// All warps of a block have come as far as this.
__device__ inline void meet() {
  asm volatile("bar.sync 0;" ::: "memory");
}

// Inputs of a tile as they lie in memory.
template <class T, class Sh>
struct RawTile {
  alignas(16) T x[Sh::TT][Sh::channels];
  alignas(16) T delta[Sh::TT][Sh::channels];
  alignas(16) T z[Sh::TT][Sh::channels];
};

// Of a pair of warps.
template <class T, class Sh>
struct SharedByPair {
  Tile<Sh> tiles[2];
  RawTile<T, Sh> raw[ring];
};

// Of a block.
template <class T, class Sh>
struct Shared {
  Projections<float, Sh> projections[2];
  Projections<T, Sh> raw_projections[ring];
  SharedByPair<T, Sh> pairs[Sh::Pairs];
};

}  // namespace
}  // namespace statescope::kernels::cuda
