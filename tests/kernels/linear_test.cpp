// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/linear.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "harness.h"

namespace statescope::kernels {
namespace {

using namespace testing;

struct Inputs {
  Matrix x, W;
  Matrix bias;      // [1, M] or empty
  Matrix residual;  // [T, M] or empty
};

Inputs random_inputs(std::int64_t T, std::int64_t M, std::int64_t K, bool bias = true, bool residual = true) {
  Random random("linear " + std::to_string(T) + " " + std::to_string(M) + " " + std::to_string(K));
  Inputs in{random.uniform(T, K, -2, 2), random.uniform(M, K, -1, 1), {}, {}};
  if (bias) in.bias = random.uniform(1, M, -3, 3);
  if (residual) in.residual = random.uniform(T, M, -3, 3);
  return in;
}

Matrix expected(const Inputs& in) {
  Matrix y(in.x.rows, in.W.rows);
  reference::linear(in.x.view(), in.W.view(), in.bias.cols ? in.bias.data() : nullptr, y.view());
  if (in.residual.cols) {
    for (std::size_t i = 0; i < y.values.size(); ++i) y.values[i] += in.residual.values[i];
  }
  return y;
}

// One output is a sum of K products, a bias and a residual, rounded at most twice per product (where there is no fused
// multiply-add) and once per further term; each rounding is at most one unit of the sum of the magnitudes.
double tolerance(Inputs in, const Matrix& y) {
  for (Matrix* m : {&in.x, &in.W, &in.bias, &in.residual}) {
    for (double& v : m->values) v = std::abs(v);
  }
  const double roundings = static_cast<double>(2 * in.x.cols + 2);
  return roundings * unit_roundoff * largest(expected(in)) / std::max(largest(y), 1e-300);
}

enum class Residual { apart, in_place };

std::vector<Matrix> run(const CpuBackend& backend, const Inputs& in, const Pieces& pieces, Layout layout = {},
                        Residual where = Residual::apart) {
  const Placed x = Placed::input(in.x, layout), weights = Placed::input(in.W), bias = Placed::input(in.bias),
               residual = Placed::input(in.residual, layout);
  const Placed y =
      where == Residual::in_place ? Placed::in_out(in.residual, layout) : Placed::output(in.x.rows, in.W.rows, layout);
  const PackedMatrix W = PackedMatrix::pack(weights.data(), in.W.rows, in.W.cols);
  std::int64_t t = 0;
  for (const std::int64_t count : pieces) {
    LinearArgs args;
    args.x = x.view().row_range(t, count);
    args.W = &W;
    if (in.bias.cols) args.bias = bias.data();
    args.y = y.view().row_range(t, count);
    if (where == Residual::in_place) {
      args.residual = args.y;
    } else if (in.residual.cols) {
      args.residual = residual.view().row_range(t, count);
    }
    backend.linear(args);
    t += count;
  }
  return {y.values()};
}

TEST(LinearReference, MatchesNumbersByHand) {
  const Matrix x(2, 3, {1, 2, 3, -1, 0.5, 4}), W(2, 3, {1, 10, 100, -2, 4, 0.5}), bias(1, 2, {1000, -7});
  Matrix y(2, 2);
  reference::linear(x.view(), W.view(), bias.data(), y.view());
  EXPECT_TRUE(same_bits(y, {2, 2, {1321, 0.5, 1404, -1}}));
  reference::linear(x.view(), W.view(), nullptr, y.view());
  EXPECT_TRUE(same_bits(y, {2, 2, {321, 7.5, 404, 6}}));
}

TEST(Linear, MatchesTheReferenceOnEveryShape) {
  for (const std::int64_t T : {0, 1, 5, 6, 7, 13}) {
    for (const std::int64_t M : {1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 129}) {
      for (const std::int64_t K : {1, 2, 17, 129}) {
        const Inputs in = random_inputs(T, M, K);
        const Matrix y = expected(in);
        for (const Layout& layout : layouts()) {
          SCOPED_TRACE(::testing::Message() << "T " << T << ", M " << M << ", K " << K << ", gap " << layout.gap);
          on_every_backend([&](const CpuBackend& backend) {
            EXPECT_TRUE(close(run(backend, in, {T}, layout)[0], y, tolerance(in, y)));
          });
          if (HasFailure()) return;
        }
      }
    }
  }
}

TEST(Linear, BiasAndResidualMayBeAbsent) {
  for (const bool bias : {false, true}) {
    for (const bool residual : {false, true}) {
      SCOPED_TRACE(::testing::Message() << "bias " << bias << ", residual " << residual);
      const Inputs in = random_inputs(7, 70, 20, bias, residual);
      const Matrix y = expected(in);
      on_every_backend(
          [&](const CpuBackend& backend) { EXPECT_TRUE(close(run(backend, in, {7})[0], y, tolerance(in, y))); });
    }
  }
}

TEST(Linear, WithoutInputsTheBiasRemains) {
  const Inputs in = random_inputs(3, 5, 0, true, false);
  on_every_backend([&](const CpuBackend& backend) { EXPECT_TRUE(same_bits(run(backend, in, {3})[0], expected(in))); });
}

TEST(Linear, TheResidualMayBeTheOutputItself) {
  const Inputs in = random_inputs(13, 129, 40);
  on_every_backend([&](const CpuBackend& backend) {
    EXPECT_TRUE(same_bits(run(backend, in, {13}, layouts()[1], Residual::in_place)[0], run(backend, in, {13})[0]));
  });
}

TEST(Linear, GivesTheSameBitsHoweverSplit) {
  const Inputs in = random_inputs(20, 201, 77);
  expect_same_bits_however_split(
      20, [&](const CpuBackend& backend, const Pieces& pieces) { return run(backend, in, pieces, layouts()[1]); });
}

TEST(Linear, NanStaysInItsRow) {
  Inputs in = random_inputs(8, 66, 9);
  on_every_backend([&](const CpuBackend& backend) {
    Matrix y = run(backend, in, {8})[0];
    Inputs with_nan = in;
    with_nan.x(6, 4) = std::nan("");
    for (std::int64_t m = 0; m < y.cols; ++m) y(6, m) = std::nan("");
    EXPECT_TRUE(close(run(backend, with_nan, {8})[0], y, 0));
  });
}

TEST(Linear, SeveralThreadsMayShareABackend) {
  const Inputs in = random_inputs(5, 300, 50);
  on_every_backend([&](const CpuBackend& backend) {
    const Matrix y = run(backend, in, {5})[0];
    std::atomic<int> wrong{0};
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 3; ++caller) {
      callers.emplace_back([&] {
        for (int i = 0; i < 20; ++i) {
          if (!same_bits(run(backend, in, {2, 3})[0], y)) ++wrong;
        }
      });
    }
    for (std::thread& caller : callers) caller.join();
    EXPECT_EQ(wrong, 0);
  });
}

TEST(PackedMatrix, KeepsEveryWeightAndPadsWithZeros) {
  const std::int64_t M = 70, K = 5;
  const Matrix W = Random("packed").uniform(M, K, -1, 1);
  const Placed weights = Placed::input(W);
  const PackedMatrix packed = PackedMatrix::pack(weights.data(), M, K);
  EXPECT_EQ(packed.outputs(), M);
  EXPECT_EQ(packed.inputs(), K);
  EXPECT_EQ(packed.panels(), 2);
  EXPECT_EQ(packed.bytes(), 2 * K * PackedMatrix::panel_width * 4);
  std::vector<float> row(static_cast<std::size_t>(K));
  for (std::int64_t m = 0; m < M; ++m) {
    packed.unpack_row(m, row.data());
    for (std::int64_t k = 0; k < K; ++k) {
      EXPECT_EQ(row[static_cast<std::size_t>(k)], W(m, k));
      EXPECT_EQ(packed.at(m, k), W(m, k));
    }
  }
  for (std::int64_t m = M; m < 2 * PackedMatrix::panel_width; ++m) {
    for (std::int64_t k = 0; k < K; ++k) EXPECT_EQ(packed.at(m, k), 0) << m << " " << k;
  }
  for (std::int64_t p = 0; p < packed.panels(); ++p)
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(packed.panel(p)) % 64, 0u);
}

}  // namespace
}  // namespace statescope::kernels
