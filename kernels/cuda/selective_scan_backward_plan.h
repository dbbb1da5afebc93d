// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime_api.h>

#include "cuda/selective_scan.h"

namespace statescope::kernels::cuda::scan_gradients {

constexpr int warp = 32;
constexpr int tile_tokens = 8;
constexpr int NS = 8;  // states of a lane in each of ...
constexpr int CH = 2;  // ... its channels
constexpr int vectors = NS * CH / 4;

// S lanes for a pair of channels; Warps in a block, fewer where many states take much shared memory.
template <int S_, int Warps_>
struct Shape {
  static constexpr int S = S_, Warps = Warps_;
  static constexpr int threads = Warps * warp;
  static constexpr int states = NS * S;                             // N rounded up
  static constexpr int pairs = warp / S;                            // of channels in a warp
  static constexpr int width = CH * pairs;                          // channels of a warp
  static constexpr int bits = pairs >= 8 ? 3 : pairs >= 4 ? 2 : 0;  // of a lane's p
  static constexpr int copies = bits > 0 ? 4 : 1;                   // of B and C; bit 2 of p is a matter of the address
  static constexpr int parts = pairs >> bits;                       // sums over channels that a warp leaves
  static constexpr int row = Warps * parts * states + 16;           // of them; the 16 set dB and dC in different banks
};

// A chunk's or tile's states as a warp keeps them: each lane its own, and the sum of Δ since the chunk began.
struct Record {
  float4 states[vectors][warp];
  float2 delta[warp];
};

struct Plan {
  std::int64_t blocks_of_group, blocks_of_sequence;
  std::int64_t tiles, chunk_tiles, chunks;  // of time; a chunk has chunk_tiles, the last perhaps fewer
};

struct Workspace {
  Record* kept = nullptr;                     // [tiles, batch, warps of a sequence] before each tile
  Record *end = nullptr, *adjoint = nullptr;  // [chunks, batch, warps of a sequence] what keep_states found
  float *dB = nullptr, *dC = nullptr;         // [blocks of a group, batch, T, groups · N]
  float* dA = nullptr;                        // [chunks, batch, N, E]
  float *dD = nullptr, *dbias = nullptr;      // [chunks, batch, E]
};

/// Calls function(shape) with the shape that runs N states.
template <class Function>
auto with_shape(std::int64_t N, const Function& function) {
  if (N <= 16) return function(Shape<2, 4>{});
  if (N <= 64) return function(Shape<8, 2>{});
  return function(Shape<32, 1>{});
}
constexpr std::int64_t most_states = 256;

/// Enqueues both passes on elements T (float, __nv_bfloat16 or __half).
template <class T>
void run(const ScanBackwardArgs& back, const Plan& plan, const Workspace& work, cudaStream_t stream);

}  // namespace statescope::kernels::cuda::scan_gradients
