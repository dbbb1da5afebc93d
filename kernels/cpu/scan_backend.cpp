// SPDX-License-Identifier: GPL-3.0-or-later
// The scans of CpuBackend: how they are shared among threads.
#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#include "cpu/scan_ops.h"
#include "cpu/share.h"
#include "kernels/cpu_backend.h"
#include "scan_schedule.h"

namespace statescope::kernels {
namespace {

std::int64_t divide_up(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

// Memory whose contents are written before they are read.
using Floats = std::unique_ptr<float[]>;
Floats make_floats(std::int64_t count) {
  return std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(std::max<std::int64_t>(count, 1)));
}

// As many workspaces as threads: whoever runs a part of a loop takes one. They start on a cache line.
class Workspaces {
 public:
  Workspaces(int threads, std::int64_t floats) {
    constexpr std::int64_t line = 64;
    for (int i = 0; i < threads; ++i) {
      memory_.push_back(make_floats(floats + line / 4));
      const auto address = reinterpret_cast<std::uintptr_t>(memory_.back().get());
      free_.push_back(memory_.back().get() + (line - address % line) % line / 4);
    }
  }
  float* take() {
    const std::lock_guard lock(mutex_);
    float* taken = free_.back();
    free_.pop_back();
    return taken;
  }
  void give_back(float* taken) {
    const std::lock_guard lock(mutex_);
    free_.push_back(taken);  // never grows beyond its first size
  }

 private:
  std::mutex mutex_;
  std::vector<Floats> memory_;
  std::vector<float*> free_;
};

// The arrays of a linear scan, W lanes a row.
struct LinearArrays {
  const LinearScanArgs<float>& args;
  std::int64_t W;
  const float* h0;
  std::int64_t pairs;  // in `work` and in `other`
  float *work, *other, *carry;

  // From lane `first` on. Inputs and h0 come as writable pointers, since a row may be either; nothing writes to them.
  PairRow at(ScanPlace place, std::int64_t first) const {
    switch (place.array) {
      case ScanArray::input:
        return {const_cast<float*>(args.a.row(place.index)) + first,
                const_cast<float*>(args.b.row(place.index)) + first};
      case ScanArray::work:
        return pair(work, place.index, first);
      case ScanArray::other:
        return pair(other, place.index, first);
      case ScanArray::carry:
        return {nullptr, carry + place.index * W + first};
      case ScanArray::state:
        return {nullptr, (place.index < 0 ? const_cast<float*>(h0) : args.h.row(place.index)) + first};
      case ScanArray::none:
        break;
    }
    return {};
  }
  PairRow pair(float* array, std::int64_t index, std::int64_t first) const {
    return {array + index * W + first, array + (pairs + index) * W + first};
  }
};

void copy_row(PairRow from, PairRow to, std::int64_t count) {
  const auto bytes = static_cast<std::size_t>(count) * sizeof(float);
  if (to.a && !from.a) std::fill_n(to.a, count, from.b ? 0.0f : 1.0f);  // a state is (0, h), nothing is (1, 0)
  if (to.a && from.a) std::memcpy(to.a, from.a, bytes);
  if (from.b)
    std::memcpy(to.b, from.b, bytes);
  else
    std::fill_n(to.b, count, 0.0f);
}

}  // namespace

const ScanOps& scan_ops(InstructionSet set) {
#if defined(__x86_64__)
  if (set == InstructionSet::avx2) return avx2_scan_ops;
  if (set != InstructionSet::baseline) return avx512_scan_ops;
#endif
  (void)set;
  return baseline_scan_ops;
}

void CpuBackend::selective_scan(const SelectiveScanArgs<float>& args) const {
  const ScanOps& ops = scan_ops(set_);
  if (args.x.rows == 1 && args.x.cols > 0 && args.groups == 1 && !args.h_all) {
    // One part for each thread: rows of A and h are read in long pieces, and few pages are met by more than one. Up to
    // some 2,000 channels of 16 states one thread is as fast, whose state then stays in its own caches.
    const std::int64_t E = args.x.cols, blocks = divide_up(E, ops.channel_block);
    const std::int64_t parts = std::min<std::int64_t>(blocks, pool_.size());
    return share(parts, E * args.A.rows, [&](std::int64_t begin, std::int64_t end) {
      const auto channel = [&](std::int64_t part) { return std::min(E, blocks * part / parts * ops.channel_block); };
      ops.step(args, channel(begin), channel(end));
    });
  }
  share(divide_up(args.x.cols, ops.channel_block), args.x.rows * args.x.cols * args.A.rows * 2,
        [&](std::int64_t begin, std::int64_t end) { ops.selective_scan(args, begin, end); });
}

void CpuBackend::selective_scan_backward(const SelectiveScanBackwardArgs<float>& args) const {
  const ScanOps& ops = scan_ops(set_);
  const SelectiveScanArgs<float>& in = args.forward;
  const std::int64_t T = in.x.rows, E = in.x.cols, N = in.A.rows, groups = in.groups, W = N * E;
  if (E == 0) return;

  // Sums begin at 0; the state's gradient goes backwards through dh0, or a matrix of our own.
  for (std::int64_t n = 0; args.dA && n < N; ++n) std::fill_n(args.dA.row(n), E, 0.0f);
  for (float* sums : {args.dD, args.ddelta_bias}) {
    if (sums) std::fill_n(sums, E, 0.0f);
  }
  for (const MatrixView<float>& m : {args.dB, args.dC}) {
    if (m && m.stride == 0) std::fill_n(m.data, m.cols, 0.0f);
  }
  const Floats own_later = args.dh0 ? nullptr : make_floats(W);
  const MatrixView<float> later = args.dh0 ? args.dh0 : MatrixView<float>(own_later.get(), N, E);
  for (std::int64_t n = 0; n < N; ++n) {
    if (args.dh_last)
      std::copy_n(args.dh_last.row(n), E, later.row(n));
    else
      std::fill_n(later.row(n), E, 0.0f);
  }

  BackwardPlan plan;
  plan.blocks_per_group = divide_up(E / groups, ops.channel_block);
  plan.blocks = plan.blocks_per_group * groups;
  // A segment is as long as its tile states and its shares of dB and dC stay a few MB.
  constexpr std::int64_t longest = 1024, share_floats = std::int64_t{4} << 20;
  const std::int64_t affordable = share_floats / std::max<std::int64_t>(1, plan.blocks * 2 * N);
  plan.segment = std::clamp(affordable, ops.backward_tile, longest) / ops.backward_tile * ops.backward_tile;
  plan.segments = divide_up(T, plan.segment);
  const std::int64_t segment_tokens = std::min(T, plan.segment);

  const Floats checkpoints = plan.segments > 1 ? make_floats(plan.segments * W) : nullptr;
  const Floats partial = make_floats(plan.blocks * segment_tokens * 2 * N);
  Workspaces workspaces(threads(), ops.backward_workspace(segment_tokens, N));
  const std::int64_t work = segment_tokens * W * 4;
  if (plan.segments > 1)
    share(divide_up(E, ops.channel_block), work, [&](std::int64_t begin, std::int64_t end) {
      ops.checkpoints(in, plan.segment, checkpoints.get(), begin, end);
    });

  // Adds up the blocks' shares of one token and group, in the blocks' order.
  const auto total = [&](std::int64_t tokens, std::int64_t token, std::int64_t group, std::int64_t which,
                         std::int64_t n) {
    float sum = 0;
    for (std::int64_t i = 0; i < plan.blocks_per_group; ++i)
      sum += partial[static_cast<std::size_t>((((group * plan.blocks_per_group + i) * tokens + token) * 2 + which) * N +
                                              n)];
    return sum;
  };
  for (std::int64_t s = plan.segments - 1; s >= 0; --s) {
    BackwardSegment segment;
    segment.begin = s * plan.segment;
    segment.end = std::min(segment.begin + plan.segment, T);
    segment.before =
        plan.segments > 1 ? MatrixView<const float>(checkpoints.get() + s * W, N, E) : MatrixView<const float>(in.h);
    segment.later = later;
    segment.partial = partial.get();
    share(plan.blocks, work, [&](std::int64_t begin, std::int64_t end) {
      float* workspace = workspaces.take();
      ops.backward(args, plan, segment, workspace, begin, end);
      workspaces.give_back(workspace);
    });
    const std::int64_t tokens = segment.end - segment.begin;
    const MatrixView<float> sums[] = {args.dB, args.dC};
    for (std::int64_t which = 0; which < 2; ++which) {
      const MatrixView<float> out = sums[which];
      if (!out) continue;
      const bool over_time = out.stride == 0;
      share(over_time ? groups : tokens, plan.blocks * tokens * N, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t unit = begin; unit < end; ++unit) {
          if (over_time) {
            for (std::int64_t n = 0; n < N; ++n) {
              float sum = 0;
              for (std::int64_t t = 0; t < tokens; ++t) sum += total(tokens, t, unit, which, n);
              out.data[unit * N + n] += sum;
            }
          } else {
            for (std::int64_t group = 0; group < groups; ++group)
              for (std::int64_t n = 0; n < N; ++n)
                out(segment.begin + unit, group * N + n) = total(tokens, unit, group, which, n);
          }
        }
      });
    }
  }
}

void CpuBackend::linear_scan(const LinearScanArgs<float>& args, ScanAlgorithm algorithm, std::int64_t chunk,
                             ScanWorkspace* workspace) const {
  ScanWorkspace own;
  ScanWorkspace& memory = workspace ? *workspace : own;
  const ScanOps& ops = scan_ops(set_);
  const std::int64_t T = args.a.rows, W = args.a.cols;
  if (T == 0 || W == 0) return;
  const std::vector<float> zeros(static_cast<std::size_t>(args.h0 ? 0 : W));
  LinearArrays arrays{args, W, args.h0 ? args.h0 : zeros.data(), T, nullptr, nullptr, nullptr};
  if (algorithm == ScanAlgorithm::blelloch) arrays.pairs = leaf_count(T);
  if (algorithm != ScanAlgorithm::sequential && algorithm != ScanAlgorithm::fused)
    arrays.work = memory.floats("work", 2 * arrays.pairs * W);
  if (algorithm == ScanAlgorithm::hillis_steele && T > 2) arrays.other = memory.floats("other", 2 * T * W);
  if (algorithm == ScanAlgorithm::chunked) arrays.carry = memory.floats("carry", chunk_count(T, chunk) * W);

  // A few kB of every row at a time: the row before is still in the first cache when the next one needs it.
  constexpr std::int64_t block = 512;
  const std::int64_t blocks = divide_up(W, block);
  schedule_scan(algorithm, T, chunk, [&](ScanPhase, std::int64_t tasks, std::int64_t rounds, const auto& body) {
    share(tasks * blocks, tasks * rounds * W, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t unit = begin; unit < end; ++unit) {
        const std::int64_t first = unit % blocks * block, count = std::min(block, W - first);
        body(unit / blocks, [&](const ScheduledStep& step) {
          const PairRow left = arrays.at(step.left, first), right = arrays.at(step.right, first),
                        into = arrays.at(step.into, first);
          switch (step.operation) {
            case ScanOperation::copy:
              return copy_row(right, into, count);
            case ScanOperation::combine:
              return ops.combine(left, right, into, count);
            case ScanOperation::descend:
              return ops.descend(left, right, count);
          }
        });
      }
    });
  });
}

void CpuBackend::selective_scan(const SelectiveScanArgs<float>& args, ScanAlgorithm algorithm, std::int64_t chunk,
                                ScanWorkspace* workspace) const {
  if (algorithm == ScanAlgorithm::fused) return selective_scan(args);
  const ScanOps& ops = scan_ops(set_);
  const std::int64_t T = args.x.rows, E = args.x.cols, N = args.A.rows, W = N * E;
  if (T == 0 || W == 0) return;
  ScanWorkspace own;
  ScanWorkspace& memory = workspace ? *workspace : own;
  float *a = memory.floats("a", T * W), *b = memory.floats("b", T * W), *h0 = memory.floats("h0", W);
  for (std::int64_t n = 0; n < N; ++n) std::copy_n(args.h.row(n), E, h0 + n * E);
  share(T, T * W * 2, [&](std::int64_t begin, std::int64_t end) { ops.form(args, a, b, begin, end); });
  linear_scan({{a, T, W}, {b, T, W}, h0, {b, T, W}}, algorithm, chunk, &memory);
  share(T, T * W, [&](std::int64_t begin, std::int64_t end) { ops.contract(args, b, begin, end); });
  for (std::int64_t n = 0; n < N; ++n) std::copy_n(b + (T - 1) * W + n * E, E, args.h.row(n));
}

}  // namespace statescope::kernels
