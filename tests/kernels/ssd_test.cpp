// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/ssd.h"

#include <algorithm>
#include <cmath>

#include "harness.h"

namespace statescope::kernels {
namespace {

using namespace testing;

struct Sizes {
  std::int64_t T, H, P, G, N;
};

enum class Skip { none, head, channel };

struct Inputs {
  Sizes sizes;
  Matrix x, delta, A, B, C, D, h;  // h [H, P·N]
  Skip skip;
};

Inputs random_inputs(const Sizes& s, Skip skip = Skip::head) {
  Random random("ssd " + std::to_string(s.T) + " " + std::to_string(s.H) + " " + std::to_string(s.P) + " " +
                std::to_string(s.N));
  return {s,
          random.uniform(s.T, s.H * s.P, -1, 1),
          random.uniform(s.T, s.H, 0.001, 0.5),
          random.uniform(1, s.H, -4, -0.1),
          random.uniform(s.T, s.G * s.N, -1, 1),
          random.uniform(s.T, s.G * s.N, -1, 1),
          random.uniform(1, skip == Skip::channel ? s.H * s.P : s.H, -1, 1),
          random.uniform(s.H, s.P * s.N, -1, 1),
          skip};
}

// y and h.
std::vector<Matrix> expected(const Inputs& in) {
  Matrix y(in.x.rows, in.x.cols), h = in.h;
  SsdArgs<double> args;
  args.x = in.x.view();
  args.delta = in.delta.view();
  args.A = in.A.data();
  args.B = in.B.view();
  args.C = in.C.view();
  args.groups = in.sizes.G;
  args.D = in.skip == Skip::none ? nullptr : in.D.data();
  args.D_per_channel = in.skip == Skip::channel;
  args.h = h.data();
  args.y = y.view();
  reference::ssd(args);
  return {y, h};
}

std::vector<Matrix> run(const CpuBackend& backend, const Inputs& in, std::int64_t chunk, const Pieces& pieces,
                        Layout layout = {}) {
  const Placed x = Placed::input(in.x, layout), delta = Placed::input(in.delta, layout), A = Placed::input(in.A),
               B = Placed::input(in.B, layout), C = Placed::input(in.C, layout), D = Placed::input(in.D),
               h = Placed::in_out(in.h), y = Placed::output(in.x.rows, in.x.cols, layout);
  std::int64_t t = 0;
  for (const std::int64_t count : pieces) {
    SsdArgs<float> args;
    args.x = x.view().row_range(t, count);
    args.delta = delta.view().row_range(t, count);
    args.A = A.data();
    args.B = B.view().row_range(t, count);
    args.C = C.view().row_range(t, count);
    args.groups = in.sizes.G;
    args.D = in.skip == Skip::none ? nullptr : D.data();
    args.D_per_channel = in.skip == Skip::channel;
    args.h = h.data();
    args.y = y.view().row_range(t, count);
    args.chunk = chunk;
    backend.ssd(args);
    t += count;
  }
  return {y.values(), h.values()};
}

// |h| is at most its start, 1, plus the inputs it remembers: Δ|x||B| <= 0.5 a token for T tokens, less what decays. An
// entry of h is a sum of T products and, in the fast path, of one state per chunk, each rounded a few times; weights
// exp(d) Δ are off by |d| e^d + 3 < 4 units and two products. y is a sum over N of such, and of T · N products inside
// the chunk.
double tolerance(const Sizes& s, const Matrix& want) {
  const auto T = static_cast<double>(s.T), N = static_cast<double>(s.N);
  const double state = 1 + 0.5 * T;
  return (T + N + 12) * state * N * unit_roundoff / std::max(largest(want), 1e-300);
}

TEST(SsdReference, IsMambaOnesScanWithOneDecayForAllOfAHead) {
  // By hand: H = P = 1, N = 2; decays 1/2 and 1/4.
  Inputs in = random_inputs({2, 1, 1, 1, 2});
  in.x = {2, 1, {3, -1}};
  in.delta = {2, 1, {std::log(2), std::log(4)}};
  in.A = {1, 1, {-1}};
  in.B = {2, 2, {1, 2, 0, 1}};
  in.C = {2, 2, {1, 1, 2, -1}};
  in.D = {1, 1, {10}};
  in.h = {1, 2, {4, 8}};
  const double a = 2 + 3 * std::log(2), b = 4 + 6 * std::log(2), c = a / 4, d = b / 4 - std::log(4);
  const std::vector<Matrix> got = expected(in);
  EXPECT_TRUE(close(got[0], {2, 1, {a + b + 30, 2 * c - d - 10}}, 1e-15));
  EXPECT_TRUE(close(got[1], {1, 2, {c, d}}, 1e-15));
}

TEST(Ssd, MatchesTheRecurrenceForEveryChunk) {
  for (const Sizes& sizes : {Sizes{0, 2, 3, 1, 4}, Sizes{1, 1, 1, 1, 1}, Sizes{13, 4, 5, 2, 3}, Sizes{37, 3, 16, 1, 17},
                             Sizes{50, 2, 33, 2, 16}}) {
    for (const Skip skip : {Skip::none, Skip::head, Skip::channel}) {
      const Inputs in = random_inputs(sizes, skip);
      const std::vector<Matrix> want = expected(in);
      for (const std::int64_t chunk : {1, 6, 12, 13, 25, 64}) {
        SCOPED_TRACE(::testing::Message() << "T " << sizes.T << ", N " << sizes.N << ", chunk " << chunk);
        on_every_backend([&](const CpuBackend& backend) {
          const std::vector<Matrix> got = run(backend, in, chunk, {sizes.T}, layouts()[1]);
          EXPECT_TRUE(close(got[0], want[0], tolerance(sizes, want[0]))) << "y";
          EXPECT_TRUE(close(got[1], want[1], tolerance(sizes, want[1]))) << "h";
        });
        if (HasFailure()) return;
      }
    }
  }
}

TEST(Ssd, WholeChunksGiveTheSameBitsHoweverSplit) {
  const Inputs in = random_inputs({40, 4, 24, 2, 20});
  std::vector<Matrix> want;
  on_every_backend([&](const CpuBackend& backend) {
    if (backend.threads() == 1) want = run(backend, in, 8, {40});
    for (const Pieces& pieces : {Pieces{40}, Pieces{8, 8, 8, 8, 8}, Pieces{16, 24}}) {
      const std::vector<Matrix> got = run(backend, in, 8, pieces, layouts()[1]);
      EXPECT_TRUE(same_bits(got[0], want[0])) << "y";
      EXPECT_TRUE(same_bits(got[1], want[1])) << "h";
    }
  });
}

TEST(Ssd, StrongDecayOverAChunkNeitherOverflowsNorBlursItsNeighbours) {
  // Sums of Δ A reach −2,000 inside the chunk, where a float has steps of 1e-4: differences must not feel that.
  Inputs in = random_inputs({200, 1, 4, 1, 4});
  for (double& v : in.delta.values) v *= 8;
  in.A(0, 0) = -5;
  const std::vector<Matrix> want = expected(in);
  on_every_backend([&](const CpuBackend& backend) {
    // Only a few tokens are remembered, so as for T = 8 with Δ <= 4.
    EXPECT_TRUE(close(run(backend, in, 256, {200})[0], want[0], 8 * tolerance({8, 1, 4, 1, 4}, want[0])));
  });
}

TEST(Ssd, NanNeverReachesAnEarlierToken) {
  Inputs in = random_inputs({30, 2, 5, 1, 4});
  on_every_backend([&](const CpuBackend& backend) {
    const Matrix clean = run(backend, in, 16, {30})[0];
    Inputs with_nan = in;
    with_nan.x(20, 2) = std::nan("");
    const Matrix got = run(backend, with_nan, 16, {30})[0];
    for (std::int64_t t = 0; t < 30; ++t)
      for (std::int64_t e = 0; e < 10; ++e) {
        if (t >= 20 && e == 2)
          EXPECT_TRUE(std::isnan(got(t, e))) << t;
        else
          EXPECT_EQ(got(t, e), clean(t, e)) << t << " " << e;
      }
  });
}

}  // namespace
}  // namespace statescope::kernels
