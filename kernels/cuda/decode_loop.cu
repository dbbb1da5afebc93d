// SPDX-License-Identifier: GPL-3.0-or-later
// Generation of one sequence is bound by waiting, not by bytes: a layer is a chain of products, each of which needs all
// of the one before. So one kernel holds the device, one block on a multiprocessor, eight blocks a cluster. A cluster
// owns some channels: what comes out of them, and what the x- and the out-projection make of it, is passed round inside
// the cluster, from shared memory to shared memory. Only the sums that need all clusters go through the L2 cache, twice
// a layer, as values with a tag, which costs about one way there and back, where a barrier costs three. Weights do not
// wait for anybody: one warp copies the block's part of each matrix, in the order of their use, into a ring of shared
// memory, about a layer ahead. Little code, because it runs through the instruction cache.
#include "cuda/decode_loop.h"

#include <algorithm>

#include "cuda/decode.h"
#include "cuda/decode_loop_finisher.cuh"
#include "cuda/decode_loop_worker.cuh"

namespace statescope::kernels::cuda {
namespace {

/// Gives out pieces of a block's shared memory, or only counts them.
struct SharedMemory {
  char* base = nullptr;
  int used = 0;
  template <class Value>
  __host__ __device__ Value* take(int count) {
    Value* taken = base ? reinterpret_cast<Value*>(base + used) : nullptr;
    used += (count * static_cast<int>(sizeof(Value)) + 15) / 16 * 16;
    return taken;
  }
};
template <class T>
__host__ __device__ Scratch<T> scratch_of(const Loop& p, SharedMemory& memory) {
  Scratch<T> s;
  s.stream = memory.take<T>(cluster_blocks * p.rows);
  s.u = memory.take<T>(p.width);
  s.y = memory.take<T>(p.width);
  s.squares = memory.take<float>(cluster_blocks * p.rows / group_rows);
  s.projected = memory.take<float>(cluster_blocks * p.narrow);
  s.residual = memory.take<float>(p.rows);
  s.own_u = memory.take<float>(p.channels);
  s.own_z = memory.take<float>(p.channels);
  s.parts = memory.take<float>(2 * worker_warps * tile_rows);
  s.candidates = memory.take<BestLogit>(p.clusters * cluster_blocks);
  s.gates = memory.take<std::uint64_t>(inboxes);
  return s;
}

template <class T>
__global__ void __launch_bounds__(readers + 32, 1) decode_loop_kernel(const __grid_constant__ Loop p) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  extern __shared__ __align__(128) char memory[];
  SharedMemory rest{memory + p.stages * p.stage_bytes};
  auto* barriers = rest.take<std::uint64_t>(2 * p.stages);
  auto* layers = rest.take<DecodeLayer>(p.layers);
  char* scratch_begin = rest.base + rest.used;
  const Scratch<T> scratch = scratch_of<T>(p, rest);
  Ring ring{memory, shared_address(barriers), p.stages, p.stage_bytes};

  const int thread = static_cast<int>(threadIdx.x);
  // Channels that no block has are zero.
  const int zeros = static_cast<int>(rest.base + rest.used - scratch_begin) / 4;
  for (int i = thread; i < zeros; i += readers + 32) reinterpret_cast<unsigned*>(scratch_begin)[i] = 0;
  const auto* table = reinterpret_cast<const std::uint64_t*>(p.args.layers);
#pragma unroll 1
  for (int i = thread; i < p.layers * static_cast<int>(sizeof(DecodeLayer) / 8); i += readers + 32)
    reinterpret_cast<std::uint64_t*>(layers)[i] = table[i];
  __syncthreads();
  if (thread == 0) {
    ring.start();
    Block<T>(p, layers, ring, scratch).open_inboxes();
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  __syncthreads();
  wait_for_cluster();

  if (thread < workers) {
    Worker<T>(p, layers, ring, scratch).run();
  } else if (thread < readers) {
    Finisher<T>(p, layers, ring, scratch).run();
  } else {
    std::uint64_t policy;
    asm volatile("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
    const auto copy = [&](const DecodeLayer& w, Matrix which) {
      const bool strip = which == narrow || which == out;
      ring.fill(slice_of(p, w, which),
                strip         ? p.strip_at_once
                : which == dt ? p.channels
                              : p.d_at_once,
                strip         ? p.strip_bytes
                : which == dt ? p.r_bytes
                              : p.d_bytes,
                policy);
    };
#pragma unroll 1
    for (int token = 0; token < p.tokens; ++token) {
#pragma unroll 1
      for (int i = 0; i < p.layers; ++i) {
#pragma unroll 1
        for (int which = in_u; which <= out; ++which) copy(layers[i], static_cast<Matrix>(which));
      }
      copy(layers[0], head);
    }
  }
  __syncwarp();
  wait_for_cluster();  // nobody leaves to whom something may still be sent
#endif
}

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, device), "asking for a device's properties");
  return value;
}

/// A launch of `blocks` blocks in clusters, all on the device at once.
struct Launch {
  cudaLaunchAttribute attributes[2] = {};
  cudaLaunchConfig_t config = {};

  Launch(int blocks, int shared_bytes, cudaStream_t stream) {
    attributes[0].id = cudaLaunchAttributeClusterDimension;
    attributes[0].val.clusterDim = {cluster_blocks, 1, 1};
    attributes[1].id = cudaLaunchAttributeCooperative;
    attributes[1].val.cooperative = 1;
    config.gridDim = dim3(static_cast<unsigned>(blocks));
    config.blockDim = dim3(readers + 32);
    config.dynamicSmemBytes = static_cast<std::size_t>(shared_bytes);
    config.stream = stream;
    config.attrs = attributes;
    config.numAttrs = 2;
  }
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;
};

/// How many clusters of one kernel with so much shared memory the device holds.
int most_clusters(const void* kernel, int shared_bytes) {
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes), "decode_loop");
  Launch launch(cluster_blocks, shared_bytes, nullptr);
  launch.config.numAttrs = 1;
  int count = 0;
  check(cudaOccupancyMaxActiveClusters(&count, kernel, &launch.config), "decode_loop");
  return count;
}

struct Plan {
  Loop loop;
  int shared_bytes = 0;
};

/// How the work is shared out; `stages` is too few where it cannot be.
template <class T>
Plan plan_of(const DecodeLoopArgs& args, int device) {
  constexpr int largest_stage = 24 * 1024;
  const auto count = [](std::int64_t v) { return static_cast<int>(v); };
  const int most_shared = attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  const int most = most_clusters(reinterpret_cast<const void*>(&decode_loop_kernel<T>), most_shared);
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
  p.stages = 0;
  if (most == 0) return plan;
  const auto share = [](int rows, int blocks) { return (rows + blocks - 1) / blocks; };
  const auto up_to = [](int value, int of) { return (value + of - 1) / of * of; };
  p.channels = up_to(share(p.E, most * cluster_blocks), step_inputs / cluster_blocks);  // a cluster has whole steps
  p.width = cluster_blocks * p.channels;
  p.clusters = share(p.E, p.width);
  p.rows = up_to(share(p.D, cluster_blocks), group_rows);
  p.narrow = up_to(share(p.R + 2 * p.N, cluster_blocks), 2);
  p.head_rows = share(p.V, p.clusters * cluster_blocks);

  constexpr int value_bytes = static_cast<int>(sizeof(T));
  const auto bytes = [](int columns) { return static_cast<int>(padded(columns)) * value_bytes; };
  p.d_bytes = bytes(p.D);
  p.e_bytes = bytes(p.E);
  p.r_bytes = bytes(p.R);
  p.strip_bytes = p.width * value_bytes;
  const int longest = std::max({p.d_bytes, p.strip_bytes, p.channels * p.r_bytes});
  p.stage_bytes = up_to(std::max(longest, std::min(p.channels * p.d_bytes, largest_stage)), 128);
  const auto at_once = [&](int row_bytes) {
    const int rows = p.stage_bytes / row_bytes;
    return rows > tile_rows ? rows - rows % tile_rows : rows;
  };
  p.d_at_once = at_once(p.d_bytes);
  p.strip_at_once = at_once(p.strip_bytes);
  SharedMemory rest;
  rest.take<std::uint64_t>(2 * 32);
  rest.take<DecodeLayer>(p.layers);
  scratch_of<T>(p, rest);
  p.stages = std::min(32, (most_shared - rest.used) / p.stage_bytes);
  plan.shared_bytes = rest.used + p.stages * p.stage_bytes;
  return plan;
}

}  // namespace

std::int64_t decode_loop_memory(const DecodeLoopArgs& args, int device) {
  constexpr std::int64_t longest = 1 << 16;  // keeps indices within a layer inside 32 bits
  if (attribute(cudaDevAttrComputeCapabilityMajor, device) < 9 ||
      attribute(cudaDevAttrCooperativeLaunch, device) == 0 || args.d_conv > most_taps || args.d_model > longest ||
      args.d_inner > longest / 4 || args.d_state > longest / 2 || args.dt_rank > longest)
    return 0;
  std::int64_t bytes = 0;
  with_type(args.type, [&](auto zero) {
    const Loop loop = plan_of<decltype(zero)>(args, device).loop;
    if (loop.stages >= fewest_stages) bytes = mailbox_bytes(loop);
  });
  return bytes;
}

void decode_loop(const DecodeLoopArgs& args, std::int64_t tokens, int device, cudaStream_t stream) {
  with_type(args.type, [&](auto zero) {
    using T = decltype(zero);
    Plan plan = plan_of<T>(args, device);
    plan.loop.tokens = static_cast<int>(tokens);
    const Launch launch(plan.loop.clusters * cluster_blocks, plan.shared_bytes, stream);
    check(cudaLaunchKernelEx(&launch.config, &decode_loop_kernel<T>, plan.loop), "decode_loop");
  });
}

}  // namespace statescope::kernels::cuda
