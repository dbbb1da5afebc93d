// SPDX-License-Identifier: GPL-3.0-or-later
// The helping warp of the fused forward scan (selective_scan.cuh).
#pragma once

#include "cuda/scan_tile.cuh"

namespace statescope::kernels::cuda {
namespace {

// The warp that prepares tiles and finishes them. Every lane reads only what it copied itself. `Aligned` inputs are
// copied a few channels at a time without passing through registers; `Full` scans have a softplus and a gate, and so no
// conditions on them.
template <class T, class Sh, bool Aligned, bool Full, bool StateOnly, bool Sums>
class Helper {
 public:
  __device__ Helper(const ScanArgs& args, const Place& place, int pair, int lane, Shared<T, Sh>& shared,
                    SumsOf<Sh>* sums)
      : args_(args),
        place_(place),
        lane_(lane),
        pair_(pair),
        pairs_(pairs_here<Sh>()),
        column_(lane % loads_of_row * Sh::width),
        first_row_(lane / loads_of_row),
        channel_(place.first + column_),
        shared_(shared),
        tiles_(shared.pairs[pair].tiles),
        raw_(shared.pairs[pair].raw),
        sums_(sums) {
    const std::int64_t group = place.first / (args.E / args.groups) * args.N;
    x_ = start(args.x, channel_);
    delta_ = start(args.delta, channel_);
    z_ = start(args.z, channel_);
    B_ = start(args.B, group);
    C_ = start(args.C, group);
    if (Sums) sums_out_ = sums_of(args, place.sequence, place.t_begin, place.first / Sh::channels, sum_slots());
    y_ = static_cast<T*>(args.y.data) + place.sequence * args.y.batch + place.t_begin * args.y.row + channel_;
#pragma unroll
    for (int p = 0; p < Sh::width; ++p) {
      const bool there = channel_ + p < args.E;
      bias_[p] = there && args.delta_bias ? args.delta_bias[channel_ + p] : 0.0f;
      skip_[p] = there && args.D ? args.D[channel_ + p] : 0.0f;
    }
  }

  __device__ void run() {
    const int count = static_cast<int>((place_.T + Sh::TT - 1) / Sh::TT);
    for (int k = 0; k + 1 < ring; ++k) fetch(k);
    wait_for_copies<ring - 2>();
    prepare(0);
    meet();
    for (int k = 0; k < count; ++k) {
      wait_for_copies<ring - 3>();
      prepare(k + 1);
      if (k > 0) finish<false>(k - 1);
      fetch(k + ring - 1);
      meet();
    }
    finish<true>(count - 1);
  }

 private:
  using Access = Raw<sizeof(T) * Sh::width>;
  static constexpr int loads_of_row = Sh::channels / Sh::width;
  static constexpr int rows_apart = warp / loads_of_row;        // of the rows that a lane takes in a tile
  static constexpr int vector = 4;                              // elements of B or C in one access
  static constexpr int vectors = Sh::TT * Sh::states / vector;  // of B in a tile, and as many of C
  static_assert(loads_of_row <= warp && warp % loads_of_row == 0, "a row of the tile is not wider than a warp");

  __device__ std::int64_t sum_slots() const {
    return (args_.E + Sh::channels - 1) / Sh::channels;
  }
  template <class Of>
  __device__ const T* start(const Of& of, std::int64_t offset) const {
    return static_cast<const T*>(of.data) + place_.sequence * of.batch + place_.t_begin * of.row + offset;
  }
  __device__ int row(int i) const {
    return first_row_ + i * rows_apart;
  }

  // Copies Count elements of row t; `there` of them exist where inputs are not aligned.
  template <int Count>
  __device__ void copy(T* to, const T* base, int t, std::int64_t row_stride, std::int64_t there) const {
    if constexpr (Aligned) {
      copy_async<sizeof(T) * Count>(to, row_of(base, t, row_stride));
    } else {
      for (int p = 0; p < Count; ++p) to[p] = p < there ? base[t * row_stride + p] : from_float<T>(0.0f);
    }
  }

  // Begins to copy tile k. Past the end the last token is copied again, which is nobody's.
  __device__ void fetch(int k) {
    RawTile<T, Sh>& raw = raw_[k % ring];
    T *const x = &raw.x[first_row_][column_], *const delta = &raw.delta[first_row_][column_],
             *const z = &raw.z[first_row_][column_];
    const int last = static_cast<int>(place_.T) - 1, t0 = k * Sh::TT;
    const std::int64_t there = args_.E - channel_;
#pragma unroll
    for (int i = 0; i < Sh::items; ++i) {
      const int t = min(t0 + row(i), last);
      constexpr int apart = rows_apart * Sh::channels;
      copy<Sh::width>(x + i * apart, x_, t, args_.x.row, there);
      copy<Sh::width>(delta + i * apart, delta_, t, args_.delta.row, there);
      if (!StateOnly && (Full || args_.z.data)) copy<Sh::width>(z + i * apart, z_, t, args_.z.row, there);
    }
    each_vector([&](int v, bool of_C) {
      constexpr int of_row = Sh::states / vector;
      const int n = v % of_row * vector, r = v / of_row, t = min(t0 + r, last);
      Projections<T, Sh>& projections = shared_.raw_projections[k % ring];
      copy<vector>(&(of_C ? projections.C : projections.B)[r][n], (of_C ? C_ : B_) + n, t,
                   of_C ? args_.C.row : args_.B.row, args_.N - n);
    });
    end_copies();
  }

  // Calls function(v, of_C) for the lane's share of the vectors of B and C, which the block's helping warps divide.
  template <class Function>
  __device__ void each_vector(const Function& function) const {
    constexpr int count = StateOnly ? vectors : 2 * vectors;
    constexpr int parts = count / warp < Sh::Pairs ? count / warp : Sh::Pairs, rounds = count / (parts * warp);
    static_assert(rounds * parts * warp == count, "B and C of a tile are a whole number of rounds");
    const auto each_of = [&](int part) {
#pragma unroll
      for (int i = 0; i < rounds; ++i) {
        const int v = (i * parts + part) * warp + lane_;
        const bool of_C = v >= vectors;
        function(of_C ? v - vectors : v, of_C);
      }
    };
    if (parts == Sh::Pairs && parts == pairs_) return each_of(pair_);  // without the loop
    for (int part = pair_; part < parts; part += pairs_) each_of(part);
  }

  // What was copied becomes what the other warp reads.
  __device__ void prepare(int k) const {
    const RawTile<T, Sh>& raw = raw_[k % ring];
    Tile<Sh>& tile = tiles_[k % 2];
#pragma unroll
    for (int i = 0; i < Sh::items; ++i) {
      float delta[Sh::width], x[Sh::width], step[2 * Sh::width];
      load_floats(&raw.delta[row(i)][column_], delta);
      load_floats(&raw.x[row(i)][column_], x);
#pragma unroll
      for (int p = 0; p < Sh::width; ++p) {
        delta[p] += bias_[p];
        if (Full || args_.softplus) delta[p] = softplus(delta[p]);
        step[2 * p] = delta[p];
        step[2 * p + 1] = delta[p] * x[p];
      }
      store(&tile.step[row(i)][column_].x, step);
      if (Sums) add_up_steps(sums_->steps[k % ring][row(i)], delta);
    }
    each_vector([&](int v, bool of_C) {
      const Projections<T, Sh>& from = shared_.raw_projections[k % ring];
      Projections<float, Sh>& to = shared_.projections[k % 2];
      float values[vector];
      load_floats(&(of_C ? from.C : from.B)[0][0] + v * vector, values);
      store(&(of_C ? to.C : to.B)[0][0] + v * vector, values);
    });
  }

  // Σ Δ of a token over the pair's channels, which neighbouring lanes have.
  __device__ void add_up_steps(float& of_token, const float (&delta)[Sh::width]) const {
    float sum = 0.0f;
#pragma unroll
    for (int p = 0; p < Sh::width; ++p)
      if (channel_ + p < args_.E) sum += delta[p];
#pragma unroll
    for (int offset = loads_of_row / 2; offset > 0; offset /= 2) sum += __shfl_xor_sync(~0u, sum, offset);
    if (column_ == 0) of_token = sum;
  }
  // A lane for each sum, so that those that lie together are written at once.
  __device__ void write_sums(int k) const {
    static_assert(Sh::TT % summed_tokens == 0 && 2 * Sh::TT <= warp);
    const int i = lane_ % Sh::TT, which = lane_ / Sh::TT, t = k * Sh::TT + i;
    if (which > 1 || t >= place_.T) return;
    float sum = sums_->steps[k % ring][i];
    if (which == 1) {
      const auto& of_lanes = sums_->squares[k % 2];
      sum = ((of_lanes[0][i] + of_lanes[4][i]) + (of_lanes[2][i] + of_lanes[6][i])) +
            ((of_lanes[1][i] + of_lanes[5][i]) + (of_lanes[3][i] + of_lanes[7][i]));
    }
    sums_out_[(t / summed_tokens * sum_slots() * 2 + which) * summed_tokens + i % summed_tokens] = sum;
  }

  // `Partial` tiles may reach past the end.
  template <bool Partial>
  __device__ void finish(int k) const {
    if constexpr (!StateOnly) {
      const Tile<Sh>& tile = tiles_[k % 2];
      if (Sums) write_sums(k);
      const RawTile<T, Sh>& raw = raw_[k % ring];
#pragma unroll
      for (int i = 0; i < Sh::items; ++i) {
        const int t = k * Sh::TT + row(i);
        float x[Sh::width], z[Sh::width];
        Unpacked<T, Sh::width> out;
        load_floats(&raw.x[row(i)][column_], x);
        load_floats(&raw.z[row(i)][column_], z);
        float shares[Sh::width * Sh::S];
        read_shares(tile.share[row(i)], shares);
#pragma unroll
        for (int p = 0; p < Sh::width; ++p) {
          float y = shares[p];
#pragma unroll
          for (int j = 1; j < Sh::S; ++j) y += shares[j * Sh::width + p];
          y = fmaf(skip_[p], x[p], y);
          if (Full || args_.z.data) y *= silu(z[p]);
          out.values[p] = from_float<T>(y);
        }
        if (Partial && t >= place_.T) continue;
        if constexpr (Aligned) {
          *reinterpret_cast<Access*>(row_of(y_, t, args_.y.row)) = pack<Access>(out);
        } else {
#pragma unroll
          for (int p = 0; p < Sh::width; ++p)
            if (channel_ + p < args_.E) y_[t * args_.y.row + p] = out.values[p];
        }
      }
    }
  }

  // The S shares of each of the lane's channels, by share and channel.
  __device__ void read_shares(const float* row, float (&shares)[Sh::width * Sh::S]) const {
    static_assert(Sh::width % Sh::CH == 0);
    float by_lane[Sh::width * Sh::S];
    load(row + column_ * Sh::S, by_lane);
#pragma unroll
    for (int p = 0; p < Sh::width; ++p)
#pragma unroll
      for (int j = 0; j < Sh::S; ++j)
        shares[j * Sh::width + p] = by_lane[(p / Sh::CH * Sh::S + j) * Sh::CH + p % Sh::CH];
  }

  const ScanArgs& args_;
  const Place& place_;
  const int lane_, pair_, pairs_, column_, first_row_;
  const std::int64_t channel_;
  Shared<T, Sh>& shared_;
  Tile<Sh>* const tiles_;
  RawTile<T, Sh>* const raw_;
  SumsOf<Sh>* const sums_;
  float* sums_out_ = nullptr;           // of the chunk's first token
  const T *x_, *delta_, *z_, *B_, *C_;  // of the chunk's first token
  T* y_;
  float bias_[Sh::width], skip_[Sh::width];
};

}  // namespace
}  // namespace statescope::kernels::cuda
