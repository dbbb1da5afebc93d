// SPDX-License-Identifier: GPL-3.0-or-later
// The operations of CudaHostOps against the double references. Without a device every test says that it is skipped.
#include "kernels/cuda_host_ops.h"

#include <algorithm>
#include <cmath>

#include "harness.h"
#include "kernels/cuda_devices.h"

namespace statescope::kernels {
namespace {

using namespace testing;

class CudaHost : public ::testing::Test {
 protected:
  void SetUp() override {
    if (cuda_devices().empty()) GTEST_SKIP() << "no CUDA device";
    ops_ = CudaHostOps::create();
  }
  std::unique_ptr<CudaHostOps> ops_;
};

// `units` roundings of numbers of at most `magnitude`.
::testing::AssertionResult within(const Matrix& got, const Matrix& want, double units, double magnitude) {
  return close(got, want, units * magnitude * unit_roundoff / std::max(largest(want), 1e-300));
}

const Layout odd = layouts()[1];

// ---- SSD

struct SsdInputs {
  std::int64_t T, H, P, groups, N;
  Matrix x, delta, A, B, C, D, h;
};

SsdInputs ssd_inputs(std::int64_t T, std::int64_t H, std::int64_t P, std::int64_t groups, std::int64_t N) {
  Random random("cuda ssd " + std::to_string(T) + " " + std::to_string(P) + " " + std::to_string(N));
  return {T,
          H,
          P,
          groups,
          N,
          random.uniform(T, H * P, -1, 1),
          random.uniform(T, H, 0.001, 0.5),
          random.uniform(1, H, -4, -0.5),
          random.uniform(T, groups * N, -1, 1),
          random.uniform(T, groups * N, -1, 1),
          random.uniform(1, H * P, -1, 1),
          random.uniform(H, P * N, -1, 1)};
}

std::vector<Matrix> expected_ssd(const SsdInputs& in, bool per_channel) {
  Matrix y(in.T, in.H * in.P), h = in.h;
  SsdArgs<double> args;
  args.x = in.x.view();
  args.delta = in.delta.view();
  args.A = in.A.data();
  args.B = in.B.view();
  args.C = in.C.view();
  args.groups = in.groups;
  args.D = in.D.data();
  args.D_per_channel = per_channel;
  args.h = h.data();
  args.y = y.view();
  reference::ssd(args);
  return {y, h};
}

std::vector<Matrix> run_ssd(CudaHostOps& ops, const SsdInputs& in, bool per_channel, std::int64_t chunk,
                            const Pieces& pieces) {
  const Placed x = Placed::input(in.x, odd), delta = Placed::input(in.delta, odd), A = Placed::input(in.A),
               B = Placed::input(in.B, odd), C = Placed::input(in.C, odd), D = Placed::input(in.D),
               h = Placed::in_out(in.h), y = Placed::output(in.T, in.H * in.P, odd);
  std::int64_t t = 0;
  for (const std::int64_t count : pieces) {
    SsdArgs<float> args;
    args.x = x.view().row_range(t, count);
    args.delta = delta.view().row_range(t, count);
    args.A = A.data();
    args.B = B.view().row_range(t, count);
    args.C = C.view().row_range(t, count);
    args.groups = in.groups;
    args.D = D.data();
    args.D_per_channel = per_channel;
    args.h = h.data();
    args.y = y.view().row_range(t, count);
    args.chunk = chunk;
    ops.ssd(args);
    t += count;
  }
  return {y.values(), h.values()};
}

TEST_F(CudaHost, SsdMatchesTheRecurrenceForEveryChunk) {
  struct Case {
    std::int64_t T, H, P, groups, N;
  };
  // Less than a tile; partial tiles of everything; more chunks than the workspace holds at once (64 of 1).
  for (const Case& c : {Case{1, 1, 1, 1, 1}, Case{70, 2, 5, 2, 3}, Case{300, 4, 70, 2, 130}}) {
    const SsdInputs in = ssd_inputs(c.T, c.H, c.P, c.groups, c.N);
    for (const bool per_channel : {false, true}) {
      const std::vector<Matrix> want = expected_ssd(in, per_channel);
      for (const std::int64_t chunk : {1, 17, 64, 65, 256}) {
        SCOPED_TRACE(::testing::Message() << "T " << c.T << ", chunk " << chunk);
        const std::vector<Matrix> got = run_ssd(*ops_, in, per_channel, chunk, {c.T});
        // a >= 0.5 · 0.001 and on average 0.56 a token, so h remembers tens of inputs of at most 0.5 at most: |h| < 20;
        // y adds N such. A chain of chunk + N products, and weights off by 5 units.
        const auto N = static_cast<double>(c.N);
        EXPECT_TRUE(within(got[0], want[0], 256 + N + 12, 20 * N)) << "y";
        EXPECT_TRUE(within(got[1], want[1], 256 + 12, 20)) << "h";
        const std::vector<Matrix> again = run_ssd(*ops_, in, per_channel, chunk, {c.T});
        EXPECT_TRUE(same_bits(again[0], got[0]));
      }
    }
  }
}

TEST_F(CudaHost, SsdOnWholeChunksGivesTheSameBits) {
  const SsdInputs in = ssd_inputs(128, 2, 20, 1, 16);
  const std::vector<Matrix> want = run_ssd(*ops_, in, false, 32, {128}), got = run_ssd(*ops_, in, false, 32, {32, 96});
  EXPECT_TRUE(same_bits(got[0], want[0]));
  EXPECT_TRUE(same_bits(got[1], want[1]));
}

TEST_F(CudaHost, SsdLetsNoNanReachAnEarlierToken) {
  SsdInputs in = ssd_inputs(100, 1, 8, 1, 16);
  const Matrix clean = run_ssd(*ops_, in, false, 64, {100})[0];
  in.x(40, 3) = std::nan("");
  const Matrix got = run_ssd(*ops_, in, false, 64, {100})[0];
  for (std::int64_t t = 0; t < 100; ++t)
    for (std::int64_t e = 0; e < 8; ++e) ASSERT_EQ(std::isnan(got(t, e)), t >= 40 && e == 3) << t << " " << e;
  for (std::int64_t t = 0; t < 40; ++t) ASSERT_EQ(got(t, 3), clean(t, 3));
}

TEST_F(CudaHost, SsdRefusesAChunkThatDoesNotFit) {
  const SsdInputs in = ssd_inputs(3, 1, 1, 1, 1);
  EXPECT_THROW(run_ssd(*ops_, in, false, 257, {3}), std::runtime_error);
}

// ---- FFT convolution

TEST_F(CudaHost, FftConvMatchesTheDirectSumForwardAndBackward) {
  for (const std::int64_t T : {1, 2, 33, 200}) {
    for (const std::int64_t L : {std::int64_t{1}, T, T + 9}) {
      for (const std::int64_t E : {1, 35}) {
        SCOPED_TRACE(::testing::Message() << "T " << T << ", L " << L << ", E " << E);
        Random random("cuda fft_conv " + std::to_string(T) + " " + std::to_string(L));
        const Matrix x = random.uniform(T, E, -1, 1), kernel = random.uniform(L, E, -1, 1),
                     dy = random.uniform(T, E, -1, 1), D = random.uniform(1, E, -1, 1);
        Matrix y(T, E), dx(T, E), dkernel(L, E), dD(1, E);
        reference::fft_conv({x.view(), kernel.view(), D.data(), y.view()});
        reference::fft_conv_backward(
            {x.view(), kernel.view(), D.data(), dy.view(), dx.view(), dkernel.view(), dD.data()});
        const Placed in = Placed::input(x, odd), k = Placed::input(kernel, odd), skip = Placed::input(D),
                     up = Placed::input(dy, odd), out = Placed::output(T, E, odd), got_dx = Placed::output(T, E, odd),
                     got_dkernel = Placed::output(L, E, odd), got_dD = Placed::output(1, E);
        ops_->fft_conv({in.view(), k.view(), skip.data(), out.view()});
        ops_->fft_conv_backward(
            {in.view(), k.view(), skip.data(), up.view(), got_dx.view(), got_dkernel.view(), got_dD.data()});
        // As for the CPU: three transforms of 4 log2 n units of the norms' product, which is at most T (entries <= 1).
        const double units = 12 * std::log2(static_cast<double>(fft_conv_length(T, L))) + 6;
        const auto norms = static_cast<double>(T) + 1;
        EXPECT_TRUE(within(out.values(), y, units, norms));
        EXPECT_TRUE(within(got_dx.values(), dx, units, norms));
        EXPECT_TRUE(within(got_dkernel.values(), dkernel, units, norms));
        EXPECT_TRUE(within(got_dD.values(), dD, norms, norms));
      }
    }
  }
}

// ---- softmax, cross-entropy, embedding

TEST_F(CudaHost, SoftmaxMatchesForwardAndBackward) {
  for (const std::int64_t V : {1, 3, 255, 256, 257, 3000}) {
    for (const bool log : {false, true}) {
      SCOPED_TRACE(::testing::Message() << "V " << V << ", log " << log);
      Random random("cuda softmax " + std::to_string(V));
      const Matrix x = random.uniform(3, V, -8, 8), dy = random.uniform(3, V, -1, 1);
      Matrix y(3, V), dx(3, V);
      reference::softmax({x.view(), y.view(), log});
      const Placed in_place = Placed::in_out(x, odd);
      ops_->softmax({in_place.view(), in_place.view(), log});
      // Chains of V/256 + 8 sums, exp of differences up to 16, logarithm and quotient.
      const double units = static_cast<double>(V) / 256 + 8 + 2 * (16 + 3) + 6;
      EXPECT_TRUE(close(in_place.values(), y, units * unit_roundoff));
      for (double& v : y.values) v = static_cast<float>(v);
      reference::softmax_backward({y.view(), dy.view(), dx.view(), log});
      const Placed out = Placed::in_out(y, odd), up = Placed::input(dy, odd);
      ops_->softmax_backward({out.view(), up.view(), out.view(), log});
      EXPECT_TRUE(within(out.values(), dx, units, log ? static_cast<double>(V) : 1));
    }
  }
}

TEST_F(CudaHost, CrossEntropyMatchesAndIgnores) {
  for (const std::int64_t V : {1, 2, 257, 3000}) {
    SCOPED_TRACE(V);
    const Matrix logits = Random("cuda cross-entropy " + std::to_string(V)).uniform(5, V, -8, 8);
    const std::vector<std::int32_t> targets{0, ignored_target, static_cast<std::int32_t>(V - 1), 0, ignored_target};
    Matrix loss(1, 1), losses(1, 5), dlogits(5, V);
    reference::cross_entropy({logits.view(), targets.data(), loss.data(), losses.data(), dlogits.view(), 0.5});
    const Placed in_place = Placed::in_out(logits, odd), mean = Placed::output(1, 1), each = Placed::output(1, 5);
    ops_->cross_entropy({in_place.view(), targets.data(), mean.data(), each.data(), in_place.view(), 0.5F});
    const double units = static_cast<double>(V) / 256 + 8 + 2 * (16 + 3) + 6 + 2 * 16;
    EXPECT_TRUE(within(mean.values(), loss, units, 1));
    EXPECT_TRUE(within(each.values(), losses, units, 1));
    EXPECT_TRUE(within(in_place.values(), dlogits, units, 1));
  }
}

TEST_F(CudaHost, EmbeddingBackwardAddsInOrder) {
  const std::int64_t T = 600, D = 300;  // more than a block of either
  std::vector<std::int32_t> tokens(T);
  for (std::size_t t = 0; t < tokens.size(); ++t) tokens[t] = static_cast<std::int32_t>(t * t % 7);
  Random random("cuda embedding");
  const Matrix dy = random.uniform(T, D, -1, 1), before = random.uniform(8, D, -1, 1);
  Matrix want = before;
  reference::embedding_backward({tokens.data(), dy.view(), want.view()});
  const Placed up = Placed::input(dy, odd), got = Placed::in_out(before, odd), again = Placed::in_out(before);
  ops_->embedding_backward({tokens.data(), up.view(), got.view()});
  ops_->embedding_backward({tokens.data(), up.view(), again.view()});
  EXPECT_TRUE(within(got.values(), want, 600, 100));  // up to 600 additions to sums of less than 100
  EXPECT_TRUE(same_bits(again.values(), got.values()));
}

// ---- norm and convolution

TEST_F(CudaHost, RmsNormBackwardMatches) {
  constexpr double epsilon = 0x1p-17;
  for (const std::int64_t T : {1, 7, 130}) {
    for (const std::int64_t D : {1, 5, 256, 257}) {
      SCOPED_TRACE(::testing::Message() << "T " << T << ", D " << D);
      Random random("cuda norm " + std::to_string(T) + " " + std::to_string(D));
      Matrix s = random.uniform(T, D, 0.5, 3);  // away from 0, where 1/r is large
      const Matrix weight = random.uniform(1, D, 0.5, 2), dy = random.uniform(T, D, -1, 1),
                   dsum = random.uniform(T, D, -1, 1);
      Matrix ds(T, D), dweight(1, D);
      reference::rms_norm_backward(
          {s.view(), weight.data(), epsilon, dy.view(), ds.view(), dweight.data(), dsum.view()});
      const Placed in = Placed::input(s, odd), w = Placed::input(weight), up = Placed::input(dy, odd),
                   got = Placed::in_out(dsum, odd), got_dweight = Placed::output(1, D);
      ops_->rms_norm_backward(
          {in.view(), w.data(), static_cast<float>(epsilon), up.view(), got.view(), got_dweight.data(), got.view()});
      // 1/r <= 2, |n| <= 6, |g| <= 2: terms of ds up to 2 · (2 + 6 · 12); sums in trees of D/256 + 8.
      EXPECT_TRUE(within(got.values(), ds, 2 * (static_cast<double>(D) / 256 + 8) + 8, 150));
      EXPECT_TRUE(within(got_dweight.values(), dweight, static_cast<double>(T) + 16, 6 * static_cast<double>(T)));
    }
  }
}

TEST_F(CudaHost, CausalConvBackwardMatches) {
  for (const std::int64_t T : {0, 1, 2, 61, 62, 200}) {  // 61 inputs and 3 of the history are one stretch
    for (const std::int64_t E : {1, 130}) {
      for (const std::int64_t K : {1, 2, 4, 8}) {
        SCOPED_TRACE(::testing::Message() << "T " << T << ", E " << E << ", K " << K);
        Random random("cuda conv " + std::to_string(T) + " " + std::to_string(K));
        const Matrix x = random.uniform(T, E, -2, 2), weight = random.uniform(K, E, -1, 1),
                     bias = random.uniform(1, E, -1, 1), history = random.uniform(K - 1, E, -2, 2),
                     dy = random.uniform(T, E, -1, 1), dleft = random.uniform(K - 1, E, -1, 1);
        Matrix dx(T, E), dweight(K, E), dbias(1, E), dhistory = dleft;
        reference::causal_conv_backward({x.view(), weight.view(), bias.data(), history.view(), dy.view(), dx.view(),
                                         dweight.view(), dbias.data(), dhistory.view()});
        const Placed in = Placed::input(x, odd), w = Placed::input(weight, odd), b = Placed::input(bias),
                     before = Placed::input(history, odd), up = Placed::input(dy, odd),
                     got_dx = Placed::output(T, E, odd), got_dweight = Placed::output(K, E, odd),
                     got_dbias = Placed::output(1, E), got_dhistory = Placed::in_out(dleft, odd);
        ops_->causal_conv_backward({in.view(), w.view(), b.data(), before.view(), up.view(), got_dx.view(),
                                    got_dweight.view(), got_dbias.data(), got_dhistory.view()});
        // As on the CPU: v carries 2K + 1 units of at most 2K + 1, g ten more; sums of n terms of at most 2.2.
        const auto taps = static_cast<double>(K), tokens = std::max(static_cast<double>(T), 1.0);
        const double g_error = (0.5 * (2 * taps + 1) + 10) * (2 * taps + 1);
        EXPECT_TRUE(within(got_dx.values(), dx, g_error + taps + 2, 2 * taps));
        EXPECT_TRUE(within(got_dhistory.values(), dhistory, g_error + taps + 2, 2 * taps));
        EXPECT_TRUE(within(got_dweight.values(), dweight, g_error + tokens, 2.2 * tokens));
        EXPECT_TRUE(within(got_dbias.values(), dbias, g_error + tokens, 2.2 * tokens));
      }
    }
  }
}

// ---- products and what is elementwise

TEST_F(CudaHost, LinearBackwardMatches) {
  for (const std::int64_t T : {0, 1, 64, 65, 300}) {  // 64 rows are one partial sum of dbias
    for (const std::int64_t M : {1, 13, 130}) {
      for (const std::int64_t K : {1, 33, 64}) {
        SCOPED_TRACE(::testing::Message() << "T " << T << ", M " << M << ", K " << K);
        Random random("cuda linear " + std::to_string(T) + " " + std::to_string(M) + " " + std::to_string(K));
        const Matrix x = random.uniform(T, K, -1, 1), W = random.uniform(M, K, -1, 1), dy = random.uniform(T, M, -1, 1);
        Matrix dx(T, K), dW(M, K), dbias(1, M);
        reference::linear_backward({x.view(), W.view(), dy.view(), dx.view(), dW.view(), dbias.data()});
        const Placed in = Placed::input(x, odd), w = Placed::input(W, odd), up = Placed::input(dy, odd);
        const auto run = [&] {
          const Placed got_dx = Placed::output(T, K, odd), got_dW = Placed::output(M, K, odd),
                       got_dbias = Placed::output(1, M);
          ops_->linear_backward({in.view(), w.view(), up.view(), got_dx.view(), got_dW.view(), got_dbias.data()});
          return std::vector<Matrix>{got_dx.values(), got_dW.values(), got_dbias.values()};
        };
        const std::vector<Matrix> got = run(), again = run();
        // n products of at most 1, each sum of them at most n: n roundings of it, in whatever order.
        const auto m = static_cast<double>(M), t = static_cast<double>(T);
        EXPECT_TRUE(within(got[0], dx, m + 1, m)) << "dx";
        EXPECT_TRUE(within(got[1], dW, t + 1, t)) << "dW";
        EXPECT_TRUE(within(got[2], dbias, t + 1, t)) << "dbias";
        for (std::size_t i = 0; i < got.size(); ++i) EXPECT_TRUE(same_bits(again[i], got[i])) << i;
      }
    }
  }
}

TEST_F(CudaHost, LinearBackwardLeavesWhatIsNotAskedFor) {
  Random random("cuda linear dW");
  const Matrix x = random.uniform(3, 7, -1, 1), dy = random.uniform(3, 5, -1, 1);
  Matrix dW(5, 7);
  reference::linear_backward({x.view(), {}, dy.view(), {}, dW.view(), nullptr});
  const Placed in = Placed::input(x), up = Placed::input(dy), got = Placed::output(5, 7);
  ops_->linear_backward({in.view(), {}, up.view(), {}, got.view(), nullptr});
  EXPECT_TRUE(within(got.values(), dW, 4, 3));
}

TEST_F(CudaHost, SoftplusBackwardMatchesAlsoInPlace) {
  for (const std::int64_t T : {0, 1, 64, 65, 200}) {
    for (const std::int64_t E : {1, 17, 300}) {
      SCOPED_TRACE(::testing::Message() << "T " << T << ", E " << E);
      Random random("cuda softplus " + std::to_string(T) + " " + std::to_string(E));
      Matrix y = random.uniform(T, E, 0, 12);
      for (double& v : y.values) v = static_cast<float>(std::pow(10, v - 9));  // 1e-9 to 1e3
      const Matrix dy = random.uniform(T, E, 0.5, 1);
      Matrix dx(T, E), dbias(1, E);
      reference::softplus_backward({y.view(), dy.view(), dx.view(), dbias.data()});
      const Placed out = Placed::in_out(y, odd), up = Placed::input(dy, odd), sums = Placed::output(1, E);
      ops_->softplus_backward({out.view(), up.view(), out.view(), sums.data()});
      const Matrix got = out.values();
      // Relative to each element, because small Δ matter: expm1f is within 2 units in the last place, the product 1.
      for (std::size_t i = 0; i < got.values.size(); ++i)
        ASSERT_NEAR(got.values[i] / dx.values[i], 1, 5 * unit_roundoff) << "y " << y.values[i];
      EXPECT_TRUE(close(sums.values(), dbias, (5 + static_cast<double>(T)) * unit_roundoff));  // all positive
    }
  }
}

TEST_F(CudaHost, GateBackwardMatchesAlsoInPlace) {
  for (const std::int64_t T : {0, 1, 7}) {
    for (const std::int64_t E : {1, 17, 300}) {
      SCOPED_TRACE(::testing::Message() << "T " << T << ", E " << E);
      Random random("cuda gate " + std::to_string(T) + " " + std::to_string(E));
      const Matrix y = random.uniform(T, E, -3, 3), z = random.uniform(T, E, -9, 9), dout = random.uniform(T, E, -1, 1);
      Matrix dy(T, E), dz(T, E);
      reference::gate_backward({y.view(), z.view(), dout.view(), dy.view(), dz.view()});
      const Placed in_y = Placed::in_out(y, odd), in_z = Placed::in_out(z, odd), up = Placed::input(dout, odd);
      ops_->gate_backward({in_y.view(), in_z.view(), up.view(), in_y.view(), in_z.view()});
      // As on the CPU: σ is off by 5 units, z(1 − σ)σ by 9 · 7 of at most 1/4, products add 4; |dout y| <= 3.
      EXPECT_TRUE(within(in_y.values(), dy, 7, 9));
      EXPECT_TRUE(within(in_z.values(), dz, 25, 3));
    }
  }
  const Matrix ones(1, 4, {1, 1, 1, 1}), far(1, 4, {-1e30, -200, 200, 1e30});
  const Placed up = Placed::input(ones), z = Placed::input(far), dy = Placed::output(1, 4), dz = Placed::output(1, 4);
  ops_->gate_backward({up.view(), z.view(), up.view(), dy.view(), dz.view()});
  EXPECT_TRUE(close(dz.values(), {1, 4, {0, 0, 1, 1}}, 1e-7));
}

}  // namespace
}  // namespace statescope::kernels
