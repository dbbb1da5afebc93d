// SPDX-License-Identifier: GPL-3.0-or-later
// The fused forward scan.
//
// Time runs inside a warp; channels and states run across lanes, so the states never leave registers. A pair of warps
// owns `channels` neighbouring channels, each shared by S lanes that hold NS states of it (and of CH channels in all),
// and walks through time in tiles of TT tokens. One warp of the pair only carries the recurrence on; the other prepares
// the next tile for it meanwhile and finishes the last:
//
//   prepare   the inputs, fetched into registers a tile earlier, become Δ and Δ·x in shared memory, a few channels of
//             one token a lane, and B and C become float32 there
//   advance   every lane moves its NS · CH states on, token by token, and leaves its share of C·h in shared memory
//   finish    the shares are added up, D·x and the gate follow, and y is written
//
// Two streams of instructions hide each other's latencies, and the recurrence, which nothing can run beside, waits for
// nothing else. One barrier of 64 threads a tile; nothing is exchanged between pairs. The floor is the special-function
// unit: one exponential per token, channel and state, 16 a cycle in a multiprocessor. `Poly` of a lane's states use the
// multiply-add pipes instead. Which states do is a matter of their index alone, so splitting a sequence into calls
// changes no bit.
#pragma once

#include <algorithm>
#include <cstdint>

#include "cuda/element.cuh"
#include "cuda/selective_scan_plan.h"

namespace statescope::kernels::cuda {
namespace {

constexpr int warp = 32;

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

template <int NS_, int S_, int CH_, int TT_, int U_, int Poly_, int Pairs_>
struct Shape {
  static constexpr int NS = NS_, S = S_, CH = CH_, TT = TT_, U = U_, Poly = Poly_, Pairs = Pairs_;
  static constexpr int states = NS * S;           // N rounded up
  static constexpr int channels = CH * warp / S;  // of a warp
  static constexpr int most = channels < 4 ? channels : 4;
  static constexpr int width = TT * channels / warp < most ? TT * channels / warp : most;  // channels of one access
  static constexpr int items = TT * channels / (width * warp);  // accesses of a lane for a tile
  static_assert(TT * channels % (width * warp) == 0, "a tile is a whole number of rounds");
};

// What a pair of warps shares. Tile k is prepared in one half while tile k - 1 is read from the other.
template <class Sh>
struct Tile {
  alignas(16) float2 step[Sh::TT][Sh::channels];  // Δ, Δ·x
  alignas(16) float B[Sh::TT][Sh::states];
  alignas(16) float C[Sh::TT][Sh::states];
  // Of C·h, by lane; rows padded so that neighbouring rows do not begin in the same bank.
  alignas(16) float share[Sh::TT][Sh::CH * warp + 4];
};

// What a lane needs of one token: its states' B and C, its channels' Δ and Δ·x.
template <class Sh>
struct Token {
  float B[Sh::NS], C[Sh::NS];
  float step[2 * Sh::CH];  // Δ, Δ·x by channel
};

template <class Sh, bool StateOnly>
__device__ Token<Sh> read_token(const Tile<Sh>& tile, int t, int s, int channel) {
  Token<Sh> token;
  load(&tile.B[t][s * Sh::NS], token.B);
  if (!StateOnly) load(&tile.C[t][s * Sh::NS], token.C);
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
      const float exponent = token.step[2 * c] * decay[c][n];
      const float kept = c * Sh::NS + n < Sh::Poly ? exp2_polynomial(exponent) : exp2_unit(exponent);
      h[c][n] = fmaf(kept, h[c][n], token.step[2 * c + 1] * token.B[n]);
      if (StateOnly) continue;
      share[c] = n == 0 ? h[c][n] * token.C[n] : fmaf(h[c][n], token.C[n], share[c]);
    }
  }
}

// What a pair of warps works on.
struct Place {
  std::int64_t chunk, sequence;
  std::int64_t first;    // channel
  std::int64_t t_begin;  // first token of the chunk
  std::int64_t T;        // tokens of the chunk
};

// Both warps of a pair have come as far as this.
__device__ inline void meet(int pair) {
  asm volatile("bar.sync %0, 64;" ::"r"(pair + 1) : "memory");
}

// The warp that carries the recurrence on.
template <class Sh, bool StateOnly>
__device__ void carry_on(const ScanArgs& args, const Chunks& chunks, const Place& place, int pair, int lane,
                         Tile<Sh>* tiles) {
  const std::int64_t E = args.E, N = args.N;
  const int s = lane % Sh::S;                      // states s · NS ...
  const int own_channel = lane / Sh::S * Sh::CH;   // ... of this channel of the pair, and the CH - 1 after it
  float decay[Sh::CH][Sh::NS], h[Sh::CH][Sh::NS];  // decay is A · log2(e): e^(Δ·A) = 2^(Δ·decay)
  float delta_sum[Sh::CH] = {};
  std::int64_t slots[Sh::CH];
#pragma unroll
  for (int c = 0; c < Sh::CH; ++c) {
    const std::int64_t e = place.first + own_channel + c;
    slots[c] = args.h_all && e < E ? slot_of(args, e) : -1;
#pragma unroll
    for (int n = 0; n < Sh::NS; ++n) {
      const std::int64_t state = s * Sh::NS + n;
      const bool there = state < N && e < E;
      decay[c][n] = there ? args.A[state * E + e] * log2_e : 0.0f;
      const std::int64_t at = (place.sequence * N + state) * E + e;
      if constexpr (StateOnly) {
        h[c][n] = there && place.chunk == 0 ? args.h[at] : 0.0f;
        if (there && place.chunk == 0) chunks.start[at] = h[c][n];
      } else {
        h[c][n] = !there ? 0.0f : chunks.count > 1 ? chunks.start[at] : args.h[at];
        for (std::int64_t k = 0; k < place.chunk && there; ++k)
          h[c][n] =
              fmaf(k == 0 ? 0.0f : exp2_unit(chunks.delta[(k * args.batch + place.sequence) * E + e] * decay[c][n]),
                   h[c][n], chunks.end[k * args.batch * N * E + at]);
      }
    }
  }
  const std::int64_t emitted = args.channel_list ? args.channels : E;

  meet(pair);
  std::int64_t k = 0;
  for (std::int64_t t0 = 0; t0 < place.T; t0 += Sh::TT, ++k) {
    Tile<Sh>& tile = tiles[k % 2];
    const int rows = static_cast<int>(min(place.T - t0, std::int64_t{Sh::TT}));
    if (rows == Sh::TT && !args.h_all) {
      // U tokens at a time. What the next U need is read from shared memory before the results of these are written
      // there, so that no token waits for a read.
      Token<Sh> tokens[2][Sh::U];
#pragma unroll
      for (int u = 0; u < Sh::U; ++u) tokens[0][u] = read_token<Sh, StateOnly>(tile, u, s, own_channel);
#pragma unroll
      for (int t = 0; t < Sh::TT; t += Sh::U) {
        Token<Sh>(&now)[Sh::U] = tokens[t / Sh::U % 2];
        if (t + Sh::U < Sh::TT) {
#pragma unroll
          for (int u = 0; u < Sh::U; ++u)
            tokens[(t / Sh::U + 1) % 2][u] = read_token<Sh, StateOnly>(tile, t + Sh::U + u, s, own_channel);
        }
        float share[Sh::U][Sh::CH];
#pragma unroll
        for (int u = 0; u < Sh::U; ++u) {
          advance<Sh, StateOnly>(now[u], decay, h, share[u]);
#pragma unroll
          for (int c = 0; c < Sh::CH; ++c) {
            if (StateOnly)
              delta_sum[c] += now[u].step[2 * c];
            else
              tile.share[t + u][c * warp + lane] = share[u][c];
          }
        }
      }
    } else {
      for (int t = 0; t < rows; ++t) {
        float share[Sh::CH];
        const Token<Sh> now = read_token<Sh, StateOnly>(tile, t, s, own_channel);
        advance<Sh, StateOnly>(now, decay, h, share);
#pragma unroll
        for (int c = 0; c < Sh::CH; ++c) {
          if (StateOnly)
            delta_sum[c] += now.step[2 * c];
          else
            tile.share[t][c * warp + lane] = share[c];
          if (StateOnly || slots[c] < 0) continue;
          float* out =
              args.h_all + ((place.sequence * args.T + place.t_begin + t0 + t) * emitted + slots[c]) * N + s * Sh::NS;
#pragma unroll
          for (int n = 0; n < Sh::NS; ++n)
            if (s * Sh::NS + n < N) out[n] = h[c][n];
        }
      }
    }
    meet(pair);
  }

#pragma unroll
  for (int c = 0; c < Sh::CH; ++c) {
#pragma unroll
    for (int n = 0; n < Sh::NS; ++n) {
      const std::int64_t state = s * Sh::NS + n, e = place.first + own_channel + c;
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

// The warp that prepares tiles and finishes them. `Aligned` inputs are read a few channels at a time; `Full` scans have
// a softplus and a gate, and so no conditions on them.
template <class T, class Sh, bool Aligned, bool Full, bool StateOnly>
class Helper {
 public:
  __device__ Helper(const ScanArgs& args, const Place& place, int lane)
      : args_(args),
        place_(place),
        lane_(lane),
        column_(lane % loads_of_row * Sh::width),
        first_row_(lane / loads_of_row),
        channel_(place.first + column_) {
    const std::int64_t group = place.first / (args.E / args.groups) * args.N;
    B_ = start(args.B, group);
    C_ = start(args.C, group);
#pragma unroll
    for (int i = 0; i < Sh::items; ++i) {
      x_at_[i] = start(args.x, channel_) + row(i) * args.x.row;
      delta_at_[i] = start(args.delta, channel_) + row(i) * args.delta.row;
      z_at_[i] = start(args.z, channel_) + row(i) * args.z.row;
      y_at_[i] = static_cast<T*>(args.y.data) + place.sequence * args.y.batch + (place.t_begin + row(i)) * args.y.row +
                 channel_;
    }
#pragma unroll
    for (int i = 0; i < fetches; ++i) {
      B_at_[i] = B_ + vector_row(i) * args.B.row + vector_of(i) * vector % Sh::states;
      C_at_[i] = C_ + vector_row(i) * args.C.row + vector_of(i) * vector % Sh::states;
    }
#pragma unroll
    for (int p = 0; p < Sh::width; ++p) {
      const bool there = channel_ + p < args.E;
      bias_[p] = there && args.delta_bias ? args.delta_bias[channel_ + p] : 0.0f;
      skip_[p] = there && args.D ? args.D[channel_ + p] : 0.0f;
    }
  }

  __device__ void run(int pair, Tile<Sh>* tiles) {
    fetch(0);
    prepare(0, tiles[0]);
    fetch(Sh::TT);
    meet(pair);
    std::int64_t k = 0;
    for (std::int64_t t0 = 0; t0 < place_.T; t0 += Sh::TT, ++k) {
      if (t0 > 0) finish(t0 - Sh::TT, tiles[(k + 1) % 2]);
      under_way_ = prepared_;
      prepare(t0 + Sh::TT, tiles[(k + 1) % 2]);
      fetch(t0 + 2 * Sh::TT);
      meet(pair);
    }
    if (k > 0) finish((k - 1) * Sh::TT, tiles[(k - 1) % 2]);
  }

 private:
  using Load = Raw<sizeof(T) * Sh::width>;
  static constexpr int loads_of_row = Sh::channels / Sh::width;
  static constexpr int rows_apart = warp / loads_of_row;        // of the rows that a lane takes in a tile
  static constexpr int vector = 16 / sizeof(T);                 // elements of B or C in one access
  static constexpr int vectors = Sh::TT * Sh::states / vector;  // of a tile
  static constexpr int fetches = (vectors + warp - 1) / warp;
  static_assert(loads_of_row <= warp && warp % loads_of_row == 0, "a row of the tile is not wider than a warp");

  template <class Of>
  __device__ const T* start(const Of& of, std::int64_t offset) const {
    return static_cast<const T*>(of.data) + place_.sequence * of.batch + place_.t_begin * of.row + offset;
  }
  __device__ int row(int i) const {
    return first_row_ + i * rows_apart;
  }
  __device__ int vector_of(int i) const {
    return min(i * warp + lane_, vectors - 1);
  }
  __device__ int vector_row(int i) const {
    return vector_of(i) * vector / Sh::states;
  }

  __device__ Load read(const T* from) const {
    if constexpr (Aligned) {
      return *reinterpret_cast<const Load*>(from);
    } else {
      Unpacked<T, Sh::width> values;
#pragma unroll
      for (int p = 0; p < Sh::width; ++p) values.values[p] = channel_ + p < args_.E ? from[p] : from_float<T>(0.0f);
      return pack<Load>(values);
    }
  }

  // Fetches the tile that begins at token t0 into registers. Past the end the last token is read again, and ignored.
  // Nothing here depends on a condition: where paths meet, the compiler moves what was loaded, and so waits for it.
  __device__ void fetch(std::int64_t t0) {
    const int last = static_cast<int>(max(min(place_.T - t0, std::int64_t{Sh::TT}) - 1, std::int64_t{-2 * Sh::TT}));
    const auto next = [&](const T*& at, std::int64_t row_stride, int tile_row) {
      const T* here = at - max(tile_row - last, 0) * row_stride;
      at += Sh::TT * row_stride;
      return here;
    };
#pragma unroll
    for (int i = 0; i < Sh::items; ++i) {
      fetched_.x[i] = read(next(x_at_[i], args_.x.row, row(i)));
      delta_[i] = read(next(delta_at_[i], args_.delta.row, row(i)));
      if (!StateOnly && (Full || args_.z.data)) fetched_.z[i] = read(next(z_at_[i], args_.z.row, row(i)));
    }
    if constexpr (Aligned) {
#pragma unroll
      for (int i = 0; i < fetches; ++i) {
        fetched_B_[i] = *reinterpret_cast<const uint4*>(next(B_at_[i], args_.B.row, vector_row(i)));
        if (!StateOnly) fetched_C_[i] = *reinterpret_cast<const uint4*>(next(C_at_[i], args_.C.row, vector_row(i)));
      }
    }
  }

  // What was fetched becomes the tile that begins at token t0. Past the end Δ is 0.
  __device__ void prepare(std::int64_t t0, Tile<Sh>& tile) {
    const bool whole = t0 + Sh::TT <= place_.T;
    const int rows = static_cast<int>(min(place_.T - t0, std::int64_t{Sh::TT}));
    prepared_ = fetched_;
#pragma unroll
    for (int i = 0; i < Sh::items; ++i) {
      const auto deltas = unpack<T, Sh::width>(delta_[i]);
      const auto xs = unpack<T, Sh::width>(fetched_.x[i]);
      float step[2 * Sh::width];
#pragma unroll
      for (int p = 0; p < Sh::width; ++p) {
        float delta = to_float(deltas.values[p]) + bias_[p];
        if (Full || args_.softplus) delta = softplus(delta);
        if ((!whole && row(i) >= rows) || (!Aligned && channel_ + p >= args_.E)) delta = 0.0f;
        step[2 * p] = delta;
        step[2 * p + 1] = delta * to_float(xs.values[p]);
      }
      store(&tile.step[row(i)][column_].x, step);
    }
    if constexpr (Aligned) {
#pragma unroll
      for (int i = 0; i < fetches; ++i) {
        if (vectors % warp != 0 && i * warp + lane_ >= vectors) continue;
        widen(fetched_B_[i], &tile.B[0][0] + vector_of(i) * vector);
        if (!StateOnly) widen(fetched_C_[i], &tile.C[0][0] + vector_of(i) * vector);
      }
    } else {
      for (int i = lane_; i < Sh::TT * Sh::states; i += warp) {
        const int t = i / Sh::states, n = i % Sh::states;
        const bool there = t < rows && n < args_.N;
        tile.B[t][n] = there ? to_float(B_[(t0 + t) * args_.B.row + n]) : 0.0f;
        if (!StateOnly) tile.C[t][n] = there ? to_float(C_[(t0 + t) * args_.C.row + n]) : 0.0f;
      }
    }
  }
  __device__ static void widen(const uint4& raw, float* to) {
    const auto elements = unpack<T, vector>(raw);
    float values[vector];
#pragma unroll
    for (int k = 0; k < vector; ++k) values[k] = to_float(elements.values[k]);
    store(to, values);
  }

  __device__ void finish(std::int64_t t0, const Tile<Sh>& tile) {
    if constexpr (StateOnly) return;
    const bool whole = t0 + Sh::TT <= place_.T;
    const int rows = static_cast<int>(min(place_.T - t0, std::int64_t{Sh::TT}));
#pragma unroll
    for (int i = 0; i < Sh::items; ++i) {
      const auto xs = unpack<T, Sh::width>(under_way_.x[i]);
      const auto zs = unpack<T, Sh::width>(under_way_.z[i]);
      Unpacked<T, Sh::width> out;
#pragma unroll
      for (int p = 0; p < Sh::width; ++p) {
        float shares[Sh::S];
        load(&tile.share[row(i)][(column_ + p) % Sh::CH * warp + (column_ + p) / Sh::CH * Sh::S], shares);
        float y = shares[0];
#pragma unroll
        for (int k = 1; k < Sh::S; ++k) y += shares[k];
        y = fmaf(skip_[p], to_float(xs.values[p]), y);
        if (Full || args_.z.data) y *= silu(to_float(zs.values[p]));
        out.values[p] = from_float<T>(y);
      }
      T* const y = y_at_[i];
      y_at_[i] += Sh::TT * args_.y.row;
      if (!whole && row(i) >= rows) continue;
      if constexpr (Aligned) {
        *reinterpret_cast<Load*>(y) = pack<Load>(out);
      } else {
#pragma unroll
        for (int p = 0; p < Sh::width; ++p)
          if (channel_ + p < args_.E) y[p] = out.values[p];
      }
    }
  }

  struct Inputs {
    Load x[Sh::items], z[Sh::items];
  };
  const ScanArgs& args_;
  const Place& place_;
  const int lane_, column_, first_row_;
  const std::int64_t channel_;
  const T *B_, *C_;
  // Where this lane reads and writes next.
  const T *x_at_[Sh::items], *delta_at_[Sh::items], *z_at_[Sh::items];
  T* y_at_[Sh::items];
  const T *B_at_[fetches], *C_at_[fetches];
  float bias_[Sh::width], skip_[Sh::width];
  Inputs fetched_, prepared_, under_way_;  // of three tiles
  Load delta_[Sh::items];
  uint4 fetched_B_[Aligned ? fetches : 1], fetched_C_[Aligned ? fetches : 1];
};

template <class T, class Sh, bool Aligned, bool Full, bool StateOnly>
__global__ void __launch_bounds__(2 * warp * Sh::Pairs, 8 / Sh::Pairs)
    scan_forward(const ScanArgs args, const Chunks chunks) {
  extern __shared__ float4 shared_memory[];
  // A shuffle that changes nothing keeps the compiler from reading the thread's index again in every tile.
  const int thread = __shfl_sync(~0u, static_cast<int>(threadIdx.x), static_cast<int>(threadIdx.x) % warp);
  const int lane = thread % warp, pair = thread / warp % Sh::Pairs;
  Tile<Sh>* const tiles = reinterpret_cast<Tile<Sh>*>(shared_memory) + 2 * pair;
  const std::int64_t pairs_of_sequence = (args.E + Sh::channels - 1) / Sh::channels;
  const std::int64_t index = std::int64_t{blockIdx.x} * Sh::Pairs + pair;
  Place place;
  place.chunk = index / pairs_of_sequence / args.batch;
  place.sequence = index / pairs_of_sequence % args.batch;
  place.first = index % pairs_of_sequence * Sh::channels;
  place.t_begin = place.chunk * chunks.length;
  place.T = min(args.T - place.t_begin, chunks.length);
  if (place.T <= 0 || place.chunk >= chunks.count - (StateOnly ? 1 : 0)) return;
  if (thread / warp < Sh::Pairs)
    carry_on<Sh, StateOnly>(args, chunks, place, pair, lane, tiles);
  else
    Helper<T, Sh, Aligned, Full, StateOnly>(args, place, lane).run(pair, tiles);
}

// Any N, any groups: one thread per channel, its states in memory. Right, not fast.
template <class T>
__global__ void scan_forward_any(const ScanArgs args) {
  const std::int64_t index = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const std::int64_t sequence = index / args.E, e = index % args.E;
  if (sequence >= args.batch) return;
  const auto at = [&](const Input& input, std::int64_t t) {
    return static_cast<const T*>(input.data) + sequence * input.batch + t * input.row;
  };
  const std::int64_t group = e / (args.E / args.groups) * args.N;
  const std::int64_t emitted = args.channel_list ? args.channels : args.E;
  const std::int64_t slot = args.h_all ? slot_of(args, e) : -1;
  for (std::int64_t t = 0; t < args.T; ++t) {
    float delta = to_float(at(args.delta, t)[e]) + (args.delta_bias ? args.delta_bias[e] : 0.0f);
    if (args.softplus) delta = softplus(delta);
    const float x = to_float(at(args.x, t)[e]);
    const T *B = at(args.B, t) + group, *C = at(args.C, t) + group;
    float y = 0.0f;
    for (std::int64_t n = 0; n < args.N; ++n) {
      float& h = args.h[(sequence * args.N + n) * args.E + e];
      h = fmaf(exp2_unit(delta * (args.A[n * args.E + e] * log2_e)), h, delta * x * to_float(B[n]));
      y = fmaf(h, to_float(C[n]), y);
      if (slot >= 0) args.h_all[((sequence * args.T + t) * emitted + slot) * args.N + n] = h;
    }
    if (args.D) y = fmaf(args.D[e], x, y);
    if (args.z.data) y *= silu(to_float(at(args.z, t)[e]));
    (static_cast<T*>(args.y.data) + sequence * args.y.batch + t * args.y.row)[e] = from_float<T>(y);
  }
}

bool aligned_to(const void* data, std::int64_t row, std::int64_t batch, std::int64_t size, std::int64_t elements) {
  return reinterpret_cast<std::uintptr_t>(data) % static_cast<std::uintptr_t>(size * elements) == 0 &&
         row % elements == 0 && batch % elements == 0;
}

template <class T, class Sh>
bool is_aligned(const ScanArgs& args) {
  constexpr std::int64_t size = sizeof(T), vector = 16 / size;
  const auto pairs = [](const auto& sequence) {
    return aligned_to(sequence.data, sequence.row, sequence.batch, size, Sh::width);
  };
  const auto vectors = [](const Input& input) { return aligned_to(input.data, input.row, input.batch, size, vector); };
  return args.E % Sh::channels == 0 && args.N == Sh::states && Sh::states % vector == 0 && pairs(args.x) &&
         pairs(args.delta) && pairs(args.z) && pairs(args.y) && vectors(args.B) && vectors(args.C);
}

std::int64_t blocks_of(std::int64_t count, std::int64_t size) {
  return (count + size - 1) / size;
}

// Few channels leave most of the device idle: then their states spread over more lanes.
using Narrow = Shape<2, 8, 1, 32, 8, 0, 1>;
using Wide = Shape<8, 2, 1, 16, 4, 0, 4>;
using States8 = Shape<2, 4, 2, 16, 4, 0, 4>;
using States64 = Shape<8, 8, 2, 16, 1, 2, 2>;
using States128 = Shape<8, 16, 1, 16, 1, 0, 1>;

template <class T, class Sh, bool StateOnly>
void launch_pass(const ScanArgs& args, const Chunks& chunks, cudaStream_t stream) {
  const bool full = args.softplus && args.z;
  const auto kernel = !is_aligned<T, Sh>(args) ? scan_forward<T, Sh, false, false, StateOnly>
                      : full                   ? scan_forward<T, Sh, true, true, StateOnly>
                                               : scan_forward<T, Sh, true, false, StateOnly>;
  const std::int64_t pairs = blocks_of(args.E, Sh::channels) * args.batch * (chunks.count - (StateOnly ? 1 : 0));
  constexpr int bytes = 2 * Sh::Pairs * static_cast<int>(sizeof(Tile<Sh>));
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes), "preparing the scan");
  kernel<<<static_cast<unsigned>(blocks_of(pairs, Sh::Pairs)), 2 * warp * Sh::Pairs, bytes, stream>>>(args, chunks);
  check_launch("the selective scan");
}

}  // namespace

template <class T>
void run_scan(const ScanArgs& args, Plan plan, const Chunks& chunks, cudaStream_t stream) {
  switch (plan) {
    case Plan::any:
      scan_forward_any<T><<<static_cast<unsigned>(blocks_of(args.batch * args.E, warp)), warp, 0, stream>>>(args);
      return check_launch("the selective scan");
    case Plan::narrow:
      return launch_pass<T, Narrow, false>(args, chunks, stream);
    case Plan::wide:
      if (chunks.count > 1) launch_pass<T, Wide, true>(args, chunks, stream);
      return launch_pass<T, Wide, false>(args, chunks, stream);
    case Plan::states_8:
      return launch_pass<T, States8, false>(args, chunks, stream);
    case Plan::states_64:
      if (chunks.count > 1) launch_pass<T, States64, true>(args, chunks, stream);
      return launch_pass<T, States64, false>(args, chunks, stream);
    case Plan::states_128:
      return launch_pass<T, States128, false>(args, chunks, stream);
  }
}

}  // namespace statescope::kernels::cuda
