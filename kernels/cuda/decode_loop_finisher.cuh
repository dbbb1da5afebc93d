// SPDX-License-Identifier: GPL-3.0-or-later
// The warp of a block of the decoding kernel (decode_loop.cu) that finishes what the workers multiply: adds up the
// parts of a product, convolves, and makes the block's part of the x-projection, which is small.
#pragma once

#include "cuda/decode_loop_block.cuh"

namespace statescope::kernels::cuda {
namespace {

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900

template <class T>
class Finisher : Block<T> {
 public:
  using Block<T>::Block;

  __device__ void run() {
    unsigned tag = *this->box_.last_tag;
#pragma unroll 1
    for (int token = 0; token < p_.tokens; ++token) {
#pragma unroll 1
      for (int i = 0; i < p_.layers; ++i) {
        layer(layers_[i], ++tag);
      }
      find_factor();
      BestLogit best{-INFINITY, this->no_id};
      finish(this->head_rows_, [&](int row, float value) {
        const int m = block_ * p_.head_rows + row;
        p_.args.logits[m] = value;
        if (m < p_.args.drawable) best = better(best, {value, m});
      });
      best = best_of_warp(best);
      ++tag;
      if (lane_ == 0) {
        post(this->box_.best + 2 * block_, best.logit, tag);
        post(this->box_.best + 2 * block_ + 1, __int_as_float(best.id), tag);
      }
      wait_for_readers();  // the workers choose
    }
  }

 private:
  using Block<T>::p_;
  using Block<T>::layers_;
  using Block<T>::ring_;
  using Block<T>::s_;
  using Block<T>::lane_;
  using Block<T>::block_;
  using Block<T>::own_channels_;

  __device__ void layer(const DecodeLayer& w, unsigned tag) {
    const int e0 = block_ * p_.channels;
    read_channel(w, e0, lane_);
    find_factor();
    finish(own_channels_, [&](int row, float value) {
      if (row != lane_) read_channel(w, e0, row);
      s_.own_u[row] = convolve(w, e0 + row, value);
    });
    send_u();
    this->wait_for(u_in, this->round_, lane_ == 0);
    this->round_ ^= 1;
    Post* posts = this->box_.projected + (this->rank_ * p_.clusters + this->cluster_) * p_.narrow;
    ring_.drain(this->narrow_, p_.strip_at_once, [&](int first, int count, const char* data) {
#pragma unroll 1
      for (int base = 0; base < count; base += tile_rows)
        this->multiply_strip(data, base, count, s_.u, posts + first, tag);
    });
    finish(own_channels_,
           [&](int row, float value) { s_.own_z[row] = w.in_bias ? value + w.in_bias[p_.E + e0 + row] : value; });
    wait_for_readers();  // for u and z of these channels
    ring_.skip(own_channels_, p_.channels);
    ring_.skip(this->rows_, p_.strip_at_once);
  }

  /// 1 / rms of the stream, which products with it lack.
  __device__ void find_factor() {
    this->wait_for(stream_in, this->stream_round_, false);
    this->stream_round_ ^= 1;
    const int all = cluster_blocks * p_.rows / group_rows;
    float sum = 0;
#pragma unroll 4
    for (int i = lane_; i < all; i += 32) sum += s_.squares[i];
    factor_ = rsqrtf(sum_of(sum, 32) * p_.one_by_D + p_.args.epsilon) * (1 / stream_scale);
  }

  /// use(row, value) for each of this block's rows of a product with the normed stream, by the lanes of a tile's rows.
  template <class Use>
  __device__ void finish(int rows, const Use& use) {
    ring_.drain(rows, p_.d_at_once, [&](int first, int count, const char*) {
#pragma unroll 1
      for (int base = 0; base < count; base += tile_rows) {
        const int row = lane_ % tile_rows, half = lane_ / tile_rows;
        const float* parts = s_.parts + this->buffer_ * worker_warps * tile_rows + half * tile_rows + row;
        this->buffer_ ^= 1;
        wait_for_readers();
        float sum = 0;
#pragma unroll
        for (int i = 0; i < worker_warps; i += 2) sum += parts[i * tile_rows];
        sum += __shfl_xor_sync(0xffffffffU, sum, tile_rows);
        if (half == 0 && base + row < count) use(first + base + row, sum * factor_);
      }
    });
  }

  /// This block's channels to the cluster.
  __device__ void send_u() {
    __syncwarp();
    const int pairs = p_.channels / 2;
#pragma unroll 2
    for (int i = lane_; i < pairs * cluster_blocks; i += 32) {
      const int channel = i / cluster_blocks * 2;
      this->send_pair(u_in, s_.u, channel, s_.own_u[channel], s_.own_u[channel + 1], i % cluster_blocks);
    }
  }

  /// What the convolution of a channel needs, ahead of its input.
  __device__ void read_channel(const DecodeLayer& w, int e0, int row) {
    const int e = e0 + row;
    if (row >= own_channels_) return;
#pragma unroll
    for (int j = 0; j < most_taps; ++j)
      if (j < p_.taps) taps_[j] = w.conv_weight[j * p_.E + e];
#pragma unroll
    for (int j = 0; j + 1 < most_taps; ++j)
      if (j + 1 < p_.taps) past_[j] = static_cast<const T*>(w.history)[j * p_.E + e];
    conv_bias_ = w.conv_bias ? w.conv_bias[e] : 0.0f;
    in_bias_ = w.in_bias ? w.in_bias[e] : 0.0f;
  }
  __device__ float convolve(const DecodeLayer& w, int e, float value) {
    const T x = from_float<T>(value + in_bias_);
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

  float factor_ = 0;
  float taps_[most_taps] = {}, conv_bias_ = 0, in_bias_ = 0;
  T past_[most_taps - 1] = {};
};

#endif

}  // namespace
}  // namespace statescope::kernels::cuda
