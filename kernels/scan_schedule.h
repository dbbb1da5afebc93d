// SPDX-License-Identifier: GPL-3.0-or-later
// Each algorithm of kernels/scan_ladder.h, written once: which step combines what, phase by phase. CpuBackend executes
// the steps on rows of floats, the kernel of cuda/scan_ladder.cu on one lane a thread, scan_steps records them. In
// C++17 and constexpr, so that it runs on a CUDA device too.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/scan_algorithms.h"

namespace statescope::kernels {

/// A step as it is scheduled. `round` counts from the beginning of its phase.
struct ScheduledStep {
  ScanOperation operation;
  ScanPlace left, right, into;
  std::int64_t round = 0;
};

constexpr std::int64_t chunk_count(std::int64_t T, std::int64_t chunk) {
  return (T + chunk - 1) / chunk;
}

/// Leaves of Blelloch's tree over T tokens: the next power of two.
constexpr std::int64_t leaf_count(std::int64_t T) {
  std::int64_t leaves = 1;
  while (leaves < T) leaves *= 2;
  return leaves;
}

/// Calls run(phase, tasks, rounds, body) for one phase after another; the tasks of a phase are independent of each
/// other. body(task, emit) calls emit(step) for the steps of one task in their order.
template <class Run>
constexpr void schedule_scan(ScanAlgorithm algorithm, std::int64_t T, std::int64_t chunk, const Run& run) {
  constexpr auto copy = ScanOperation::copy, combine = ScanOperation::combine, descend = ScanOperation::descend;
  const auto input = [](std::int64_t i) { return ScanPlace{ScanArray::input, i}; };
  const auto work = [](std::int64_t i) { return ScanPlace{ScanArray::work, i}; };
  const auto state = [](std::int64_t i) { return ScanPlace{ScanArray::state, i}; };
  const auto carry = [](std::int64_t i) { return ScanPlace{ScanArray::carry, i}; };
  if (T <= 0) return;

  if (algorithm == ScanAlgorithm::sequential || algorithm == ScanAlgorithm::fused) {
    run(ScanPhase::sequential, 1, T, [=](std::int64_t, const auto& emit) {
      for (std::int64_t t = 0; t < T; ++t) emit(ScheduledStep{combine, state(t - 1), input(t), state(t), t});
    });
  }

  if (algorithm == ScanAlgorithm::hillis_steele) {
    ScanArray from = ScanArray::input, to = ScanArray::work;
    for (std::int64_t distance = 1; distance < T; distance *= 2) {
      run(ScanPhase::double_up, T, 1, [=](std::int64_t t, const auto& emit) {
        if (t < distance)
          emit(ScheduledStep{copy, {}, {from, t}, {to, t}});
        else
          emit(ScheduledStep{combine, {from, t - distance}, {from, t}, {to, t}});
      });
      from = to;
      to = to == ScanArray::work ? ScanArray::other : ScanArray::work;
    }
    run(ScanPhase::finish, T, 1, [=](std::int64_t t, const auto& emit) {
      emit(ScheduledStep{combine, state(-1), {from, t}, state(t)});
    });
  }

  if (algorithm == ScanAlgorithm::blelloch) {
    const std::int64_t leaves = leaf_count(T);
    run(ScanPhase::load, leaves, 1, [=](std::int64_t i, const auto& emit) {
      emit(ScheduledStep{copy, {}, i < T ? input(i) : ScanPlace{}, work(i)});
    });
    for (std::int64_t half = 1; half < leaves; half *= 2) {
      run(ScanPhase::up_sweep, leaves / (2 * half), 1, [=](std::int64_t i, const auto& emit) {
        const std::int64_t right = (i + 1) * 2 * half - 1;
        emit(ScheduledStep{combine, work(right - half), work(right), work(right)});
      });
    }
    run(ScanPhase::root, 1, 1, [=](std::int64_t, const auto& emit) {
      emit(ScheduledStep{copy, {}, state(-1), work(leaves - 1)});
    });
    for (std::int64_t half = leaves / 2; half >= 1; half /= 2) {
      run(ScanPhase::down_sweep, leaves / (2 * half), 1, [=](std::int64_t i, const auto& emit) {
        const std::int64_t right = (i + 1) * 2 * half - 1;
        emit(ScheduledStep{descend, work(right - half), work(right), work(right)});
      });
    }
    // The leaves now hold the state before each token.
    run(ScanPhase::finish, T, 1, [=](std::int64_t t, const auto& emit) {
      emit(ScheduledStep{combine, work(t), input(t), state(t)});
    });
  }

  if (algorithm == ScanAlgorithm::chunked) {
    const std::int64_t chunks = chunk_count(T, chunk);
    run(ScanPhase::local, chunks, std::min(chunk, T), [=](std::int64_t c, const auto& emit) {
      const std::int64_t begin = c * chunk, end = std::min(begin + chunk, T);
      emit(ScheduledStep{copy, {}, input(begin), work(begin)});
      for (std::int64_t t = begin + 1; t < end; ++t)
        emit(ScheduledStep{combine, work(t - 1), input(t), work(t), t - begin});
    });
    run(ScanPhase::carry, 1, chunks, [=](std::int64_t, const auto& emit) {
      emit(ScheduledStep{copy, {}, state(-1), carry(0)});
      for (std::int64_t c = 1; c < chunks; ++c)
        emit(ScheduledStep{combine, carry(c - 1), work(c * chunk - 1), carry(c), c});
    });
    run(ScanPhase::finish, chunks, 1, [=](std::int64_t c, const auto& emit) {
      for (std::int64_t t = c * chunk; t < std::min((c + 1) * chunk, T); ++t)
        emit(ScheduledStep{combine, carry(c), work(t), state(t)});
    });
  }
}

}  // namespace statescope::kernels
