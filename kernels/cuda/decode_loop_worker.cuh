// SPDX-License-Identifier: GPL-3.0-or-later
// The warps of a block of the decoding kernel (decode_loop.cu) that multiply, update the states, and add up what the
// clusters send each other.
#pragma once

#include "cuda/decode_loop_block.cuh"

namespace statescope::kernels::cuda {
namespace {

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900

template <class T>
class Worker : Block<T> {
 public:
  __device__ Worker(const Loop& p, const DecodeLayer* layers, const Ring& ring, const Scratch<T>& scratch)
      : Block<T>(p, layers, ring, scratch),
        thread_(static_cast<int>(threadIdx.x)),
        warp_(thread_ / 32),
        e0_(this->block_ * p.channels) {}

  __device__ void run() {
    unsigned tag = *this->box_.last_tag;
    std::int32_t id = *p_.args.ids;
    const std::int32_t counter = *p_.args.counter;
#pragma unroll 1
    for (int token = 0; token < p_.tokens; ++token) {
#pragma unroll 1
      for (int i = 0; i < p_.layers; ++i) layer(i, ++tag, id);
      pass_stream(p_.args.final_norm, p_.layers, ++tag, id);
      multiply(this->head_rows_);
      id = choose(tag);
      const std::int32_t step = counter + token;
      if (block_ == 0 && thread_ == 0 && step < p_.args.capacity) p_.args.chosen[step] = id;
    }
    if (gave_up_) *this->box_.failed = 1;
    // Every other block has read these: its messages came after.
    if (block_ > 0 || thread_ > 0) return;
    *this->box_.last_tag = tag;
    *p_.args.ids = id;
    *p_.args.counter = counter + p_.tokens;
  }

 private:
  using Block<T>::p_;
  using Block<T>::layers_;
  using Block<T>::ring_;
  using Block<T>::s_;
  using Block<T>::lane_;
  using Block<T>::block_;
  using Block<T>::rank_;
  using Block<T>::rows_;
  using Block<T>::own_channels_;
  using typename Block<T>::Pair;

  __device__ void layer(int index, unsigned tag, std::int32_t id) {
    const DecodeLayer& w = layers_[index];
    pass_stream(w.norm, index, tag, id);
    multiply(own_channels_);
    ring_.skip(this->narrow_, p_.strip_at_once);
    multiply(own_channels_);
    wait_for_readers();  // for the finished u and z of these channels
    pass_projected(tag);
    update_states(w);
    this->wait_for(y_in, this->round_, thread_ == 0);
    this->round_ ^= 1;
    Post* posts = this->box_.stream + (rank_ * p_.clusters + this->cluster_) * p_.rows;
    ring_.drain(rows_, p_.strip_at_once, [&](int first, int count, const char* data) {
      int tile = warp_ - first / tile_rows;  // the tiles of all stages go round the warps
      while (tile < 0) tile += worker_warps;
#pragma unroll 1
      for (int base = tile * tile_rows; base < count; base += worker_warps * tile_rows)
        this->multiply_strip(data, base, count, s_.y, posts + first, tag + 1);
    });
  }

  /// Products of this block's rows with the stream. The warps share out the inner dimension.
  __device__ void multiply(int rows) {
    ring_.drain(rows, p_.d_at_once, [&](int, int count, const char* data) {
#pragma unroll 1
      for (int base = 0; base < count; base += tile_rows) {
        const float2 sums =
            this->template multiply_rows<1>(data, base, count, p_.d_bytes, p_.d_bytes, s_.stream, warp_, worker_warps);
        // While the finisher still reads one buffer, the other is written.
        float* parts = s_.parts + (this->buffer_ * worker_warps + warp_) * tile_rows + lane_ / 4;
        this->buffer_ ^= 1;
        if (lane_ % 4 == 0) {
          parts[0] = sums.x;
          parts[8] = sums.y;
        }
        wait_for_readers();
      }
    });
  }

  /// Adds up what the clusters posted for this block's rows, a warp eight of them: prepare(row), then use(row, sums of
  /// two, peer), each pair by eight lanes, one for each block of the cluster. `before` such rows exist. A warp that has
  /// waited for seconds gives up, for good, and goes on with what it finds, so that a launch ends whatever happens.
  template <class Prepare, class Use>
  __device__ void gather(const Post* posts, int rows, int before, int first_warp, unsigned tag, const Prepare& prepare,
                         const Use& use) {
    const int source = lane_ / 4;
    int group = warp_ - first_warp;
    if (group < 0) group += worker_warps;
#pragma unroll 1
    for (; group * group_rows < rows; group += worker_warps) {
      const int row = group * group_rows + 2 * (lane_ % 4);
      const bool wanted[2] = {row < before, row + 1 < before};
      const Post* first = posts + rank_ * p_.clusters * rows + min(row, rows - 2);
      prepare(row);
      float sums[2] = {};
#pragma unroll 1
      for (int c = source; c - source < p_.clusters; c += 2 * cluster_blocks) {
        const bool there[2] = {c < p_.clusters, c + cluster_blocks < p_.clusters};
        const Post* from[2] = {first + (there[0] ? c : 0) * rows, first + (there[1] ? c + cluster_blocks : 0) * rows};
        Look looks[2] = {look(from[0]), look(from[1])};
        const auto missing = [&](int i) {
          return there[i] &&
                 ((wanted[0] && looks[i].posts[0].tag != tag) || (wanted[1] && looks[i].posts[1].tag != tag));
        };
#pragma unroll 1
        for (unsigned count = 0; __any_sync(0xffffffffU, missing(0) || missing(1)) && !gave_up_; ++count) {
          gave_up_ = count == most_looks;
          looks[0] = look(from[0]);
          looks[1] = look(from[1]);
        }
#pragma unroll
        for (int i = 0; i < 2; ++i)
#pragma unroll
          for (int j = 0; j < 2; ++j) sums[j] += there[i] && wanted[j] ? looks[i].posts[j].value : 0.0f;
      }
#pragma unroll
      for (int offset = 4; offset < 32; offset *= 2) {
        sums[0] += __shfl_xor_sync(0xffffffffU, sums[0], offset);
        sums[1] += __shfl_xor_sync(0xffffffffU, sums[1], offset);
      }
      use(row, sums, source);
    }
  }

  /// The residual stream in front of a layer, from the embedding or what the layer before adds, to the cluster as the
  /// input of products: times the norm's weights. The rms is still to come. Then waits for all of it.
  __device__ void pass_stream(const float* norm, int layer, unsigned tag, std::int32_t id) {
    const int d0 = rank_ * p_.rows;
    const float* bias = layer > 0 ? layers_[layer - 1].out_bias : nullptr;
    float weights[2], values[2];
    const auto prepare = [&](int row) {
#pragma unroll
      for (int j = 0; j < 2; ++j) {
        const bool there = row + j < rows_;
        weights[j] = there ? norm[d0 + row + j] * stream_scale : 0.0f;
        values[j] = s_.residual[row + j];
        if (bias && there) values[j] += bias[d0 + row + j];
      }
    };
    const auto pass = [&](int row, int peer) {
      __syncwarp();  // all lanes of a pair have read it
      if (peer == 0) *reinterpret_cast<float2*>(s_.residual + row) = make_float2(values[0], values[1]);
      const Pair scaled{from_float<T>(values[0] * weights[0]), from_float<T>(values[1] * weights[1])};
      send(this->gate(stream_in), reinterpret_cast<Pair*>(s_.stream + d0 + row), scaled, peer);
      const float square = sum_of(fmaf(values[0], values[0], values[1] * values[1]), 4);
      if (lane_ % 4 == 0) send(this->gate(stream_in), s_.squares + (d0 + row) / group_rows, square, peer);
    };
    if (layer > 0) {
      gather(this->box_.stream, p_.rows, rows_, 0, tag, prepare, [&](int row, const float(&sums)[2], int peer) {
        values[0] += sums[0];
        values[1] += sums[1];
        pass(row, peer);
      });
    } else {
      const T* embedded = reinterpret_cast<const T*>(static_cast<const char*>(p_.args.embedding) +
                                                     static_cast<std::int64_t>(id) * p_.d_bytes) +
                          d0;
#pragma unroll 1
      for (int group = warp_; group * group_rows < p_.rows; group += worker_warps) {
        const int row = group * group_rows + 2 * (lane_ % 4);
        prepare(row);
#pragma unroll
        for (int j = 0; j < 2; ++j) values[j] = row + j < rows_ ? to_float(embedded[row + j]) : 0.0f;
        pass(row, lane_ / 4);
      }
    }
    this->wait_for(stream_in, this->stream_round_, thread_ == 0);
    this->stream_round_ ^= 1;
  }

  /// Low rank Δ, B and C, to the cluster.
  __device__ void pass_projected(unsigned tag) {
    gather(
        this->box_.projected, p_.narrow, this->narrow_, 0, tag, [](int) {},
        [&](int row, const float(&sums)[2], int peer) {
          if (row < p_.narrow)
            send(this->gate(projected_in), reinterpret_cast<float2*>(s_.projected + rank_ * p_.narrow + row),
                 make_float2(sums[0], sums[1]), peer);
        });
  }

  /// Δ = softplus(W_dt Δ_low + bias), the states of a channel by `members` lanes, and its gated output to the cluster.
  /// A warp takes two neighbours; channels that no block has are sent, too, as zeros.
  __device__ void update_states(const DecodeLayer& w) {
    const int member = lane_ % members;
    const float* B = s_.projected + p_.R;
    const float* C = B + p_.N;
    const char* data = own_channels_ > 0 ? ring_.open() : nullptr;
    int channel = 2 * warp_ + lane_ / members;
    // What does not wait for the projection is read before it is there.
    float state = 0, rate = 0, bias = 0, skip = 0, u = 0, gate = 0;
    const auto read_state = [&](int n) {
      const int at = n * p_.E + e0_ + channel;
      state = w.h[at];
      rate = w.A[at] * log2_e;
    };
    const auto read = [&] {
      if (channel >= own_channels_) return;
      if (member < p_.N) read_state(member);
      skip = w.D[e0_ + channel];
      bias = w.dt_bias ? w.dt_bias[e0_ + channel] : 0.0f;
      u = s_.own_u[channel];
      gate = silu(s_.own_z[channel]);
    };
    read();
    this->wait_for(projected_in, this->round_, thread_ == 0);
#pragma unroll 1
    while (channel < p_.channels) {
      float y = 0;
      if (channel < own_channels_) {
        const unsigned mask = 0xffffU << (lane_ & 16);
        const T* row = reinterpret_cast<const T*>(data + channel * p_.r_bytes);
        float delta = 0;
#pragma unroll 4
        for (int r = member; r < p_.R; r += members) delta = fmaf(s_.projected[r], to_float(row[r]), delta);
        delta = softplus(sum_of(delta, members, mask) + bias);
        const float write = delta * u;
#pragma unroll 1
        for (int n = member; n < p_.N; n += members) {
          if (n != member) read_state(n);
          state = fmaf(exp2_unit(delta * rate), state, B[n] * write);
          w.h[n * p_.E + e0_ + channel] = state;
          y = fmaf(C[n], state, y);
        }
        y = fmaf(skip, u, sum_of(y, members, mask)) * gate;
      }
      const float neighbour = __shfl_xor_sync(0xffffffffU, y, members);
      if (lane_ < cluster_blocks) this->send_pair(y_in, s_.y, channel, y, neighbour, lane_);
      channel += 2 * worker_warps;
      if (channel < p_.channels) read();
    }
    if (own_channels_ > 0) ring_.close();
  }

  /// The most likely id of all blocks.
  __device__ std::int32_t choose(unsigned tag) {
    const int blocks = static_cast<int>(gridDim.x);
#pragma unroll 1
    for (int i = thread_; i < blocks; i += workers) {
      const Post* from = this->box_.best + 2 * i;
      Look l = look(from);
#pragma unroll 1
      for (unsigned count = 0; (l.posts[0].tag != tag || l.posts[1].tag != tag) && !gave_up_; ++count) {
        gave_up_ = count == most_looks;
        l = look(from);
      }
      s_.candidates[i] = {l.posts[0].value, __float_as_int(l.posts[1].value)};
    }
    gave_up_ = __any_sync(0xffffffffU, gave_up_);
    wait_for_readers();
    BestLogit best{-INFINITY, this->no_id};
#pragma unroll 1
    for (int i = lane_; i < blocks; i += 32) best = better(best, s_.candidates[i]);
    best = best_of_warp(best);
    // Logits that are all NaN choose nothing; the first id keeps what follows inside the table.
    return static_cast<unsigned>(best.id) < static_cast<unsigned>(p_.V) ? best.id : 0;
  }

  int thread_, warp_, e0_;
  bool gave_up_ = false;
};

#endif

}  // namespace
}  // namespace statescope::kernels::cuda
