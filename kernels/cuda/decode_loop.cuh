// SPDX-License-Identifier: GPL-3.0-or-later
// What decode_loop is made of: messages between blocks, and a ring of shared memory that weights arrive in. Compute
// capability 9.0 and later.
#pragma once

#include <cstdint>

#include "cuda/skinny_product.cuh"

namespace statescope::kernels::cuda {

constexpr int workers = 384, worker_warps = workers / 32;  // of a block, and one warp that copies

/// A value on its way to all blocks. One access of 64 bits: whoever sees the tag sees the value.
struct alignas(8) Message {
  float value;
  std::uint32_t tag;
};

/// How the rows of a matrix travel: so many bytes each, to places `stride` bytes apart, `at_once` rows to a stage. The
/// stride is an odd multiple of 64 bytes, so that two rows which are read together lie in different banks.
struct RowShape {
  int bytes, stride, at_once;
};
/// Rows of a weight matrix that a block multiplies.
struct Slice {
  const char* data;
  int rows;
};

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900

__device__ inline void send(Message* to, float value, std::uint32_t tag) {
  asm volatile("{ .reg .b64 m; mov.b64 m, {%1, %2}; st.relaxed.gpu.global.b64 [%0], m; }" ::"l"(to),
               "r"(__float_as_uint(value)), "r"(tag)
               : "memory");
}

struct MessagePair {
  Message first, second;
};
__device__ inline MessagePair look(const Message* from) {
  std::uint32_t a, b, c, d;
  asm volatile(
      "{ .reg .b64 m, n; ld.relaxed.gpu.global.v2.b64 {m, n}, [%4]; mov.b64 {%0, %1}, m; mov.b64 {%2, %3}, n; }"
      : "=r"(a), "=r"(b), "=r"(c), "=r"(d)
      : "l"(from)
      : "memory");
  return {{__uint_as_float(a), b}, {__uint_as_float(c), d}};
}

/// Waits for `count` messages, each worker for its own: use(index, value). A thread's first Pairs of pairs are looked
/// at before one is waited for.
template <int Pairs, class Use>
__device__ inline void receive(const Message* from, int count, std::uint32_t tag, const Use& use) {
#pragma unroll 1
  for (int base = 2 * static_cast<int>(threadIdx.x); base < count; base += 2 * workers * Pairs) {
    MessagePair pairs[Pairs];
#pragma unroll
    for (int i = 0; i < Pairs; ++i)
      if (base + 2 * workers * i < count) pairs[i] = look(from + base + 2 * workers * i);
#pragma unroll
    for (int i = 0; i < Pairs; ++i) {
      const int k = base + 2 * workers * i;
      if (k >= count) continue;
      const bool two = k + 1 < count;
      while (pairs[i].first.tag != tag || (two && pairs[i].second.tag != tag)) pairs[i] = look(from + k);
      use(k, pairs[i].first.value);
      if (two) use(k + 1, pairs[i].second.value);
    }
  }
}

__device__ inline void wait_for_workers() {
  asm volatile("bar.sync 1, %0;" ::"n"(workers) : "memory");
}

__device__ inline unsigned shared_address(const void* p) {
  return static_cast<unsigned>(__cvta_generic_to_shared(p));
}

/// Stages of shared memory, each of which holds some rows of a slice, filled and emptied round and round.
struct Ring {
  char* memory;
  std::uint64_t *full, *empty;  // barriers of the stages
  int stages, stage_bytes;
  int stage = 0;
  unsigned round = 0;

  __device__ void start() const {
#pragma unroll 1
    for (int i = 0; i < stages; ++i) {
      asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(shared_address(full + i)) : "memory");
      asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(empty + i)), "n"(worker_warps)
                   : "memory");
    }
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  __device__ static void wait(const std::uint64_t* barrier, unsigned parity) {
    asm volatile(
        "{ .reg .pred done;\nagain: mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n@!done bra again; }" ::
            "r"(shared_address(barrier)),
        "r"(parity)
        : "memory");
  }
  __device__ void next() {
    if (++stage < stages) return;
    stage = 0;
    round ^= 1;
  }

  /// By one warp: copies a slice, stage by stage. Weights leave the cache first, so that what is small stays there.
  __device__ void fill(const Slice& s, const RowShape& shape, std::uint64_t evict_first) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll 1
    for (int first = 0; first < s.rows; first += shape.at_once, next()) {
      const int rows = min(shape.at_once, s.rows - first);
      wait(empty + stage, round ^ 1);
      if (lane == 0)
        asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(full + stage)),
                     "r"(rows * shape.bytes)
                     : "memory");
      __syncwarp();
#pragma unroll 1
      for (int r = lane; r < rows; r += 32)
        asm volatile(
            "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1], %2, [%3], "
            "%4;" ::"r"(shared_address(memory + stage * stage_bytes + r * shape.stride)),
            "l"(s.data + static_cast<std::int64_t>(first + r) * shape.bytes), "r"(shape.bytes),
            "r"(shared_address(full + stage)), "l"(evict_first)
            : "memory");
    }
  }
  /// By all workers: use(first row, rows, where they lie) for each stage of a slice.
  template <class Use>
  __device__ void drain(const Slice& s, const RowShape& shape, const Use& use) {
#pragma unroll 1
    for (int first = 0; first < s.rows; first += shape.at_once, next()) {
      wait(full + stage, round);
      use(first, min(shape.at_once, s.rows - first), memory + stage * stage_bytes);
      __syncwarp();
      if (threadIdx.x % 32 == 0)
        asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(empty + stage)) : "memory");
    }
  }
};

#endif

}  // namespace statescope::kernels::cuda
