// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/rms_norm.h"

#include <cmath>

#include "harness.h"

namespace statescope::kernels {
namespace {

using namespace testing;

constexpr double epsilon = 0x1p-17;  // 7.6e-6, close to the usual 1e-5 and exact in float

struct Inputs {
  Matrix x, weight;
};

Inputs random_inputs(std::int64_t T, std::int64_t D, double scale = 1) {
  Random random("rms_norm " + std::to_string(T) + " " + std::to_string(D));
  return {random.uniform(T, D, -3 * scale, 3 * scale), random.uniform(1, D, 0.5, 2)};
}

Matrix expected(const Inputs& in) {
  Matrix y(in.x.rows, in.x.cols);
  reference::rms_norm({in.x.view(), in.weight.data(), epsilon, y.view()});
  return y;
}

// The squares are positive, so nothing cancels: D/4 of them are added up in the shortest lane, each rounded twice;
// adding the lanes, dividing by D and adding epsilon are 6 more. The root halves all that; root, division and two
// products add 4.
double tolerance(const Inputs& in) {
  return (static_cast<double>(in.x.cols) / 4 + 8) * unit_roundoff;
}

enum class Output { apart, in_place };

std::vector<Matrix> run(const CpuBackend& backend, const Inputs& in, const Pieces& pieces, Layout layout = {},
                        Output where = Output::apart) {
  const Placed x = where == Output::in_place ? Placed::in_out(in.x, layout) : Placed::input(in.x, layout),
               weight = Placed::input(in.weight);
  const Placed apart = Placed::output(in.x.rows, in.x.cols, layout);
  const Placed& y = where == Output::in_place ? x : apart;
  std::int64_t t = 0;
  for (const std::int64_t count : pieces) {
    backend.rms_norm(
        {x.view().row_range(t, count), weight.data(), static_cast<float>(epsilon), y.view().row_range(t, count)});
    t += count;
  }
  return {y.values()};
}

TEST(RmsNormReference, MatchesNumbersByHand) {
  // Mean squares 12.5 and 4.25; epsilon makes them 16 and 7.75.
  const Matrix x(2, 2, {3, 4, 2.5, 1.5}), weight(1, 2, {1, -2});
  Matrix y(2, 2);
  reference::rms_norm({x.view(), weight.data(), 3.5, y.view()});
  EXPECT_TRUE(close(y, {2, 2, {0.75, -2, 2.5 / std::sqrt(7.75), -3 / std::sqrt(7.75)}}, 1e-15));
}

TEST(RmsNorm, MatchesTheReferenceOnEveryShape) {
  for (const std::int64_t T : {0, 1, 5, 6, 7, 13}) {
    for (const std::int64_t D : {1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65, 129, 768}) {
      const Inputs in = random_inputs(T, D);
      for (const Layout& layout : layouts()) {
        SCOPED_TRACE(::testing::Message() << "T " << T << ", D " << D << ", gap " << layout.gap);
        on_every_backend([&](const CpuBackend& backend) {
          EXPECT_TRUE(close(run(backend, in, {T}, layout)[0], expected(in), tolerance(in)));
        });
        if (HasFailure()) return;
      }
    }
  }
}

TEST(RmsNorm, EpsilonRulesTinyInputsAndVanishesBesideHugeOnes) {
  for (const double scale : {1e-8, 1e15}) {
    const Inputs in = random_inputs(3, 19, scale);
    on_every_backend([&](const CpuBackend& backend) {
      EXPECT_TRUE(close(run(backend, in, {3})[0], expected(in), tolerance(in))) << scale;
    });
  }
}

TEST(RmsNorm, TheOutputMayBeTheInputItself) {
  const Inputs in = random_inputs(6, 77);
  on_every_backend([&](const CpuBackend& backend) {
    EXPECT_TRUE(same_bits(run(backend, in, {6}, layouts()[1], Output::in_place)[0], run(backend, in, {6})[0]));
  });
}

TEST(RmsNorm, GivesTheSameBitsHoweverSplit) {
  const Inputs in = random_inputs(11, 83);
  expect_same_bits_however_split(
      11, [&](const CpuBackend& backend, const Pieces& pieces) { return run(backend, in, pieces, layouts()[1]); });
}

TEST(RmsNorm, NanStaysInItsRow) {
  const Inputs in = random_inputs(5, 21);
  on_every_backend([&](const CpuBackend& backend) {
    Matrix y = run(backend, in, {5})[0];
    Inputs with_nan = in;
    with_nan.x(2, 20) = std::nan("");
    for (std::int64_t d = 0; d < y.cols; ++d) y(2, d) = std::nan("");
    EXPECT_TRUE(close(run(backend, with_nan, {5})[0], y, 0));
  });
}

}  // namespace
}  // namespace statescope::kernels
