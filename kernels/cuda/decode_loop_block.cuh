// SPDX-License-Identifier: GPL-3.0-or-later
// What all warps of a block of the decoding kernel (decode_loop.cu) share: how the work is shared out, where messages
// lie, products of tiles.
#pragma once

#include <algorithm>

#include "cuda/decode_loop.cuh"
#include "kernels/cuda_decode.h"
#include "kernels/cuda_decode_loop.h"

namespace statescope::kernels::cuda {
namespace {

constexpr int tile_rows = 16;
constexpr int group_rows = 8;  // that a warp adds up
constexpr int most_taps = 4;
constexpr int fewest_stages = 4;
constexpr int members = 16;  // lanes that share a channel's states

/// What is the same for every block. Sizes are those of DecodeLoopArgs.
struct Loop {
  DecodeLoopArgs args;
  int D, E, N, taps, R, V, layers;
  int tokens;
  float one_by_D;
  int clusters;
  int channels, width;                         // of a block and of a cluster, of E
  int rows, narrow, head_rows;                 // of a block: of D and of R + 2N, for its cluster's channels; of V
  int d_bytes, e_bytes, r_bytes, strip_bytes;  // of rows of D, E, R columns, and of a cluster's part of E
  int d_at_once, strip_at_once;                // rows in a stage
  int stage_bytes, stages;
};

/// Sums of a cluster for the ones who add up those of all clusters, [rank, cluster, row]; and the best logits of all
/// blocks. A message is overwritten only by what its sender computed from later messages of everybody who reads it.
struct Mailbox {
  unsigned *last_tag, *failed;  // of the launch before; not 0 once a worker gave up
  Post *stream, *projected, *best;
};
constexpr std::int64_t mailbox_head = 16;
std::int64_t mailbox_bytes(const Loop& p) {
  return mailbox_head + static_cast<std::int64_t>(sizeof(Post)) * cluster_blocks * p.clusters * (p.rows + p.narrow + 2);
}

/// What comes from the blocks of the cluster, in this order for each layer.
enum Inbox { stream_in, u_in, projected_in, y_in, inboxes };

/// What a block keeps in shared memory beside the ring and the table of layers.
template <class T>
struct Scratch {
  T* stream;              // [8, rows] of the residual stream, times the norm's weights and stream_scale; stream_in
  float* squares;         // [8, rows / 8] sums of the stream's squares; stream_in
  T* u;                   // [width]; u_in
  float* projected;       // [8, narrow]; projected_in
  T* y;                   // [width]; y_in
  float* residual;        // [rows] of the stream, in float32
  float *own_u, *own_z;   // [channels]
  float* parts;           // [2, warps, rows of a tile] of products
  BestLogit* candidates;  // [blocks]
  std::uint64_t* gates;   // [inboxes]
};

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900

__device__ inline Mailbox mailbox_of(const Loop& p) {
  Mailbox box;
  box.last_tag = static_cast<unsigned*>(p.args.memory);
  box.failed = box.last_tag + 1;
  box.stream = reinterpret_cast<Post*>(static_cast<char*>(p.args.memory) + mailbox_head);
  box.projected = box.stream + cluster_blocks * p.clusters * p.rows;
  box.best = box.projected + cluster_blocks * p.clusters * p.narrow;
  return box;
}

/// The matrices of a layer in the order of their use, and the head.
enum Matrix { in_u, narrow, in_z, dt, out, head };

/// This block's part of a matrix.
__device__ inline Slice slice_of(const Loop& p, const DecodeLayer& w, Matrix which) {
  const int block = static_cast<int>(blockIdx.x), rank = rank_in_cluster();
  const auto rows_of = [](const void* W, int count, int index, int all, int offset, int bytes) {
    const int first = index * count;
    return Slice{static_cast<const char*>(W) + static_cast<std::int64_t>(offset + first) * bytes,
                 max(min(count, all - first), 0), bytes, bytes};
  };
  const auto strip_of = [&](const void* W, int count, int all) {
    Slice s = rows_of(W, count, rank, all, 0, p.e_bytes);
    const int first = block / cluster_blocks * p.strip_bytes;
    s.data += first;
    s.bytes = min(p.strip_bytes, p.e_bytes - first);
    return s;
  };
  switch (which) {
    case in_u:
      return rows_of(w.in_proj, p.channels, block, p.E, 0, p.d_bytes);
    case narrow:
      return strip_of(w.x_proj, p.narrow, p.R + 2 * p.N);
    case in_z:
      return rows_of(w.in_proj, p.channels, block, p.E, p.E, p.d_bytes);
    case dt:
      return rows_of(w.dt_proj, p.channels, block, p.E, 0, p.r_bytes);
    case out:
      return strip_of(w.out_proj, p.rows, p.D);
    default:
      return rows_of(p.args.head, p.head_rows, block, p.V, 0, p.d_bytes);
  }
}

__device__ inline float sum_of(float value, int lanes, unsigned mask = 0xffffffffU) {
#pragma unroll
  for (int offset = lanes / 2; offset > 0; offset /= 2) value += __shfl_xor_sync(mask, value, offset);
  return value;
}

__device__ inline BestLogit better(BestLogit a, BestLogit b) {
  return b.logit > a.logit || (b.logit == a.logit && b.id < a.id) ? b : a;
}
__device__ inline BestLogit best_of_warp(BestLogit best) {
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2)
    best =
        better(best, {__shfl_xor_sync(0xffffffffU, best.logit, offset), __shfl_xor_sync(0xffffffffU, best.id, offset)});
  return best;
}

template <class T>
class Block {
 public:
  __device__ Block(const Loop& p, const DecodeLayer* layers, const Ring& ring, const Scratch<T>& scratch)
      : p_(p),
        layers_(layers),
        box_(mailbox_of(p)),
        ring_(ring),
        s_(scratch),
        lane_(static_cast<int>(threadIdx.x) % 32),
        block_(static_cast<int>(blockIdx.x)),
        rank_(rank_in_cluster()),
        cluster_(block_ / cluster_blocks),
        own_channels_(part(p.channels, block_, p.E)),
        narrow_(part(p.narrow, rank_, p.R + 2 * p.N)),
        rows_(part(p.rows, rank_, p.D)),
        head_rows_(part(p.head_rows, block_, p.V)),
        gates_(shared_address(s_.gates)) {}

  /// By one thread, before any block sends.
  __device__ void open_inboxes() const {
#pragma unroll 1
    for (int i = 0; i < inboxes; ++i) {
      gate(static_cast<Inbox>(i)).start(1);
      gate(static_cast<Inbox>(i)).expect(bytes_in(static_cast<Inbox>(i)));
    }
  }

 protected:
  static constexpr std::int32_t no_id = 0x7fffffff;
  static constexpr int value_bytes = static_cast<int>(sizeof(T));
  static constexpr int step_bytes = step_inputs * value_bytes;
  using Pair = Unpacked<T, 2>;

  __device__ static int part(int count, int index, int all) {
    return max(min(count, all - index * count), 0);
  }

  __device__ Gate gate(Inbox inbox) const {
    return {gates_ + 8 * inbox};
  }
  __device__ int bytes_in(Inbox inbox) const {
    if (inbox == stream_in) return cluster_blocks * (p_.rows * value_bytes + p_.rows / group_rows * 4);
    return inbox == projected_in ? cluster_blocks * p_.narrow * 4 : p_.width * value_bytes;
  }
  /// For what comes in the round of `parity`, by every thread that reads it; one of them opens the next round.
  __device__ void wait_for(Inbox inbox, unsigned parity, bool opens_next) const {
    gate(inbox).wait(parity);
    if (opens_next) gate(inbox).expect(bytes_in(inbox));
  }

  /// Two neighbours of this block's channels to a block of the cluster, rounded.
  __device__ void send_pair(Inbox inbox, T* to, int channel, float first, float second, int peer) const {
    const Pair pair{from_float<T>(first), from_float<T>(second)};
    send(gate(inbox), reinterpret_cast<Pair*>(to + rank_ * p_.channels + channel), pair, peer);
  }

  /// Products of the rows base + lane / 4 and that + 8 with x, of every `each` pair of steps from the `first` on. The
  /// rows of a stage begin in the same bank, so odd ones read the two steps of a pair the other way round. For tensor
  /// cores the even columns of their other operand are x and the odd ones x with its steps exchanged.
  template <int Unroll>
  __device__ float2 multiply_rows(const char* data, int base, int count, int stride, int bytes, const T* x, int first,
                                  int each) const {
    const int row = lane_ / 4, at_lane = lane_ % 4 * (step_bytes / 4), odd = row % 2;
    const int flip = bytes % (2 * step_bytes) == 0 ? odd * step_bytes : 0;
    const char* upper = data + min(base + row, count - 1) * stride + at_lane;
    const char* lower = data + min(base + row + 8, count - 1) * stride + at_lane;
    const char* input = reinterpret_cast<const char*>(x) + at_lane;
    float c[4] = {}, d[4] = {};
#pragma unroll Unroll
    for (int pair = first * 2 * step_bytes; pair < bytes; pair += each * 2 * step_bytes) {
      const int one = pair + flip, other = pair + step_bytes - flip;
      multiply_step(c, upper + one, lower + one, input + one);
      if (other < bytes) multiply_step(d, upper + other, lower + other, input + other);
    }
    if constexpr (on_tensor_cores<T>)
      return odd ? make_float2(c[1] + d[1], c[3] + d[3]) : make_float2(c[0] + d[0], c[2] + d[2]);
    else
      return make_float2(sum_of(c[0] + d[0], 4), sum_of(c[2] + d[2], 4));
  }

  /// A tile of this block's rows for its cluster's channels, which came from the cluster: posted to the blocks of the
  /// same rank. `posts` are the cluster's.
  __device__ void multiply_strip(const char* data, int base, int count, const T* x, Post* posts, unsigned tag) const {
    const float2 sums = multiply_rows<2>(data, base, count, p_.strip_bytes,
                                         min(p_.strip_bytes, p_.e_bytes - cluster_ * p_.strip_bytes), x, 0, 1);
    // All lanes of a row have its product.
    const int quad = lane_ % 4, row = base + lane_ / 4 + 8 * quad;
    if (quad < 2 && row < count) post(posts + row, quad == 0 ? sums.x : sums.y, tag);
  }

  const Loop& p_;
  const DecodeLayer* layers_;
  Mailbox box_;
  Ring ring_;
  Scratch<T> s_;
  int lane_, block_, rank_, cluster_;
  int own_channels_, narrow_, rows_, head_rows_;  // what there is for this block
  unsigned gates_;
  unsigned stream_round_ = 0, round_ = 0;  // parities of the inboxes
  int buffer_ = 0;                         // of parts

 private:
  __device__ static void multiply_step(float (&c)[4], const char* upper, const char* lower, const char* input) {
    const auto a = *reinterpret_cast<const Eight<T>*>(upper);
    const auto b = *reinterpret_cast<const Eight<T>*>(lower);
    const auto v = *reinterpret_cast<const Eight<T>*>(input);
    if constexpr (on_tensor_cores<T>) {
      multiply_tile(c, a, b, v);
    } else {
#pragma unroll
      for (int k = 0; k < 8; ++k) {
        c[0] = fmaf(to_float(a.values[k]), to_float(v.values[k]), c[0]);
        c[2] = fmaf(to_float(b.values[k]), to_float(v.values[k]), c[2]);
      }
    }
  }
};

#endif

}  // namespace
}  // namespace statescope::kernels::cuda
