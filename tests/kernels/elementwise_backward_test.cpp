// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cmath>

#include "harness.h"
#include "kernels/elementwise.h"
#include "kernels/linear.h"
#include "kernels/linear_backward.h"

namespace statescope::kernels {
namespace {

using namespace testing;

// ---- softplus

TEST(SoftplusBackwardReference, IsTheDerivativeOfTheReference) {
  Random random("softplus backward");
  Matrix x = random.uniform(3, 5, -4, 4), bias = random.uniform(1, 5, -1, 1);
  const Matrix dy = random.uniform(3, 5, -1, 1);
  const auto forward = [&] {
    Matrix y = x;
    reference::softplus({y.view(), bias.data()});
    return y;
  };
  const Matrix y = forward();
  Matrix dx(3, 5), dbias(1, 5);
  reference::softplus_backward({y.view(), dy.view(), dx.view(), dbias.data()});
  const auto loss = [&] { return dot(forward(), dy); };
  expect_gradient(x, dx, loss);
  expect_gradient(bias, dbias, loss);
}

TEST(SoftplusBackward, MatchesTheReferenceAlsoInPlace) {
  for (const std::int64_t T : {0, 1, 7}) {
    for (const std::int64_t E : {1, 3, 15, 16, 17, 65}) {
      Random random("softplus backward " + std::to_string(T) + " " + std::to_string(E));
      Matrix y = random.uniform(T, E, 0, 12);
      for (double& v : y.values) v = static_cast<float>(std::pow(10, v - 9));  // 1e-9 to 1e3
      const Matrix dy = random.uniform(T, E, 0.5, 1);
      Matrix dx(T, E), dbias(1, E);
      reference::softplus_backward({y.view(), dy.view(), dx.view(), dbias.data()});
      on_every_backend([&](const CpuBackend& backend) {
        const Placed out = Placed::in_out(y, layouts()[1]), up = Placed::input(dy, layouts()[1]),
                     sums = Placed::output(1, E);
        backend.softplus_backward({out.view(), up.view(), out.view(), sums.data()});
        const Matrix got = out.values();
        // Relative to each element, because small Δ matter: 1 − e^−y loses at most a factor 1/(1 − e^−0.34) = 3.5 of
        // exp's 3 units and its own; the polynomial has 1 unit and cancels by less than 1.3; the product adds 1.
        for (std::size_t i = 0; i < got.values.size(); ++i)
          EXPECT_NEAR(got.values[i] / dx.values[i], 1, 15 * unit_roundoff) << "y " << y.values[i];
        EXPECT_TRUE(close(sums.values(), dbias, (15 + static_cast<double>(T)) * unit_roundoff));  // all positive
      });
    }
  }
}

// ---- gate

TEST(GateBackwardReference, IsTheDerivativeOfTheReference) {
  Random random("gate backward");
  Matrix y = random.uniform(3, 5, -2, 2), z = random.uniform(3, 5, -4, 4);
  const Matrix dout = random.uniform(3, 5, -1, 1);
  Matrix dy(3, 5), dz(3, 5);
  reference::gate_backward({y.view(), z.view(), dout.view(), dy.view(), dz.view()});
  const auto loss = [&] {
    Matrix out(3, 5);
    reference::gate({y.view(), z.view(), {}, out.view()});
    return dot(out, dout);
  };
  expect_gradient(y, dy, loss);
  expect_gradient(z, dz, loss);
}

TEST(GateBackward, MatchesTheReferenceAlsoInPlace) {
  for (const std::int64_t T : {0, 1, 7}) {
    for (const std::int64_t E : {1, 3, 15, 16, 17, 65}) {
      Random random("gate backward " + std::to_string(T) + " " + std::to_string(E));
      const Matrix y = random.uniform(T, E, -3, 3), z = random.uniform(T, E, -9, 9), dout = random.uniform(T, E, -1, 1);
      Matrix dy(T, E), dz(T, E);
      reference::gate_backward({y.view(), z.view(), dout.view(), dy.view(), dz.view()});
      on_every_backend([&](const CpuBackend& backend) {
        const Placed in_y = Placed::in_out(y, layouts()[1]), in_z = Placed::in_out(z, layouts()[1]),
                     up = Placed::input(dout, layouts()[1]);
        backend.gate_backward({in_y.view(), in_z.view(), up.view(), in_y.view(), in_z.view()});
        EXPECT_TRUE(close(in_y.values(), dy, 6 * unit_roundoff));
        // 1 + z(1 − σ) is made of parts up to 9·(1 − σ); |dout y| <= 3 and SiLU' >= −0.1, so absolute: σ is off by 5
        // units, z(1 − σ)σ by 9 · 7 of at most 1/4, products add 4.
        EXPECT_TRUE(close(in_z.values(), dz, 3 * 25 * unit_roundoff / std::max(largest(dz), 1e-300)));
      });
    }
  }
}

TEST(GateBackward, FarFromZeroTheSlopeIsZeroOrOne) {
  const Matrix y(1, 4, {1, 1, 1, 1}), z(1, 4, {-1e30, -200, 200, 1e30});
  on_every_backend([&](const CpuBackend& backend) {
    const Placed in_y = Placed::input(y), in_z = Placed::input(z), dy = Placed::output(1, 4), dz = Placed::output(1, 4);
    backend.gate_backward({in_y.view(), in_z.view(), in_y.view(), dy.view(), dz.view()});
    EXPECT_TRUE(close(dz.values(), {1, 4, {0, 0, 1, 1}}, 1e-7));
  });
}

// ---- linear

struct Linear {
  Matrix x, W, dy;
};

Linear random_linear(std::int64_t T, std::int64_t M, std::int64_t K) {
  Random random("linear backward " + std::to_string(T) + " " + std::to_string(M) + " " + std::to_string(K));
  return {random.uniform(T, K, -1, 1), random.uniform(M, K, -1, 1), random.uniform(T, M, -1, 1)};
}

// dx, dW, dbias.
std::vector<Matrix> expected(const Linear& in) {
  Matrix dx(in.x.rows, in.x.cols), dW(in.W.rows, in.W.cols), dbias(1, in.W.rows);
  reference::linear_backward({in.x.view(), in.W.view(), in.dy.view(), dx.view(), dW.view(), dbias.data()});
  return {dx, dW, dbias};
}

std::vector<Matrix> run(const CpuBackend& backend, const Linear& in, Layout layout) {
  const Placed x = Placed::input(in.x, layout), W = Placed::input(in.W, layout), dy = Placed::input(in.dy, layout),
               dx = Placed::output(in.x.rows, in.x.cols, layout), dW = Placed::output(in.W.rows, in.W.cols, layout),
               dbias = Placed::output(1, in.W.rows);
  backend.linear_backward({x.view(), W.view(), dy.view(), dx.view(), dW.view(), dbias.data()});
  return {dx.values(), dW.values(), dbias.values()};
}

TEST(LinearBackwardReference, IsTheDerivativeOfTheReference) {
  Linear in = random_linear(3, 4, 5);
  Matrix bias(1, 4, {0.5, -1, 2, 0});
  const std::vector<Matrix> g = expected(in);
  const auto loss = [&] {
    Matrix y(3, 4);
    reference::linear(in.x.view(), in.W.view(), bias.data(), y.view());
    return dot(y, in.dy);
  };
  expect_gradient(in.x, g[0], loss);
  expect_gradient(in.W, g[1], loss);
  expect_gradient(bias, g[2], loss);
}

TEST(LinearBackward, MatchesTheReferenceOnEveryShape) {
  for (const std::int64_t T : {0, 1, 5, 6, 7, 12, 13, 300}) {  // 300: more than one block of depth for dW
    for (const std::int64_t M : {1, 6, 13, 70}) {
      for (const std::int64_t K : {1, 7, 8, 31, 32, 33, 65}) {
        const Linear in = random_linear(T, M, K);
        const std::vector<Matrix> want = expected(in);
        const auto close_enough = [](const Matrix& got, const Matrix& expect, std::int64_t terms) {
          // A chain of n products of at most 1: each partial sum of at most n is rounded once, each product once.
          const auto n = static_cast<double>(terms);
          return close(got, expect, n * (n + 1) / 2 * 2 * unit_roundoff / std::max(largest(expect), 1e-300));
        };
        for (const Layout& layout : layouts()) {
          SCOPED_TRACE(::testing::Message() << "T " << T << ", M " << M << ", K " << K << ", gap " << layout.gap);
          on_every_backend([&](const CpuBackend& backend) {
            const std::vector<Matrix> got = run(backend, in, layout);
            EXPECT_TRUE(close_enough(got[0], want[0], M)) << "dx";
            EXPECT_TRUE(close_enough(got[1], want[1], T)) << "dW";
            EXPECT_TRUE(close_enough(got[2], want[2], T)) << "dbias";
          });
          if (HasFailure()) return;
        }
      }
    }
  }
}

TEST(LinearBackward, DeepSumsGiveTheSameBitsOnAnyNumberOfThreads) {
  const Linear in = random_linear(40, 600, 150);
  std::vector<Matrix> want;
  on_every_backend([&](const CpuBackend& backend) {
    const std::vector<Matrix> got = run(backend, in, layouts()[1]);
    if (backend.threads() == 1) want = got;
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_TRUE(same_bits(got[i], want[i]));
  });
}

TEST(LinearBackward, WhatIsNotAskedForIsNotTouched) {
  const Linear in = random_linear(3, 5, 7);
  on_every_backend([&](const CpuBackend& backend) {
    const Placed W = Placed::input(in.W), dy = Placed::input(in.dy), dx = Placed::output(3, 7);
    LinearBackwardArgs<float> args;
    args.W = W.view();
    args.dy = dy.view();
    args.dx = dx.view();
    backend.linear_backward(args);
    EXPECT_TRUE(same_bits(dx.values(), run(backend, in, {})[0]));
  });
}

}  // namespace
}  // namespace statescope::kernels
