// SPDX-License-Identifier: GPL-3.0-or-later
// What decode_loop is made of: messages between clusters, inboxes for what the blocks of a cluster send each other, and
// a ring of shared memory that weights arrive in. Compute capability 9.0 and later.
#pragma once

#include <cstdint>

#include "cuda/skinny_product.cuh"

namespace statescope::kernels::cuda {

constexpr int workers = 384, worker_warps = workers / 32;  // of a block, one warp that finishes and one that copies
constexpr int readers = workers + 32;                      // of the weights
constexpr int cluster_blocks = 8;                          // which write into each other's shared memory
constexpr unsigned most_looks = 1U << 22;                  // for one message; a look takes about a microsecond

/// A value on its way to other clusters. One access: whoever sees the tag sees the value.
struct alignas(8) Post {
  float value;
  unsigned tag;
};

/// Rows of a weight matrix, or columns of them, that a block multiplies.
struct Slice {
  const char* data;
  int rows, bytes;     // of a row
  std::int64_t pitch;  // bytes from row to row
};

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900

__device__ inline void post(Post* to, float value, unsigned tag) {
  asm volatile("{ .reg .b64 all; mov.b64 all, {%1, %2}; st.relaxed.gpu.global.b64 [%0], all; }" ::"l"(to),
               "r"(__float_as_uint(value)), "r"(tag)
               : "memory");
}
/// Two neighbours, each whole.
struct Look {
  Post posts[2];
};
__device__ inline Look look(const Post* from) {
  unsigned v[4];
  asm volatile(
      "{ .reg .b64 a, b; ld.relaxed.gpu.global.v2.b64 {a, b}, [%4]; mov.b64 {%0, %1}, a; mov.b64 {%2, %3}, b; }"
      : "=r"(v[0]), "=r"(v[1]), "=r"(v[2]), "=r"(v[3])
      : "l"(from)
      : "memory");
  return {{{__uint_as_float(v[0]), v[1]}, {__uint_as_float(v[2]), v[3]}}};
}

__device__ inline void wait_for_readers() {
  asm volatile("bar.sync 1, %0;" ::"n"(readers) : "memory");
}
/// Of all threads of all blocks of the cluster.
__device__ inline void wait_for_cluster() {
  asm volatile("barrier.cluster.arrive.aligned;\nbarrier.cluster.wait.aligned;" ::: "memory");
}
__device__ inline int rank_in_cluster() {
  unsigned rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return static_cast<int>(rank);
}

__device__ inline unsigned shared_address(const void* p) {
  return static_cast<unsigned>(__cvta_generic_to_shared(p));
}

/// A barrier of shared memory that is passed when so many threads have come and the bytes they expected are there.
struct Gate {
  unsigned at;

  __device__ void start(int arrivals) const {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(at), "r"(arrivals) : "memory");
  }
  __device__ void arrive() const { asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(at) : "memory"); }
  __device__ void expect(int bytes) const {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(at), "r"(bytes) : "memory");
  }
  __device__ void wait(unsigned parity) const {
    asm volatile(
        "{ .reg .pred done;\nagain: mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n@!done bra again; }" ::
            "r"(at),
        "r"(parity)
        : "memory");
  }
};

/// 4 or 8 bytes to the place in the block `peer` of the cluster that `to` is here, for its inbox with the same
/// gate.
template <class Value>
__device__ inline void send(const Gate& gate, Value* to, const Value& value, int peer) {
  static_assert(sizeof(Value) == 4 || sizeof(Value) == 8);
  unsigned place, barrier;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(place) : "r"(shared_address(to)), "r"(peer));
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(barrier) : "r"(gate.at), "r"(peer));
  if constexpr (sizeof(Value) == 4) {
    unsigned word;
    memcpy(&word, &value, 4);
    asm volatile("st.async.shared::cluster.mbarrier::complete_tx::bytes.b32 [%0], %1, [%2];" ::"r"(place), "r"(word),
                 "r"(barrier)
                 : "memory");
  } else {
    std::uint64_t word;
    memcpy(&word, &value, 8);
    asm volatile("st.async.shared::cluster.mbarrier::complete_tx::bytes.b64 [%0], %1, [%2];" ::"r"(place), "l"(word),
                 "r"(barrier)
                 : "memory");
  }
}

/// Stages of shared memory, each of which holds some rows of a slice, filled and emptied round and round.
struct Ring {
  char* memory;
  unsigned barriers;  // [2, stages]: full and empty
  int stages, stage_bytes;
  int stage = 0;
  unsigned round = 0;

  __device__ Gate full() const { return {barriers + 8 * stage}; }
  __device__ Gate empty() const { return {barriers + 8 * (stages + stage)}; }
  __device__ void start() const {
#pragma unroll 1
    for (int i = 0; i < stages; ++i) {
      Gate{barriers + 8 * i}.start(1);
      Gate{barriers + 8 * (stages + i)}.start(readers / 32);
    }
  }
  __device__ void next() {
    if (++stage < stages) return;
    stage = 0;
    round ^= 1;
  }

  /// By one warp: copies a slice, `at_once` rows a stage, `stride` bytes apart. Weights leave the cache first, so that
  /// what is small stays there.
  __device__ void fill(const Slice& s, int at_once, int stride, std::uint64_t evict_first) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll 1
    for (int first = 0; first < s.rows; first += at_once, next()) {
      const int rows = min(at_once, s.rows - first);
      empty().wait(round ^ 1);
      if (lane == 0) full().expect(rows * s.bytes);
      __syncwarp();
      // Rows without gaps are one copy.
      const bool whole = s.bytes == stride && s.bytes == s.pitch;
      const int copies = whole ? 1 : rows, bytes = whole ? rows * s.bytes : s.bytes;
#pragma unroll 1
      for (int r = lane; r < copies; r += 32)
        asm volatile(
            "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1], %2, [%3], "
            "%4;" ::"r"(shared_address(memory + stage * stage_bytes + r * stride)),
            "l"(s.data + (first + r) * s.pitch), "r"(bytes), "r"(full().at), "l"(evict_first)
            : "memory");
    }
  }
  /// By each warp that reads, also those that need nothing of it: the next stage when it is full; then gives it back.
  __device__ const char* open() const {
    full().wait(round);
    return memory + stage * stage_bytes;
  }
  __device__ void close() {
    __syncwarp();
    if (threadIdx.x % 32 == 0) empty().arrive();
    next();
  }
  /// use(first row, rows, where they lie) for each stage of a slice.
  template <class Use>
  __device__ void drain(int rows, int at_once, const Use& use) {
#pragma unroll 1
    for (int first = 0; first < rows; first += at_once) {
      const char* data = open();
      use(first, min(at_once, rows - first), data);
      close();
    }
  }
  __device__ void skip(int rows, int at_once) {
    drain(rows, at_once, [](int, int, const char*) {});
  }
};

#endif

}  // namespace statescope::kernels::cuda
