// SPDX-License-Identifier: GPL-3.0-or-later
// The warp of the fused forward scan (selective_scan.cuh) that carries the recurrence on.
#pragma once

#include "cuda/lanes.cuh"
#include "cuda/scan_tile.cuh"

namespace statescope::kernels::cuda {
namespace {

__device__ inline void wait_for_first_pass() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// Where a channel's states go in h_all, or a negative number when they are not asked for.
__device__ std::int64_t slot_of(const ScanArgs& args, std::int64_t channel) {
  if (!args.channel_list) return channel;
  std::int64_t low = 0, high = args.channels;
  while (low < high) {
    const std::int64_t middle = (low + high) / 2;
    if (args.channel_list[middle] < channel)
      low = middle + 1;
    else
      high = middle;
  }
  return low < args.channels && args.channel_list[low] == channel ? low : -1;
}

// The states of a lane: four neighbours at a time, and those of the other lanes of its channel in between, so that they
// read B and C from all banks.
template <class Sh>
constexpr int together = Sh::NS < 4 ? Sh::NS : 4;
template <class Sh>
__device__ constexpr int state_of(int s, int n) {
  return (n / together<Sh> * Sh::S + s) * together<Sh> + n % together<Sh>;
}

// What a lane needs of one token: its states' B and C, its channels' Δ and Δ·x.
template <class Sh>
struct Token {
  float B[Sh::NS / together<Sh>][together<Sh>], C[Sh::NS / together<Sh>][together<Sh>];
  float step[2 * Sh::CH];  // Δ, Δ·x by channel
};

template <class Sh, bool StateOnly>
__device__ Token<Sh> read_token(const Tile<Sh>& tile, const Projections<float, Sh>& projections, int t, int s,
                                int channel) {
  Token<Sh> token;
#pragma unroll
  for (int n = 0; n < Sh::NS; n += together<Sh>) {
    load(&projections.B[t][state_of<Sh>(s, n)], token.B[n / together<Sh>]);
    if (!StateOnly) load(&projections.C[t][state_of<Sh>(s, n)], token.C[n / together<Sh>]);
  }
  load(&tile.step[t][channel].x, token.step);
  return token;
}

// One token: moves the lane's states on and leaves its share of C·h, per channel.
template <class Sh, bool StateOnly>
__device__ void advance(const Token<Sh>& token, const float (&decay)[Sh::CH][Sh::NS], float (&h)[Sh::CH][Sh::NS],
                        float (&share)[Sh::CH]) {
#pragma unroll
  for (int c = 0; c < Sh::CH; ++c) {
#pragma unroll
    for (int n = 0; n < Sh::NS; ++n) {
      const float kept = exp2_unit(token.step[2 * c] * decay[c][n]);
      const int i = n / together<Sh>, j = n % together<Sh>;
      h[c][n] = fmaf(kept, h[c][n], token.step[2 * c + 1] * token.B[i][j]);
      if (StateOnly) continue;
      share[c] = n == 0 ? h[c][n] * token.C[i][j] : fmaf(h[c][n], token.C[i][j], share[c]);
    }
  }
}

template <class Sh>
__device__ float squares_of(const float (&h)[Sh::CH][Sh::NS]) {
  float sum = 0.0f;
#pragma unroll
  for (int c = 0; c < Sh::CH; ++c)
#pragma unroll
    for (int n = 0; n < Sh::NS; ++n) sum = fmaf(h[c][n], h[c][n], sum);
  return sum;
}

// A whole tile, U tokens at a time. What the next U need is read from shared memory before the results of these are
// written there, so that no token waits for a read.
template <class Sh, bool StateOnly, bool Sums>
__device__ __forceinline__ void advance_tile(Tile<Sh>& tile, const Projections<float, Sh>& projections,
                                             const float (&decay)[Sh::CH][Sh::NS], float (&h)[Sh::CH][Sh::NS],
                                             float (&delta_sum)[Sh::CH], SumsOf<Sh>* sums, int half_of_sums, int lane) {
  const int s = lane % Sh::S, own_channel = lane / Sh::S * Sh::CH;
  Token<Sh> tokens[2][Sh::U];
  float of_lane[Sh::TT];
#pragma unroll
  for (int u = 0; u < Sh::U; ++u) tokens[0][u] = read_token<Sh, StateOnly>(tile, projections, u, s, own_channel);
#pragma unroll
  for (int t = 0; t < Sh::TT; t += Sh::U) {
    Token<Sh>(&now)[Sh::U] = tokens[t / Sh::U % 2];
    if (t + Sh::U < Sh::TT) {
#pragma unroll
      for (int u = 0; u < Sh::U; ++u)
        tokens[(t / Sh::U + 1) % 2][u] = read_token<Sh, StateOnly>(tile, projections, t + Sh::U + u, s, own_channel);
    }
    float share[Sh::U][Sh::CH];
#pragma unroll
    for (int u = 0; u < Sh::U; ++u) {
      advance<Sh, StateOnly>(now[u], decay, h, share[u]);
#pragma unroll
      for (int c = 0; c < Sh::CH; ++c)
        if (StateOnly) delta_sum[c] += now[u].step[2 * c];
      if (!StateOnly) store(&tile.share[t + u][lane * Sh::CH], share[u]);
      if (Sums) of_lane[t + u] = squares_of<Sh>(h);
    }
  }
  if constexpr (Sums) {
    float half[Sh::TT / 2], quarter[Sh::TT / 4];
    fold_lanes(of_lane, half, lane, 16);
    fold_lanes(half, quarter, lane, 8);
    store(&sums->squares[half_of_sums][lane % 8][lane / 8 * (Sh::TT / 4)], quarter);
  }
}

// The warp that carries the recurrence on.
template <class Sh, bool StateOnly, bool Sums>
__device__ void carry_on(const ScanArgs& args, const Chunks& chunks, const Place& place, int lane, Tile<Sh>* tiles,
                         const Projections<float, Sh>* projections_of, SumsOf<Sh>* sums) {
  constexpr bool few = Sh::NS * Sh::CH <= 8;  // states of a lane
  const std::int64_t E = args.E, N = args.N;
  const int s = lane % Sh::S;                      // its share of the states ...
  const int own_channel = lane / Sh::S * Sh::CH;   // ... of this channel of the pair, and the CH - 1 after it
  float decay[Sh::CH][Sh::NS], h[Sh::CH][Sh::NS];  // decay is A · log2(e): e^(Δ·A) = 2^(Δ·decay)
  float delta_sum[Sh::CH] = {};
  if (!StateOnly && chunks.count > 1) wait_for_first_pass();
  std::int64_t slots[Sh::CH];
#pragma unroll
  for (int c = 0; c < Sh::CH; ++c) {
    const std::int64_t e = place.first + own_channel + c;
    slots[c] = args.h_all && e < E ? slot_of(args, e) : -1;
    // What the pieces before this one leave, oldest first.
    const auto leave = [&](std::int64_t k, int n, std::int64_t at) {
      const float decayed =
          k == 0 ? 0.0f : exp2_unit(chunks.delta[(k * args.batch + place.sequence) * E + e] * decay[c][n]);
      h[c][n] = fmaf(decayed, h[c][n], chunks.end[k * args.batch * N * E + at]);
    };
#pragma unroll
    for (int n = 0; n < Sh::NS; ++n) {
      const std::int64_t state = state_of<Sh>(s, n);
      const bool there = state < N && e < E;
      decay[c][n] = there ? args.A[state * E + e] * log2_e : 0.0f;
      const std::int64_t at = (place.sequence * N + state) * E + e;
      if constexpr (StateOnly) {
        const float before = there && place.chunk == 0 ? args.h[at] : 0.0f;
        if (there && place.chunk == 0) chunks.start[at] = before;
        h[c][n] = before;
      } else {
        h[c][n] = !there ? 0.0f : chunks.count > 1 ? chunks.start[at] : args.h[at];
        if constexpr (!few) {
          for (std::int64_t k = 0; k < place.chunk && there; ++k) leave(k, n, at);
        }
      }
    }
    if constexpr (few && !StateOnly) {
      // The loads of a few pieces fly together, which many states have no registers for.
#pragma unroll 4
      for (std::int64_t k = 0; k < place.chunk && e < E; ++k) {
#pragma unroll
        for (int n = 0; n < Sh::NS; ++n)
          if (state_of<Sh>(s, n) < N) leave(k, n, (place.sequence * N + state_of<Sh>(s, n)) * E + e);
      }
    }
  }
  const std::int64_t emitted = args.channel_list ? args.channels : E;
  // A state is left in passing after `next` tokens of the chunk; 0 stands for never.
  const PassedStates& passed = args.passed;
  std::int64_t index = 0, next = 0;
  if (Sums && passed.count > 0) {
    index = place.t_begin / passed.interval;
    if (index < passed.count) next = (index + 1) * passed.interval - place.t_begin;
  }
  const auto leave = [&] {
    float* to = passed.to + (place.sequence * passed.count + index) * passed.step;
#pragma unroll
    for (int c = 0; c < Sh::CH; ++c)
#pragma unroll
      for (int n = 0; n < Sh::NS; ++n) {
        const std::int64_t state = state_of<Sh>(s, n), e = place.first + own_channel + c;
        if (state < N && e < E) to[state * E + e] = h[c][n];
      }
    next = ++index < passed.count ? next + passed.interval : 0;
  };

  meet();
  std::int64_t k = 0;
  for (std::int64_t t0 = 0; t0 < place.T; t0 += Sh::TT, ++k) {
    Tile<Sh>& tile = tiles[k % 2];
    const Projections<float, Sh>& projections = projections_of[k % 2];
    const int rows = static_cast<int>(min(place.T - t0, std::int64_t{Sh::TT}));
    if (rows == Sh::TT && !args.h_all && !(Sums && t0 < next && next < t0 + Sh::TT)) {
      advance_tile<Sh, StateOnly, Sums>(tile, projections, decay, h, delta_sum, sums, static_cast<int>(k % 2), lane);
      if (Sums && next == t0 + Sh::TT) leave();
    } else {
      for (int t = 0; t < rows; ++t) {
        float share[Sh::CH];
        const Token<Sh> now = read_token<Sh, StateOnly>(tile, projections, t, s, own_channel);
        advance<Sh, StateOnly>(now, decay, h, share);
        if (Sums) {
          float sum = squares_of<Sh>(h);
          sum += __shfl_xor_sync(~0u, sum, 16);
          sum += __shfl_xor_sync(~0u, sum, 8);
          if (lane < 8) sums->squares[k % 2][lane][t] = sum;
          if (next == t0 + t + 1) leave();
        }
#pragma unroll
        for (int c = 0; c < Sh::CH; ++c) {
          if (StateOnly)
            delta_sum[c] += now.step[2 * c];
          else
            tile.share[t][lane * Sh::CH + c] = share[c];
          if (StateOnly || slots[c] < 0) continue;
          float* out = args.h_all + ((place.sequence * args.T + place.t_begin + t0 + t) * emitted + slots[c]) * N;
#pragma unroll
          for (int n = 0; n < Sh::NS; ++n)
            if (state_of<Sh>(s, n) < N) out[state_of<Sh>(s, n)] = h[c][n];
        }
      }
    }
    meet();
  }

#pragma unroll
  for (int c = 0; c < Sh::CH; ++c) {
#pragma unroll
    for (int n = 0; n < Sh::NS; ++n) {
      const std::int64_t state = state_of<Sh>(s, n), e = place.first + own_channel + c;
      if (state >= N || e >= E) continue;
      const std::int64_t at = (place.sequence * N + state) * E + e;
      if constexpr (StateOnly) {
        chunks.end[place.chunk * args.batch * N * E + at] = h[c][n];
        if (state == 0) chunks.delta[(place.chunk * args.batch + place.sequence) * E + e] = delta_sum[c];
      } else if (place.chunk == chunks.count - 1) {
        args.h[at] = h[c][n];
      }
    }
  }
}

}  // namespace
}  // namespace statescope::kernels::cuda
