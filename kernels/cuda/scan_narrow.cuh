// SPDX-License-Identifier: GPL-3.0-or-later
// The fused forward scan of few channels and up to 16 states, where one token after the other is all that takes time.
//
// As in selective_scan.cuh the states never leave registers and one warp only carries the recurrence on: four channels,
// each on eight lanes with two states. A second warp prepares the next tile for it and a third one finishes the last, a
// token each lane. Three such quads of channels are a block, so that 1,536 channels keep every multiprocessor busy and
// its shared memory not too busy. What the first warp reads lies by time, so that one read brings four tokens.
#pragma once

#include "cuda/scan_narrow_carry.cuh"
#include "cuda/scan_narrow_tile.cuh"

namespace statescope::kernels::cuda::narrow {
namespace {

// Pointers to a sequence's first token. Aligned rows are read four elements at a time; a quad that does not exist reads
// the last one's.
template <class T, bool Aligned, class Of>
__device__ auto start(const Of& of, const Place& place, std::int64_t first, std::int64_t count) {
  using Element = std::conditional_t<std::is_same<Of, Output>::value, T, const T>;
  return static_cast<Element*>(of.data) + place.sequence * of.batch + (Aligned ? min(first, count - channels) : first);
}

// The warp that prepares tiles. `Aligned` inputs are copied four elements at a time without passing through registers;
// `Full` scans have a softplus and a gate, and so no conditions on them.
template <class T, bool Aligned, bool Full, bool Sums>
class Preparer {
 public:
  __device__ Preparer(const ScanArgs& args, const Place& place, Shared<T>& shared, QuadSums* sums)
      : args_(args),
        place_(place),
        shared_(shared),
        sums_(sums),
        index_(place.quad * warp + place.lane),
        row_(index_ / quads_of_block),
        column_(index_ % quads_of_block * channels),
        first_(place.block * of_block + column_),
        x_(start<T, Aligned>(args.x, place, first_, args.E)),
        delta_(start<T, Aligned>(args.delta, place, first_, args.E)),
        z_(start<T, Aligned>(args.z, place, first_, args.E)) {
    const std::int64_t group = place.block * of_block / (args.E / args.groups) * args.N;
    B_ = start<T, false>(args.B, place, group, 0);
    C_ = start<T, false>(args.C, place, group, 0);
#pragma unroll
    for (int c = 0; c < channels; ++c)
      bias_[c] = args.delta_bias && place.first + c < args.E ? args.delta_bias[place.first + c] : 0.0f;
  }

  __device__ void run() const {
    for (int k = 0; k < ahead; ++k) fetch(k);
    wait_for_copies<ahead - 2>();
    meet();
    prepare(0);
    meet();
    const int count = static_cast<int>((args_.T + tokens - 1) / tokens);
    for (int k = 0; k < count; ++k) {
      prepare(k + 1);
      fetch(k + ahead);
      wait_for_copies<ahead - 2>();  // all but the last two, so that tile k + 2 is there
      meet();
    }
    if (Sums) meet();
  }

 private:
  static constexpr int lanes = quads_of_block * warp;                        // that copy
  static constexpr int of_row = states / at_once, pieces = tokens * of_row;  // of B
  static_assert(tokens * quads_of_block == lanes, "a piece of x for each lane");

  // Four elements, of which `there` exist where inputs are not aligned.
  __device__ void copy(T* to, const T* base, int t, std::int64_t row_stride, std::int64_t there) const {
    if constexpr (Aligned) {
      copy_async<sizeof(T) * at_once>(to, row_of(base, t, row_stride));
    } else {
      for (int p = 0; p < at_once; ++p) to[p] = p < there ? base[t * row_stride + p] : from_float<T>(0.0f);
    }
  }

  // Begins to copy tile k, which the block's preparing warps share. Past the end the last token is copied again, which
  // is nobody's.
  __device__ void fetch(int k) const {
    const int last = static_cast<int>(args_.T) - 1, t0 = k * tokens, t = min(t0 + row_, last);
    const std::int64_t there = args_.E - first_;
    copy(&shared_.x[k % kept][row_][column_], x_, t, args_.x.row, there);
    copy(&shared_.delta[k % ahead][row_][column_], delta_, t, args_.delta.row, there);
    if (Full || args_.z.data) copy(&shared_.z[k % kept][row_][column_], z_, t, args_.z.row, there);
#pragma unroll
    for (int i = 0; i < (2 * pieces + lanes - 1) / lanes; ++i) {
      const int piece = i * lanes + index_, r = piece % pieces / of_row, n = piece % of_row * at_once;
      const bool of_C = piece >= pieces;
      if (piece < 2 * pieces)
        copy(&(of_C ? shared_.raw_C : shared_.raw_B)[k % ahead][r][n], (of_C ? C_ : B_) + n, min(t0 + r, last),
             of_C ? args_.C.row : args_.B.row, args_.N - n);
    }
    end_copies();
  }

  // What was copied becomes what the first warp reads: a token each lane.
  __device__ void prepare(int k) const {
    const int t = place_.lane, half = k % 2, column = place_.quad * channels;
    Quad& quad = shared_.quads[place_.quad];
    float delta[channels], x[channels], sum = 0.0f;
    load_floats(&shared_.delta[k % ahead][t][column], delta);
    load_floats(&shared_.x[k % kept][t][column], x);
#pragma unroll
    for (int c = 0; c < channels; ++c) {
      delta[c] += bias_[c];
      if (Full || args_.softplus) delta[c] = softplus(delta[c]);
      quad.delta[half][c][t] = delta[c];
      quad.step[half][c][t] = delta[c] * x[c];
      if (Sums && place_.first + c < args_.E) sum += delta[c];
    }
    if (Sums) sums_->deltas[k % 4][t] = sum;
    for (int i = place_.quad; i < 2 * of_row; i += quads_of_block) {
      const int n = i % of_row * at_once;
      float values[at_once];
      load_floats(&(i < of_row ? shared_.raw_B : shared_.raw_C)[k % ahead][t][n], values);
#pragma unroll
      for (int p = 0; p < at_once; ++p) (i < of_row ? shared_.B : shared_.C)[half][n + p][t] = values[p];
    }
  }

  const ScanArgs& args_;
  const Place& place_;
  Shared<T>& shared_;
  QuadSums* const sums_;
  const int index_;           // among the lanes that copy
  const int row_, column_;    // of a tile of x, which the lane copies ...
  const std::int64_t first_;  // ... beginning with this channel
  const T *x_, *delta_, *z_, *B_, *C_;
  float bias_[channels];
};

// The warp that finishes tiles: a token each lane.
template <class T, bool Aligned, bool Full, bool Sums>
class Finisher {
 public:
  // `sums` are those of the block's first quad.
  __device__ Finisher(const ScanArgs& args, const Place& place, Shared<T>& shared, QuadSums* sums)
      : args_(args),
        place_(place),
        shared_(shared),
        sums_(sums),
        y_(start<T, Aligned>(args.y, place, place.first, args.E)) {
#pragma unroll
    for (int c = 0; c < channels; ++c) skip_[c] = args.D && place.first + c < args.E ? args.D[place.first + c] : 0.0f;
  }

  __device__ void run() const {
    meet();
    meet();
    const int count = static_cast<int>((args_.T + tokens - 1) / tokens);
    for (int k = 0; k < count; ++k) {
      if (k > 0) finish(k - 1);
      if (Sums && k > 1) write_sums(k - 2);
      meet();
    }
    finish(count - 1);
    if constexpr (Sums) {
      if (count > 1) write_sums(count - 2);
      meet();
      write_sums(count - 1);
    }
  }

 private:
  __device__ void finish(int k) const {
    const int lane = place_.lane, column = place_.quad * channels;
    const std::int64_t t = std::int64_t{k} * tokens + lane;
    const int at = lane % at_once;
    const float* const shares = shared_.quads[place_.quad].y[k % 2][lane / at_once] + at;
    float x[channels], z[channels];
    Unpacked<T, channels> out;
    load_floats(&shared_.x[k % kept][lane][column], x);
    load_floats(&shared_.z[k % kept][lane][column], z);
#pragma unroll
    for (int c = 0; c < channels; ++c) {
      float y[8];
#pragma unroll
      for (int s = 0; s < 8; ++s) y[s] = shares[lane_of(c, s) * at_once];
      float sum = ((y[0] + y[1]) + (y[2] + y[3])) + ((y[4] + y[5]) + (y[6] + y[7]));
      sum = fmaf(skip_[c], x[c], sum);
      if (Full || args_.z.data) sum *= silu(z[c]);
      out.values[c] = from_float<T>(sum);
    }
    if constexpr (Sums) {
      const float* const squares = sums_[place_.quad].squares[k % 2][lane / at_once] + at;
      float sum[4] = {};
#pragma unroll
      for (int i = 0; i < warp; ++i) sum[i % 4] += squares[i * at_once];
      sums_[place_.quad].whole[k % 2][lane] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    }
    if (t >= args_.T) return;
    T* const to = y_ + t * args_.y.row;
    if constexpr (Aligned) {
      using Access = Raw<sizeof(T) * channels>;
      if (place_.first < args_.E) *reinterpret_cast<Access*>(to) = pack<Access>(out);
    } else {
#pragma unroll
      for (int c = 0; c < channels; ++c)
        if (place_.first + c < args_.E) to[c] = out.values[c];
    }
  }

  // Of the block's quads, once all have added up their squares.
  __device__ void write_sums(int k) const {
    const std::int64_t t = std::int64_t{k} * tokens + place_.lane;
    if (place_.quad > 0 || t >= args_.T) return;
    float deltas = 0.0f, squares = 0.0f;
#pragma unroll
    for (int q = 0; q < quads_of_block; ++q) {
      if (place_.first + q * channels >= args_.E) continue;  // a quad that does not exist
      deltas += sums_[q].deltas[k % 4][place_.lane];
      squares += sums_[q].whole[k % 2][place_.lane];
    }
    float* const to = sums_of(args_, place_.sequence, t, place_.block, blocks_of_channels(args_)) + t % summed_tokens;
    to[0] = deltas;
    to[summed_tokens] = squares;
  }

  const ScanArgs& args_;
  const Place& place_;
  Shared<T>& shared_;
  QuadSums* const sums_;
  T* const y_;
  float skip_[channels];
};

// Meant alone for a multiprocessor, so that there are registers for reads ahead; two find room.
template <class T, bool Aligned, bool Full, bool Sums>
__global__ void __launch_bounds__(3 * quads_of_block * warp, 1) scan(const ScanArgs args) {
  extern __shared__ float4 shared_memory[];
  Shared<T>& shared = *reinterpret_cast<Shared<T>*>(shared_memory);
  QuadSums* const sums = reinterpret_cast<QuadSums*>(&shared + 1);
  // A shuffle that changes nothing keeps the compiler from reading the thread's index again in every tile.
  const int thread = __shfl_sync(~0u, static_cast<int>(threadIdx.x), static_cast<int>(threadIdx.x) % warp);
  const int role = thread / (quads_of_block * warp), blocks = static_cast<int>(blocks_of_channels(args));
  Place place;
  place.sequence = static_cast<int>(blockIdx.x) / blocks;
  place.block = static_cast<int>(blockIdx.x) % blocks;
  place.quad = thread / warp % quads_of_block;
  place.first = (place.block * quads_of_block + place.quad) * channels;
  place.lane = thread % warp;
  if (role == 0)
    carry_on<T, Sums>(args, place, shared, sums + place.quad);
  else if (role == 1)
    Preparer<T, Aligned, Full, Sums>(args, place, shared, sums + place.quad).run();
  else
    Finisher<T, Aligned, Full, Sums>(args, place, shared, sums).run();
}

}  // namespace
}  // namespace statescope::kernels::cuda::narrow
