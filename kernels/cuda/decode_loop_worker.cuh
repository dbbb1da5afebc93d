// SPDX-License-Identifier: GPL-3.0-or-later
// What a block of the decoding kernel (decode_loop.cu) does: its share of every product of a token, and the messages
// between the blocks.
#pragma once

#include <algorithm>

#include "cuda/decode_loop.cuh"
#include "kernels/cuda_decode.h"
#include "kernels/cuda_decode_loop.h"

namespace statescope::kernels::cuda {
namespace {

constexpr int tile_rows = 16;
constexpr int most_taps = 4;
constexpr int fewest_stages = 4;

/// What is the same for every block. Sizes are those of DecodeLoopArgs.
struct Loop {
  DecodeLoopArgs args;
  int D, E, N, taps, R, V, layers;
  int tokens;
  float one_by_D;
  int channels, rows, narrow_rows, head_rows;  // of a block: of E, D, R + 2N, V
  RowShape d_row, e_row, r_row;                // of matrices with D, E, R columns
  int stage_bytes, stages;
};

/// A message is overwritten only by what its sender computed from later messages of everybody who reads it.
struct Mailbox {
  unsigned *last_tag, *failed;  // of the launch before; not 0 once a worker gave up
  Message *stream, *u, *projected, *y, *best;
};

/// What a block keeps in shared memory beside the ring and the table of layers.
template <class T>
struct Scratch {
  T *stream_input, *inner_input;  // [D], [E] of products, rows padded
  float *stream, *projected;      // [D] the residual stream, [R + 2N]; both rounded up to whole messages
  float *u, *z, *y;               // [channels]
  float* products;                // [rows] or [narrow_rows], what to send
  float* parts;                   // [2, warps, rows of a tile] of products
  float* squares;                 // [warps] of the stream
  BestLogit* candidates;          // [blocks]
};
constexpr int message_bytes = static_cast<int>(sizeof(Message)), spare_bytes = message_bytes;
constexpr int arrays = 16;  // no more than that, each rounded up to 16 bytes
int scratch_bytes(const Loop& p, int blocks) {
  return p.d_row.bytes + p.e_row.bytes + 2 * spare_bytes + 16 * arrays +
         4 * (p.D + 4 + p.R + 2 * p.N + 4 + 3 * p.channels + std::max(p.rows, p.narrow_rows) +
              2 * worker_warps * tile_rows + worker_warps + 2 * blocks);
}
std::int64_t mailbox_bytes(const Loop& p, int blocks) {
  return static_cast<std::int64_t>(message_bytes) * (1 + blocks * (p.rows + 2 * p.channels + p.narrow_rows + 1));
}

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900

constexpr int members = 16;  // lanes that share a channel's states

__device__ inline Mailbox mailbox_of(const Loop& p) {
  const int blocks = static_cast<int>(gridDim.x);
  auto* messages = static_cast<Message*>(p.args.memory) + 1;
  Mailbox box;
  box.last_tag = static_cast<unsigned*>(p.args.memory);
  box.failed = box.last_tag + 1;
  box.stream = messages;
  box.u = box.stream + blocks * p.rows;
  box.y = box.u + blocks * p.channels;
  box.projected = box.y + blocks * p.channels;
  box.best = box.projected + blocks * p.narrow_rows;
  return box;
}

/// This block's `count` rows of a matrix of `all`, from `offset` on.
__device__ inline Slice slice(const void* W, const RowShape& shape, int count, int all, int offset = 0) {
  const int first = static_cast<int>(blockIdx.x) * count;
  return {static_cast<const char*>(W) + static_cast<std::int64_t>(offset + first) * shape.bytes,
          max(min(count, all - first), 0)};
}

/// The products of a token in their order. One after another they go through the same code, which stays short so.
enum Product { in_u, in_z, narrow, out, head };

__device__ inline Slice rows_of(const Loop& p, const DecodeLayer& w, Product which) {
  switch (which) {
    case in_u:
      return slice(w.in_proj, p.d_row, p.channels, p.E);
    case in_z:
      return slice(w.in_proj, p.d_row, p.channels, p.E, p.E);
    case narrow:
      return slice(w.x_proj, p.e_row, p.narrow_rows, p.R + 2 * p.N);
    case out:
      return slice(w.out_proj, p.e_row, p.rows, p.D);
    default:
      return slice(p.args.head, p.d_row, p.head_rows, p.V);
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
class Worker {
 public:
  __device__ Worker(const Loop& p, const DecodeLayer* layers, Ring ring, const Scratch<T>& scratch)
      : p_(p),
        layers_(layers),
        box_(mailbox_of(p)),
        ring_(ring),
        s_(scratch),
        thread_(static_cast<int>(threadIdx.x)),
        lane_(thread_ % 32),
        warp_(thread_ / 32),
        block_(static_cast<int>(blockIdx.x)),
        e0_(block_ * p.channels) {}

  __device__ void run() {
    unsigned tag = *box_.last_tag;
    std::int32_t id = *p_.args.ids;
    const std::int32_t counter = *p_.args.counter;
#pragma unroll 1
    for (int token = 0; token < p_.tokens; ++token) {
      best_ = {-INFINITY, no_id};
#pragma unroll 1
      for (int i = 0; i <= p_.layers; ++i) {
        ++tag;
        const bool last = i == p_.layers;
#pragma unroll 1
        for (int which = last ? head : in_u; which <= (last ? head : out); ++which)
          product(static_cast<Product>(which), i, tag, id);
      }
      id = choose(tag);
      const std::int32_t step = counter + token;
      if (block_ == 0 && thread_ == 0 && step < p_.args.capacity) p_.args.chosen[step] = id;
    }
    if (gave_up_) *box_.failed = 1;
    // Every other block has read these: its messages came after.
    if (block_ > 0 || thread_ > 0) return;
    *box_.last_tag = tag;
    *p_.args.ids = id;
    *p_.args.counter = counter + p_.tokens;
  }

 private:
  static constexpr std::int32_t no_id = 0x7fffffff;

  /// What a product needs of the other blocks, the product, and what the other blocks need of it.
  __device__ void product(Product which, int index, unsigned tag, std::int32_t id) {
    const DecodeLayer& w = layers_[which == head ? 0 : index];
    const Slice rows = rows_of(p_, w, which);
    // Few blocks have rows of the narrow product, but all must come by for the states.
    if (which == in_u) read_channel(w, thread_);
    if (which == in_u || which == head) {
      take_stream(which == head ? p_.args.final_norm : w.norm, index, tag, id);
    } else if (which == narrow && rows.rows > 0) {
      receive_inputs(box_.u, tag);
    } else if (which == out) {
      update_states(w, tag);
      if (rows.rows > 0) receive_inputs(box_.y, tag);
    }
    const bool inner = which == narrow || which == out;
    multiply(rows, inner ? p_.e_row : p_.d_row, inner ? s_.inner_input : s_.stream_input,
             [&](int row, float value) { finish(which, w, row, value); });
    if (warp_ > 0) return;
    __syncwarp();
    if (which == in_u)
      send_channels(box_.u, s_.u, tag);
    else if (which == narrow)
      send_rows(box_.projected, p_.narrow_rows, rows.rows, tag);
    else if (which == out)
      send_rows(box_.stream, p_.rows, rows.rows, tag + 1);
  }

  /// By a thread of the first warp, for one row of a product.
  __device__ void finish(Product which, const DecodeLayer& w, int row, float value) {
    const int e = e0_ + row;
    if (which == in_u) {
      if (row != thread_) read_channel(w, row);
      s_.u[row] = convolve(w, e, value * factor_);
    } else if (which == in_z) {
      value *= factor_;
      s_.z[row] = w.in_bias ? value + w.in_bias[p_.E + e] : value;
    } else if (which == narrow) {
      s_.products[row] = value;
    } else if (which == out) {
      const int d = block_ * p_.rows + row;
      s_.products[row] = s_.stream[d] + (w.out_bias ? value + w.out_bias[d] : value);
    } else {
      const int m = block_ * p_.head_rows + row;
      p_.args.logits[m] = value * factor_;
      if (m < p_.args.drawable) best_ = better(best_, {value * factor_, m});
    }
  }

  /// finish(row, product with x) for each row of a slice, by the first threads. The warps share out the inner
  /// dimension.
  template <class Finish>
  __device__ void multiply(const Slice& rows, const RowShape& shape, const T* x, const Finish& finish_row) {
    constexpr int step_bytes = step_inputs * static_cast<int>(sizeof(T));
    const int row = lane_ / 4, quad = lane_ % 4;
    ring_.drain(rows, shape, [&](int first, int count, const char* data) {
#pragma unroll 1
      for (int base = 0; base < count; base += tile_rows) {
        const char* upper = data + min(base + row, count - 1) * shape.stride + quad * (step_bytes / 4);
        const char* lower = data + min(base + row + 8, count - 1) * shape.stride + quad * (step_bytes / 4);
        const char* input = reinterpret_cast<const char*>(x) + quad * (step_bytes / 4);
        float c[4] = {};
#pragma unroll 2
        for (int at = warp_ * step_bytes; at < shape.bytes; at += worker_warps * step_bytes) {
          const auto a = *reinterpret_cast<const Eight<T>*>(upper + at);
          const auto b = *reinterpret_cast<const Eight<T>*>(lower + at);
          const auto v = *reinterpret_cast<const Eight<T>*>(input + at);
          if constexpr (on_tensor_cores<T>) {
            multiply_tile(c, a, b, v);  // every column is x
          } else {
#pragma unroll
            for (int k = 0; k < 8; ++k) {
              c[0] = fmaf(to_float(a.values[k]), to_float(v.values[k]), c[0]);
              c[2] = fmaf(to_float(b.values[k]), to_float(v.values[k]), c[2]);
            }
          }
        }
        if constexpr (!on_tensor_cores<T>) {
          c[0] = sum_of(c[0], 4);
          c[2] = sum_of(c[2], 4);
        }
        float* parts = s_.parts + buffer_ * worker_warps * tile_rows;
        buffer_ ^= 1;  // while the first threads still read the one, the others write the other
        if (quad == 0) {
          parts[warp_ * tile_rows + row] = c[0];
          parts[warp_ * tile_rows + row + 8] = c[2];
        }
        wait_for_workers();
        if (thread_ < min(tile_rows, count - base)) {
          float sum = 0;
#pragma unroll
          for (int i = 0; i < worker_warps; ++i) sum += parts[i * tile_rows + thread_];
          finish_row(first + base + thread_, sum);
        }
      }
    });
  }

  /// The stream of a layer, times its norm's weights, becomes the input of products, which lack `factor_` then.
  __device__ void take_stream(const float* norm, int layer, unsigned tag, std::int32_t id) {
    const int k0 = 3 * thread_;
    float weights[3] = {}, square = 0;
#pragma unroll
    for (int j = 0; j < 3; ++j)
      if (k0 + j < p_.D) weights[j] = norm[k0 + j];
    const auto take = [&](int i, const float(&values)[3]) {
#pragma unroll
      for (int j = 0; j < 3; ++j) {
        const int k = 3 * i + j;
        if (k >= p_.D) break;
        s_.stream[k] = values[j];
        s_.stream_input[k] = from_float<T>(values[j] * (i == thread_ ? weights[j] : norm[k]) * stream_scale);
        square = fmaf(values[j], values[j], square);
      }
    };
    float values[3] = {};
    const int messages = (p_.D + 2) / 3;
    if (layer == 0) {
      const T* row = reinterpret_cast<const T*>(static_cast<const char*>(p_.args.embedding) +
                                                static_cast<std::int64_t>(id) * p_.d_row.bytes);
#pragma unroll 1
      for (int i = thread_; i < messages; i += workers) {
#pragma unroll
        for (int j = 0; j < 3; ++j) values[j] = 3 * i + j < p_.D ? to_float(row[3 * i + j]) : 0.0f;
        take(i, values);
      }
    } else {
      receive(box_.stream, messages, tag, gave_up_, [&](int i, const unsigned(&words)[3]) {
#pragma unroll
        for (int j = 0; j < 3; ++j) values[j] = __uint_as_float(words[j]);
        take(i, values);
      });
    }
    square = sum_of(square, 32);
    if (lane_ == 0) s_.squares[warp_] = square;
    wait_for_workers();
    float total = 0;
#pragma unroll
    for (int i = 0; i < worker_warps; ++i) total += s_.squares[i];
    factor_ = rsqrtf(total * p_.one_by_D + p_.args.epsilon) * (1 / stream_scale);
  }

  __device__ void receive_inputs(const Message* from, unsigned tag) {
    constexpr int per = values_of_message<T>;
    auto* to = reinterpret_cast<unsigned*>(s_.inner_input);
    receive(from, (p_.E + per - 1) / per, tag, gave_up_, [&](int i, const unsigned(&words)[3]) {
#pragma unroll
      for (int j = 0; j < 3; ++j) to[3 * i + j] = words[j];
    });
    wait_for_workers();
  }
  /// By the first warp: this block's channels, rounded.
  __device__ void send_channels(Message* to, const float* values, unsigned tag) {
    constexpr int per = values_of_message<T>;
    unsigned words[3];
    for (int i = lane_; i < p_.channels / per; i += 32) {
      pack_message<T>(values + per * i, words);
      send(to + e0_ / per + i, words, tag);
    }
  }
  __device__ void send_rows(Message* to, int rows, int count, unsigned tag) {
    unsigned words[3];
    for (int i = lane_; 3 * i < count; i += 32) {
      pack_message<float>(s_.products + 3 * i, words);
      send(to + block_ * (rows / 3) + i, words, tag);
    }
  }

  /// What the convolution of a channel needs, ahead of its input.
  __device__ void read_channel(const DecodeLayer& w, int row) {
    const int e = e0_ + row;
    if (row >= p_.channels || e >= p_.E) return;
#pragma unroll
    for (int j = 0; j < most_taps; ++j)
      if (j < p_.taps) taps_[j] = w.conv_weight[j * p_.E + e];
#pragma unroll
    for (int j = 0; j + 1 < most_taps; ++j)
      if (j + 1 < p_.taps) past_[j] = static_cast<const T*>(w.history)[j * p_.E + e];
    conv_bias_ = w.conv_bias ? w.conv_bias[e] : 0.0f;
  }
  __device__ float convolve(const DecodeLayer& w, int e, float value) {
    const T x = from_float<T>(w.in_bias ? value + w.in_bias[e] : value);
    T* history = static_cast<T*>(w.history) + e;
    float sum = conv_bias_;
#pragma unroll
    for (int j = 0; j < most_taps; ++j) {
      if (j >= p_.taps) break;
      const T input = j + 1 == p_.taps ? x : past_[j < most_taps - 1 ? j : 0];
      sum = fmaf(taps_[j], to_float(input), sum);
      if (j > 0) history[(j - 1) * p_.E] = input;
    }
    return silu(sum);
  }

  /// Δ = softplus(W_dt Δ_low + bias), the states of a channel by `members` lanes, and its gated output.
  __device__ void update_states(const DecodeLayer& w, unsigned tag) {
    const Slice dt = slice(w.dt_proj, p_.r_row, p_.channels, p_.E);
    const int group = thread_ / members, member = thread_ % members;
    const unsigned mask = 0xffffU << (lane_ & 16);
    const float* B = s_.projected + p_.R;
    const float* C = B + p_.N;
    // The first states of the first channel are read before the wait.
    float state = 0, rate = 0, bias = 0, skip = 0;
    const auto read_weights = [&](int e) {
      skip = w.D[e];
      if (w.dt_bias) bias = w.dt_bias[e];
    };
    const auto read_state = [&](int e, int n) {
      state = w.h[n * p_.E + e];
      rate = w.A[n * p_.E + e];
    };
    if (group < dt.rows) {
      read_weights(e0_ + group);
      if (member < p_.N) read_state(e0_ + group, member);
    }
    receive(box_.projected, (p_.R + 2 * p_.N + 2) / 3, tag, gave_up_, [&](int i, const unsigned(&words)[3]) {
#pragma unroll
      for (int j = 0; j < 3; ++j) s_.projected[3 * i + j] = __uint_as_float(words[j]);
    });
    wait_for_workers();
    ring_.drain(dt, p_.r_row, [&](int first, int count, const char* data) {
#pragma unroll 1
      for (int i = group; i < count; i += workers / members) {
        const int channel = first + i, e = e0_ + channel;
        if (channel != group) read_weights(e);
        const T* row = reinterpret_cast<const T*>(data + i * p_.r_row.stride);
        float delta = 0, y = 0;
#pragma unroll 4
        for (int r = member; r < p_.R; r += members) delta = fmaf(s_.projected[r], to_float(row[r]), delta);
        delta = softplus(sum_of(delta, members, mask) + bias);
        const float u = s_.u[channel], write = delta * u;
#pragma unroll 1
        for (int n = member; n < p_.N; n += members) {
          if (channel != group || n != member) read_state(e, n);
          state = fmaf(exp2_unit(delta * log2_e * rate), state, B[n] * write);
          w.h[n * p_.E + e] = state;
          y = fmaf(C[n], state, y);
        }
        y = sum_of(y, members, mask);
        if (member == 0) s_.y[channel] = fmaf(skip, u, y) * silu(s_.z[channel]);
      }
    });
    wait_for_workers();
    if (warp_ == 0) send_channels(box_.y, s_.y, tag);
  }

  /// The most likely id of all blocks.
  __device__ std::int32_t choose(unsigned tag) {
    if (warp_ == 0) {
      best_ = best_of_warp(best_);
      const unsigned words[3] = {__float_as_uint(best_.logit), static_cast<unsigned>(best_.id), 0};
      if (lane_ == 0) send(box_.best + block_, words, tag);
    }
    const int blocks = static_cast<int>(gridDim.x);
    receive(box_.best, blocks, tag, gave_up_, [&](int i, const unsigned(&words)[3]) {
      s_.candidates[i] = {__uint_as_float(words[0]), static_cast<std::int32_t>(words[1])};
    });
    wait_for_workers();
    BestLogit best{-INFINITY, no_id};
#pragma unroll 1
    for (int i = lane_; i < blocks; i += 32) best = better(best, s_.candidates[i]);
    best = best_of_warp(best);
    // Logits that are all NaN choose nothing; the first id keeps what follows inside the table.
    return static_cast<unsigned>(best.id) < static_cast<unsigned>(p_.V) ? best.id : 0;
  }

  const Loop& p_;
  const DecodeLayer* layers_;
  Mailbox box_;
  Ring ring_;
  Scratch<T> s_;
  int thread_, lane_, warp_, block_, e0_;
  bool gave_up_ = false;
  int buffer_ = 0;
  float factor_ = 0;
  float taps_[most_taps] = {}, conv_bias_ = 0;
  T past_[most_taps - 1] = {};
  BestLogit best_{};  // of the rows that this thread has seen
};

#endif

}  // namespace
}  // namespace statescope::kernels::cuda
