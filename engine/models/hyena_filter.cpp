// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/models/hyena_filter.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace statescope::hyena {
namespace {

double time(std::int64_t l, std::int64_t length) {
  return static_cast<double>(l) / static_cast<double>(std::max<std::int64_t>(1, length - 1));
}

}  // namespace

void position(std::int64_t l, std::int64_t length, double* z) {
  z[0] = time(l, length);
  const double w = 2 * std::numbers::pi * static_cast<double>(l) / static_cast<double>(length);
  for (std::int64_t band = 0; band < bands; ++band) {
    const double f = 1e-4 + static_cast<double>(band) * (static_cast<double>(bands - 1) - 1e-4) / (bands - 1);
    z[1 + band] = std::cos(f * w);
    z[1 + bands + band] = -std::sin(f * w);
  }
}

double window(std::int64_t l, std::int64_t length, std::int64_t e, std::int64_t E) {
  const double slow = std::log(0.01) / 1.5, fast = std::log(0.01) / 0.3;
  const double rate =
      slow + (fast - slow) * static_cast<double>(e) / static_cast<double>(std::max<std::int64_t>(1, E - 1));
  return std::exp(-time(l, length) * std::abs(rate));
}

Filter::Filter(const Checkpoint& checkpoint, const std::string& mixer, std::int64_t length, std::int64_t channels)
    : length_(length), E_(channels), rows_(std::make_shared<const std::vector<float>>()) {
  for (std::size_t i = 0; i <= hidden; ++i) {
    const std::string name = mixer + "filter." + std::to_string(i);
    weights_[i] = checkpoint.read_f64(name + ".weight");
    if (i < hidden) biases_[i] = checkpoint.read_f64(name + ".bias");
  }
  frequency_ = checkpoint.read_f64(mixer + "filter.frequency");
}

void Filter::add_position(std::int64_t l, std::vector<float>& rows) const {
  std::vector<double> s(features);
  position(l, length_, s.data());
  const auto product = [&](const std::vector<double>& weights, std::size_t output) {
    double sum = 0;
    for (std::size_t i = 0; i < s.size(); ++i) sum += weights[output * s.size() + i] * s[i];
    return sum;
  };
  for (std::size_t i = 0; i < hidden; ++i) {
    std::vector<double> next;
    for (std::size_t o = 0; o < width; ++o)
      next.push_back(std::sin(frequency_[o] * (product(weights_[i], o) + biases_[i][o])));
    s = std::move(next);
  }
  for (std::int64_t e = 0; e < E_; ++e)
    rows.push_back(
        static_cast<float>(product(weights_[hidden], static_cast<std::size_t>(e)) * window(l, length_, e, E_)));
}

std::shared_ptr<const std::vector<float>> Filter::first(std::int64_t count) const {
  const std::lock_guard lock(mutex_);
  const std::int64_t there = std::ssize(*rows_) / E_;
  if (there >= count) return rows_;
  auto longer = std::make_shared<std::vector<float>>(*rows_);
  for (std::int64_t l = there; l < std::max(count, 2 * there); ++l) add_position(l, *longer);
  rows_ = std::move(longer);
  return rows_;
}

}  // namespace statescope::hyena
