// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/fft_conv.h"

#include <algorithm>
#include <cmath>
#include <thread>

#include "harness.h"

namespace statescope::kernels {
namespace {

using namespace testing;

struct Inputs {
  Matrix x, kernel, dy;
  Matrix D;  // [1, E] or empty
};

Inputs random_inputs(std::int64_t T, std::int64_t L, std::int64_t E, bool skip = true) {
  Random random("fft_conv " + std::to_string(T) + " " + std::to_string(L) + " " + std::to_string(E));
  Inputs in{random.uniform(T, E, -1, 1), random.uniform(L, E, -1, 1), random.uniform(T, E, -1, 1), {}};
  if (skip) in.D = random.uniform(1, E, -1, 1);
  return in;
}

Matrix expected(const Inputs& in) {
  Matrix y(in.x.rows, in.x.cols);
  reference::fft_conv({in.x.view(), in.kernel.view(), in.D.cols ? in.D.data() : nullptr, y.view()});
  return y;
}

// dx, dkernel, dD.
std::vector<Matrix> expected_gradients(const Inputs& in) {
  Matrix dx(in.x.rows, in.x.cols), dkernel(in.kernel.rows, in.x.cols), dD(1, in.x.cols);
  reference::fft_conv_backward({in.x.view(), in.kernel.view(), in.D.cols ? in.D.data() : nullptr, in.dy.view(),
                                dx.view(), dkernel.view(), dD.data()});
  return {dx, dkernel, dD};
}

double longest_column(const Matrix& m) {
  double longest = 0;
  for (std::int64_t e = 0; e < m.cols; ++e) {
    double squares = 0;
    for (std::int64_t t = 0; t < m.rows; ++t) squares += m(t, e) * m(t, e);
    longest = std::max(longest, std::sqrt(squares));
  }
  return longest;
}

// A fast transform of n samples is off by at most about 4 log2 n units of its norm (Higham 2002, theorem 24.2, with
// twiddles good to a unit). Two transforms forward, one product and one back, and by Parseval ‖k ∗ x‖∞ <= ‖k‖₂‖x‖₂; the
// skip adds 2 units of at most 1 + that.
double tolerance(const Matrix& a, const Matrix& b, const Matrix& want, double unit) {
  const std::int64_t n = fft_conv_length(std::max(a.rows, b.rows), std::max(a.rows, b.rows));
  const double norms = longest_column(a) * longest_column(b) + 1;
  return (3 * 4 * std::log2(static_cast<double>(n)) + 6) * norms * unit / std::max(largest(want), 1e-300);
}

TEST(FftConvReference, MatchesNumbersByHand) {
  // A kernel shorter than the sequence, then one that is longer.
  Inputs in{{4, 1, {1, 2, 3, 4}}, {2, 1, {10, 1}}, {4, 1, {}}, {1, 1, {100}}};
  EXPECT_TRUE(same_bits(expected(in), {4, 1, {110, 221, 332, 443}}));
  in.kernel = {6, 1, {1, 0, 0, 5, 7, 9}};
  EXPECT_TRUE(same_bits(expected(in), {4, 1, {101, 202, 303, 409}}));
}

TEST(FftConvBackwardReference, IsTheDerivativeOfTheReference) {
  for (const std::int64_t L : {3, 5, 8}) {
    Inputs in = random_inputs(5, L, 2);
    const std::vector<Matrix> g = expected_gradients(in);
    const auto loss = [&] { return dot(expected(in), in.dy); };
    expect_gradient(in.x, g[0], loss);
    expect_gradient(in.kernel, g[1], loss);
    expect_gradient(in.D, g[2], loss);
  }
}

TEST(FftConv, TheLengthIsEvenSmoothAndLongEnough) {
  EXPECT_EQ(fft_conv_length(0, 1), 2);
  EXPECT_EQ(fft_conv_length(1, 1), 2);
  EXPECT_EQ(fft_conv_length(8, 100), 16);    // 15
  EXPECT_EQ(fft_conv_length(9, 9), 18);      // 17
  EXPECT_EQ(fft_conv_length(12, 12), 24);    // 23 is prime, 24 is not
  EXPECT_EQ(fft_conv_length(100, 10), 112);  // 109
  EXPECT_EQ(fft_conv_length(std::int64_t{1} << 20, std::int64_t{1} << 20), std::int64_t{1} << 21);
}

TEST(FftConv, MatchesTheDirectSumForwardAndBackward) {
  for (const std::int64_t T : {0, 1, 2, 7, 64, 101}) {
    for (const std::int64_t L : {std::int64_t{1}, std::int64_t{5}, std::max<std::int64_t>(T, 1), T + 9}) {
      for (const bool skip : {false, true}) {
        const Inputs in = random_inputs(T, L, 3, skip);
        const Matrix want = expected(in);
        const std::vector<Matrix> gradients = expected_gradients(in);
        SCOPED_TRACE(::testing::Message() << "T " << T << ", L " << L << ", D " << skip);
        on_every_backend([&](const CpuBackend& backend) {
          const Layout layout = layouts()[1];
          const Placed x = Placed::input(in.x, layout), kernel = Placed::input(in.kernel, layout),
                       D = Placed::input(in.D), in_place = Placed::in_out(in.x, layout),
                       dy = Placed::in_out(in.dy, layout), dkernel = Placed::output(L, 3, layout),
                       dD = Placed::output(1, 3);
          const float* factor = skip ? D.data() : nullptr;
          backend.fft_conv({in_place.view(), kernel.view(), factor, in_place.view()});
          EXPECT_TRUE(close(in_place.values(), want, tolerance(in.kernel, in.x, want, unit_roundoff)));
          backend.fft_conv_backward({x.view(), kernel.view(), factor, dy.view(), dy.view(), dkernel.view(), dD.data()});
          const auto check = [&](const Placed& got, std::size_t i, const Matrix& a) {
            EXPECT_TRUE(close(got.values(), gradients[i], tolerance(a, in.dy, gradients[i], unit_roundoff))) << i;
          };
          check(dy, 0, in.kernel);
          check(dkernel, 1, in.x);
          EXPECT_TRUE(close(dD.values(), gradients[2],
                            2 * static_cast<double>(T) * unit_roundoff / std::max(largest(gradients[2]), 1e-300)));
        });
        if (HasFailure()) return;
      }
    }
  }
}

TEST(FftConv, InDoublePrecisionItIsAsGoodAsDoubleIs) {
  const Inputs in = random_inputs(90, 90, 3);
  const Matrix want = expected(in);
  const std::vector<Matrix> gradients = expected_gradients(in);
  on_every_backend([&](const CpuBackend& backend) {
    const double unit = std::numeric_limits<double>::epsilon() / 2;
    Matrix y(90, 3), dx = y, dkernel = y, dD(1, 3);
    backend.fft_conv(FftConvArgs<double>{in.x.view(), in.kernel.view(), in.D.data(), y.view()});
    backend.fft_conv_backward(FftConvBackwardArgs<double>{in.x.view(), in.kernel.view(), in.D.data(), in.dy.view(),
                                                          dx.view(), dkernel.view(), dD.data()});
    EXPECT_TRUE(close(y, want, tolerance(in.kernel, in.x, want, unit)));
    EXPECT_TRUE(close(dx, gradients[0], tolerance(in.kernel, in.dy, gradients[0], unit)));
    EXPECT_TRUE(close(dkernel, gradients[1], tolerance(in.x, in.dy, gradients[1], unit)));
  });
}

TEST(FftConv, ChannelsDoNotTouchAndThreadsDoNotMatter) {
  const Inputs in = random_inputs(700, 700, 7);
  Matrix want;
  on_every_backend([&](const CpuBackend& backend) {
    Inputs with_nan = in;
    with_nan.x(3, 5) = std::nan("");
    const Placed x = Placed::input(with_nan.x), kernel = Placed::input(in.kernel), y = Placed::output(700, 7);
    backend.fft_conv({x.view(), kernel.view(), nullptr, y.view()});
    const Matrix got = y.values();
    if (!want.rows) want = got;  // FFTW chooses its own instruction set
    for (std::int64_t t = 0; t < 700; ++t)
      for (const std::int64_t e : {0, 1, 2, 3, 4, 6}) ASSERT_EQ(got(t, e), want(t, e));
    EXPECT_TRUE(std::isnan(got(0, 5))) << "a spectrum knows no before";
  });
}

TEST(FftConv, ManyCallersMayAskForMoreLengthsThanAreKept) {
  // 60 lengths on four threads make and forget plans while others run them.
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (std::size_t i = 0; i < wrong.size(); ++i)
    threads.emplace_back([i, &wrong] {
      const CpuBackend backend(1);
      for (std::int64_t T = 8; T < 128; T += 2) {
        std::vector<float> x(static_cast<std::size_t>(T), 1), y(x);
        const float kernel = 3;
        backend.fft_conv({{x.data(), T, 1}, {&kernel, 1, 1}, nullptr, {y.data(), T, 1}});
        for (const float v : y) wrong[i] += std::abs(v - 3) > 1e-4f;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace statescope::kernels
