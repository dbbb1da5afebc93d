// SPDX-License-Identifier: GPL-3.0-or-later
// The warp that carries the recurrence on in the scan of few channels (scan_narrow.cuh).
#pragma once

#include "cuda/scan_carry.cuh"
#include "cuda/scan_narrow_tile.cuh"

namespace statescope::kernels::cuda::narrow {
namespace {

// What a lane needs of four tokens.
struct Four {
  float delta[at_once], step[at_once];
  float B[2][at_once], C[2][at_once];
};

// Where a lane's numbers lie in tile 0 or 1.
struct Rows {
  const float *delta, *step, *B, *C;

  __device__ Rows of_half(int half) const {
    constexpr int by_channel = channels * row, by_state = states * row;
    return {delta + half * by_channel, step + half * by_channel, B + half * by_state, C + half * by_state};
  }
  __device__ Four read(int t) const {
    constexpr int other = states / 2 * row;
    Four four;
    load(delta + t, four.delta);
    load(B + t, four.B[0]);
    load(step + t, four.step);
    load(B + other + t, four.B[1]);
    load(C + t, four.C[0]);
    load(C + other + t, four.C[1]);
    return four;
  }
};

// The two states of a lane.
struct States {
  float decay[2], h[2];  // decay is A · log2(e)

  // Moves on by token j of four and gives the lane's share of C·h.
  __device__ float advance(const Four& four, int j) {
#pragma unroll
    for (int i = 0; i < 2; ++i) h[i] = fmaf(exp2_unit(four.delta[j] * decay[i]), h[i], four.step[j] * four.B[i][j]);
    return fmaf(h[1], four.C[1][j], h[0] * four.C[0][j]);
  }
  __device__ float squares() const {
    return fmaf(h[1], h[1], h[0] * h[0]);
  }
};

// A whole tile. Reads are two groups of four tokens ahead.
template <bool Sums>
__device__ __forceinline__ void advance_tile(const Rows& rows, States& states, float* y, float* squares) {
  constexpr int groups = tokens / at_once;
  Four fours[3];
  fours[0] = rows.read(0);
  fours[1] = rows.read(at_once);
#pragma unroll
  for (int g = 0; g < groups; ++g) {
    if (g + 2 < groups) fours[(g + 2) % 3] = rows.read((g + 2) * at_once);
    float share[at_once], square[at_once];
#pragma unroll
    for (int j = 0; j < at_once; ++j) {
      share[j] = states.advance(fours[g % 3], j);
      if (Sums) square[j] = states.squares();
    }
    store(y + g * of_lanes, share);
    if (Sums) store(squares + g * of_lanes, square);
  }
}

template <class T, bool Sums>
__device__ void carry_on(const ScanArgs& args, const Place& place, Shared<T>& shared, QuadSums* sums) {
  const std::int64_t E = args.E, N = args.N, e = place.first + channel_of(place.lane);
  const int s = state_of(place.lane);
  States now;
  const auto each_state = [&](const auto& function) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const std::int64_t state = s + i * states / 2;
      function(i, state, state < N && e < E);
    }
  };
  float* const h = args.h + place.sequence * N * E + e;
  each_state([&](int i, std::int64_t state, bool there) {
    now.decay[i] = there ? args.A[state * E + e] * log2_e : 0.0f;
    now.h[i] = there ? h[state * E] : 0.0f;
  });
  const std::int64_t slot = args.h_all && e < E ? slot_of(args, e) : -1;
  const std::int64_t emitted = args.channel_list ? args.channels : E;
  // A state is left in passing after `next` tokens; 0 stands for never.
  const PassedStates& passed = args.passed;
  std::int64_t index = 0, next = Sums && passed.count > 0 ? passed.interval : 0;
  const auto leave = [&] {
    float* to = passed.to + (place.sequence * passed.count + index) * passed.step + e;
    each_state([&](int i, std::int64_t state, bool there) {
      if (there) to[state * E] = now.h[i];
    });
    next = ++index < passed.count ? next + passed.interval : 0;
  };

  Quad& quad = shared.quads[place.quad];
  const Rows rows{keep_address(quad.delta[0][channel_of(place.lane)]),
                  keep_address(quad.step[0][channel_of(place.lane)]), keep_address(shared.B[0][s]),
                  keep_address(shared.C[0][s])};
  float* const y = keep_address(&quad.y[0][0][place.lane * at_once]);
  float* const squares = Sums ? keep_address(&sums->squares[0][0][place.lane * at_once]) : nullptr;
  constexpr int tile = tokens / at_once * of_lanes;  // floats of y
  const int whole = args.h_all ? 0 : static_cast<int>(args.T / tokens);
  const int count = static_cast<int>((args.T + tokens - 1) / tokens);
  meet();
  meet();
  for (int k = 0; k < count; ++k) {
    const int half = k % 2;
    const std::int64_t t0 = std::int64_t{k} * tokens;
    if (k < whole && !(Sums && t0 < next && next < t0 + tokens)) {
      advance_tile<Sums>(rows.of_half(half), now, y + half * tile, Sums ? squares + half * tile : nullptr);
      if (Sums && next == t0 + tokens) leave();
    } else {
      const int there = static_cast<int>(min(args.T - t0, std::int64_t{tokens}));
      for (int t = 0; t < there; ++t) {
        const int at = half * tile + t / at_once * of_lanes + t % at_once;
        const Four four = rows.of_half(half).read(t / at_once * at_once);
        // No index at run time into registers.
#pragma unroll
        for (int j = 0; j < at_once; ++j)
          if (j == t % at_once) y[at] = now.advance(four, j);
        if (Sums) squares[at] = now.squares();
        if (Sums && next == t0 + t + 1) leave();
        if (slot < 0) continue;
        float* to = args.h_all + ((place.sequence * args.T + t0 + t) * emitted + slot) * N;
        each_state([&](int i, std::int64_t state, bool there) {
          if (there) to[state] = now.h[i];
        });
      }
    }
    meet();
  }
  if (Sums) meet();
  each_state([&](int i, std::int64_t state, bool there) {
    if (there) h[state * E] = now.h[i];
  });
}

}  // namespace
}  // namespace statescope::kernels::cuda::narrow
