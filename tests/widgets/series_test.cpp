// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/series.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace statescope {
namespace {

// By looking at every number.
template <class Number>
Extremes looked_up(const std::vector<Number>& values, qint64 begin, qint64 end) {
  Extremes found;
  for (qint64 i = begin; i < end; ++i) {
    const auto at = [&values](qint64 place) { return values[static_cast<std::size_t>(place)]; };
    if (!std::isfinite(at(i))) continue;
    if (found.first < 0) found = {i, i, i, i};
    found.last = i;
    if (at(i) < at(found.lowest)) found.lowest = i;
    if (at(i) > at(found.highest)) found.highest = i;
  }
  return found;
}

template <class Number>
void expect_every_part_is_known(std::size_t length) {
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  std::vector<Number> values;
  for (std::size_t i = 0; i < length; ++i) values.push_back(static_cast<Number>(normal(random)));
  for (std::size_t i = 5000; i < 5300; ++i) values[i] = NAN;  // some whole blocks
  values[700] = HUGE_VAL;
  const Series series(std::make_shared<const std::vector<Number>>(values));
  EXPECT_EQ(series.extremes(), looked_up(values, 0, series.size()));
  std::uniform_int_distribution<qint64> place(0, series.size());
  for (int i = 0; i < 300; ++i) {
    const qint64 a = place(random), b = i % 3 == 0 ? std::min(a + i, series.size()) : place(random);
    ASSERT_EQ(series.extremes(std::min(a, b), std::max(a, b)), looked_up(values, std::min(a, b), std::max(a, b)))
        << a << " " << b;
  }
  EXPECT_EQ(series.extremes(5010, 5290).first, -1);
}

TEST(Series, KnowsTheExtremesOfEveryPartWhateverItsLength) {
  expect_every_part_is_known<double>(6000);
  expect_every_part_is_known<double>(70001);
  expect_every_part_is_known<float>(70001);
}

}  // namespace
}  // namespace statescope
