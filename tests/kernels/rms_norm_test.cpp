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

// ---- with a residual

enum class Sum { apart, in_x, in_residual, dropped };

// y and, unless dropped, the sum.
std::vector<Matrix> run_residual(const CpuBackend& backend, const Inputs& in, const Matrix& residual_values,
                                 Layout layout, Sum where) {
  const Placed x = Placed::in_out(in.x, layout), residual = Placed::in_out(residual_values, layout),
               weight = Placed::input(in.weight), y = Placed::output(in.x.rows, in.x.cols, layout),
               apart = Placed::output(in.x.rows, in.x.cols, layout);
  const Placed& sum = where == Sum::in_x ? x : where == Sum::in_residual ? residual : apart;
  RmsNormArgs<float> args{x.view(), weight.data(), static_cast<float>(epsilon), y.view(), residual.view()};
  if (where != Sum::dropped) args.sum = sum.view();
  backend.rms_norm(args);
  if (where == Sum::dropped) return {y.values()};
  return {y.values(), sum.values()};
}

TEST(RmsNormWithResidual, IsTheNormOfTheSumWhereverTheSumGoes) {
  for (const std::int64_t D : {1, 15, 16, 17, 129}) {
    const Inputs in = random_inputs(5, D);
    const Matrix residual = Random("residual " + std::to_string(D)).uniform(5, D, -2, 2);
    Inputs summed = in;  // rounded, as the fast path stores it
    for (std::size_t i = 0; i < residual.values.size(); ++i)
      summed.x.values[i] = static_cast<float>(in.x.values[i] + residual.values[i]);
    Matrix y(5, D), sum(5, D);
    reference::rms_norm({in.x.view(), in.weight.data(), epsilon, y.view(), residual.view(), sum.view()});
    EXPECT_TRUE(close(summed.x, sum, unit_roundoff));
    EXPECT_TRUE(close(expected(summed), y, 4 * unit_roundoff)) << "each element of the sum rounded once";
    for (const Layout& layout : layouts()) {
      on_every_backend([&](const CpuBackend& backend) {
        const Matrix want = run(backend, summed, {5})[0];
        for (const Sum where : {Sum::apart, Sum::in_x, Sum::in_residual, Sum::dropped}) {
          const std::vector<Matrix> got = run_residual(backend, in, residual, layout, where);
          EXPECT_TRUE(same_bits(got[0], want)) << "D " << D;
          if (where == Sum::dropped) continue;
          EXPECT_TRUE(same_bits(got[1], summed.x)) << "D " << D;
        }
      });
    }
  }
}

// ---- gradients

struct Gradients {
  Matrix ds, dweight;
};

Gradients expected_gradients(const Inputs& in, const Matrix& dy, const Matrix& dsum) {
  Gradients g{Matrix(in.x.rows, in.x.cols), Matrix(1, in.x.cols)};
  reference::rms_norm_backward({in.x.view(), in.weight.data(), epsilon, dy.view(), g.ds.view(), g.dweight.data(),
                                dsum.rows ? dsum.view() : MatrixView<const double>{}});
  return g;
}

TEST(RmsNormBackwardReference, IsTheDerivativeOfTheReference) {
  Inputs in = random_inputs(3, 5);
  Random random("rms_norm finite differences");
  const Matrix dy = random.uniform(3, 5, -1, 1), dsum = random.uniform(3, 5, -1, 1);
  const Gradients g = expected_gradients(in, dy, dsum);
  const auto loss = [&] { return dot(expected(in), dy) + dot(in.x, dsum); };
  expect_gradient(in.x, g.ds, loss);
  expect_gradient(in.weight, g.dweight, loss);
}

TEST(RmsNormBackward, MatchesTheReferenceOnEveryShape) {
  for (const std::int64_t T : {0, 1, 7, 40}) {
    for (const std::int64_t D : {1, 3, 4, 15, 16, 17, 65, 129}) {
      const Inputs in = random_inputs(T, D);
      Random random("rms_norm backward " + std::to_string(T) + " " + std::to_string(D));
      const Matrix dy = random.uniform(T, D, -1, 1), dsum = random.uniform(T, D, -1, 1);
      for (const Layout& layout : layouts()) {
        for (const bool around : {false, true}) {
          const Gradients want = expected_gradients(in, dy, around ? dsum : Matrix());
          SCOPED_TRACE(::testing::Message() << "T " << T << ", D " << D << ", dsum " << around);
          on_every_backend([&](const CpuBackend& backend) {
            const Placed s = Placed::input(in.x, layout), weight = Placed::input(in.weight),
                         up = Placed::input(dy, layout), dweight = Placed::output(1, D),
                         ds = around ? Placed::in_out(dsum, layout) : Placed::output(T, D, layout);
            RmsNormBackwardArgs<float> args{s.view(),  weight.data(), static_cast<float>(epsilon),
                                            up.view(), ds.view(),     dweight.data()};
            if (around) args.dsum = ds.view();  // in place
            backend.rms_norm_backward(args);
            // n and g / r are at most 2.5 √D and 4 / r; both sums over D, one of them with signs, carry an error of
            // D/4 + 8 units (see tolerance) of the sum of magnitudes, and ds takes 6 more operations. r >= 0.0027.
            double r = 1e300;
            for (std::int64_t t = 0; t < T; ++t) {
              double squares = 0;
              for (std::int64_t d = 0; d < D; ++d) squares += in.x(t, d) * in.x(t, d);
              r = std::min(r, std::sqrt(squares / static_cast<double>(D) + epsilon));
            }
            const auto width = static_cast<double>(D);
            const double magnitude = 2 / r * (1 + std::sqrt(width)) + 1;  // of the terms of ds
            const double units = 2 * (width / 4 + 8) + 6;
            const double most = std::max(largest(want.ds), 1e-300);
            EXPECT_TRUE(close(ds.values(), want.ds, units * magnitude / most * unit_roundoff));
            // T products of at most √D in one chain.
            EXPECT_TRUE(close(dweight.values(), want.dweight,
                              static_cast<double>(T) * (static_cast<double>(T) + units) * std::sqrt(width) /
                                  std::max(largest(want.dweight), 1e-300) * unit_roundoff));
          });
          if (HasFailure()) return;
        }
      }
    }
  }
}

TEST(RmsNormBackward, ManyRowsGiveTheSameBitsOnAnyNumberOfThreads) {
  const std::int64_t T = 90, D = 420;  // enough to be shared
  const Inputs in = random_inputs(T, D);
  const Matrix dy = Random("rms_norm backward threads").uniform(T, D, -1, 1);
  std::vector<Matrix> want;
  on_every_backend([&](const CpuBackend& backend) {
    const Placed s = Placed::input(in.x), weight = Placed::input(in.weight), up = Placed::input(dy),
                 ds = Placed::output(T, D), dweight = Placed::output(1, D);
    backend.rms_norm_backward(
        {s.view(), weight.data(), static_cast<float>(epsilon), up.view(), ds.view(), dweight.data()});
    if (backend.threads() == 1) want = {ds.values(), dweight.values()};
    EXPECT_TRUE(same_bits(ds.values(), want[0]));
    EXPECT_TRUE(same_bits(dweight.values(), want[1]));
  });
}

}  // namespace
}  // namespace statescope::kernels
