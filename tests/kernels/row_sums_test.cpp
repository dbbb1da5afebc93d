// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/row_sums.h"

#include <cmath>

#include "harness.h"

namespace statescope::kernels {
namespace {

using namespace testing;

struct Inputs {
  Matrix x, minus;  // minus is empty where nothing is taken away
  bool squares = false;
};

Inputs random_inputs(std::int64_t T, std::int64_t D, bool differences, bool squares) {
  Random random("row_sums " + std::to_string(T) + " " + std::to_string(D));
  Inputs in{random.uniform(T, D, -3, 3), {}, squares};
  if (differences) in.minus = random.uniform(T, D, -2, 2);
  return in;
}

Matrix expected(const Inputs& in) {
  Matrix sums(in.x.rows, 1);
  RowSumsArgs<double> args{in.x.view(), {}, in.squares, sums.data()};
  if (in.minus.rows) args.minus = in.minus.view();
  reference::row_sums(args);
  return sums;
}

// The differences as the fast path has them: rounded to float.
Inputs with_rounded_differences(Inputs in) {
  for (std::size_t i = 0; i < in.minus.values.size(); ++i)
    in.x.values[i] = static_cast<float>(in.x.values[i] - in.minus.values[i]);
  in.minus = {};
  return in;
}

std::vector<Matrix> run(const CpuBackend& backend, const Inputs& in, const Pieces& pieces, Layout layout = {}) {
  const Placed x = Placed::input(in.x, layout), minus = Placed::input(in.minus, layout);
  Matrix sums(in.x.rows, 1);
  std::int64_t t = 0;
  for (const std::int64_t count : pieces) {
    RowSumsArgs<float> args{x.view().row_range(t, count), {}, in.squares, sums.data() + t};
    if (in.minus.rows) args.minus = minus.view().row_range(t, count);
    backend.row_sums(args);
    t += count;
  }
  return {sums};
}

TEST(RowSumsReference, MatchesNumbersByHand) {
  const Inputs plain{{2, 3, {1, 2, 4, -1, 0.5, 3}}, {}, false};
  EXPECT_TRUE(same_bits(expected(plain), {2, 1, {7, 2.5}}));
  const Inputs apart{plain.x, {2, 3, {1, 1, 1, 0, 0.5, 5}}, true};
  EXPECT_TRUE(same_bits(expected(apart), {2, 1, {10, 5}}));
}

TEST(RowSums, MatchTheReferenceOnEveryShape) {
  for (const std::int64_t T : {0, 1, 7}) {
    for (const std::int64_t D : {0, 1, 3, 7, 8, 9, 15, 16, 17, 65, 768}) {
      for (const bool differences : {false, true}) {
        for (const bool squares : {false, true}) {
          const Inputs in = random_inputs(T, D, differences, squares);
          const Matrix want = expected(with_rounded_differences(in));
          // Each of the D summands is at most 25 and takes part in at most D additions, each rounded to 53 bits.
          const double units = static_cast<double>(D * D) * 25 / std::max(largest(want), 1e-300);
          for (const Layout& layout : layouts()) {
            SCOPED_TRACE(::testing::Message() << "T " << T << ", D " << D << ", gap " << layout.gap << ", differences "
                                              << differences << ", squares " << squares);
            on_every_backend([&](const CpuBackend& backend) {
              EXPECT_TRUE(close(run(backend, in, {T}, layout)[0], want, units * 0x1p-53));
            });
            if (HasFailure()) return;
          }
        }
      }
    }
  }
}

// What a trace holds must not hang on the processor that recorded it.
TEST(RowSums, AddInTheOrderOfTheContractOnEveryProcessor) {
  const Inputs in = random_inputs(5, 43, true, true);
  Matrix want(5, 1);
  for (std::int64_t t = 0; t < 5; ++t) {
    double partial[8] = {};
    for (std::int64_t d = 0; d < 43; ++d) {
      const double v = static_cast<float>(in.x(t, d) - in.minus(t, d));
      partial[d < 40 ? d % 8 : 0] += v * v;
    }
    for (const double sum : partial) want(t, 0) += sum;
  }
  on_every_backend(
      [&](const CpuBackend& backend) { EXPECT_TRUE(same_bits(run(backend, in, {5}, layouts()[1])[0], want)); });
}

TEST(RowSums, GiveTheSameBitsHoweverSplit) {
  const Inputs in = random_inputs(60, 700, true, true);  // enough to be shared
  expect_same_bits_however_split(
      60, [&](const CpuBackend& backend, const Pieces& pieces) { return run(backend, in, pieces, layouts()[1]); });
}

TEST(RowSums, NanStaysInItsRow) {
  const Inputs in = random_inputs(4, 21, false, true);
  on_every_backend([&](const CpuBackend& backend) {
    Matrix sums = run(backend, in, {4})[0];
    Inputs with_nan = in;
    with_nan.x(2, 20) = std::nan("");
    sums(2, 0) = std::nan("");
    EXPECT_TRUE(close(run(backend, with_nan, {4})[0], sums, 0));
  });
}

TEST(Copy, CopiesEveryRowAndNothingElse) {
  for (const std::int64_t T : {0, 1, 7, 60}) {
    for (const std::int64_t D : {1, 17, 700}) {
      const Matrix values = Random("copy " + std::to_string(T) + " " + std::to_string(D)).uniform(T, D, -1, 1);
      for (const Layout& layout : layouts()) {
        on_every_backend([&](const CpuBackend& backend) {
          const Placed from = Placed::input(values), to = Placed::output(T, D, layout);
          backend.copy(from.view(), to.view());
          EXPECT_TRUE(same_bits(to.values(), values)) << "T " << T << ", D " << D;
        });
      }
    }
  }
}

}  // namespace
}  // namespace statescope::kernels
