// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/attention.h"

#include <cmath>

#include "harness.h"

namespace statescope::kernels {
namespace {

using namespace testing;

struct Inputs {
  Matrix q, k, v;
  std::int64_t heads;
};

Inputs random_inputs(std::int64_t T, std::int64_t L, std::int64_t heads, std::int64_t d, double scale = 1) {
  Random random("attention " + std::to_string(T) + " " + std::to_string(L) + " " + std::to_string(heads) + " " +
                std::to_string(d));
  const std::int64_t D = heads * d;
  return {random.uniform(T, D, -scale, scale), random.uniform(L, D, -scale, scale), random.uniform(L, D, -1, 1), heads};
}

Matrix expected(const Inputs& in) {
  Matrix y(in.q.rows, in.q.cols);
  reference::attention({in.q.view(), in.k.view(), in.v.view(), in.heads, y.view()});
  return y;
}

// A score is at most scale²·√d; its products are added up d/4 in the shortest lane and 4 lanes, then scaled: so many
// roundings of that size. An error of the score is a relative error of its weight, once above and once below the
// fraction line, and so is each of the at most L/64 rescalings; the exponential adds 3. The L weighted values are added
// in order. All of it relative to the largest value, which no average passes.
double tolerance(const Inputs& in, double scale) {
  const auto d = static_cast<double>(in.q.cols / in.heads), L = static_cast<double>(in.k.rows);
  const double score = (d / 4 + 6) * std::sqrt(d) * scale * scale;
  return (2 * score + 2 * (L / 64 + 3) + L + 2) * unit_roundoff * largest(in.v) / largest(expected(in));
}

std::vector<Matrix> run(const CpuBackend& backend, const Inputs& in, Layout layout = {}) {
  const Placed q = Placed::input(in.q, layout), k = Placed::input(in.k, layout), v = Placed::input(in.v, layout);
  const Placed y = Placed::output(in.q.rows, in.q.cols, layout);
  backend.attention({q.view(), k.view(), v.view(), in.heads, y.view()});
  return {y.values()};
}

TEST(AttentionReference, MatchesNumbersByHand) {
  // One head of width 4, so scores are halved: 0 and 2 ln 3 / 2 give the weights 1/4 and 3/4.
  const double c = 2 * std::log(3.0);
  const Matrix q(1, 4, {1, 0, 0, 0}), k(2, 4, {0, 0, 0, 0, c, 5, 5, 5}), v(2, 4, {4, 0, 8, 1, 0, 4, 8, 1});
  Matrix y(1, 4);
  reference::attention({q.view(), k.view(), v.view(), 1, y.view()});
  EXPECT_TRUE(close(y, {1, 4, {1, 3, 8, 1}}, 1e-15));
}

TEST(Attention, MatchesTheReferenceOnEveryShape) {
  struct Shape {
    std::int64_t T, L;
  };
  // One token after a context, a whole prompt, a prompt after a context; around the block of 64 keys.
  for (const Shape& shape : {Shape{1, 1}, {1, 63}, {1, 64}, {1, 65}, {1, 200}, {7, 7}, {66, 66}, {3, 130}}) {
    for (const std::int64_t d : {1, 5, 16, 33, 64}) {
      const Inputs in = random_inputs(shape.T, shape.L, 3, d);
      for (const Layout& layout : layouts()) {
        SCOPED_TRACE(::testing::Message() << "T " << shape.T << ", L " << shape.L << ", d " << d);
        on_every_backend([&](const CpuBackend& backend) {
          EXPECT_TRUE(close(run(backend, in, layout)[0], expected(in), tolerance(in, 1)));
        });
        if (HasFailure()) return;
      }
    }
  }
}

TEST(Attention, ScoresFarApartNeitherOverflowNorLoseTheLargest) {
  const Inputs in = random_inputs(5, 150, 2, 16, 30);  // scores up to ±3,600
  on_every_backend(
      [&](const CpuBackend& backend) { EXPECT_TRUE(close(run(backend, in)[0], expected(in), tolerance(in, 30))); });
}

TEST(Attention, WithoutQueriesNothingIsWritten) {
  const Inputs in = random_inputs(0, 4, 2, 8);
  on_every_backend([&](const CpuBackend& backend) { run(backend, in); });
}

TEST(Attention, APromptGivesTheBitsOfTokenByTokenWhateverTheThreads) {
  const Inputs in = random_inputs(70, 70, 2, 24);
  expect_same_bits_however_split(70, [&](const CpuBackend& backend, const Pieces& pieces) {
    const Placed q = Placed::input(in.q), k = Placed::input(in.k), v = Placed::input(in.v);
    const Placed y = Placed::output(70, 48);
    std::int64_t t = 0;
    for (const std::int64_t count : pieces) {
      backend.attention({q.view().row_range(t, count), k.view().row_range(0, t + count),
                         v.view().row_range(0, t + count), in.heads, y.view().row_range(t, count)});
      t += count;
    }
    return std::vector<Matrix>{y.values()};
  });
}

// ---- gradients

struct Gradients {
  Matrix dq, dk, dv;
};
Gradients gradients(const Inputs& in, const Matrix& dy) {
  const std::int64_t T = in.q.rows, D = in.q.cols;
  Gradients out{Matrix(T, D), Matrix(T, D), Matrix(T, D)};
  reference::attention_backward(
      {in.q.view(), in.k.view(), in.v.view(), in.heads, dy.view(), out.dq.view(), out.dk.view(), out.dv.view()});
  return out;
}

TEST(AttentionBackwardReference, IsTheDerivativeOfTheReference) {
  Inputs in = random_inputs(5, 5, 2, 3);
  const Matrix dy = Random("attention backward").uniform(5, 6, -1, 1);
  const Gradients found = gradients(in, dy);
  const auto loss = [&] { return dot(expected(in), dy); };
  expect_gradient(in.q, found.dq, loss);
  expect_gradient(in.k, found.dk, loss);
  expect_gradient(in.v, found.dv, loss);
}

TEST(AttentionBackward, MatchesTheReferenceOnEveryShape) {
  for (const std::int64_t T : {0, 1, 7, 33, 130}) {
    for (const std::int64_t d : {1, 5, 16, 33}) {
      const Inputs in = random_inputs(T, T, 3, d);
      const Matrix dy = Random("attention backward " + std::to_string(T)).uniform(T, 3 * d, -1, 1);
      const Gradients wanted = gradients(in, dy);
      // As above for the weights. A slope is a difference of products of at most d; T of them, each times a weight that
      // sums to 1 over the keys but may reach T over the queries, make a gradient.
      const auto width = static_cast<double>(d), length = static_cast<double>(T);
      const double roundings = (2 * (width / 4 + 6) * std::sqrt(width) + length + width + 20) * unit_roundoff;
      const double size = std::max(1.0, width) * std::max(1.0, std::log(length + 1));
      for (const Layout& layout : layouts()) {
        SCOPED_TRACE(::testing::Message() << "T " << T << ", d " << d);
        on_every_backend([&](const CpuBackend& backend) {
          const Placed q = Placed::input(in.q, layout), k = Placed::input(in.k, layout),
                       v = Placed::input(in.v, layout), up = Placed::input(dy, layout);
          const Placed dq = Placed::output(T, 3 * d, layout), dk = Placed::output(T, 3 * d, layout),
                       dv = Placed::output(T, 3 * d, layout);
          backend.attention_backward({q.view(), k.view(), v.view(), 3, up.view(), dq.view(), dk.view(), dv.view()});
          for (const auto& [got, want] : {std::pair{&dq, &wanted.dq}, {&dk, &wanted.dk}, {&dv, &wanted.dv}})
            EXPECT_TRUE(close(got->values(), *want, roundings * size / std::max(largest(*want), 1e-6)));
        });
        if (HasFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace statescope::kernels
