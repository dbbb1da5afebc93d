// SPDX-License-Identifier: GPL-3.0-or-later
// What meets the vocabulary: embedding, softmax, cross-entropy.
#include "kernels/cross_entropy.h"

#include <algorithm>
#include <cmath>

#include "harness.h"
#include "kernels/embedding.h"

namespace statescope::kernels {
namespace {

using namespace testing;

constexpr std::int64_t widths[] = {1, 2, 3, 4, 5, 15, 16, 17, 65, 1025, 3000};

Matrix random_logits(std::int64_t T, std::int64_t V) {
  return Random("logits " + std::to_string(T) + " " + std::to_string(V)).uniform(T, V, -8, 8);
}

// The sum of V positive terms in stretches: at most 64 + V/256 + 4 additions in a chain. exp of a difference d is off
// by |d| <= 16 units, for the rounding of d, and 3 of its own. Logarithm, quotient and product add 4.
double softmax_units(std::int64_t V) {
  return 64 + static_cast<double>(V) / 256 + 4 + 2 * (16 + 3) + 4;
}

// ---- embedding

TEST(Embedding, GathersRowsAndScattersThemBackInOrder) {
  const std::vector<std::int32_t> tokens{4, 0, 4, 2, 4};
  for (const std::int64_t D : {1, 5, 16, 33}) {
    Random random("embedding " + std::to_string(D));
    const Matrix table = random.uniform(5, D, -1, 1), dy = random.uniform(5, D, -1, 1),
                 before = random.uniform(5, D, -1, 1);
    Matrix y(5, D), dtable = before;
    reference::embedding({tokens.data(), table.view(), y.view()});
    reference::embedding_backward({tokens.data(), dy.view(), dtable.view()});
    EXPECT_EQ(y(2, D - 1), table(4, D - 1));
    EXPECT_EQ(dtable(1, 0), before(1, 0)) << "nobody asked for row 1";
    EXPECT_DOUBLE_EQ(dtable(4, 0), before(4, 0) + dy(0, 0) + dy(2, 0) + dy(4, 0));
    for (const Layout& layout : layouts()) {
      on_every_backend([&](const CpuBackend& backend) {
        const Placed rows = Placed::input(table, layout), out = Placed::output(5, D, layout),
                     up = Placed::input(dy, layout), sums = Placed::in_out(before, layout);
        backend.embedding({tokens.data(), rows.view(), out.view()});
        backend.embedding_backward({tokens.data(), up.view(), sums.view()});
        EXPECT_TRUE(same_bits(out.values(), y));
        // Three additions to numbers of at most 4.
        EXPECT_TRUE(close(sums.values(), dtable, 3 * 4 * unit_roundoff / largest(dtable)));
      });
    }
  }
}

TEST(Embedding, ManyTokensGiveTheSameBitsOnAnyNumberOfThreads) {
  const std::int64_t T = 500, D = 120;
  std::vector<std::int32_t> tokens(T);
  for (std::size_t t = 0; t < tokens.size(); ++t) tokens[t] = static_cast<std::int32_t>(t * t % 7);
  const Matrix dy = Random("embedding threads").uniform(T, D, -1, 1);
  Matrix want;
  on_every_backend([&](const CpuBackend& backend) {
    const Placed up = Placed::input(dy), sums = Placed::in_out(Matrix(7, D));
    backend.embedding_backward({tokens.data(), up.view(), sums.view()});
    if (backend.threads() == 1) want = sums.values();
    EXPECT_TRUE(same_bits(sums.values(), want));
  });
}

// ---- softmax

Matrix expected_softmax(const Matrix& x, bool log) {
  Matrix y(x.rows, x.cols);
  reference::softmax({x.view(), y.view(), log});
  return y;
}

TEST(SoftmaxReference, MatchesNumbersByHand) {
  const Matrix x(1, 3, {std::log(1), std::log(2), std::log(5)});
  EXPECT_TRUE(close(expected_softmax(x, false), {1, 3, {0.125, 0.25, 0.625}}, 1e-15));
  EXPECT_TRUE(close(expected_softmax(x, true), {1, 3, {-std::log(8), -std::log(4), std::log(0.625)}}, 1e-15));
}

TEST(SoftmaxBackwardReference, IsTheDerivativeOfTheReference) {
  for (const bool log : {false, true}) {
    Matrix x = random_logits(2, 5);
    const Matrix dy = Random("softmax backward").uniform(2, 5, -1, 1), y = expected_softmax(x, log);
    Matrix dx(2, 5);
    reference::softmax_backward({y.view(), dy.view(), dx.view(), log});
    expect_gradient(x, dx, [&] { return dot(expected_softmax(x, log), dy); });
  }
}

TEST(Softmax, MatchesTheReferenceForwardAndBackward) {
  for (const std::int64_t T : {0, 1, 3}) {
    for (const std::int64_t V : widths) {
      for (const bool log : {false, true}) {
        SCOPED_TRACE(::testing::Message() << "T " << T << ", V " << V << (log ? ", log" : ""));
        const Matrix x = random_logits(T, V), y = expected_softmax(x, log);
        const Matrix dy = Random("softmax dy " + std::to_string(V)).uniform(T, V, -1, 1);
        Matrix rounded = y, dx(T, V);
        for (double& v : rounded.values) v = static_cast<float>(v);
        reference::softmax_backward({rounded.view(), dy.view(), dx.view(), log});
        on_every_backend([&](const CpuBackend& backend) {
          const Placed in_place = Placed::in_out(x, layouts()[1]);
          backend.softmax({in_place.view(), in_place.view(), log});
          EXPECT_TRUE(close(in_place.values(), y, softmax_units(V) * unit_roundoff));
          const Placed out = Placed::in_out(rounded, layouts()[1]), up = Placed::input(dy, layouts()[1]);
          backend.softmax_backward({out.view(), up.view(), out.view(), log});
          // Σ dy ⊙ y is at most 1 and off by at most softmax_units; Σ dy at most V.
          const double magnitude = log ? static_cast<double>(V) : 1;
          EXPECT_TRUE(
              close(out.values(), dx, softmax_units(V) * magnitude * unit_roundoff / std::max(largest(dx), 1e-300)));
        });
        if (HasFailure()) return;
      }
    }
  }
}

TEST(Softmax, HugeLogitsDoNotOverflowAndMinusInfinityIsImpossible) {
  const Matrix x(2, 4, {1e30, 0, -1e30, 1e30, 5, -std::numeric_limits<double>::infinity(), 5, -1e4});
  on_every_backend([&](const CpuBackend& backend) {
    const Placed in = Placed::input(x), y = Placed::output(2, 4);
    backend.softmax({in.view(), y.view()});
    EXPECT_TRUE(close(y.values(), {2, 4, {0.5, 0, 0, 0.5, 0.5, 0, 0.5, 0}}, 1e-7));
  });
}

TEST(Softmax, NanStaysInItsRow) {
  Matrix x = random_logits(3, 21);
  x(1, 19) = std::nan("");
  on_every_backend([&](const CpuBackend& backend) {
    const Placed in = Placed::input(x), y = Placed::output(3, 21);
    backend.softmax({in.view(), y.view()});
    for (std::int64_t v = 0; v < 21; ++v) {
      EXPECT_FALSE(std::isnan(y.values()(0, v)));
      EXPECT_TRUE(std::isnan(y.values()(1, v)));
      EXPECT_FALSE(std::isnan(y.values()(2, v)));
    }
  });
}

// ---- cross-entropy

struct Outcome {
  Matrix loss, losses, dlogits;
};

Outcome expected(const Matrix& logits, const std::vector<std::int32_t>& targets, double dloss) {
  Outcome out{Matrix(1, 1), Matrix(1, logits.rows), Matrix(logits.rows, logits.cols)};
  reference::cross_entropy(
      {logits.view(), targets.data(), out.loss.data(), out.losses.data(), out.dlogits.view(), dloss});
  return out;
}

Outcome run(const CpuBackend& backend, const Matrix& logits, const std::vector<std::int32_t>& targets, double dloss) {
  const Placed in_place = Placed::in_out(logits, layouts()[1]), loss = Placed::output(1, 1),
               losses = Placed::output(1, logits.rows);
  backend.cross_entropy(
      {in_place.view(), targets.data(), loss.data(), losses.data(), in_place.view(), static_cast<float>(dloss)});
  return {loss.values(), losses.values(), in_place.values()};
}

std::vector<std::int32_t> some_targets(std::int64_t T, std::int64_t V) {
  std::vector<std::int32_t> targets;
  for (std::int64_t t = 0; t < T; ++t)
    targets.push_back(t % 3 == 1 ? ignored_target : static_cast<std::int32_t>((t * 7 + V - 1) % V));
  return targets;
}

TEST(CrossEntropyReference, IsTheMeanOfWhatCountsAndItsDerivative) {
  const Matrix by_hand(2, 2, {0, std::log(3), 9, 9});
  const Outcome out = expected(by_hand, {1, ignored_target}, 1);
  EXPECT_NEAR(out.loss(0, 0), std::log(4.0 / 3), 1e-15);
  EXPECT_TRUE(close(out.dlogits, {2, 2, {0.25, -0.25, 0, 0}}, 1e-15));
  Matrix logits = random_logits(4, 5);
  const auto targets = some_targets(4, 5);
  expect_gradient(logits, expected(logits, targets, 2).dlogits,
                  [&] { return 2 * expected(logits, targets, 2).loss(0, 0); });
}

TEST(CrossEntropy, MatchesTheReferenceOnEveryShape) {
  for (const std::int64_t T : {0, 1, 2, 7}) {
    for (const std::int64_t V : widths) {
      SCOPED_TRACE(::testing::Message() << "T " << T << ", V " << V);
      const Matrix logits = random_logits(T, V);
      const auto targets = some_targets(T, V);
      const Outcome want = expected(logits, targets, 0.5);
      on_every_backend([&](const CpuBackend& backend) {
        const Outcome got = run(backend, logits, targets, 0.5);
        // Losses: log of the sum and a difference of at most 16, each rounded.
        const double absolute = (softmax_units(V) + 2 * 16) * unit_roundoff;
        const auto allowed = [&](const Matrix& m) { return absolute / std::max(largest(m), 1e-300); };
        EXPECT_TRUE(close(got.loss, want.loss, allowed(want.loss)));
        EXPECT_TRUE(close(got.losses, want.losses, allowed(want.losses)));
        EXPECT_TRUE(close(got.dlogits, want.dlogits, allowed(want.dlogits)));
      });
      if (HasFailure()) return;
    }
  }
}

TEST(CrossEntropy, ANearlySureTargetKeepsItsGradient) {
  const Matrix logits(1, 3, {20, 0, 1});
  const Outcome want = expected(logits, {0}, 1);
  on_every_backend([&](const CpuBackend& backend) {
    const double got = run(backend, logits, {0}, 1).dlogits(0, 1);
    EXPECT_NEAR(got / want.dlogits(0, 1), 1, softmax_units(3) * unit_roundoff);
  });
}

TEST(CrossEntropy, WhenNoTargetCountsLossAndGradientAreZero) {
  on_every_backend([&](const CpuBackend& backend) {
    const Outcome got = run(backend, random_logits(2, 9), {ignored_target, ignored_target}, 1);
    EXPECT_EQ(got.loss(0, 0), 0);
    EXPECT_EQ(largest(got.dlogits), 0);
  });
}

}  // namespace
}  // namespace statescope::kernels
