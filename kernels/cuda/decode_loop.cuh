// SPDX-License-Identifier: GPL-3.0-or-later
// What decode_loop is made of: messages between blocks, and a ring of shared memory that weights arrive in. Compute
// capability 9.0 and later.
#pragma once

#include <cstdint>

#include "cuda/skinny_product.cuh"

namespace statescope::kernels::cuda {

constexpr int workers = 384, worker_warps = workers / 32;  // of a block, and one warp that copies
constexpr unsigned most_looks = 1U << 22;                  // for one message; a look takes about a microsecond

/// Values on their way to all blocks: three of 32 bits, or six of 16. One access: whoever sees the tag sees them.
struct alignas(16) Message {
  unsigned words[3];
  unsigned tag;
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

__device__ inline void send(Message* to, const unsigned (&words)[3], unsigned tag) {
  asm volatile(
      "{ .reg .b64 low, high; .reg .b128 all; mov.b64 low, {%1, %2}; mov.b64 high, {%3, %4}; mov.b128 all, {low, "
      "high}; "
      "st.relaxed.gpu.global.b128 [%0], all; }" ::"l"(to),
      "r"(words[0]), "r"(words[1]), "r"(words[2]), "r"(tag)
      : "memory");
}
__device__ inline Message look(const Message* from) {
  Message m;
  asm volatile(
      "{ .reg .b64 low, high; .reg .b128 all; ld.relaxed.gpu.global.b128 all, [%4]; mov.b128 {low, high}, all; "
      "mov.b64 {%0, %1}, low; mov.b64 {%2, %3}, high; }"
      : "=r"(m.words[0]), "=r"(m.words[1]), "=r"(m.words[2]), "=r"(m.tag)
      : "l"(from)
      : "memory");
  return m;
}
/// Waits for messages, each worker for its own: use(index, words). One that has waited for seconds gives up, for good,
/// and goes on with what it finds, so that a launch ends whatever happens.
template <class Use>
__device__ inline void receive(const Message* from, int messages, unsigned tag, bool& gave_up, const Use& use) {
#pragma unroll 1
  for (int i = static_cast<int>(threadIdx.x); i < messages; i += workers) {
    Message m = look(from + i);
#pragma unroll 1
    for (unsigned looks = 0; m.tag != tag && !gave_up; ++looks) {
      gave_up = looks == most_looks;
      m = look(from + i);
    }
    use(i, m.words);
  }
}

/// Values of a message from float32 ones, in the type of products.
template <class T>
constexpr int values_of_message = static_cast<int>(12 / sizeof(T));
template <class T>
__device__ inline void pack_message(const float* values, unsigned (&words)[3]) {
  Unpacked<T, values_of_message<T>> rounded;
#pragma unroll
  for (int i = 0; i < values_of_message<T>; ++i) rounded.values[i] = from_float<T>(values[i]);
  memcpy(words, &rounded, sizeof(words));
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
