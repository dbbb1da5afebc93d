// SPDX-License-Identifier: GPL-3.0-or-later
// The selective scan on a CUDA device against the double reference. Without a device every test says it is skipped.
#include "kernels/cuda_scan_host.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "harness.h"
#include "kernels/cuda_devices.h"
#include "kernels/half.h"
#include "scan_inputs.h"

namespace statescope::kernels {
namespace {

using namespace testing;

constexpr ElementType types[] = {ElementType::f32, ElementType::bf16, ElementType::f16};

double unit(ElementType type) {
  return type == ElementType::bf16 ? 0x1p-8 : type == ElementType::f16 ? 0x1p-11 : 0x1p-24;
}

void round_to(Matrix& m, ElementType type) {
  for (double& v : m.values) {
    const auto x = static_cast<float>(v);
    v = type == ElementType::bf16 ? from_bf16(to_bf16(x)) : type == ElementType::f16 ? from_f16(to_f16(x)) : x;
  }
}

// Inputs that are exact in the type, so that the reference sees the same numbers.
ScanInputs inputs_of(const ScanCase& c, ElementType type, double slowest = 1) {
  ScanInputs in(c, slowest);
  for (Matrix* m : {&in.x, &in.delta, &in.B, &in.C, &in.z}) round_to(*m, type);
  return in;
}

class CudaScan : public ::testing::Test {
 protected:
  void SetUp() override {
    if (cuda_devices().empty()) GTEST_SKIP() << "no CUDA device";
    backend = CudaBackend::create();
  }

  // y, h and every h_t, [T · E, N].
  std::vector<Matrix> run(const ScanInputs& in, ElementType type, const Pieces& pieces) {
    const PlacedScan placed(in, layouts()[1]);
    const ScanCase& c = in.c;
    const Placed states = Placed::output(c.T * c.E, c.N);
    std::int64_t t = 0;
    for (const std::int64_t count : pieces) {
      SelectiveScanArgs<float> args = placed.args(t, count);
      args.h_all = states.data() + t * c.E * c.N;
      selective_scan(*backend, args, type);
      t += count;
    }
    return {placed.y.values(), placed.h.values(), states.values()};
  }

  std::unique_ptr<CudaBackend> backend;
};

std::vector<Matrix> expected(const ScanInputs& in) {
  Matrix y(in.c.T, in.c.E), h = in.h, states(in.c.T * in.c.E, in.c.N);
  SelectiveScanArgs<double> args = in.args(h, y);
  args.h_all = states.data();
  reference::selective_scan(args);
  return {y, h, states};
}

// Δ errs by a few units of 2^-22 (softplus, exponentials of the special-function unit) and the exponent Δ·A, at most 8,
// multiplies that; errors decay with the state. y sums N of them.
double state_tolerance() {
  return 64 * 8 * unit_roundoff;
}

void expect_close(const std::vector<Matrix>& got, const std::vector<Matrix>& want, ElementType type, std::int64_t N) {
  EXPECT_TRUE(close(got[0], want[0], unit(type) + state_tolerance() * static_cast<double>(1 + N / 4)));
  EXPECT_TRUE(close(got[1], want[1], state_tolerance()));
  EXPECT_TRUE(close(got[2], want[2], state_tolerance()));
}

TEST_F(CudaScan, MatchesTheReferenceOnEveryOption) {
  for (const ElementType type : types) {
    for (const ScanCase& c : option_cases(45, 16)) {
      SCOPED_TRACE(::testing::Message() << c << ", unit " << unit(type));
      const ScanInputs in = inputs_of(c, type);
      expect_close(run(in, type, {c.T}), expected(in), type, c.N);
      if (HasFailure()) return;
    }
  }
}

TEST_F(CudaScan, MatchesTheReferenceOnEveryShape) {
  for (const std::int64_t T : {1, 2, 31, 32, 33, 300}) {
    for (const std::int64_t E : {1, 31, 32, 130}) {
      for (const std::int64_t N : {1, 3, 4, 16, 17, 64}) {
        const ScanInputs in = inputs_of({T, E, N, true, true, true, true}, ElementType::f32);
        SCOPED_TRACE(in.c);
        expect_close(run(in, ElementType::f32, {T}), expected(in), ElementType::f32, N);
        if (HasFailure()) return;
      }
    }
  }
}

TEST_F(CudaScan, GivesTheSameBitsInPieces) {
  for (const ElementType type : types) {
    for (const std::int64_t T : {97, 1500}) {
      const ScanInputs in = inputs_of({T, 70, 16, true, true, true, true}, type);
      const auto whole = run(in, type, {T});
      for (const Pieces& pieces : {Pieces{T / 3, T - T / 3}, Pieces{1, 1, T - 2}, Pieces{64, T - 64}}) {
        const auto split = run(in, type, pieces);
        for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_TRUE(same_bits(split[i], whole[i])) << T << " " << i;
      }
    }
  }
}

TEST_F(CudaScan, TheOutputsDoNotDependOnWhetherStatesAreKept) {
  const ScanInputs in = inputs_of({200, 70, 16, true, true, true, true}, ElementType::bf16);
  const auto with = run(in, ElementType::bf16, {200});
  const PlacedScan placed(in);
  selective_scan(*backend, placed.args(), ElementType::bf16);
  EXPECT_TRUE(same_bits(placed.y.values(), with[0]));
  EXPECT_TRUE(same_bits(placed.h.values(), with[1]));
}

// A few channels are cut in time, here into chunks of 64 tokens; decays this slow let states cross several of them.
// Blocks of one pair of warps and of several, the last of which may be too many.
TEST_F(CudaScan, TimeInChunksMatchesTheReference) {
  for (const ElementType type : {ElementType::f32, ElementType::bf16}) {
    for (const auto& [E, N, groups] :
         {std::tuple{48, 16, 1}, {70, 16, 1}, {144, 16, 1}, {288, 16, 2}, {32, 64, 1}, {80, 64, 1}, {33, 17, 1}}) {
      const ScanInputs in = inputs_of({2100, E, N, true, true, true, true, groups}, type, 0.01);
      SCOPED_TRACE(::testing::Message() << in.c << ", unit " << unit(type));
      const std::vector<Matrix> want = expected(in), kept = run(in, type, {2100});
      const PlacedScan placed(in);
      selective_scan(*backend, placed.args(), type);
      // The errors of some 300 tokens that a state remembers.
      const double tolerance = 16 * state_tolerance();
      EXPECT_TRUE(close(placed.y.values(), want[0], unit(type) + tolerance));
      EXPECT_TRUE(close(placed.h.values(), want[1], tolerance));
      EXPECT_TRUE(close(kept[2], want[2], tolerance));
      EXPECT_TRUE(same_bits(kept[0], placed.y.values()));
      EXPECT_TRUE(same_bits(kept[1], placed.h.values()));
      if (HasFailure()) return;
    }
  }
}

// Chunks so long that the first pass is a sum over their last tokens: with decays that forget the rest of a chunk, and
// with ones that let states cross several; rows that are copied whole, and rows that are not.
TEST_F(CudaScan, LongChunksMatchTheReference) {
  const ScanInputs fast = inputs_of({1'200'000, 16, 16, true, true, true, true, 1, true}, ElementType::f32);
  const ScanInputs slow = inputs_of({1'200'000, 2, 17, true, true, true, true}, ElementType::bf16, 0.01);
  for (const auto& [in, type, times] : {std::tuple{&fast, ElementType::f32, 5}, {&slow, ElementType::bf16, 16}}) {
    SCOPED_TRACE(in->c);
    const PlacedScan placed(*in);
    selective_scan(*backend, placed.args(), type);
    for (const std::int64_t e : {std::int64_t{0}, in->c.E - 1}) {
      Matrix y(in->c.T, in->c.E), h = in->h;
      SelectiveScanArgs<double> args = in->args(h, y);
      for (auto* m : {&args.x, &args.delta, &args.A, &args.z}) *m = m->columns(e, 1);
      args.D += e, args.delta_bias += e, args.h = args.h.columns(e, 1), args.y = args.y.columns(e, 1);
      reference::selective_scan(args);
      const auto column = [e](const Matrix& m) {
        Matrix out(m.rows, 1);
        for (std::int64_t r = 0; r < m.rows; ++r) out(r, 0) = m(r, e);
        return out;
      };
      EXPECT_TRUE(close(column(placed.y.values()), column(y),
                        (type == ElementType::f32 ? 0 : unit(type)) + times * state_tolerance()));
      EXPECT_TRUE(close(column(placed.h.values()), column(h), times * state_tolerance()));
    }
  }
}

TEST_F(CudaScan, ChosenChannelsAreThoseOfAllStates) {
  const ScanInputs in = inputs_of({50, 70, 16, true, true, true, true}, ElementType::f32);
  const Matrix all = run(in, ElementType::f32, {50})[2];
  const std::vector<std::int32_t> list{0, 7, 31, 32, 69};
  const PlacedScan placed(in);
  const Placed some = Placed::output(50 * 5, 16);
  SelectiveScanArgs<float> args = placed.args();
  args.h_all = some.data();
  args.channel_list = list.data();
  args.channels = 5;
  selective_scan(*backend, args);
  const Matrix got = some.values();
  for (std::int64_t t = 0; t < 50; ++t)
    for (std::int64_t i = 0; i < 5; ++i)
      for (std::int64_t n = 0; n < 16; ++n)
        ASSERT_EQ(got(t * 5 + i, n), all(t * 70 + list[static_cast<std::size_t>(i)], n)) << t << " " << i;
}

// Everything the backward scan gives, in the order of `names`; what the case does not ask for is empty.
struct Gradients {
  static constexpr const char* names[] = {"dx", "ddelta", "dz", "dA", "dB", "dC", "dD", "ddelta_bias", "dh0"};
  static std::vector<std::pair<std::int64_t, std::int64_t>> shapes(const ScanCase& c) {
    const std::int64_t rows = c.constant ? 1 : c.T, width = c.groups * c.N;
    return {{c.T, c.E},    {c.T, c.E}, {c.z ? c.T : 0, c.E}, {c.N, c.E}, {rows, width},
            {rows, width}, {c.D, c.E}, {c.delta_bias, c.E},  {c.N, c.E}};
  }
  /// Points the outputs of args at `get(index)`, a view.
  template <class Args, class Get>
  static void point(const ScanInputs& in, Args& args, const Get& get) {
    args.dx = get(0), args.ddelta = get(1);
    if (in.c.z) args.dz = get(2);
    args.dA = get(3);
    args.dB = in.over_time(get(4)), args.dC = in.over_time(get(5));
    if (in.c.D) args.dD = get(6).data;
    if (in.c.delta_bias) args.ddelta_bias = get(7).data;
    args.dh0 = get(8);
  }
};

struct Upstream {
  Upstream(const ScanCase& c, ElementType type) {
    Random random("cuda scan gradients");
    dy = random.uniform(c.T, c.E, -1, 1);
    round_to(dy, type);
    dh_last = random.uniform(c.N, c.E, -1, 1);
  }
  Matrix dy, dh_last;
};

std::vector<Matrix> expected_gradients(const ScanInputs& in, const Upstream& up) {
  std::vector<Matrix> want;
  for (const auto& [rows, cols] : Gradients::shapes(in.c)) want.emplace_back(rows, cols);
  Matrix h = in.h, unused(in.c.T, in.c.E);
  SelectiveScanBackwardArgs<double> args;
  args.forward = in.args(h, unused);
  args.dy = up.dy.view();
  args.dh_last = up.dh_last.view();
  Gradients::point(in, args, [&](std::size_t i) { return want[i].view(); });
  reference::selective_scan_backward(args);
  return want;
}

std::vector<Matrix> run_gradients(CudaBackend& backend, const ScanInputs& in, const Upstream& up, ElementType type) {
  std::vector<Placed> got;
  for (const auto& [rows, cols] : Gradients::shapes(in.c)) got.push_back(Placed::output(rows, cols));
  const PlacedScan placed(in);
  const Placed dy = Placed::input(up.dy), dh_last = Placed::input(up.dh_last);
  SelectiveScanBackwardArgs<float> args;
  args.forward = placed.args();
  args.dy = dy.view();
  args.dh_last = dh_last.view();
  Gradients::point(in, args, [&](std::size_t i) { return got[i].view(); });
  selective_scan_backward(backend, args, type);
  std::vector<Matrix> values;
  for (const Placed& m : got) values.push_back(m.values());
  return values;
}

// The errors of the states once more, in sums over states, channels or time that partly cancel.
void expect_gradients(const std::vector<Matrix>& got, const std::vector<Matrix>& want, ElementType type) {
  for (std::size_t i = 0; i < want.size(); ++i)
    EXPECT_TRUE(close(got[i], want[i], (i < 3 ? unit(type) : 0) + 16 * state_tolerance())) << Gradients::names[i];
}

TEST_F(CudaScan, GradientsMatchTheReferenceOnEveryOption) {
  for (const ElementType type : types) {
    for (const ScanCase& c : option_cases(70, 16)) {
      SCOPED_TRACE(::testing::Message() << c << ", unit " << unit(type));
      const ScanInputs in = inputs_of(c, type);
      const Upstream up(c, type);
      expect_gradients(run_gradients(*backend, in, up, type), expected_gradients(in, up), type);
      if (HasFailure()) return;
    }
  }
}

// Less than a tile, whole tiles, several chunks of time, which decays this slow let states and adjoint states cross;
// channels and states that fill their lanes and that do not.
TEST_F(CudaScan, GradientsMatchTheReferenceOnEveryShape) {
  for (const std::int64_t T : {1, 8, 9, 33, 500}) {
    for (const auto& [E, N] : {std::pair{1, 1}, {130, 3}, {96, 16}, {40, 17}, {16, 64}, {9, 100}}) {
      for (const ElementType type : {ElementType::f32, ElementType::bf16}) {
        const ScanInputs in = inputs_of({T, E, N, true, true, true, true}, type, 0.01);
        SCOPED_TRACE(::testing::Message() << in.c << ", unit " << unit(type));
        const Upstream up(in.c, type);
        const std::vector<Matrix> got = run_gradients(*backend, in, up, type);
        expect_gradients(got, expected_gradients(in, up), type);
        const std::vector<Matrix> again = run_gradients(*backend, in, up, type);
        for (std::size_t i = 0; i < got.size(); ++i) EXPECT_TRUE(same_bits(again[i], got[i])) << Gradients::names[i];
        if (HasFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace statescope::kernels
