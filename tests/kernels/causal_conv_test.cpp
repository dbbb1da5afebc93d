// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/causal_conv.h"

#include <algorithm>
#include <cmath>

#include "harness.h"

namespace statescope::kernels {
namespace {

using namespace testing;

struct Inputs {
  Matrix x, weight, history;
  Matrix bias;  // [1, E] or empty
};

Inputs random_inputs(std::int64_t T, std::int64_t E, std::int64_t K, bool bias = true) {
  Random random("causal_conv " + std::to_string(T) + " " + std::to_string(E) + " " + std::to_string(K));
  Inputs in{random.uniform(T, E, -2, 2), random.uniform(K, E, -1, 1), random.uniform(K - 1, E, -2, 2), {}};
  if (bias) in.bias = random.uniform(1, E, -1, 1);
  return in;
}

// y and the history afterwards.
std::vector<Matrix> expected(const Inputs& in) {
  Matrix history = in.history, y(in.x.rows, in.x.cols);
  reference::causal_conv(
      {in.x.view(), in.weight.view(), in.bias.cols ? in.bias.data() : nullptr, history.view(), y.view()});
  return {y, history};
}

// The sum of K products and a bias is rounded at most 2K + 1 times, each by a unit of at most `magnitude`, and SiLU has
// slope <= 1.1; SiLU's own exp (3 units), sum and quotient add 5 units of y.
double tolerance(const Inputs& in, const Matrix& y) {
  const auto K = static_cast<double>(in.weight.rows);
  const double magnitude = K * largest(in.weight) * 2 + largest(in.bias);
  return (1.1 * (2 * K + 1) * magnitude / std::max(largest(y), 1e-300) + 5) * unit_roundoff;
}

std::vector<Matrix> run(const CpuBackend& backend, const Inputs& in, const Pieces& pieces, Layout layout = {}) {
  const Placed x = Placed::input(in.x, layout), weight = Placed::input(in.weight, layout),
               bias = Placed::input(in.bias), history = Placed::in_out(in.history, layout),
               y = Placed::output(in.x.rows, in.x.cols, layout);
  std::int64_t t = 0;
  for (const std::int64_t count : pieces) {
    backend.causal_conv({x.view().row_range(t, count), weight.view(), in.bias.cols ? bias.data() : nullptr,
                         history.view(), y.view().row_range(t, count)});
    t += count;
  }
  return {y.values(), history.values()};
}

double silu(double v) {
  return v / (1 + std::exp(-v));
}

TEST(CausalConvReference, MatchesNumbersByHand) {
  // One channel, three taps; the history holds 10 then 20, the last tap meets the current token.
  const Matrix x(2, 1, {3, -4}), weight(3, 1, {0.1, -0.5, 2}), bias(1, 1, {0.25});
  Matrix history(2, 1, {10, 20}), y(2, 1);
  reference::causal_conv({x.view(), weight.view(), bias.data(), history.view(), y.view()});
  // 0.25 + 1 - 10 + 6 and 0.25 + 2 - 1.5 - 8
  EXPECT_TRUE(close(y, {2, 1, {silu(-2.75), silu(-7.25)}}, 1e-14));
  EXPECT_TRUE(same_bits(history, {2, 1, {3, -4}}));
}

TEST(CausalConvReference, AShortCallShiftsTheHistory) {
  const Matrix x(1, 1, {7}), weight(4, 1, {1, 1, 1, 1});
  Matrix history(3, 1, {1, 2, 3}), y(1, 1);
  reference::causal_conv({x.view(), weight.view(), nullptr, history.view(), y.view()});
  EXPECT_TRUE(close(y, {1, 1, {silu(13)}}, 1e-15));
  EXPECT_TRUE(same_bits(history, {3, 1, {2, 3, 7}}));
}

TEST(CausalConv, MatchesTheReferenceOnEveryShape) {
  for (const std::int64_t T : {0, 1, 2, 3, 5, 6, 7, 13}) {
    for (const std::int64_t E : {1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65, 129}) {
      for (const std::int64_t K : {1, 2, 3, 4}) {
        const Inputs in = random_inputs(T, E, K);
        const std::vector<Matrix> want = expected(in);
        for (const Layout& layout : layouts()) {
          SCOPED_TRACE(::testing::Message() << "T " << T << ", E " << E << ", K " << K << ", gap " << layout.gap);
          on_every_backend([&](const CpuBackend& backend) {
            const std::vector<Matrix> got = run(backend, in, {T}, layout);
            EXPECT_TRUE(close(got[0], want[0], tolerance(in, want[0])));
            EXPECT_TRUE(same_bits(got[1], want[1])) << "history";
          });
          if (HasFailure()) return;
        }
      }
    }
  }
}

TEST(CausalConv, TheBiasMayBeAbsent) {
  const Inputs in = random_inputs(6, 37, 4, false);
  const std::vector<Matrix> want = expected(in);
  on_every_backend([&](const CpuBackend& backend) {
    EXPECT_TRUE(close(run(backend, in, {6})[0], want[0], tolerance(in, want[0])));
  });
}

TEST(CausalConv, GivesTheSameBitsHoweverSplit) {
  for (const std::int64_t K : {1, 4}) {
    const Inputs in = random_inputs(11, 83, K);
    expect_same_bits_however_split(
        11, [&](const CpuBackend& backend, const Pieces& pieces) { return run(backend, in, pieces, layouts()[1]); });
  }
}

TEST(CausalConv, NanStaysInItsChannelForAsLongAsTheKernelIs) {
  const Inputs in = random_inputs(9, 21, 4);
  on_every_backend([&](const CpuBackend& backend) {
    std::vector<Matrix> want = run(backend, in, {9});
    Inputs with_nan = in;
    with_nan.x(2, 18) = std::nan("");
    for (const std::int64_t t : {2, 3, 4, 5}) want[0](t, 18) = std::nan("");
    const std::vector<Matrix> got = run(backend, with_nan, {9});
    EXPECT_TRUE(close(got[0], want[0], 0));
    EXPECT_TRUE(same_bits(got[1], want[1])) << "the history has forgotten it";
  });
}

}  // namespace
}  // namespace statescope::kernels
