// SPDX-License-Identifier: GPL-3.0-or-later
#include <array>
#include <functional>

#include "scan_inputs.h"

namespace statescope::kernels {
namespace {

using namespace testing;

enum Gradient { dx, ddelta, dz, dA, dB, dC, dD, dbias, dh0, gradients };

// The loss is Σ weight ⊙ y + Σ last ⊙ h_T.
struct Loss {
  explicit Loss(const ScanCase& c) {
    Random random("loss");
    weight = random.uniform(c.T, c.E, -1, 1);
    last = random.uniform(c.N, c.E, -1, 1);
  }
  double operator()(const ScanInputs& in) const {
    Matrix h = in.h, y(in.c.T, in.c.E);
    reference::selective_scan(in.args(h, y));
    double sum = 0;
    for (std::size_t i = 0; i < y.values.size(); ++i) sum += weight.values[i] * y.values[i];
    for (std::size_t i = 0; i < h.values.size(); ++i) sum += last.values[i] * h.values[i];
    return sum;
  }
  Matrix weight, last;
};

std::vector<Matrix> shapes(const ScanInputs& in) {
  const auto same = [](const Matrix& m) { return Matrix(m.rows, m.cols); };
  return {same(in.x), same(in.delta), same(in.z),    same(in.A), same(in.B),
          same(in.C), same(in.D),     same(in.bias), same(in.h)};
}

std::vector<Matrix> expected(const ScanInputs& in, const Loss& loss) {
  std::vector<Matrix> out = shapes(in);
  Matrix h = in.h, y(in.c.T, in.c.E);
  SelectiveScanBackwardArgs<double> args;
  args.forward = in.args(h, y);
  args.dy = loss.weight.view(), args.dh_last = loss.last.view();
  args.dx = out[dx].view(), args.ddelta = out[ddelta].view(), args.dA = out[dA].view();
  if (in.c.z) args.dz = out[dz].view();
  args.dB = in.over_time(out[dB].view()), args.dC = in.over_time(out[dC].view());
  args.dD = out[dD].data(), args.ddelta_bias = out[dbias].data(), args.dh0 = out[dh0].view();
  reference::selective_scan_backward(args);
  return out;
}

std::vector<Matrix> run(const CpuBackend& backend, const ScanInputs& in, const Loss& loss, Layout layout = {}) {
  const PlacedScan placed(in, layout);
  const Placed dy = Placed::input(loss.weight, layout), last = Placed::input(loss.last, layout);
  std::vector<Placed> out;
  for (const Matrix& m : shapes(in)) out.push_back(Placed::output(m.rows, m.cols, layout));
  SelectiveScanBackwardArgs<float> args;
  args.forward = placed.args();
  args.forward.y = {};
  args.dy = dy.view(), args.dh_last = last.view();
  args.dx = out[dx].view(), args.ddelta = out[ddelta].view(), args.dA = out[dA].view();
  if (in.c.z) args.dz = out[dz].view();
  args.dB = in.over_time(out[dB].view()), args.dC = in.over_time(out[dC].view());
  args.dD = out[dD].data(), args.ddelta_bias = out[dbias].data(), args.dh0 = out[dh0].view();
  backend.selective_scan_backward(args);
  std::vector<Matrix> values;
  for (const Placed& p : out) values.push_back(p.values());
  EXPECT_TRUE(same_bits(placed.h.values(), in.h)) << "the initial state was written to";
  return values;
}

TEST(SelectiveScanBackwardReference, MatchesFiniteDifferences) {
  for (ScanCase c : option_cases(5, 3)) {
    c.E = c.groups == 1 ? 2 : c.groups;
    SCOPED_TRACE(c);
    ScanInputs in(c);
    const Loss loss(c);
    const std::vector<Matrix> got = expected(in, loss);
    const std::array<Matrix*, gradients> inputs{&in.x, &in.delta, &in.z, &in.A, &in.B, &in.C, &in.D, &in.bias, &in.h};
    for (int g = 0; g < gradients; ++g) {
      if ((g == dz && !c.z) || (g == dD && !c.D)) continue;
      if (g == dbias && !c.delta_bias) continue;
      Matrix want(got[g].rows, got[g].cols);
      for (std::size_t i = 0; i < want.values.size(); ++i) {
        // Fourth-order central differences: the error is about 1e-3 ^ 4 times a fifth derivative (up to 16^5 / 30 from
        // A, over what is near 1), and 1e-15 / 1e-3 from rounding.
        const double step = 1e-3 / 4, old = inputs[g]->values[i];
        const auto at = [&](double offset) {
          inputs[g]->values[i] = old + offset * step;
          const double value = loss(in);
          inputs[g]->values[i] = old;
          return value;
        };
        want.values[i] = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step);
      }
      EXPECT_TRUE(close(got[g], want, 1e-8)) << "gradient " << g;
    }
  }
}

// A gradient is a sum over paths of products of a few factors. Each term carries some 64 units at most, and the sums
// over tokens and channels add one a term; where they cancel, the largest element is still above a quarter of what the
// magnitudes of its terms add up to, in the sense of the root of their squares.
double tolerance(const ScanCase& c) {
  return 4 * (64 + static_cast<double>(c.T + c.E)) * unit_roundoff;
}

void expect_matches(const ScanInputs& in, Layout layout) {
  const Loss loss(in.c);
  const std::vector<Matrix> want = expected(in, loss);
  on_every_backend([&](const CpuBackend& backend) {
    const std::vector<Matrix> got = run(backend, in, loss, layout);
    for (int g = 0; g < gradients; ++g) {
      if (g == dz && !in.c.z) continue;
      EXPECT_TRUE(close(got[g], want[g], tolerance(in.c))) << "gradient " << g;
    }
  });
}

TEST(SelectiveScanBackward, MatchesTheReferenceOnEveryShape) {
  for (const std::int64_t T : {0, 1, 7, 8, 9, 35}) {
    for (const std::int64_t E : {1, 15, 17, 65}) {
      for (const std::int64_t N : {1, 7, 16, 17}) {
        const ScanCase c{T, E, N, true, true, true, true};
        SCOPED_TRACE(c);
        expect_matches(ScanInputs(c), layouts()[static_cast<std::size_t>(N % 2)]);
        if (HasFailure()) return;
      }
    }
  }
}

TEST(SelectiveScanBackward, MatchesTheReferenceWithEveryOption) {
  for (const ScanCase& c : option_cases(11, 5)) {
    SCOPED_TRACE(c);
    expect_matches(ScanInputs(c), layouts()[1]);
    if (HasFailure()) return;
  }
}

TEST(SelectiveScanBackward, CarriesStatesAndGradientsBetweenSegments) {
  // Slow decays, so that the last segment matters to the first.
  for (const bool constant : {false, true}) {
    const ScanCase c{2100, 3, 4, true, true, false, false, 1, constant};
    SCOPED_TRACE(c);
    expect_matches(ScanInputs(c, 1e-3), {});
  }
}

TEST(SelectiveScanBackward, GivesTheSameBitsWithAnyNumberOfThreads) {
  const ScanInputs in({70, 200, 16, true, true, true, true, 2});
  const Loss loss(in.c);
  std::vector<Matrix> want;
  on_every_backend([&](const CpuBackend& backend) {
    const std::vector<Matrix> got = run(backend, in, loss, layouts()[1]);
    if (backend.threads() == 1) want = got;
    for (int g = 0; g < gradients; ++g) EXPECT_TRUE(same_bits(got[g], want[g])) << "gradient " << g;
  });
}

TEST(SelectiveScanBackward, WhatIsNotAskedForIsNotWritten) {
  const ScanInputs in({9, 20, 4, true, true, true, true});
  const Loss loss(in.c);
  on_every_backend([&](const CpuBackend& backend) {
    const PlacedScan placed(in);
    const Placed dy = Placed::input(loss.weight), out = Placed::output(9, 20);
    SelectiveScanBackwardArgs<float> args;
    args.forward = placed.args();
    args.dy = dy.view();
    args.dx = out.view();
    backend.selective_scan_backward(args);
    EXPECT_TRUE(same_bits(placed.h.values(), in.h));
    Loss without_last = loss;
    without_last.last = Matrix(4, 20);
    EXPECT_TRUE(close(out.values(), expected(in, without_last)[dx], tolerance(in.c)));
  });
}

}  // namespace
}  // namespace statescope::kernels
