// SPDX-License-Identifier: GPL-3.0-or-later
// Generation of one sequence is bound by waiting, not by bytes: a layer is four products, each of which needs all of
// the one before. So one kernel holds the device, one block on each multiprocessor. A block owns some channels and
// rows. What all need travels as messages, values with a tag, which costs about one way to the L2 cache and back, where
// a barrier costs three. Weights do not wait for anybody: one warp copies the block's rows, in the order of their use,
// into a ring of shared memory, about two layers ahead. Little code, because it runs through the instruction cache.
#include "cuda/decode_loop.h"

#include <algorithm>

#include "cuda/decode.h"
#include "cuda/decode_loop.cuh"

namespace statescope::kernels::cuda {
namespace {

constexpr int members = 16;  // lanes that share a channel's states
constexpr int tile_rows = 16;
constexpr int most_taps = 4;
constexpr int fewest_stages = 4;
// The stream goes into products before its rms is known. A power of two keeps it inside float16.
constexpr float input_scale = 1.0f / 16;

/// What is the same for every block. Sizes are those of DecodeLoopArgs.
struct Loop {
  DecodeLoopArgs args;
  int D, E, N, taps, R, V, layers;
  int tokens;
  int channels, rows, narrow_rows, head_rows;  // of a block: of E, D, R + 2N, V
  RowShape d_row, e_row, r_row;                // of matrices with D, E, R columns
  int stage_bytes, stages;
};

/// A message is overwritten only by what its sender computed from later messages of everybody who reads it.
struct Mailbox {
  std::uint32_t* last_tag;  // of the launch before
  Message *stream, *u, *projected, *y, *best;
};

/// What a block keeps in shared memory beside the ring and the table of layers.
template <class T>
struct Scratch {
  T *stream_input, *inner_input;  // [D], [E] of products, rows padded
  float *stream, *projected;      // [D] the residual stream, [R + 2N]
  float *u, *z;                   // [channels]
  float* parts;                   // [2, warps, rows of a tile] of products
  float* squares;                 // [warps] of the stream
  float* candidates;              // [2 · blocks] best logits and their ids
};
int scratch_bytes(const Loop& p, int blocks) {
  return p.d_row.bytes + p.e_row.bytes +
         4 * (p.D + p.R + 2 * p.N + 2 * p.channels + 2 * worker_warps * tile_rows + worker_warps + 2 * blocks);
}

__host__ __device__ inline int even(int count) {
  return (count + 1) / 2 * 2;  // messages are read in pairs
}
std::int64_t mailbox_bytes(const Loop& p, int blocks) {
  return static_cast<std::int64_t>(sizeof(Message)) *
         (2 + even(p.D) + 2 * even(p.E) + even(p.R + 2 * p.N) + 2 * blocks);
}

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900

__device__ inline Mailbox mailbox_of(const Loop& p) {
  auto* messages = static_cast<Message*>(p.args.memory) + 2;
  Mailbox box;
  box.last_tag = static_cast<std::uint32_t*>(p.args.memory);
  box.stream = messages;
  box.u = box.stream + even(p.D);
  box.y = box.u + even(p.E);
  box.projected = box.y + even(p.E);
  box.best = box.projected + even(p.R + 2 * p.N);
  return box;
}

/// This block's `count` rows of a matrix of `all`, from `offset` on.
__device__ inline Slice slice(const void* W, const RowShape& shape, int count, int all, int offset = 0) {
  const int first = static_cast<int>(blockIdx.x) * count;
  return {static_cast<const char*>(W) + static_cast<std::int64_t>(offset + first) * shape.bytes,
          max(min(count, all - first), 0)};
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
    std::uint32_t tag = *box_.last_tag;
    std::int32_t id = *p_.args.ids;
    const std::int32_t counter = *p_.args.counter;
#pragma unroll 1
    for (int token = 0; token < p_.tokens; ++token) {
#pragma unroll 1
      for (int i = 0; i < p_.layers; ++i) {
        const DecodeLayer& layer = layers_[i];
        project_in(layer, i == 0, ++tag, id);
        project_narrow(layer, tag);
        update_states(layer, tag);
        project_out(layer, tag);
      }
      id = head(++tag);
      const std::int32_t step = counter + token;
      if (block_ == 0 && thread_ == 0 && step < p_.args.capacity) p_.args.chosen[step] = id;
    }
    // Every other block has read these: its messages came after.
    if (block_ > 0 || thread_ > 0) return;
    *box_.last_tag = tag;
    *p_.args.ids = id;
    *p_.args.counter = counter + p_.tokens;
  }

 private:
  /// finish(row, product with x) for each row of a slice, by the first threads. The warps share out the inner
  /// dimension.
  template <class Finish>
  __device__ void multiply(const Slice& rows, const RowShape& shape, const T* x, const Finish& finish) {
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
          finish(first + base + thread_, sum);
        }
      }
    });
  }

  /// The stream of a layer, times its norm's weights, becomes the input of products. Returns what these lack.
  template <class Get>
  __device__ float take_stream(const float* norm, const Get& get) {
    float square = 0;
    float ahead[2] = {};
    if (2 * thread_ < p_.D) load(norm + 2 * thread_, ahead);
    get([&](int k, float value) {
      s_.stream[k] = value;
      const float weight = k < 2 * workers ? (k & 1 ? ahead[1] : ahead[0]) : norm[k];
      s_.stream_input[k] = from_float<T>(value * weight * input_scale);
      square = fmaf(value, value, square);
    });
    square = sum_of(square, 32);
    if (lane_ == 0) s_.squares[warp_] = square;
    wait_for_workers();
    float total = 0;
#pragma unroll
    for (int i = 0; i < worker_warps; ++i) total += s_.squares[i];
    return rsqrtf(total / static_cast<float>(p_.D) + p_.args.epsilon) * (1 / input_scale);
  }
  __device__ float receive_stream(const float* norm, std::uint32_t tag) {
    return take_stream(norm, [&](const auto& take) { receive<1>(box_.stream, p_.D, tag, take); });
  }
  __device__ float embed(const float* norm, std::int32_t id) {
    const T* row = reinterpret_cast<const T*>(static_cast<const char*>(p_.args.embedding) +
                                              static_cast<std::int64_t>(id) * p_.d_row.bytes);
    return take_stream(norm, [&](const auto& take) {
#pragma unroll 1
      for (int k = 2 * thread_; k < p_.D; k += 2 * workers) {
        take(k, to_float(row[k]));
        if (k + 1 < p_.D) take(k + 1, to_float(row[k + 1]));
      }
    });
  }

  /// u = SiLU(conv(x)), z; x, z = W_in rms_norm(stream).
  __device__ void project_in(const DecodeLayer& w, bool first_layer, std::uint32_t tag, std::int32_t id) {
    const Slice in_u = slice(w.in_proj, p_.d_row, p_.channels, p_.E);
    const Slice in_z = slice(w.in_proj, p_.d_row, p_.channels, p_.E, p_.E);
    float taps[most_taps] = {}, bias = 0;
    T past[most_taps - 1] = {};
    const auto read_channel = [&](int e) {
#pragma unroll
      for (int j = 0; j < most_taps; ++j)
        if (j < p_.taps) taps[j] = w.conv_weight[j * p_.E + e];
#pragma unroll
      for (int j = 0; j + 1 < most_taps; ++j)
        if (j + 1 < p_.taps) past[j] = static_cast<const T*>(w.history)[j * p_.E + e];
      if (w.conv_bias) bias = w.conv_bias[e];
    };
    if (thread_ < min(in_u.rows, tile_rows)) read_channel(e0_ + thread_);
    const float factor = first_layer ? embed(w.norm, id) : receive_stream(w.norm, tag);
    multiply(in_u, p_.d_row, s_.stream_input, [&](int row, float product) {
      const int e = e0_ + row;
      if (row >= tile_rows) read_channel(e);
      product *= factor;
      const T x = from_float<T>(w.in_bias ? product + w.in_bias[e] : product);
      T* history = static_cast<T*>(w.history) + e;
      float sum = bias;
#pragma unroll
      for (int j = 0; j < most_taps; ++j) {
        if (j >= p_.taps) break;
        const bool last = j + 1 == p_.taps;
        const T value = last ? x : past[j < most_taps - 1 ? j : 0];
        sum = fmaf(taps[j], to_float(value), sum);
        if (j > 0) history[(j - 1) * p_.E] = value;
      }
      s_.u[row] = silu(sum);
      send(box_.u + e, s_.u[row], tag);
    });
    multiply(in_z, p_.d_row, s_.stream_input, [&](int row, float product) {
      product *= factor;
      s_.z[row] = w.in_bias ? product + w.in_bias[p_.E + e0_ + row] : product;
    });
  }

  /// Low rank Δ, B and C = W_x u.
  __device__ void project_narrow(const DecodeLayer& w, std::uint32_t tag) {
    const Slice rows = slice(w.x_proj, p_.e_row, p_.narrow_rows, p_.R + 2 * p_.N);
    if (rows.rows == 0) return;
    receive<2>(box_.u, p_.E, tag, [&](int k, float value) { s_.inner_input[k] = from_float<T>(value); });
    wait_for_workers();
    multiply(rows, p_.e_row, s_.inner_input,
             [&](int row, float product) { send(box_.projected + block_ * p_.narrow_rows + row, product, tag); });
  }

  /// Δ = softplus(W_dt Δ_low + bias), the states of a channel by `members` lanes, and its gated output.
  __device__ void update_states(const DecodeLayer& w, std::uint32_t tag) {
    const Slice dt = slice(w.dt_proj, p_.r_row, p_.channels, p_.E);
    const int group = thread_ / members, member = thread_ % members;
    const unsigned mask = 0xffffU << (lane_ & 16);
    const float* B = s_.projected + p_.R;
    const float* C = B + p_.N;
    // The first states of the first channel are read before the wait.
    float state = 0, rate = 0, bias = 0, skip = 0;
    const auto read_channel = [&](int e) {
      skip = w.D[e];
      if (w.dt_bias) bias = w.dt_bias[e];
    };
    const auto read_state = [&](int e, int n) {
      state = w.h[n * p_.E + e];
      rate = w.A[n * p_.E + e];
    };
    if (group < dt.rows) {
      read_channel(e0_ + group);
      if (member < p_.N) read_state(e0_ + group, member);
    }
    receive<1>(box_.projected, p_.R + 2 * p_.N, tag, [&](int k, float value) { s_.projected[k] = value; });
    wait_for_workers();
    ring_.drain(dt, p_.r_row, [&](int first, int count, const char* data) {
#pragma unroll 1
      for (int i = group; i < count; i += workers / members) {
        const int channel = first + i, e = e0_ + channel;
        if (channel != group) read_channel(e);
        const T* row = reinterpret_cast<const T*>(data + i * p_.r_row.stride);
        float delta = 0, y = 0;
#pragma unroll 1
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
        if (member == 0) send(box_.y + e, fmaf(skip, u, y) * silu(s_.z[channel]), tag);
      }
    });
  }

  /// stream += W_out y
  __device__ void project_out(const DecodeLayer& w, std::uint32_t tag) {
    const Slice rows = slice(w.out_proj, p_.e_row, p_.rows, p_.D);
    if (rows.rows == 0) return;
    receive<2>(box_.y, p_.E, tag, [&](int k, float value) { s_.inner_input[k] = from_float<T>(value); });
    wait_for_workers();
    multiply(rows, p_.e_row, s_.inner_input, [&](int row, float product) {
      const int d = block_ * p_.rows + row;
      if (w.out_bias) product += w.out_bias[d];
      send(box_.stream + d, s_.stream[d] + product, tag + 1);
    });
  }

  /// Logits, and the most likely id.
  __device__ std::int32_t head(std::uint32_t tag) {
    constexpr BestLogit none{-INFINITY, 0x7fffffff};
    const float factor = receive_stream(p_.args.final_norm, tag);
    BestLogit best = none;
    multiply(slice(p_.args.head, p_.d_row, p_.head_rows, p_.V), p_.d_row, s_.stream_input, [&](int row, float product) {
      const int m = block_ * p_.head_rows + row;
      p_.args.logits[m] = product * factor;
      if (m < p_.args.drawable) best = better(best, {product * factor, m});
    });
    if (warp_ == 0) {
      best = best_of_warp(best);
      if (lane_ == 0) {
        send(box_.best + 2 * block_, best.logit, tag);
        send(box_.best + 2 * block_ + 1, __int_as_float(best.id), tag);
      }
    }
    const int blocks = static_cast<int>(gridDim.x);
    receive<1>(box_.best, 2 * blocks, tag, [&](int k, float value) { s_.candidates[k] = value; });
    wait_for_workers();
    best = none;
#pragma unroll 1
    for (int i = lane_; i < blocks; i += 32)
      best = better(best, {s_.candidates[2 * i], __float_as_int(s_.candidates[2 * i + 1])});
    best = best_of_warp(best);
    // Logits that are all NaN choose nothing; the first id keeps what follows inside the table.
    return best.id == none.id ? 0 : best.id;
  }

  const Loop& p_;
  const DecodeLayer* layers_;
  Mailbox box_;
  Ring ring_;
  Scratch<T> s_;
  int thread_, lane_, warp_, block_, e0_;
  int buffer_ = 0;
};

#endif

template <class T>
__global__ void __launch_bounds__(workers + 32, 1) decode_loop_kernel(const __grid_constant__ Loop p) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  extern __shared__ __align__(128) char memory[];
  char* next = memory + p.stages * p.stage_bytes;
  const auto take = [&](int bytes) {
    char* taken = next;
    next += bytes;
    return taken;
  };
  const auto floats = [&](int count) { return reinterpret_cast<float*>(take(4 * count)); };
  auto* barriers = reinterpret_cast<std::uint64_t*>(take(16 * p.stages));
  auto* layers = reinterpret_cast<DecodeLayer*>(take(p.layers * static_cast<int>(sizeof(DecodeLayer))));
  Scratch<T> scratch;
  scratch.stream_input = reinterpret_cast<T*>(take(p.d_row.bytes));
  scratch.inner_input = reinterpret_cast<T*>(take(p.e_row.bytes));
  scratch.stream = floats(p.D);
  scratch.projected = floats(p.R + 2 * p.N);
  scratch.u = floats(p.channels);
  scratch.z = floats(p.channels);
  scratch.parts = floats(2 * worker_warps * tile_rows);
  scratch.squares = floats(worker_warps);
  scratch.candidates = floats(2 * static_cast<int>(gridDim.x));

  Ring ring{memory, barriers, barriers + p.stages, p.stages, p.stage_bytes};
  const int thread = static_cast<int>(threadIdx.x);
  if (thread == 0) ring.start();
  // What pads the inputs of products meets zeros, and must not be NaN.
  auto* inputs = reinterpret_cast<unsigned*>(scratch.stream_input);
#pragma unroll 1
  for (int i = thread; i < (p.d_row.bytes + p.e_row.bytes) / 4; i += workers + 32) inputs[i] = 0;
  const auto* table = reinterpret_cast<const std::uint64_t*>(p.args.layers);
#pragma unroll 1
  for (int i = thread; i < p.layers * static_cast<int>(sizeof(DecodeLayer) / 8); i += workers + 32)
    reinterpret_cast<std::uint64_t*>(layers)[i] = table[i];
  __syncthreads();

  if (thread < workers) return Worker<T>(p, layers, ring, scratch).run();
  std::uint64_t policy;
  asm volatile("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
#pragma unroll 1
  for (int token = 0; token < p.tokens; ++token) {
#pragma unroll 1
    for (int i = 0; i < p.layers; ++i) {
      const DecodeLayer& w = layers[i];
      ring.fill(slice(w.in_proj, p.d_row, p.channels, p.E), p.d_row, policy);
      ring.fill(slice(w.in_proj, p.d_row, p.channels, p.E, p.E), p.d_row, policy);
      ring.fill(slice(w.x_proj, p.e_row, p.narrow_rows, p.R + 2 * p.N), p.e_row, policy);
      ring.fill(slice(w.dt_proj, p.r_row, p.channels, p.E), p.r_row, policy);
      ring.fill(slice(w.out_proj, p.e_row, p.rows, p.D), p.e_row, policy);
    }
    ring.fill(slice(p.args.head, p.d_row, p.head_rows, p.V), p.d_row, policy);
  }
#endif
}

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, device), "asking for a device's properties");
  return value;
}

struct Plan {
  Loop loop;
  int blocks = 0, shared_bytes = 0;
};

/// How the work is shared out; `stages` is too few where it cannot be.
Plan plan_of(const DecodeLoopArgs& args, int device) {
  constexpr int largest_stage = 24 * 1024;
  const auto count = [](std::int64_t v) { return static_cast<int>(v); };
  Plan plan;
  Loop& p = plan.loop;
  p.args = args;
  p.D = count(args.d_model);
  p.E = count(args.d_inner);
  p.N = count(args.d_state);
  p.taps = count(args.d_conv);
  p.R = count(args.dt_rank);
  p.V = count(args.vocab);
  p.layers = count(args.layer_count);
  const auto share = [](int rows, int blocks) { return (rows + blocks - 1) / blocks; };
  p.channels = share(p.E, attribute(cudaDevAttrMultiProcessorCount, device));
  // Every block owns a channel, so that all wait for it, see Mailbox.
  plan.blocks = share(p.E, p.channels);
  p.rows = share(p.D, plan.blocks);
  p.narrow_rows = share(p.R + 2 * p.N, plan.blocks);
  p.head_rows = share(p.V, plan.blocks);

  const auto shape = [&](int columns) {
    const int bytes = count(padded(columns) * bytes_of(args.type));
    return RowShape{bytes, bytes % 128 == 0 ? bytes + 64 : bytes, 0};
  };
  p.d_row = shape(p.D);
  p.e_row = shape(p.E);
  p.r_row = shape(p.R);
  const int longest = std::max({p.d_row.stride, p.e_row.stride, p.r_row.stride});
  const int usual = std::max(p.channels * p.d_row.stride, p.rows * p.e_row.stride);
  p.stage_bytes = (std::max(longest, std::min(usual, largest_stage)) + 127) / 128 * 128;
  for (RowShape* row : {&p.d_row, &p.e_row, &p.r_row}) {
    row->at_once = p.stage_bytes / row->stride;
    if (row->at_once > tile_rows) row->at_once -= row->at_once % tile_rows;
  }
  const int fixed = scratch_bytes(p, plan.blocks) + p.layers * static_cast<int>(sizeof(DecodeLayer));
  p.stages = std::min(32, (attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, device) - fixed) / (p.stage_bytes + 16));
  plan.shared_bytes = fixed + p.stages * (p.stage_bytes + 16);
  return plan;
}

}  // namespace

std::int64_t decode_loop_memory(const DecodeLoopArgs& args, int device) {
  constexpr std::int64_t longest = 1 << 16;  // keeps indices within a layer inside 32 bits
  if (attribute(cudaDevAttrComputeCapabilityMajor, device) < 9 ||
      attribute(cudaDevAttrCooperativeLaunch, device) == 0 || args.d_conv > most_taps || args.d_model > longest ||
      args.d_inner > longest / 4 || args.d_state > longest / 2 || args.dt_rank > longest)
    return 0;
  const Plan plan = plan_of(args, device);
  return plan.loop.stages < fewest_stages ? 0 : mailbox_bytes(plan.loop, plan.blocks);
}

void decode_loop(const DecodeLoopArgs& args, std::int64_t tokens, int device, cudaStream_t stream) {
  Plan plan = plan_of(args, device);
  plan.loop.tokens = static_cast<int>(tokens);
  with_type(args.type, [&](auto zero) {
    const auto kernel = &decode_loop_kernel<decltype(zero)>;
    check(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,
                               plan.shared_bytes),
          "decode_loop");
    void* parameters[] = {&plan.loop};
    check(cudaLaunchCooperativeKernel(reinterpret_cast<const void*>(kernel), dim3(static_cast<unsigned>(plan.blocks)),
                                      dim3(workers + 32), parameters, static_cast<std::size_t>(plan.shared_bytes),
                                      stream),
          "decode_loop");
  });
}

}  // namespace statescope::kernels::cuda
