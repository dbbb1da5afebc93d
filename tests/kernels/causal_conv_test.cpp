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

// ---- gradients

struct Upstream {
  Matrix dy, dhistory;
};

Upstream random_upstream(const Inputs& in) {
  Random random("causal_conv upstream " + std::to_string(in.x.rows) + " " + std::to_string(in.x.cols));
  return {random.uniform(in.x.rows, in.x.cols, -1, 1), random.uniform(in.history.rows, in.x.cols, -1, 1)};
}

// dx, dweight, dhistory, dbias.
std::vector<Matrix> expected_gradients(const Inputs& in, const Upstream& up) {
  Matrix dx(in.x.rows, in.x.cols), dweight(in.weight.rows, in.x.cols), dhistory = up.dhistory, dbias(1, in.bias.cols);
  const bool bias = in.bias.cols > 0;
  reference::causal_conv_backward({in.x.view(), in.weight.view(), bias ? in.bias.data() : nullptr, in.history.view(),
                                   up.dy.view(), dx.view(), dweight.view(), bias ? dbias.data() : nullptr,
                                   dhistory.view()});
  return {dx, dweight, dhistory, dbias};
}

// The pieces from the last to the first, as gradients travel. Each begins with the history that the inputs before it
// left. dweight and dbias are those of the first piece.
std::vector<Matrix> run_backward(const CpuBackend& backend, const Inputs& in, const Upstream& up, const Pieces& pieces,
                                 Layout layout = {}) {
  const std::int64_t T = in.x.rows, E = in.x.cols, K = in.weight.rows;
  const Placed x = Placed::input(in.x, layout), weight = Placed::input(in.weight, layout),
               bias = Placed::input(in.bias), dy = Placed::input(up.dy, layout), dx = Placed::output(T, E, layout),
               dweight = Placed::output(K, E, layout), dbias = Placed::output(1, in.bias.cols),
               dhistory = Placed::in_out(up.dhistory, layout);
  std::int64_t t = T;
  for (std::size_t i = pieces.size(); i-- > 0;) {
    t -= pieces[i];
    Matrix before(K - 1, E);
    for (std::int64_t j = 0; j < K - 1; ++j)
      for (std::int64_t e = 0; e < E; ++e) {
        const std::int64_t at = t - (K - 1) + j;
        before(j, e) = at < 0 ? in.history(at + K - 1, e) : in.x(at, e);
      }
    const Placed history = Placed::input(before, layout);
    const bool biased = in.bias.cols > 0;
    backend.causal_conv_backward({x.view().row_range(t, pieces[i]), weight.view(), biased ? bias.data() : nullptr,
                                  history.view(), dy.view().row_range(t, pieces[i]), dx.view().row_range(t, pieces[i]),
                                  dweight.view(), biased ? dbias.data() : nullptr, dhistory.view()});
  }
  return {dx.values(), dweight.values(), dhistory.values(), dbias.values()};
}

TEST(CausalConvBackwardReference, IsTheDerivativeOfTheReference) {
  for (const std::int64_t T : {2, 6}) {  // shorter and longer than the kernel
    Inputs in = random_inputs(T, 2, 4);
    const Upstream up = random_upstream(in);
    const std::vector<Matrix> g = expected_gradients(in, up);
    const auto loss = [&] {
      const std::vector<Matrix> out = expected(in);
      return dot(out[0], up.dy) + dot(out[1], up.dhistory);
    };
    expect_gradient(in.x, g[0], loss);
    expect_gradient(in.weight, g[1], loss);
    expect_gradient(in.history, g[2], loss);
    expect_gradient(in.bias, g[3], loss);
  }
}

TEST(CausalConvBackward, MatchesTheReferenceOnEveryShape) {
  for (const std::int64_t T : {0, 1, 2, 3, 7, 13}) {
    for (const std::int64_t E : {1, 3, 4, 8, 15, 16, 17, 65}) {
      for (const std::int64_t K : {1, 2, 4}) {
        const Inputs in = random_inputs(T, E, K, K != 2);
        const Upstream up = random_upstream(in);
        const std::vector<Matrix> want = expected_gradients(in, up);
        // v is off by 2K + 1 units of `magnitude` as in the forward pass; SiLU'' <= 0.5 and SiLU' itself takes 10
        // operations on numbers of at most about `magnitude`. So g is off by at most `g_error`; sums of n such terms,
        // each times at most 2, are rounded n + 1 times, and |g| <= 1.1.
        const auto taps = static_cast<double>(K), tokens = static_cast<double>(T);
        const double magnitude = taps * 2 + 1, g_error = (0.5 * (2 * taps + 1) + 10) * magnitude;
        const auto tolerance = [&](double terms, const Matrix& m) {
          return 2 * terms * (g_error + 1.1 * (terms + 1)) * unit_roundoff / std::max(largest(m), 1e-300);
        };
        for (const Layout& layout : layouts()) {
          SCOPED_TRACE(::testing::Message() << "T " << T << ", E " << E << ", K " << K << ", gap " << layout.gap);
          on_every_backend([&](const CpuBackend& backend) {
            const std::vector<Matrix> got = run_backward(backend, in, up, {T}, layout);
            EXPECT_TRUE(close(got[0], want[0], tolerance(taps, want[0]))) << "dx";
            EXPECT_TRUE(close(got[1], want[1], tolerance(tokens, want[1]))) << "dweight";
            EXPECT_TRUE(close(got[2], want[2], tolerance(taps, want[2]))) << "dhistory";
            EXPECT_TRUE(close(got[3], want[3], tolerance(tokens, want[3]))) << "dbias";
          });
          if (HasFailure()) return;
        }
      }
    }
  }
}

TEST(CausalConvBackward, GivesTheSameBitsHoweverSplit) {
  for (const std::int64_t K : {1, 4}) {
    const Inputs in = random_inputs(11, 83, K);
    const Upstream up = random_upstream(in);
    expect_same_bits_however_split(11, [&](const CpuBackend& backend, const Pieces& pieces) {
      std::vector<Matrix> all = run_backward(backend, in, up, pieces, layouts()[1]);
      return std::vector<Matrix>{all[0], all[2]};
    });
  }
}

}  // namespace
}  // namespace statescope::kernels
