// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/elementwise.h"

#include <algorithm>
#include <cmath>

#include "harness.h"

namespace statescope::kernels {
namespace {

using namespace testing;

constexpr std::int64_t widths[] = {1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65, 129};

// ---- softplus

Matrix expected_softplus(Matrix x, const Matrix& bias) {
  reference::softplus({x.view(), bias.cols ? bias.data() : nullptr});
  return x;
}

std::vector<Matrix> run_softplus(const CpuBackend& backend, const Matrix& values, const Matrix& bias,
                                 const Pieces& pieces, Layout layout = {}) {
  const Placed x = Placed::in_out(values, layout), offset = Placed::input(bias);
  std::int64_t t = 0;
  for (const std::int64_t count : pieces) {
    backend.softplus({x.view().row_range(t, count), bias.cols ? offset.data() : nullptr});
    t += count;
  }
  return {x.values()};
}

// exp 3 units, log1p 5 (two units in the last place and the correction), the last sum 1.
constexpr double softplus_units = 9;

TEST(SoftplusReference, MatchesNumbersByHand) {
  Matrix x(2, 2, {0, std::log(3), 21, -1}), bias(1, 2, {0, 0});
  reference::softplus({x.view(), bias.data()});
  EXPECT_TRUE(close(x, {2, 2, {std::log(2), std::log(4), 21, std::log(1 + std::exp(-1))}}, 1e-15));
  Matrix shifted(1, 2, {2, -5});
  reference::softplus({shifted.view(), Matrix(1, 2, {-2, 5}).data()});
  EXPECT_TRUE(close(shifted, {1, 2, {std::log(2), std::log(2)}}, 1e-15));
}

TEST(Softplus, MatchesTheReferenceOnEveryShape) {
  for (const std::int64_t T : {0, 1, 5, 6, 7, 13}) {
    for (const std::int64_t E : widths) {
      for (const bool with_bias : {false, true}) {
        Random random("softplus " + std::to_string(T) + " " + std::to_string(E));
        const Matrix x = random.uniform(T, E, -9, 9), bias = with_bias ? random.uniform(1, E, -2, 2) : Matrix();
        const Matrix want = expected_softplus(x, bias);
        // The slope is at most 1, so rounding x + bias costs one unit of |x + bias| <= 11.
        const double tolerance = (softplus_units + 11 / std::max(largest(want), 1e-300)) * unit_roundoff;
        for (const Layout& layout : layouts()) {
          SCOPED_TRACE(::testing::Message() << "T " << T << ", E " << E << ", gap " << layout.gap);
          on_every_backend([&](const CpuBackend& backend) {
            EXPECT_TRUE(close(run_softplus(backend, x, bias, {T}, layout)[0], want, tolerance));
          });
          if (HasFailure()) return;
        }
      }
    }
  }
}

// Δ of a closed gate is tiny, and its size still matters: each value is judged relative to itself.
TEST(Softplus, IsRelativelyAccurateFromTinyToHuge) {
  std::vector<double> points{-80, -20, -16.7, -1e-3, 0, 1e-3, 19.99, 20, 20.01, 88, 89, 100, 3e38};
  for (double x = -40; x < 25; x += 0.37) points.push_back(x);
  for (const double point : points) {
    const Matrix x(1, 1, {static_cast<double>(static_cast<float>(point))});
    on_every_backend([&](const CpuBackend& backend) {
      EXPECT_TRUE(close(run_softplus(backend, x, {}, {1})[0], expected_softplus(x, {}), softplus_units * unit_roundoff))
          << "softplus(" << point << ")";
    });
    if (HasFailure()) return;
  }
}

TEST(Softplus, EndsAtTheSmallestNormalNumber) {
  on_every_backend([&](const CpuBackend& backend) {
    const double y = run_softplus(backend, {1, 1, {-100}}, {}, {1})[0](0, 0);
    EXPECT_GE(y, 0);
    EXPECT_LE(y, 1.0001 * std::numeric_limits<float>::min());
  });
}

TEST(Softplus, GivesTheSameBitsHoweverSplit) {
  Random random("softplus split");
  const Matrix x = random.uniform(11, 83, -9, 9), bias = random.uniform(1, 83, -2, 2);
  expect_same_bits_however_split(11, [&](const CpuBackend& backend, const Pieces& pieces) {
    return run_softplus(backend, x, bias, pieces, layouts()[1]);
  });
}

TEST(Softplus, AnElementOnItsOwnHasTheBitsItHasAmongOthers) {
  const Matrix x = Random("softplus alone").uniform(1, 83, -9, 9);
  on_every_backend([&](const CpuBackend& backend) {
    const Matrix all = run_softplus(backend, x, {}, {1})[0];
    for (std::int64_t e = 0; e < x.cols; ++e)
      ASSERT_EQ(run_softplus(backend, {1, 1, {x(0, e)}}, {}, {1})[0](0, 0), all(0, e)) << e;
  });
}

TEST(Softplus, NanStaysInItsElement) {
  const Matrix x = Random("softplus nan").uniform(3, 21, -9, 9);
  on_every_backend([&](const CpuBackend& backend) {
    Matrix want = run_softplus(backend, x, {}, {3})[0], with_nan = x;
    for (const std::int64_t e : {2, 18}) with_nan(1, e) = want(1, e) = std::nan("");
    EXPECT_TRUE(close(run_softplus(backend, with_nan, {}, {3})[0], want, 0));
  });
}

// ---- gate

struct GateInputs {
  Matrix y, z;
};

GateInputs random_gate(std::int64_t T, std::int64_t E) {
  Random random("gate " + std::to_string(T) + " " + std::to_string(E));
  return {random.uniform(T, E, -3, 3), random.uniform(T, E, -9, 9)};
}

// out and the gate.
std::vector<Matrix> expected_gate(const GateInputs& in) {
  Matrix gate(in.y.rows, in.y.cols), out = gate;
  reference::gate({in.y.view(), in.z.view(), gate.view(), out.view()});
  return {out, gate};
}

// exp 3 units, sum, quotient and product one each. SiLU itself is smooth, so nothing amplifies them.
constexpr double gate_tolerance = 6 * unit_roundoff;

enum class Out { apart, y, z };
enum class Gate { kept, dropped };

std::vector<Matrix> run_gate(const CpuBackend& backend, const GateInputs& in, const Pieces& pieces, Layout layout = {},
                             Out where = Out::apart, Gate keep = Gate::kept) {
  const Placed y = where == Out::y ? Placed::in_out(in.y, layout) : Placed::input(in.y, layout),
               z = where == Out::z ? Placed::in_out(in.z, layout) : Placed::input(in.z, layout),
               apart = Placed::output(in.y.rows, in.y.cols, layout),
               gate = Placed::output(in.y.rows, in.y.cols, layout);
  const Placed& out = where == Out::y ? y : where == Out::z ? z : apart;
  std::int64_t t = 0;
  for (const std::int64_t count : pieces) {
    GateArgs<float> args;
    args.y = y.view().row_range(t, count);
    args.z = z.view().row_range(t, count);
    if (keep == Gate::kept) args.gate = gate.view().row_range(t, count);
    args.out = out.view().row_range(t, count);
    backend.gate(args);
    t += count;
  }
  return {out.values(), gate.values()};
}

TEST(GateReference, MatchesNumbersByHand) {
  // σ(ln 3) = 3/4, σ(-ln 3) = 1/4
  const Matrix y(1, 3, {2, -8, 5}), z(1, 3, {std::log(3), -std::log(3), 0});
  const std::vector<Matrix> got = expected_gate({y, z});
  EXPECT_TRUE(close(got[1], {1, 3, {0.75 * std::log(3), -0.25 * std::log(3), 0}}, 1e-15));
  EXPECT_TRUE(close(got[0], {1, 3, {1.5 * std::log(3), 2 * std::log(3), 0}}, 1e-15));
}

TEST(Gate, MatchesTheReferenceOnEveryShape) {
  for (const std::int64_t T : {0, 1, 5, 6, 7, 13}) {
    for (const std::int64_t E : widths) {
      const GateInputs in = random_gate(T, E);
      const std::vector<Matrix> want = expected_gate(in);
      for (const Layout& layout : layouts()) {
        SCOPED_TRACE(::testing::Message() << "T " << T << ", E " << E << ", gap " << layout.gap);
        on_every_backend([&](const CpuBackend& backend) {
          const std::vector<Matrix> got = run_gate(backend, in, {T}, layout);
          EXPECT_TRUE(close(got[0], want[0], gate_tolerance));
          EXPECT_TRUE(close(got[1], want[1], gate_tolerance)) << "gate";
        });
        if (HasFailure()) return;
      }
    }
  }
}

TEST(Gate, TheOutputMayBeEitherInputAndTheGateMayBeDropped) {
  const GateInputs in = random_gate(5, 45);
  on_every_backend([&](const CpuBackend& backend) {
    const Matrix want = run_gate(backend, in, {5})[0];
    for (const Out where : {Out::apart, Out::y, Out::z}) {
      for (const Gate keep : {Gate::kept, Gate::dropped})
        EXPECT_TRUE(same_bits(run_gate(backend, in, {5}, layouts()[1], where, keep)[0], want));
    }
  });
}

TEST(Gate, SiluIsRelativelyAccurateWhileItIsANormalNumber) {
  std::vector<double> points{-80, -20, -1e-6, 1e-6, 20, 80, 88, 89, 100, 1e30};
  for (double z = -40; z < 40; z += 0.37) points.push_back(z);
  for (const double point : points) {
    const GateInputs in{{1, 1, {1.5}}, {1, 1, {static_cast<double>(static_cast<float>(point))}}};
    on_every_backend([&](const CpuBackend& backend) {
      EXPECT_TRUE(close(run_gate(backend, in, {1})[0], expected_gate(in)[0], gate_tolerance))
          << "SiLU(" << point << ")";
    });
    if (HasFailure()) return;
  }
}

TEST(Gate, AClosedGateLetsNothingThrough) {
  for (const double z : {-100.0, -1e4, -1e30}) {
    const GateInputs in{{1, 1, {1}}, {1, 1, {static_cast<double>(static_cast<float>(z))}}};
    on_every_backend([&](const CpuBackend& backend) {
      EXPECT_LE(std::abs(run_gate(backend, in, {1})[0](0, 0)), 1e-30) << "SiLU(" << z << ")";
    });
  }
}

TEST(Gate, GivesTheSameBitsHoweverSplit) {
  const GateInputs in = random_gate(11, 83);
  expect_same_bits_however_split(
      11, [&](const CpuBackend& backend, const Pieces& pieces) { return run_gate(backend, in, pieces, layouts()[1]); });
}

TEST(Gate, AnElementOnItsOwnHasTheBitsItHasAmongOthers) {
  const GateInputs in = random_gate(1, 83);
  on_every_backend([&](const CpuBackend& backend) {
    const Matrix all = run_gate(backend, in, {1})[0];
    for (std::int64_t e = 0; e < in.y.cols; ++e)
      ASSERT_EQ(run_gate(backend, {{1, 1, {in.y(0, e)}}, {1, 1, {in.z(0, e)}}}, {1})[0](0, 0), all(0, e)) << e;
  });
}

TEST(Gate, NanStaysInItsElement) {
  const GateInputs in = random_gate(3, 21);
  on_every_backend([&](const CpuBackend& backend) {
    std::vector<Matrix> want = run_gate(backend, in, {3});
    GateInputs with_nan = in;
    with_nan.z(1, 2) = with_nan.y(2, 18) = std::nan("");
    want[0](1, 2) = want[1](1, 2) = want[0](2, 18) = std::nan("");
    const std::vector<Matrix> got = run_gate(backend, with_nan, {3});
    EXPECT_TRUE(close(got[0], want[0], 0));
    EXPECT_TRUE(close(got[1], want[1], 0)) << "gate";
  });
}

}  // namespace
}  // namespace statescope::kernels
