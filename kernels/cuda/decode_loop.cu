// SPDX-License-Identifier: GPL-3.0-or-later
// Generation of one sequence is bound by waiting, not by bytes: a layer is four products, each of which needs all of
// the one before. So one kernel holds the device, one block on each multiprocessor. A block owns some channels and
// rows. What all need travels as messages, values with a tag, which costs about one way to the L2 cache and back, where
// a barrier costs three. Weights do not wait for anybody: one warp copies the block's rows, in the order of their use,
// into a ring of shared memory, about two layers ahead. Little code, because it runs through the instruction cache.
#include "cuda/decode_loop.h"

#include <algorithm>

#include "cuda/decode.h"
#include "cuda/decode_loop_worker.cuh"

namespace statescope::kernels::cuda {
namespace {

template <class T>
__global__ void __launch_bounds__(workers + 32, 1) decode_loop_kernel(const __grid_constant__ Loop p) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  extern __shared__ __align__(128) char memory[];
  char* next = memory + p.stages * p.stage_bytes;
  const auto take = [&](int bytes) {
    char* taken = next;
    next += (bytes + 15) / 16 * 16;
    return taken;
  };
  const auto floats = [&](int count) { return reinterpret_cast<float*>(take(4 * count)); };
  auto* barriers = reinterpret_cast<std::uint64_t*>(take(16 * p.stages));
  auto* layers = reinterpret_cast<DecodeLayer*>(take(p.layers * static_cast<int>(sizeof(DecodeLayer))));
  Scratch<T> scratch;
  char* zeroed = next;
  scratch.stream_input = reinterpret_cast<T*>(take(p.d_row.bytes + spare_bytes));
  scratch.inner_input = reinterpret_cast<T*>(take(p.e_row.bytes + spare_bytes));
  scratch.u = floats(p.channels);
  scratch.y = floats(p.channels);
  scratch.z = floats(p.channels);
  const int zeros = static_cast<int>(next - zeroed) / 4;
  scratch.stream = floats(p.D + 4);
  scratch.projected = floats(p.R + 2 * p.N + 4);
  scratch.products = floats(max(p.rows, p.narrow_rows));
  scratch.parts = floats(2 * worker_warps * tile_rows);
  scratch.squares = floats(worker_warps);
  scratch.candidates = reinterpret_cast<BestLogit*>(floats(2 * static_cast<int>(gridDim.x)));

  Ring ring{memory, barriers, barriers + p.stages, p.stages, p.stage_bytes};
  const int thread = static_cast<int>(threadIdx.x);
  if (thread == 0) ring.start();
  // What pads the inputs of products meets zeros and must not be NaN; channels that no block has are zero.
  for (int i = thread; i < zeros; i += workers + 32) reinterpret_cast<unsigned*>(zeroed)[i] = 0;
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
#pragma unroll 1
      for (int which = in_u; which <= out; ++which) {
        if (which == out) ring.fill(slice(w.dt_proj, p.r_row, p.channels, p.E), p.r_row, policy);
        ring.fill(rows_of(p, w, static_cast<Product>(which)), which == in_u || which == in_z ? p.d_row : p.e_row,
                  policy);
      }
    }
    ring.fill(rows_of(p, layers[0], head), p.d_row, policy);
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
  p.one_by_D = 1.0f / static_cast<float>(args.d_model);
  const auto share = [](int rows, int blocks) { return (rows + blocks - 1) / blocks; };
  const auto up_to = [](int value, int of) { return (value + of - 1) / of * of; };  // whole messages
  p.channels = up_to(share(p.E, attribute(cudaDevAttrMultiProcessorCount, device)), 12 / count(bytes_of(args.type)));
  // Every block owns a channel, so that all wait for it, see Mailbox.
  plan.blocks = share(p.E, p.channels);
  p.rows = up_to(share(p.D, plan.blocks), 3);
  p.narrow_rows = up_to(share(p.R + 2 * p.N, plan.blocks), 3);
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
