// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <memory>
#include <utility>
#include <vector>

#include "widgets/format.h"

namespace statescope {

/// Where a part of a series has its first, lowest, highest and last finite number; −1 where it has none.
struct Extremes {
  qint64 first = -1, lowest = -1, highest = -1, last = -1;
  bool operator==(const Extremes&) const = default;
};

/// Numbers along an axis, immutable and shared, in the precision they were made in: single for what a model leaves,
/// double for experiments. Copies share the numbers. A long series is summed up in blocks once, when it is made (a
/// millisecond for a million numbers, on any thread); `extremes` of any part of it are quick from then on.
class Series {
 public:
  using Floats = std::shared_ptr<const std::vector<float>>;
  using Doubles = std::shared_ptr<const std::vector<double>>;

  Series() = default;
  Series(Floats values) : floats_(std::move(values)) { sum_up(); }
  Series(Doubles values) : doubles_(std::move(values)) { sum_up(); }
  Series(std::vector<double> values) : Series(std::make_shared<const std::vector<double>>(std::move(values))) {}

  /// Calls `function` with the vector itself, for loops over many numbers.
  template <typename Function>
  auto visit(const Function& function) const {
    static const std::vector<double> none;
    return floats_ ? function(*floats_) : function(doubles_ ? *doubles_ : none);
  }

  qint64 size() const {
    return visit([](const auto& values) { return static_cast<qint64>(values.size()); });
  }
  bool empty() const { return size() == 0; }
  double operator[](qint64 i) const {
    return visit([i](const auto& values) { return static_cast<double>(values[static_cast<std::size_t>(i)]); });
  }
  /// Of [begin, end).
  Extremes extremes(qint64 begin, qint64 end) const;
  Extremes extremes() const { return extremes(0, size()); }
  /// Whether these are the same numbers in memory.
  bool shares(const Series& other) const { return doubles_ == other.doubles_ && floats_ == other.floats_; }
  /// For machines: the shortest text that reads back as the same number in its own precision.
  QString csv(qint64 i) const {
    return visit([i](const auto& values) { return csv_number(values[static_cast<std::size_t>(i)]); });
  }

 private:
  struct Blocks;
  void sum_up();

  Doubles doubles_;  // at most one of the two is there
  Floats floats_;
  std::shared_ptr<const Blocks> blocks_;  // of a long series
};

}  // namespace statescope
