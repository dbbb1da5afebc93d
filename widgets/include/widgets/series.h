// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <memory>
#include <utility>
#include <vector>

#include "widgets/format.h"

namespace statescope {

/// Numbers along an axis, immutable and shared, in the precision they were made in: single for what a model leaves,
/// double for experiments. Copies share the numbers.
class Series {
 public:
  using Floats = std::shared_ptr<const std::vector<float>>;
  using Doubles = std::shared_ptr<const std::vector<double>>;

  Series() = default;
  Series(Floats values) : floats_(std::move(values)) {}
  Series(Doubles values) : doubles_(std::move(values)) {}
  Series(std::vector<double> values) : doubles_(std::make_shared<const std::vector<double>>(std::move(values))) {}

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
  /// For machines: the shortest text that reads back as the same number in its own precision.
  QString csv(qint64 i) const {
    return visit([i](const auto& values) { return csv_number(values[static_cast<std::size_t>(i)]); });
  }

 private:
  Doubles doubles_;  // at most one of the two is there
  Floats floats_;
};

}  // namespace statescope
