// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/scan_ladder.h"

#include <bit>

#include "scan_schedule.h"

namespace statescope::kernels {
namespace {

constexpr std::int64_t element = sizeof(float);

// The arrays of one lane.
struct Lane {
  std::span<const double> a, b;
  double h0;
  std::vector<ScanPair> work, other, carry, state;

  ScanPair read(ScanPlace place) const {
    const auto i = static_cast<std::size_t>(place.index);
    switch (place.array) {
      case ScanArray::input:
        return {a[i], b[i]};
      case ScanArray::work:
        return work[i];
      case ScanArray::other:
        return other[i];
      case ScanArray::carry:
        return carry[i];
      case ScanArray::state:
        return place.index < 0 ? ScanPair{0, h0} : state[i];
      case ScanArray::none:
        break;
    }
    return {};
  }

  void write(ScanPlace place, ScanPair value) {
    std::vector<ScanPair>& array = place.array == ScanArray::work    ? work
                                   : place.array == ScanArray::other ? other
                                   : place.array == ScanArray::carry ? carry
                                                                     : state;
    array[static_cast<std::size_t>(place.index)] = value;
  }
};

ScanWork operator+(const ScanWork& one, const ScanWork& two) {
  return {one.combines + two.combines,  one.exponentials + two.exponentials, one.depth + two.depth,
          one.passes + two.passes,      one.bytes_read + two.bytes_read,     one.bytes_written + two.bytes_written,
          one.workspace + two.workspace};
}

}  // namespace

float* ScanWorkspace::floats(const char* name, std::int64_t count) {
  Buffer& buffer = buffers_[name];
  if (buffer.size < count) {
    buffer = {};  // before the larger one is asked for
    buffer.data = std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(count));
    buffer.size = count;
  }
  return buffer.data.get();
}

std::string scan_algorithm_name(ScanAlgorithm algorithm) {
  switch (algorithm) {
    case ScanAlgorithm::sequential:
      return "sequential";
    case ScanAlgorithm::hillis_steele:
      return "Hillis–Steele";
    case ScanAlgorithm::blelloch:
      return "Blelloch";
    case ScanAlgorithm::chunked:
      return "chunked";
    case ScanAlgorithm::fused:
      break;
  }
  return "fused";
}

std::string scan_phase_name(ScanPhase phase) {
  switch (phase) {
    case ScanPhase::sequential:
      return "sequential";
    case ScanPhase::double_up:
      return "doubling";
    case ScanPhase::load:
      return "load";
    case ScanPhase::up_sweep:
      return "up-sweep";
    case ScanPhase::root:
      return "root";
    case ScanPhase::down_sweep:
      return "down-sweep";
    case ScanPhase::local:
      return "local";
    case ScanPhase::carry:
      return "carry";
    case ScanPhase::finish:
      break;
  }
  return "finish";
}

ScanWork linear_scan_work(ScanAlgorithm algorithm, std::int64_t T, std::int64_t W, std::int64_t chunk) {
  if (T <= 0) return {};
  // Rows of W floats: a combination of pairs reads two pairs and writes one, one onto a state reads a pair and a state
  // and writes a state.
  std::int64_t combines = 0, read = 0, written = 0, rows_of_workspace = 0;
  ScanWork work;
  switch (algorithm) {
    case ScanAlgorithm::sequential:
    case ScanAlgorithm::fused:
      // The state before stays at hand, except the first.
      combines = T, read = 2 * T + 1, written = T;
      work.depth = T, work.passes = 1;
      break;
    case ScanAlgorithm::hillis_steele: {
      std::int64_t rounds = 0, copies = 0;
      for (std::int64_t distance = 1; distance < T; distance *= 2) ++rounds, copies += distance;
      combines = rounds * T - copies + T;
      read = 4 * (rounds * T - copies) + 2 * copies + 3 * T;
      written = 2 * rounds * T + T;
      work.depth = work.passes = rounds + 1;
      rows_of_workspace = 2 * T * std::min<std::int64_t>(rounds, 2);
      break;
    }
    case ScanAlgorithm::blelloch: {
      const std::int64_t leaves = leaf_count(T);
      const std::int64_t levels = std::countr_zero(static_cast<std::uint64_t>(leaves));
      combines = 2 * (leaves - 1) + T;
      read = 2 * T + 4 * (leaves - 1) + 1 + 4 * (leaves - 1) + 3 * T;
      written = 2 * leaves + 2 * (leaves - 1) + 2 + 4 * (leaves - 1) + T;
      work.depth = work.passes = 2 * levels + 3;
      rows_of_workspace = 2 * leaves;
      break;
    }
    case ScanAlgorithm::chunked: {
      const std::int64_t chunks = chunk_count(T, chunk);
      combines = (T - chunks) + (chunks - 1) + T;
      // The running pair or state of a task stays at hand.
      read = 2 * T + (1 + 2 * (chunks - 1)) + (2 * T + chunks);
      written = 2 * T + chunks + T;
      work.depth = std::min(chunk, T) + chunks + 1;
      work.passes = 3;
      rows_of_workspace = 2 * T + chunks;
      break;
    }
  }
  work.combines = combines * W;
  work.bytes_read = read * W * element;
  work.bytes_written = written * W * element;
  work.workspace = rows_of_workspace * W * element;
  return work;
}

ScanWork selective_scan_work(ScanAlgorithm algorithm, std::int64_t T, std::int64_t E, std::int64_t N,
                             std::int64_t chunk) {
  if (T <= 0) return {};
  ScanWork total;
  total.exponentials = T * E * N;
  const std::int64_t W = E * N;
  if (algorithm == ScanAlgorithm::fused) {
    total.combines = T * W;
    total.depth = T;
    total.passes = 1;
    total.bytes_read = (2 * T * E + 2 * T * N + 2 * W + E) * element;  // x, delta; B, C; A, h; D
    total.bytes_written = (T * E + W) * element;                       // y; h
    return total;
  }
  total.depth = total.passes = 2;
  // Forming reads x, delta, B and A; contracting reads every h, C, D and x. Both at once over all tokens.
  total.bytes_read = (2 * T * E + T * N + W + T * W + T * N + E + T * E) * element;
  total.bytes_written = (2 * T * W + T * E + W) * element;  // a, b; y; the last h
  total.workspace = 2 * T * W * element;
  return total + linear_scan_work(algorithm, T, W, chunk);
}

std::vector<ScanStep> scan_steps(ScanAlgorithm algorithm, std::span<const double> a, std::span<const double> b,
                                 double h0, std::int64_t chunk) {
  const auto T = static_cast<std::int64_t>(std::min(a.size(), b.size()));
  const auto leaves = static_cast<std::size_t>(leaf_count(T)), chunks = static_cast<std::size_t>(T);
  Lane lane{a,
            b,
            h0,
            std::vector<ScanPair>(leaves),
            std::vector<ScanPair>(leaves),
            std::vector<ScanPair>(chunks),
            std::vector<ScanPair>(static_cast<std::size_t>(T))};
  std::vector<ScanStep> steps;
  std::int64_t first_round = 0;
  schedule_scan(algorithm, T, chunk, [&](ScanPhase phase, std::int64_t tasks, std::int64_t rounds, const auto& body) {
    for (std::int64_t task = 0; task < tasks; ++task) {
      body(task, [&](const ScheduledStep& step) {
        ScanStep done{phase, step.operation, first_round + step.round, task, step.left, step.right, step.into, {}, {},
                      {}};
        done.left_value = lane.read(step.left);
        done.right_value = lane.read(step.right);
        switch (step.operation) {
          case ScanOperation::copy:
            done.result = done.right_value;
            break;
          case ScanOperation::combine:
            done.result = combine(done.left_value, done.right_value);
            break;
          case ScanOperation::descend:
            done.result = combine(done.right_value, done.left_value);
            lane.write(step.left, done.right_value);
            break;
        }
        lane.write(step.into, done.result);
        steps.push_back(done);
      });
    }
    first_round += rounds;
  });
  return steps;
}

}  // namespace statescope::kernels
