// SPDX-License-Identifier: GPL-3.0-or-later
// The state update of many sequences, a few of them in a block.
#include <algorithm>

#include "cuda/decode_wide.cuh"

namespace statescope::kernels::cuda {
namespace {

constexpr int states = 16, channels = 384;  // of a block
constexpr int sides = 2, rounds = 2;        // sequences at once, one after the other
constexpr int most_sequences = sides * rounds;
constexpr int threads = channels / 2 * sides;
// By as many threads the compiler counts registers: 96 a thread, where it would take 160 and leave no other kernel any.
constexpr int most_threads = 640;

/// What a block keeps in shared memory of up to `sequences` of them.
struct Layout {
  int R, stride, sequences;  // low rank and a part's row, both with what pads them
  __host__ __device__ Layout(const DecodeStateArgs& args, int per_block)
      : R(static_cast<int>(padded(args.R))),
        stride(static_cast<int>(decode_part_stride(args.R + 2 * args.N))),
        sequences(per_block) {}
  __host__ __device__ int h_floats() const { return sequences * states * channels; }
  __host__ __device__ int fours() const { return sequences * stride / 4; }  // numbers of a part, four at a time
  __host__ __device__ int shares() const {  // threads that add up some parts each of four numbers
    return fours() < threads ? threads / fours() : 1;
  }
  __host__ __device__ int scratch_floats() const {  // sums of some parts, then the low-rank part of Δ
    const int sums = 4 * fours() * shares(), delta = most_sequences * channels;
    return sums > delta ? sums : delta;
  }
  __host__ __device__ int bytes() const {
    return 4 * (h_floats() + scratch_floats() + sequences * 2 * states) + 2 * sequences * R;
  }
};

/// One token of up to `per_block` sequences. Their states, the one thing that is large, are on their way to shared
/// memory while the kernel before this one still runs. A thread has two neighbouring channels of every second sequence.
template <class T>
__global__ void __launch_bounds__(most_threads, 1) state_kernel(DecodeStateArgs args, int parts, int per_block) {
  extern __shared__ __align__(128) char shared[];
  const Layout layout(args, per_block);
  auto* h_in = reinterpret_cast<float*>(shared);  // [per_block, states, channels]
  float* scratch = h_in + layout.h_floats();      // [shares, per_block, stride], [most_sequences, channels]
  float* BC = scratch + layout.scratch_floats();  // [per_block, 2 · states]
  auto* low = reinterpret_cast<T*>(BC + per_block * 2 * states);  // [per_block, R]
  const int thread = static_cast<int>(threadIdx.x), pair = thread % (channels / 2), side = thread / (channels / 2);
  const int warp = thread / 32, row = thread % 32 / 4, quad = thread % 4;  // of a product
  const int E = static_cast<int>(args.E), R = static_cast<int>(args.R);
  const int e0 = static_cast<int>(blockIdx.x) * channels, e = e0 + 2 * pair;
  const std::int64_t n0 = static_cast<std::int64_t>(blockIdx.y) * per_block;
  const int sequences = static_cast<int>(args.batch - n0 < per_block ? args.batch - n0 : per_block);
  float* h = args.h + n0 * states * E;

  // The states were written a token ago, several kernels before this one.
  {
    constexpr int pieces = channels / 4, rows_at_once = threads / pieces;
    const int at = thread % pieces * 4;
    if (e0 + at < E) {
#pragma unroll 4
      for (int i = thread / pieces; i < sequences * states; i += rows_at_once)
        copy_async<16>(h_in + i * channels + at, h + i * E + e0 + at);
    }
    end_copies();
  }
  for (int i = thread; i < per_block * layout.R; i += threads) low[i] = from_float<T>(0);
  const bool active = e < E;
  float rate[states][2] = {}, bias[2] = {}, skip[2] = {};
  if (active) {
#pragma unroll
    for (int k = 0; k < states; ++k) load(args.A + k * E + e, rate[k]);
  }

  wait_for_kernel_before();
  Raw<4> u_raw[rounds] = {}, z_raw[rounds] = {};
  const auto at = [&](const DeviceMatrix& m, int s) {
    return reinterpret_cast<Raw<4>*>(elements<T>(m) + (n0 + s) * m.stride + e);
  };
#pragma unroll
  for (int i = 0; i < rounds; ++i) {
    const int s = side + i * sides;
    if (!active || s >= sequences) continue;
    u_raw[i] = *at(args.u, s);
    z_raw[i] = *at(args.z, s);
  }
  // The sums of parts; those of a sequence that is not there are another's or nothing, and not used.
  const int fours = layout.fours(), shares = layout.shares();
  const float* from = args.parts + n0 * layout.stride;
  for (int i = thread; i < fours * shares; i += threads) {
    const int four = i % fours;
    float total[4] = {};
    if (4 * four < sequences * layout.stride) {
#pragma unroll 6
      for (int part = i / fours; part < parts; part += shares) {
        float one[4];
        load(from + part * args.batch * layout.stride + 4 * four, one);
#pragma unroll
        for (int k = 0; k < 4; ++k) total[k] += one[k];
      }
    }
    store(scratch + 4 * i, total);
  }
  __syncthreads();
  for (int i = thread; i < 4 * fours; i += threads) {
    float total = 0;
    for (int share = 0; share < shares; ++share) total += scratch[share * 4 * fours + i];
    const int s = i / layout.stride, j = i % layout.stride;
    const T rounded = from_float<T>(total);
    if (j < R)
      low[s * layout.R + j] = rounded;
    else if (j < R + 2 * states)
      BC[s * 2 * states + j - R] = to_float(rounded);
  }
  // W_dt by the rows of a warp's 32 channels.
  constexpr int ahead = 2;  // steps of 32 inputs
  Eight<T> weights[ahead][4];
  const auto load_weights = [&](Eight<T>(&to)[4], int step) {
    const T* W = elements<const T>(args.dt) + step * step_inputs + 8 * quad;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int channel = e0 + warp * 32 + 8 * i + row;
      to[i] = *reinterpret_cast<const Eight<T>*>(W + (channel < E ? channel : E - 1) * args.dt.stride);
    }
  };
#pragma unroll
  for (int step = 0; step < ahead; ++step)
    if (step * step_inputs < layout.R) load_weights(weights[step], step);
  if (active) {
    if (args.dt_bias) load(args.dt_bias + e, bias);
    load(args.D + e, skip);
  }
  wait_for_copies<0>();
  __syncthreads();
  {
    float c[2][4] = {};
    const T* x = low + (row < per_block ? row : 0) * layout.R + 8 * quad;
    const auto multiply = [&](const Eight<T>(&w)[4], int step) {
      const auto v = *reinterpret_cast<const Eight<T>*>(x + step * step_inputs);
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        multiply_half(c[0], w[0], w[1], v, half);
        multiply_half(c[1], w[2], w[3], v, half);
      }
    };
#pragma unroll
    for (int step = 0; step < ahead; ++step)
      if (step * step_inputs < layout.R) multiply(weights[step], step);
    for (int step = ahead; step * step_inputs < layout.R; ++step) {
      load_weights(weights[0], step);
      multiply(weights[0], step);
    }
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int s = 2 * quad + i % 2;
      if (s < most_sequences) scratch[s * channels + warp * 32 + row + 8 * (i / 2)] = c[i / 4][i % 4];
    }
  }
  __syncthreads();
  if (!active) return;

#pragma unroll
  for (int i = 0; i < rounds; ++i) {
    const int s = side + i * sides;
    if (s >= sequences) break;
    float delta[2], u[2], z[2], write[2], step[2], y[2] = {};
    load(scratch + s * channels + 2 * pair, delta);
    unpack_floats<T>(u_raw[i], u);
    unpack_floats<T>(z_raw[i], z);
#pragma unroll
    for (int v = 0; v < 2; ++v) {
      const float positive = softplus(delta[v] + bias[v]);
      write[v] = positive * u[v];
      step[v] = positive * log2_e;
    }
    const float *B = BC + s * 2 * states, *C = B + states;
    const float* before = h_in + s * states * channels + 2 * pair;
    float* to = h + s * states * E + e;
#pragma unroll
    for (int k0 = 0; k0 < states; k0 += 4) {
      float b[4], c[4];
      load(B + k0, b);
      load(C + k0, c);
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        float state[2];
        load(before + (k0 + k) * channels, state);
#pragma unroll
        for (int v = 0; v < 2; ++v) {
          state[v] = fmaf(exp2_unit(step[v] * rate[k0 + k][v]), state[v], b[k] * write[v]);
          y[v] = fmaf(c[k], state[v], y[v]);
        }
        store(to + (k0 + k) * E, state);
      }
    }
    Unpacked<T, 2> out;
#pragma unroll
    for (int v = 0; v < 2; ++v) out.values[v] = from_float<T>(fmaf(skip[v], u[v], y[v]) * silu(z[v]));
    *at(args.y, s) = pack<Raw<4>>(out);
  }
}

// One wave of blocks where that is possible.
int sequences_a_block(std::int64_t E, std::int64_t batch, const DecodeLaunch& how) {
  const std::int64_t at_once = std::max<std::int64_t>(how.multiprocessors / blocks_for(E, channels), 1);
  return static_cast<int>(std::min<std::int64_t>(blocks_for(batch, at_once), most_sequences));
}

}  // namespace

bool state_takes_parts(const DecodeShape& shape, const DecodeLaunch& how) {
  // Eight channels travel together, and 32 bits count what a block touches.
  constexpr std::int64_t longest = std::int64_t{1} << 24;
  if (shape.N != states || shape.E % 8 != 0 || shape.E > longest || shape.R > longest) return false;
  DecodeStateArgs args;
  args.N = shape.N;
  args.R = shape.R;
  return Layout(args, most_sequences).bytes() <= how.shared_bytes;
}

bool decode_state_wide(const DecodeStateArgs& args, const DecodeLaunch& how) {
  if (!args.parts) return false;
  return in_16_bits(args.u.type, args.batch, how, [&](auto zero) {
    const int per_block = sequences_a_block(args.E, args.batch, how), bytes = Layout(args, per_block).bytes();
    const auto kernel = &state_kernel<decltype(zero)>;
    check(
        cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize, bytes),
        "decode_state");
    launch("decode_state", kernel, dim3(blocks_for(args.E, channels), blocks_for(args.batch, per_block)), threads,
           static_cast<std::size_t>(bytes), how.stream, how.overlap, args, static_cast<int>(decode_parts(args.E)),
           per_block);
  });
}

}  // namespace statescope::kernels::cuda
