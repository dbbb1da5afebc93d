// SPDX-License-Identifier: GPL-3.0-or-later
#include "cuda/decode.h"

#include "cuda/decode_wide.h"
#include "cuda/skinny_product.cuh"

namespace statescope::kernels::cuda {
namespace {

// Up to few_rows sequences: every warp reads a share of the same 16 rows.
using Narrow = ProductShape<1, 1, 1, 1, 8, 6>;
// The head has so many rows that a warp reads half a row of each.
using Tall = ProductShape<1, 1, 4, 1, 2, 6>;
// Batches on tensor cores: of matrices with few rows, and with many.
using Square = ProductShape<2, 4, 1, 1, 8, 2>;
using Wide = ProductShape<2, 4, 2, 2, 4, 2>;

__device__ inline float sum_of_group(float value) {
#pragma unroll
  for (int offset = static_cast<int>(squares_group) / 2; offset > 0; offset /= 2)
    value += __shfl_xor_sync(0xffffffffU, value, offset);
  return value;
}

__device__ inline BestLogit better(BestLogit a, BestLogit b) {
  const bool second = b.logit > a.logit || (b.logit == a.logit && b.id < a.id);
  return second ? b : a;
}
__device__ inline BestLogit best_of_warp(BestLogit best) {
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2) {
    const BestLogit other{__shfl_xor_sync(0xffffffffU, best.logit, offset),
                          __shfl_xor_sync(0xffffffffU, best.id, offset)};
    best = better(best, other);
  }
  return best;
}
__device__ inline BestLogit candidate(float logit, std::int64_t id, std::int64_t drawable) {
  return {id < drawable ? logit : -INFINITY, static_cast<std::int32_t>(id)};
}

template <class T, class Y>
struct RowsOutput {
  Y* y;
  std::int64_t stride;
  const float* bias;
  bool accumulate;
  __device__ void operator()(std::int64_t m, std::int64_t n, float v, bool valid) const {
    if (!valid) return;
    Y* out = y + n * stride + m;
    if (bias) v += bias[m];
    if (accumulate) v += to_float(*out);
    *out = from_float<Y>(v);
  }
};

template <class T>
struct ConvOutput {
  std::int64_t E;
  const float* bias;
  const float* weight;
  const float* conv_bias;
  int taps;
  T* history;
  T* u;
  T* z;
  std::int64_t history_stride, u_stride, z_stride;
  __device__ void operator()(std::int64_t m, std::int64_t n, float v, bool valid) const {
    if (!valid) return;
    const T x = from_float<T>(bias ? v + bias[m] : v);
    if (m >= E) {
      z[n * z_stride + m - E] = x;
      return;
    }
    T* past = history + n * (taps - 1) * history_stride + m;
    float total = conv_bias ? conv_bias[m] : 0.0f;
    for (int j = 0; j + 1 < taps; ++j) {
      const T value = past[j * history_stride];
      total = fmaf(weight[j * E + m], to_float(value), total);
      if (j > 0) past[(j - 1) * history_stride] = value;
    }
    if (taps > 1) past[(taps - 2) * history_stride] = x;
    total = fmaf(weight[(taps - 1) * E + m], to_float(x), total);
    u[n * u_stride + m] = from_float<T>(silu(total));
  }
};

struct StreamOutput {
  float* x;
  float* squares;
  const float* bias;
  std::int64_t stride, width;
  int slots;
  std::int64_t batch;
  __device__ void operator()(std::int64_t m, std::int64_t n, float v, bool valid) const {
    float now = 0;
    if (valid) {
      now = x[n * stride + m] + (bias ? v + bias[m] : v);
      x[n * stride + m] = now;
    }
    const float total = sum_of_group(now * now);
    if (m % squares_group == 0 && m < width && n < batch) squares[n * slots + m / squares_group] = total;
  }
};

struct HeadOutput {
  float* logits;
  BestLogit* best;
  std::int64_t vocab, slots, drawable, batch;
  __device__ void operator()(std::int64_t m, std::int64_t n, float v, bool valid) const {
    if (valid) logits[n * vocab + m] = v;
    const BestLogit winner = best_of_warp(candidate(v, m, drawable));
    if (m % best_group == 0 && m < vocab && n < batch) best[n * slots + m / best_group] = winner;
  }
};

template <class T>
NormedInput<T> normed_input(const DecodeStream& stream, const float* norm, float epsilon) {
  return {stream.x,
          padded(stream.d_model),
          stream.squares,
          static_cast<int>(squares_slots(stream.d_model)),
          norm,
          epsilon,
          static_cast<float>(stream.d_model)};
}

// Narrow, or one of two shapes for tensor cores.
template <class T, class Many, class Input, class Output>
void product(const char* name, const DeviceMatrix& W, std::int64_t batch, const Input& input, const Output& output,
             const DecodeLaunch& how) {
  if constexpr (sizeof(T) == 2) {
    if (how.has_tensor_cores && batch >= large_batch)
      return launch_product<T, Many>(name, W, batch, input, output, how.stream, how.overlap);
    if (how.has_tensor_cores && batch > few_rows)
      return launch_product<T, Square>(name, W, batch, input, output, how.stream, how.overlap);
  }
  launch_product<T, Narrow>(name, W, batch, input, output, how.stream, how.overlap);
}

template <class T, class Table>
__global__ void __launch_bounds__(256)
    embed_kernel(const std::int32_t* ids, Table table, float* x, std::int64_t stride, float* squares, int slots,
                 std::int64_t width, T* scaled, std::int64_t scaled_stride, const float* next_norm) {
  wait_for_kernel_before();
  const std::int64_t n = blockIdx.x;
  for (std::int64_t d = threadIdx.x; d < slots * squares_group; d += blockDim.x) {
    const float value = d < width ? table.at(ids[n], d) : 0.0f;
    if (d < width) {
      x[n * stride + d] = value;
      if (scaled) scaled[n * scaled_stride + d] = from_float<T>(value * next_norm[d] * stream_scale);
    }
    const float total = sum_of_group(value * value);
    if (d % squares_group == 0) squares[n * slots + d / squares_group] = total;
  }
}

struct StateParameters {
  std::int64_t E, projected_stride, dt_stride, u_stride, z_stride, y_stride;
  int N, R;
  const void *projected, *dt, *u, *z;
  const float *dt_bias, *A, *D;
  float* h;
  void* y;
};

constexpr int state_threads = 128;

// One token of one sequence. `Split` warps share the states of 32·Vec channels: for few sequences, where the time goes
// into waiting, many threads each do little.
template <class T, int Split, int Vec>
__global__ void __launch_bounds__(state_threads) state_kernel(StateParameters p) {
  constexpr int chunk = 16 / Split;  // states in registers at a time
  constexpr int ahead = 4;           // rows of W_dt read before the wait
  constexpr int groups = state_threads / 32 / Split;
  extern __shared__ float shared[];  // [R + 2N] low rank, B, C; then [4][32·Vec] parts of sums
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int s = warp % Split;
  const std::int64_t e = ((static_cast<std::int64_t>(blockIdx.x) * groups + warp / Split) * 32 + lane) * Vec;
  const std::int64_t n0 = blockIdx.y;
  const bool active = e < p.E;
  const T* dt = static_cast<const T*>(p.dt) + e;
  const float* A = p.A + e;
  float* h = p.h + n0 * p.N * p.E + e;

  float rate[chunk][Vec] = {}, state[chunk][Vec] = {}, w[ahead][Vec] = {};
  const auto load_states = [&](int base) {
#pragma unroll
    for (int i = 0; i < chunk; ++i) {
      const int n = base + s + Split * i;
      if (active && n < p.N) {
        load(h + n * p.E, state[i]);
        load(A + n * p.E, rate[i]);
      }
    }
  };
  const auto load_dt = [&](int r, float(&to)[Vec]) {
    const auto raw = unpack<T, Vec>(*reinterpret_cast<const Raw<sizeof(T) * Vec>*>(dt + r * p.dt_stride));
#pragma unroll
    for (int v = 0; v < Vec; ++v) to[v] = to_float(raw.values[v]);
  };
  // The states were written a token ago, several kernels before this one.
  load_states(0);
  if (active) {
#pragma unroll
    for (int i = 0; i < ahead; ++i)
      if (s + Split * i < p.R) load_dt(s + Split * i, w[i]);
  }
  float bias[Vec] = {}, skip[Vec] = {};
  if (active) {
    if (p.dt_bias) load(p.dt_bias + e, bias);
    load(p.D + e, skip);
  }

  wait_for_kernel_before();
  Raw<sizeof(T) * Vec> u_raw{}, z_raw{};
  if (active) {
    u_raw = *reinterpret_cast<const Raw<sizeof(T) * Vec>*>(static_cast<const T*>(p.u) + n0 * p.u_stride + e);
    z_raw = *reinterpret_cast<const Raw<sizeof(T) * Vec>*>(static_cast<const T*>(p.z) + n0 * p.z_stride + e);
  }
  const int narrow = p.R + 2 * p.N;
  for (int i = static_cast<int>(threadIdx.x); i < narrow; i += state_threads)
    shared[i] = to_float(static_cast<const T*>(p.projected)[n0 * p.projected_stride + i]);
  __syncthreads();

  float* parts = shared + narrow;
  // Σ over the warps that share a channel, in order.
  const auto sum_over_split = [&](float(&value)[Vec]) {
    if constexpr (Split > 1) {
      __syncthreads();
#pragma unroll
      for (int v = 0; v < Vec; ++v) parts[(warp * 32 + lane) * Vec + v] = value[v];
      __syncthreads();
#pragma unroll
      for (int v = 0; v < Vec; ++v) {
        value[v] = 0;
#pragma unroll
        for (int i = 0; i < Split; ++i) value[v] += parts[((warp - s + i) * 32 + lane) * Vec + v];
      }
    }
  };

  float delta[Vec] = {};
#pragma unroll
  for (int i = 0; i < ahead; ++i) {
    if (s + Split * i < p.R) {
#pragma unroll
      for (int v = 0; v < Vec; ++v) delta[v] = fmaf(shared[s + Split * i], w[i][v], delta[v]);
    }
  }
  if (active) {
#pragma unroll 8
    for (int r = s + Split * ahead; r < p.R; r += Split) {
      float row[Vec];
      load_dt(r, row);
#pragma unroll
      for (int v = 0; v < Vec; ++v) delta[v] = fmaf(shared[r], row[v], delta[v]);
    }
  }
  sum_over_split(delta);
  const auto u = unpack<T, Vec>(u_raw), z = unpack<T, Vec>(z_raw);
  float x[Vec], write[Vec], y[Vec] = {};
#pragma unroll
  for (int v = 0; v < Vec; ++v) {
    delta[v] = softplus(delta[v] + bias[v]);
    x[v] = to_float(u.values[v]);
    write[v] = delta[v] * x[v];
    delta[v] *= log2_e;
  }
  for (int base = 0; base < p.N; base += 16) {
    if (base > 0) load_states(base);
#pragma unroll
    for (int i = 0; i < chunk; ++i) {
      const int n = base + s + Split * i;
      if (active && n < p.N) {
#pragma unroll
        for (int v = 0; v < Vec; ++v) {
          state[i][v] = fmaf(exp2_unit(delta[v] * rate[i][v]), state[i][v], shared[p.R + n] * write[v]);
          y[v] = fmaf(shared[p.R + p.N + n], state[i][v], y[v]);
        }
        store(h + n * p.E, state[i]);
      }
    }
  }
  sum_over_split(y);
  if (!active || s > 0) return;
  Unpacked<T, Vec> out;
#pragma unroll
  for (int v = 0; v < Vec; ++v) out.values[v] = from_float<T>(fmaf(skip[v], x[v], y[v]) * silu(to_float(z.values[v])));
  *reinterpret_cast<Raw<sizeof(T) * Vec>*>(static_cast<T*>(p.y) + n0 * p.y_stride + e) =
      pack<Raw<sizeof(T) * Vec>>(out);
}

constexpr int best_threads = 256, best_at_once = 4;  // logits of a thread

__global__ void __launch_bounds__(best_threads)
    best_kernel(const float* logits, std::int64_t vocab, std::int64_t drawable, BestLogit* best, std::int64_t slots) {
  constexpr int of_slot = static_cast<int>(best_group) / best_at_once;  // threads
  const std::int64_t m = (std::int64_t{blockIdx.x} * best_threads + threadIdx.x) * best_at_once, n = blockIdx.y;
  const float* row = logits + n * vocab;
  float values[best_at_once] = {};
  if (vocab % best_at_once == 0 && m < vocab) {
    load(row + m, values);
  } else {
    for (int i = 0; i < best_at_once; ++i)
      if (m + i < vocab) values[i] = row[m + i];
  }
  BestLogit winner = candidate(values[0], m, drawable);
#pragma unroll
  for (int i = 1; i < best_at_once; ++i) winner = better(winner, candidate(values[i], m + i, drawable));
#pragma unroll
  for (int offset = of_slot / 2; offset > 0; offset /= 2) {
    const BestLogit other{__shfl_xor_sync(0xffffffffU, winner.logit, offset),
                          __shfl_xor_sync(0xffffffffU, winner.id, offset)};
    winner = better(winner, other);
  }
  if (threadIdx.x % of_slot == 0 && m < vocab) best[n * slots + m / best_group] = winner;
}

constexpr int choose_threads = 512;

__global__ void __launch_bounds__(choose_threads)
    choose_kernel(const BestLogit* best, std::int64_t slots, std::int64_t batch, std::int32_t* ids,
                  std::int32_t* chosen, std::int32_t* counters, std::int64_t capacity) {
  __shared__ BestLogit winners[choose_threads / 32];
  wait_for_kernel_before();
  const std::int64_t n = blockIdx.x;
  BestLogit winner{-INFINITY, 0x7fffffff};
  for (std::int64_t slot = threadIdx.x; slot < slots; slot += choose_threads)
    winner = better(winner, best[n * slots + slot]);
  winner = best_of_warp(winner);
  if (threadIdx.x % 32 == 0) winners[threadIdx.x / 32] = winner;
  __syncthreads();
  if (threadIdx.x > 0) return;
  for (int i = 1; i < choose_threads / 32; ++i) winner = better(winner, winners[i]);
  // Logits that are all NaN choose nothing; the first id keeps what follows inside the table.
  if (winner.id == 0x7fffffff) winner.id = 0;
  const std::int32_t step = counters[n];
  ids[n] = winner.id;
  if (step < capacity) chosen[step * batch + n] = winner.id;
  counters[n] = step + 1;
}

}  // namespace

void decode_embed(const DecodeEmbedArgs& args, const DecodeLaunch& how) {
  const DecodeStream& stream = args.stream;
  with_weights(args.table, [&](auto zero, const auto& table) {
    using T = decltype(zero);
    launch("decode_embed", &embed_kernel<T, std::decay_t<decltype(table)>>, dim3(static_cast<unsigned>(stream.batch)),
           256, 0, how.stream, how.overlap, args.ids, table, stream.x, padded(stream.d_model), stream.squares,
           static_cast<int>(squares_slots(stream.d_model)), stream.d_model, stream.scaled.as<T>(), stream.scaled.stride,
           args.next_norm);
  });
}

void decode_in(const DecodeInArgs& args, const DecodeLaunch& how) {
  if (decode_in_wide(args, how)) return;
  with_weights(args.W, [&](auto zero, const auto&) {
    using T = decltype(zero);
    const ConvOutput<T> output{
        args.u.cols,          args.bias,      args.conv_weight, args.conv_bias,      static_cast<int>(args.taps),
        args.history.as<T>(), args.u.as<T>(), args.z.as<T>(),   args.history.stride, args.u.stride,
        args.z.stride};
    product<T, Wide>("decode_in", args.W, args.stream.batch, normed_input<T>(args.stream, args.norm, args.epsilon),
                     output, how);
  });
}

void decode_project(const DecodeProjectArgs& args, const DecodeLaunch& how) {
  skinny_product(args.x, args.W, nullptr, args.y, false, how);
}

void decode_state(const DecodeStateArgs& args, const DecodeLaunch& how) {
  if (decode_state_wide(args, how)) return;
  const StateParameters p{args.E,
                          args.projected.stride,
                          args.dt_transposed.stride,
                          args.u.stride,
                          args.z.stride,
                          args.y.stride,
                          static_cast<int>(args.N),
                          static_cast<int>(args.R),
                          args.projected.data,
                          args.dt_transposed.data,
                          args.u.data,
                          args.z.data,
                          args.dt_bias,
                          args.A,
                          args.D,
                          args.h,
                          args.y.data};
  const auto batch = static_cast<unsigned>(args.batch);
  with_type(args.u.type, [&](auto zero) {
    using T = decltype(zero);
    const auto run = [&](auto kernel, std::int64_t channels, int vec) {
      const std::size_t bytes = static_cast<std::size_t>(args.R + 2 * args.N + state_threads * vec) * sizeof(float);
      launch("decode_state", kernel, dim3(blocks_for(args.E, channels), batch), state_threads, bytes, how.stream,
             how.overlap, p);
    };
    if (args.batch <= 16)
      run(&state_kernel<T, 4, 1>, 32, 1);
    else if (args.E % 2 == 0)
      run(&state_kernel<T, 1, 2>, 2 * state_threads, 2);
    else
      run(&state_kernel<T, 1, 1>, state_threads, 1);
  });
}

void decode_out(const DecodeOutArgs& args, const DecodeLaunch& how) {
  if (decode_out_wide(args, how)) return;
  const DecodeStream& stream = args.stream;
  with_weights(args.W, [&](auto zero, const auto&) {
    using T = decltype(zero);
    const StreamOutput output{stream.x,       stream.squares,
                              args.bias,      padded(stream.d_model),
                              stream.d_model, static_cast<int>(squares_slots(stream.d_model)),
                              stream.batch};
    product<T, Square>("decode_out", args.W, stream.batch, PlainInput<T>{args.y.as<const T>(), args.y.stride}, output,
                       how);
  });
}

void decode_head(const DecodeHeadArgs& args, const DecodeLaunch& how) {
  with_weights(args.W, [&](auto zero, const auto&) {
    using T = decltype(zero);
    const HeadOutput output{args.logits,   args.best,        args.W.rows, best_slots(args.W.rows),
                            args.drawable, args.stream.batch};
    launch_product<T, Tall>("decode_head", args.W, args.stream.batch,
                            normed_input<T>(args.stream, args.norm, args.epsilon), output, how.stream, how.overlap);
  });
}

void best_logits(const DecodeHeadArgs& args, const DecodeLaunch& how) {
  const std::int64_t slots = best_slots(args.W.rows);
  launch("best_logits", &best_kernel,
         dim3(blocks_for(args.W.rows, best_threads * best_at_once), static_cast<unsigned>(args.stream.batch)),
         best_threads, 0, how.stream, false, args.logits, args.W.rows, args.drawable, args.best, slots);
}

void decode_choose(const DecodeChooseArgs& args, const DecodeLaunch& how) {
  launch("decode_choose", &choose_kernel, dim3(static_cast<unsigned>(args.batch)), choose_threads, 0, how.stream,
         how.overlap, args.best, best_slots(args.vocab), args.batch, args.ids, args.chosen, args.counters,
         args.capacity);
}

void skinny_product(const DeviceMatrix& x, const DeviceMatrix& W, const float* bias, const DeviceMatrix& y,
                    bool accumulate, const DecodeLaunch& how) {
  with_weights(W, [&](auto zero, const auto&) {
    using T = decltype(zero);
    const PlainInput<T> input{x.as<const T>(), x.stride};
    if (y.type == ElementType::f32)
      launch_product<T, Narrow>("skinny_product", W, x.rows, input,
                                RowsOutput<T, float>{y.as<float>(), y.stride, bias, accumulate}, how.stream,
                                how.overlap);
    else
      launch_product<T, Narrow>("skinny_product", W, x.rows, input,
                                RowsOutput<T, T>{y.as<T>(), y.stride, bias, accumulate}, how.stream, how.overlap);
  });
}

}  // namespace statescope::kernels::cuda
