// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/selective_scan.h"

#include <sys/mman.h>

#include <algorithm>
#include <cmath>

#include "scan_inputs.h"

namespace statescope::kernels {
namespace {

using namespace testing;

struct Inputs {
  Matrix x, delta, A, B, C, D, h;
};

struct Range {
  double low, high;
};

Inputs random_inputs(std::int64_t T, std::int64_t E, std::int64_t N, Range delta = {0.001, 0.5}) {
  Random random("selective_scan " + std::to_string(T) + " " + std::to_string(E) + " " + std::to_string(N));
  return {random.uniform(T, E, -2, 2),   random.uniform(T, E, delta.low, delta.high),
          random.uniform(N, E, -16, -1), random.uniform(T, N, -1, 1),
          random.uniform(T, N, -1, 1),   random.uniform(1, E, -2, 2),
          random.uniform(N, E, -1, 1)};
}

enum Output { y, h, h_all, outputs };

std::vector<Matrix> expected(const Inputs& in) {
  const std::int64_t T = in.x.rows, E = in.x.cols, N = in.A.rows;
  std::vector<Matrix> out{{T, E}, in.h, {T, E * N}};
  reference::selective_scan({in.x.view(), in.delta.view(), in.A.view(), in.B.view(), in.C.view(), in.D.data(),
                             out[h].view(), out[y].view(), out[h_all].data()});
  return out;
}

// Every error is a few units of the same scan over magnitudes. One step rounds the exponent ΔA (whose effect on e^{ΔA}
// is at most |ΔA| e^{ΔA} < 0.4 units), exp (3 units), Δx, its product with B, the two products and the sum: below 8
// units, and the decay never amplifies what earlier steps left, so h carries 8T. y adds N products and D x, rounded
// twice each.
std::vector<double> tolerances(Inputs in, const std::vector<Matrix>& want) {
  for (Matrix* m : {&in.x, &in.B, &in.C, &in.D, &in.h}) {
    for (double& v : m->values) v = std::abs(v);
  }
  const std::vector<Matrix> magnitude = expected(in);
  const auto T = static_cast<double>(in.x.rows), N = static_cast<double>(in.A.rows);
  std::vector<double> result;
  for (const Output i : {y, h, h_all}) {
    const double units = 8 * T + (i == y ? 2 * N + 2 : 0);
    result.push_back(units * unit_roundoff * largest(magnitude[i]) / std::max(largest(want[i]), 1e-300));
  }
  return result;
}

enum class Where { apart, x, delta };
enum class States { kept, dropped, squared };

std::vector<Matrix> run(const CpuBackend& backend, const Inputs& in, const Pieces& pieces, Layout layout = {},
                        Where where = Where::apart, States keep = States::kept) {
  const std::int64_t T = in.x.rows, E = in.x.cols, N = in.A.rows;
  const Placed x = where == Where::x ? Placed::in_out(in.x, layout) : Placed::input(in.x, layout),
               delta = where == Where::delta ? Placed::in_out(in.delta, layout) : Placed::input(in.delta, layout),
               A = Placed::input(in.A, layout), B = Placed::input(in.B, layout), C = Placed::input(in.C, layout),
               D = Placed::input(in.D, layout), state = Placed::in_out(in.h, layout),
               apart = Placed::output(T, E, layout), states = Placed::output(T, E * N, {0, layout.shift});
  const Placed& out = where == Where::x ? x : where == Where::delta ? delta : apart;
  std::int64_t t = 0;
  for (const std::int64_t count : pieces) {
    backend.selective_scan({x.view().row_range(t, count), delta.view().row_range(t, count), A.view(),
                            B.view().row_range(t, count), C.view().row_range(t, count), D.data(), state.view(),
                            out.view().row_range(t, count), keep == States::kept ? states.view().row(t) : nullptr});
    t += count;
  }
  return {out.values(), state.values(), states.values()};
}

void expect_matches(const Inputs& in, Layout layout) {
  const std::vector<Matrix> want = expected(in);
  const std::vector<double> tolerance = tolerances(in, want);
  on_every_backend([&](const CpuBackend& backend) {
    const std::vector<Matrix> got = run(backend, in, {in.x.rows}, layout);
    for (int i = 0; i < outputs; ++i) EXPECT_TRUE(close(got[i], want[i], tolerance[i])) << "output " << i;
  });
}

// One channel, two states, three tokens, worked out in double precision apart from this code: Δ = softplus(dt + 0.2)
// for dt = -1, 0, 1.
const Inputs toy{{3, 1, {1, -1, 2}},
                 {3, 1, {0.371100666, 0.798138869, 1.463282467}},
                 {2, 1, {-1, -2}},
                 {3, 2, {1, 0.5, 0.5, -1, 2, 1}},
                 {3, 2, {1, 1, -1, 2, 0.5, -0.5}},
                 {1, 1, {0.3}},
                 {2, 1, {0, 0}}};
const Matrix toy_y{3, 1, {0.856650999, 1.603493608, 2.014040079}};
const Matrix toy_states{3, 2, {0.371100666, 0.185550333, -0.232012531, 0.835740539, 5.799424718, 2.971344561}};

TEST(SelectiveScanReference, MatchesTheToyByHand) {
  const std::vector<Matrix> got = expected(toy);
  // The toy is printed with nine decimals, and so is Δ.
  EXPECT_TRUE(close(got[y], toy_y, 2e-9));
  EXPECT_TRUE(close(got[h_all], toy_states, 2e-9));
  EXPECT_TRUE(close(got[h], {2, 1, {5.799424718, 2.971344561}}, 2e-9));
}

TEST(SelectiveScanReference, ContinuesFromTheStateItIsGiven) {
  // exp(ln 2 · -1) = 1/2: h = 8/2 + ln 2 · 3 · 0.5, y = 2h + 10 · 0.5
  const double delta = std::log(2);
  const std::vector<Matrix> got =
      expected({{1, 1, {0.5}}, {1, 1, {delta}}, {1, 1, {-1}}, {1, 1, {3}}, {1, 1, {2}}, {1, 1, {10}}, {1, 1, {8}}});
  EXPECT_TRUE(close(got[h], {1, 1, {4 + 1.5 * delta}}, 1e-15));
  EXPECT_TRUE(close(got[y], {1, 1, {13 + 3 * delta}}, 1e-15));
}

TEST(SelectiveScan, MatchesTheToyByHand) {
  on_every_backend([&](const CpuBackend& backend) {
    const std::vector<Matrix> got = run(backend, toy, {3});
    EXPECT_TRUE(close(got[y], toy_y, 40 * unit_roundoff));
    EXPECT_TRUE(close(got[h_all], toy_states, 40 * unit_roundoff));
  });
}

TEST(SelectiveScan, MatchesTheReferenceOnEveryShape) {
  for (const std::int64_t T : {0, 1, 5, 6, 7, 13}) {
    for (const std::int64_t E : {1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65, 129}) {
      for (const std::int64_t N : {1, 2, 7, 16, 17}) {
        for (const Layout& layout : layouts()) {
          SCOPED_TRACE(::testing::Message() << "T " << T << ", E " << E << ", N " << N << ", gap " << layout.gap);
          expect_matches(random_inputs(T, E, N), layout);
          if (HasFailure()) return;
        }
      }
    }
  }
}

TEST(SelectiveScan, HoldsOnLongSequences) {
  expect_matches(random_inputs(700, 19, 16, {0.001, 0.1}), {});
}

// The outputs of the scan with every state, with their squares alone, or without, in pieces.
std::vector<Matrix> run_with_options(const CpuBackend& backend, const ScanInputs& in, const Pieces& pieces,
                                     States keep) {
  const ScanCase& c = in.c;
  const PlacedScan placed(in, layouts()[1]);
  const Placed states = Placed::output(c.T, c.E * c.N), squares = Placed::output(c.T, c.E, layouts()[1]);
  std::int64_t t = 0;
  for (const std::int64_t count : pieces) {
    SelectiveScanArgs<float> args = placed.args(t, count);
    if (keep == States::kept) args.h_all = states.view().row(t);
    if (keep != States::dropped) args.state_squares = squares.view().row_range(t, count);
    backend.selective_scan(args);
    t += count;
  }
  std::vector<Matrix> out{placed.y.values(), placed.h.values()};
  if (keep == States::kept) out.push_back(states.values());
  if (keep != States::dropped) out.push_back(squares.values());
  return out;
}

TEST(SelectiveScan, MatchesTheReferenceWithEveryOption) {
  for (const ScanCase& c : option_cases(43, 18)) {
    SCOPED_TRACE(c);
    const ScanInputs in(c);
    Matrix state = in.h, out(c.T, c.E), states(c.T, c.E * c.N), squares(c.T, c.E);
    SelectiveScanArgs<double> args = in.args(state, out);
    args.h_all = states.data();
    args.state_squares = squares.view();
    reference::selective_scan(args);
    on_every_backend([&](const CpuBackend& backend) {
      for (const States keep : {States::kept, States::dropped}) {
        const std::vector<Matrix> got = run_with_options(backend, in, {c.T}, keep);
        // As in tolerances(); Δ, the gate and their rounding add a few units a step, and the decay forgets all but some
        // 20 steps. Magnitudes are below 8 times the largest result.
        const double allowed = 8 * (12 * 20 + 2 * 18 + 2) * unit_roundoff;
        EXPECT_TRUE(close(got[0], out, allowed));
        EXPECT_TRUE(close(got[1], state, allowed));
        if (keep == States::dropped) continue;
        EXPECT_TRUE(close(got[2], states, allowed));
        EXPECT_TRUE(close(got[3], squares, 2 * allowed));
      }
    });
  }
}

TEST(SelectiveScan, GivesTheSameBitsHoweverSplitWithEveryOption) {
  for (const ScanCase& c : option_cases(41, 5)) {
    SCOPED_TRACE(c);
    const ScanInputs in(c);
    expect_same_bits_however_split(c.T, [&](const CpuBackend& backend, const Pieces& pieces) {
      std::vector<Matrix> kept = run_with_options(backend, in, pieces, States::kept);
      const std::vector<Matrix> dropped = run_with_options(backend, in, pieces, States::dropped);
      EXPECT_TRUE(same_bits(dropped[0], kept[0]));
      EXPECT_TRUE(same_bits(dropped[1], kept[1]));
      return kept;
    });
  }
}

TEST(SelectiveScan, GivesTheSameBitsHoweverSplitWithMoreChannelsThanAPieceHas) {
  const ScanInputs in({3, 1601, 3, true, true});
  expect_same_bits_however_split(3, [&](const CpuBackend& backend, const Pieces& pieces) {
    return run_with_options(backend, in, pieces, States::squared);
  });
}

TEST(SelectiveScan, TheOutputMayBeTheGate) {
  const ScanInputs in({40, 85, 4, true, true});
  on_every_backend([&](const CpuBackend& backend) {
    const Matrix want = run_with_options(backend, in, {40}, States::dropped)[0];
    const PlacedScan placed(in);
    const Placed z = Placed::in_out(in.z);
    SelectiveScanArgs<float> args = placed.args();
    args.z = args.y = z.view();
    backend.selective_scan(args);
    EXPECT_TRUE(same_bits(z.values(), want));
  });
}

TEST(SelectiveScan, AChannelOnItsOwnHasTheBitsItHasAmongOthers) {
  const ScanInputs in({70, 85, 16, true, true, true, true});
  on_every_backend([&](const CpuBackend& backend) {
    const Matrix all = run_with_options(backend, in, {70}, States::dropped)[0];
    const PlacedScan placed(in);
    const std::int64_t e = 29;
    const Placed out = Placed::output(70, 1);
    SelectiveScanArgs<float> args = placed.args();
    args.x = args.x.columns(e, 1), args.delta = args.delta.columns(e, 1), args.A = args.A.columns(e, 1);
    args.h = args.h.columns(e, 1), args.z = args.z.columns(e, 1), args.y = out.view();
    args.D += e, args.delta_bias += e;
    backend.selective_scan(args);
    for (std::int64_t t = 0; t < 70; ++t) EXPECT_EQ(out.view()(t, 0), all(t, e));
  });
}

TEST(SelectiveScan, HoldsOverAMillionTokens) {
  const Inputs in = random_inputs(std::int64_t{1} << 20, 3, 2, {0.001, 0.01});
  std::vector<Matrix> want{{in.x.rows, 3}, in.h};
  reference::selective_scan({in.x.view(), in.delta.view(), in.A.view(), in.B.view(), in.C.view(), in.D.data(),
                             want[h].view(), want[y].view()});
  on_every_backend([&](const CpuBackend& backend) {
    if (backend.threads() > 1) return;
    const Placed x = Placed::input(in.x), delta = Placed::input(in.delta), A = Placed::input(in.A),
                 B = Placed::input(in.B), C = Placed::input(in.C), D = Placed::input(in.D),
                 state = Placed::in_out(in.h), out = Placed::output(in.x.rows, 3);
    backend.selective_scan({x.view(), delta.view(), A.view(), B.view(), C.view(), D.data(), state.view(), out.view()});
    // ΔA is 0.0055 on average at least: the state forgets within 182 steps, each of which leaves 8 units at most.
    EXPECT_TRUE(close(out.values(), want[y], 182 * 8 * unit_roundoff));
    EXPECT_TRUE(close(state.values(), want[h], 182 * 8 * unit_roundoff));
  });
}

TEST(SelectiveScan, FindsRowsBeyondWhat32BitsCount) {
  // Three rows 2³⁰ floats apart, of which only a few pages are ever touched.
  constexpr std::int64_t T = 3, E = 20, stride = (std::int64_t{1} << 30) + 64;
  constexpr std::size_t bytes = (2 * stride + 4096) * sizeof(float);
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) GTEST_SKIP() << "the system does not lend 8 GiB of addresses";
  const Inputs in = random_inputs(T, E, 4);
  const std::vector<Matrix> want = expected(in);
  on_every_backend([&](const CpuBackend& backend) {
    std::int64_t column = 0;
    const auto spread = [&](const Matrix& m) {
      const MatrixView<float> view(static_cast<float*>(memory) + column, T, m.cols, stride);
      for (std::int64_t t = 0; t < T; ++t)
        for (std::int64_t c = 0; c < m.cols; ++c) view(t, c) = static_cast<float>(m(t, c));
      column += m.cols;
      return view;
    };
    const MatrixView<float> x = spread(in.x), delta = spread(in.delta), B = spread(in.B), C = spread(in.C),
                            out = spread(Matrix(T, E));
    const Placed A = Placed::input(in.A), D = Placed::input(in.D), state = Placed::in_out(in.h);
    backend.selective_scan({x, delta, A.view(), B, C, D.data(), state.view(), out});
    Matrix got(T, E);
    for (std::int64_t t = 0; t < T; ++t)
      for (std::int64_t e = 0; e < E; ++e) got(t, e) = out(t, e);
    EXPECT_TRUE(close(got, want[y], tolerances(in, want)[y]));
  });
  munmap(memory, bytes);
}

TEST(SelectiveScan, ATinyStepKeepsTheStateAndAHugeOneForgetsIt) {
  for (const Range delta : {Range{1e-8, 2e-8}, Range{40, 50}}) {
    SCOPED_TRACE(delta.low);
    const Inputs in = random_inputs(6, 21, 16, delta);
    expect_matches(in, layouts()[1]);
    on_every_backend([&](const CpuBackend& backend) {
      // The state of one step ago weighs exp(-40) at most.
      const Matrix after = run(backend, in, {6})[h];
      Inputs other = in;
      for (double& v : other.h.values) v += 1;
      const Matrix after_other = run(backend, other, {6})[h];
      for (std::size_t i = 0; i < after.values.size(); ++i)
        EXPECT_NEAR(after_other.values[i] - after.values[i], delta.high < 1 ? 1 : 0, 1e-5);
    });
  }
}

TEST(SelectiveScan, TheOutputMayBeXOrDeltaAndTheStatesMayBeDropped) {
  const Inputs in = random_inputs(37, 85, 5);
  on_every_backend([&](const CpuBackend& backend) {
    const std::vector<Matrix> want = run(backend, in, {37});
    for (const Where where : {Where::apart, Where::x, Where::delta}) {
      for (const States keep : {States::kept, States::dropped}) {
        const std::vector<Matrix> got = run(backend, in, {37}, layouts()[1], where, keep);
        EXPECT_TRUE(same_bits(got[y], want[y]));
        EXPECT_TRUE(same_bits(got[h], want[h]));
      }
    }
  });
}

TEST(SelectiveScan, GivesTheSameBitsHoweverSplit) {
  const Inputs in = random_inputs(11, 83, 16);
  expect_same_bits_however_split(
      11, [&](const CpuBackend& backend, const Pieces& pieces) { return run(backend, in, pieces, layouts()[1]); });
}

TEST(SelectiveScan, NanStaysInItsChannelFromItsTokenOn) {
  const Inputs in = random_inputs(5, 21, 3);
  on_every_backend([&](const CpuBackend& backend) {
    for (Matrix Inputs::*which : {&Inputs::x, &Inputs::delta}) {
      for (const std::int64_t e : {5, 18}) {
        std::vector<Matrix> want = run(backend, in, {5});
        Inputs with_nan = in;
        (with_nan.*which)(2, e) = std::nan("");
        for (std::int64_t n = 0; n < 3; ++n) {
          want[h](n, e) = std::nan("");
          for (const std::int64_t t : {2, 3, 4}) want[h_all](t, e * 3 + n) = want[y](t, e) = std::nan("");
        }
        const std::vector<Matrix> got = run(backend, with_nan, {5});
        for (int i = 0; i < outputs; ++i) EXPECT_TRUE(close(got[i], want[i], 0)) << "output " << i;
      }
    }
  });
}

TEST(SelectiveScan, NanInADecayReachesItsStateAndOutput) {
  const Inputs in = random_inputs(4, 21, 3);
  on_every_backend([&](const CpuBackend& backend) {
    std::vector<Matrix> want = run(backend, in, {4});
    Inputs with_nan = in;
    with_nan.A(1, 18) = want[h](1, 18) = std::nan("");
    for (std::int64_t t = 0; t < 4; ++t) want[h_all](t, 18 * 3 + 1) = want[y](t, 18) = std::nan("");
    const std::vector<Matrix> got = run(backend, with_nan, {4});
    for (int i = 0; i < outputs; ++i) EXPECT_TRUE(close(got[i], want[i], 0)) << "output " << i;
  });
}

}  // namespace
}  // namespace statescope::kernels
