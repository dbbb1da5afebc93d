// SPDX-License-Identifier: GPL-3.0-or-later
// The judge is judged first: a comparator that lets NaN pass would let everything pass.
#include "harness.h"

#include <cmath>

namespace statescope::kernels::testing {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

Matrix row(std::vector<double> values) {
  const auto count = static_cast<std::int64_t>(values.size());
  return {1, count, std::move(values)};
}

TEST(Close, IsRelativeToTheLargestExpectedMagnitude) {
  EXPECT_TRUE(close(row({1.0, -100.9}), row({1.9, -100.0}), 0.01));  // 1 allowed
  EXPECT_FALSE(close(row({1.0, -100.0}), row({2.1, -100.0}), 0.01));
  EXPECT_FALSE(close(row({1.0, 100.0}), row({1.0, -100.0}), 0.01));
}

TEST(Close, AnInfiniteExpectationDoesNotWidenTheOthers) {
  EXPECT_FALSE(close(row({1.5, infinity}), row({1.0, infinity}), 0.01));
}

TEST(Close, NanOnlyMeetsNan) {
  EXPECT_TRUE(close(row({nan, 1}), row({nan, 1}), 0));
  EXPECT_FALSE(close(row({nan, 1}), row({2, 1}), 1e9));
  EXPECT_FALSE(close(row({2, 1}), row({nan, 1}), 1e9));
}

TEST(Close, InfinityOnlyMeetsItself) {
  EXPECT_TRUE(close(row({infinity, -infinity}), row({infinity, -infinity}), 0));
  EXPECT_FALSE(close(row({infinity}), row({-infinity}), 1e9));
  EXPECT_FALSE(close(row({infinity, 1}), row({2, 1}), 1e9));
  EXPECT_FALSE(close(row({2, 1}), row({infinity, 1}), 1e9));
}

TEST(Close, ZerosAreMetExactly) {
  EXPECT_TRUE(close(row({0, -0.0}), row({0, 0}), 1e-3));
  EXPECT_FALSE(close(row({0, 1e-30}), row({0, 0}), 1e-3));
}

TEST(Close, ShapesMustMatch) {
  EXPECT_TRUE(close(Matrix(0, 3), Matrix(0, 3), 0));
  EXPECT_FALSE(close(Matrix(0, 3), Matrix(0, 4), 1));
  EXPECT_FALSE(close({2, 3, {1, 2, 3, 4, 5, 6}}, {3, 2, {1, 2, 3, 4, 5, 6}}, 1));
  EXPECT_FALSE(close(row({1, 2}), row({1, 2, 3}), 1));
}

TEST(SameBits, SeesTheSignOfZeroAndTheLastBit) {
  EXPECT_TRUE(same_bits(row({1, nan, -0.0}), row({1, nan, -0.0})));
  EXPECT_FALSE(same_bits(row({-0.0}), row({0.0})));
  EXPECT_FALSE(same_bits(row({std::nextafter(1.0, 2.0)}), row({1.0})));
  EXPECT_FALSE(same_bits({1, 2, {1, 2}}, {2, 1, {1, 2}}));
}

TEST(Placed, SeesWritesBeforeBetweenAndAfterRows) {
  const Matrix values(3, 4, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  for (const std::int64_t offset : {-64, -1, 4, 6, 11, 18, 81}) {  // stride 7: rows at 0..3, 7..10 and 14..17
    const Placed placed = Placed::in_out(values, {.gap = 3, .shift = 0});
    EXPECT_TRUE(placed.intact());
    EXPECT_TRUE(same_bits(placed.values(), values));
    placed.data()[offset] = 0;
    EXPECT_FALSE(placed.intact()) << offset;
  }
}

TEST(Placed, OutputsStartAsNan) {
  for (const Layout& layout : layouts()) {
    for (const double v : Placed::output(2, 3, layout).values().values) EXPECT_TRUE(std::isnan(v));
  }
}

TEST(Random, IsTheSameForTheSameCaseOnlyAndExactInFloat) {
  const Matrix first = Random("a").uniform(1, 50, -2, 3);
  EXPECT_TRUE(same_bits(first, Random("a").uniform(1, 50, -2, 3)));
  EXPECT_FALSE(same_bits(first, Random("b").uniform(1, 50, -2, 3)));
  for (const double v : first.values) {
    EXPECT_TRUE(v >= -2 && v <= 3);
    EXPECT_EQ(v, static_cast<double>(static_cast<float>(v)));
  }
}

TEST(Backends, CoverEverySupportedInstructionSetAndThreadCount) {
  EXPECT_EQ(backends().size(), supported_instruction_sets().size() * 3);
  EXPECT_EQ(supported_instruction_sets().front(), InstructionSet::baseline);
  EXPECT_EQ(CpuBackend(1).instruction_set(), supported_instruction_sets().back());
}

}  // namespace
}  // namespace statescope::kernels::testing
