// SPDX-License-Identifier: GPL-3.0-or-later
// The operations of CudaBackend against the double references. Without a device every test says that it is skipped.
#include "kernels/cuda_backend.h"

#include <algorithm>
#include <cmath>

#include "cuda_fixture.h"
#include "kernels/causal_conv.h"
#include "kernels/cuda_error.h"
#include "kernels/elementwise.h"
#include "kernels/linear.h"
#include "kernels/rms_norm.h"
#include "kernels/selective_scan.h"

namespace statescope::kernels {
namespace {

using namespace testing;

class Cuda : public CudaTest {};

TEST(CudaErrors, ADeviceThatIsNotThereIsASentence) {
  try {
    CudaBackend::create(99);
    FAIL();
  } catch (const CudaError& error) {
    EXPECT_NE(std::string(error.what()).find("CPU"), std::string::npos) << error.what();
  }
}

TEST_F(Cuda, MemoryThatIsNotThereIsASentenceAndHarmsNothing) {
  EXPECT_THROW(backend->allocate(std::int64_t{1} << 50), CudaOutOfMemory);
  const Matrix m(2, 3, {1, 2, 3, 4, 5, 6});
  EXPECT_TRUE(same_bits(download(upload(m, ElementType::f32)), m));
}

// Few rows take the kernel of decoding, more take cuBLAS; widths around a step of 32 and a tile of 16.
TEST_F(Cuda, LinearMatchesTheReference) {
  for (const ElementType type : cuda_types) {
    for (const std::int64_t T : {0, 1, 2, 7, 8, 9, 33, 130}) {
      for (const auto& [M, K] : {std::pair{1, 1}, {15, 31}, {16, 32}, {17, 33}, {80, 96}, {130, 257}}) {
        SCOPED_TRACE(::testing::Message() << "T " << T << ", M " << M << ", K " << K << ", unit " << unit(type));
        Random random("cuda linear " + std::to_string(T) + " " + std::to_string(K));
        const Matrix x = rounded(random.uniform(T, K, -1, 1), type), W = rounded(random.uniform(M, K, -1, 1), type);
        const Matrix bias = random.uniform(1, M, -1, 1), before = random.uniform(T, M, -1, 1);
        Matrix expected(T, M);
        reference::linear(x.view(), W.view(), bias.data(), expected.view());
        // K terms of at most 1 are summed in some order; then bias, the earlier value, and one or two roundings.
        const double sum = static_cast<double>(K + 4) * static_cast<double>(K) * unit_roundoff;
        const DeviceMatrix y = output(T, M, type);
        backend->linear(upload(x, type, 5), upload(W, type), vector(bias), y);
        if (T == 0) continue;
        const double scale = std::max(largest(expected), 1e-3);
        EXPECT_TRUE(close(download(y), expected, (sum + 3 * unit(type) * (scale + 1)) / scale));
        const DeviceMatrix total = upload(before, ElementType::f32);
        backend->linear(upload(x, type), upload(W, type), vector(bias), total, true);
        for (std::size_t i = 0; i < expected.values.size(); ++i) expected.values[i] += before.values[i];
        EXPECT_TRUE(close(download(total), expected, (sum + 1e-6) / std::max(largest(expected), 1e-3)));
        if (HasFailure()) return;
      }
    }
  }
}

// 8-bit weights multiply as the CPU's do: the same numbers, here against bf16 activations.
TEST_F(Cuda, QuantisedWeightsAreThoseOfTheCpu) {
  for (const auto& [M, K] : {std::pair{1, 1}, {5, 31}, {17, 33}, {130, 257}, {70, 1536}}) {
    SCOPED_TRACE(::testing::Message() << "M " << M << ", K " << K);
    Matrix W = Random("cuda quantised " + std::to_string(K)).uniform(M, K, -1, 1);
    for (std::int64_t k = 0; k < std::min<std::int64_t>(K, 32); ++k) W(0, k) = 0;  // a scale of nothing
    const DeviceMatrix there = quantised(W);
    const std::vector<float> values(W.values.begin(), W.values.end());
    const PackedMatrix packed = PackedMatrix::pack(values.data(), M, K, ElementType::i8);
    Matrix exact(M, K);
    for (std::int64_t m = 0; m < M; ++m)
      for (std::int64_t k = 0; k < K; ++k) exact(m, k) = packed.at(m, k);
    // Rows of an embedding are the weights themselves.
    std::vector<std::int32_t> ids(static_cast<std::size_t>(M));
    for (std::int32_t m = 0; m < M; ++m) ids[static_cast<std::size_t>(m)] = m;
    buffers.push_back(backend->allocate(M * 4));
    auto* const device_ids = buffers.back().as<std::int32_t>();
    backend->copy_to_device(device_ids, ids.data(), M * 4);
    backend->wait();
    const DeviceMatrix rows = output(M, K, ElementType::f32);
    backend->embedding(device_ids, there, rows);
    EXPECT_TRUE(same_bits(download(rows), exact));

    for (const std::int64_t T : {1, 8, 9, 40}) {  // decoding's product, and cuBLAS on expanded tiles
      const Matrix x = rounded(Random("cuda quantised x " + std::to_string(T)).uniform(T, K, -1, 1), ElementType::bf16);
      Matrix expected(T, M);
      reference::linear(x.view(), exact.view(), nullptr, expected.view());
      const DeviceMatrix y = output(T, M, ElementType::f32);
      backend->linear(upload(x, ElementType::bf16, 5), there, nullptr, y);
      // A weight is rounded to bf16, by at most 2^-9 of itself; the sum of K terms of at most 1 is in float32.
      const double terms = static_cast<double>(K), scale = std::max(largest(expected), 1e-3);
      EXPECT_TRUE(close(download(y), expected, (terms * 0x1p-9 / 4 + terms * terms * unit_roundoff) / scale)) << T;
    }
  }
}

TEST_F(Cuda, RmsNormMatchesTheReference) {
  for (const ElementType type : cuda_types) {
    for (const std::int64_t D : {1, 31, 255, 256, 257, 768}) {
      Random random("cuda norm " + std::to_string(D));
      const Matrix x = random.uniform(5, D, -3, 3), weight = random.uniform(1, D, 0.5, 2);
      Matrix expected(5, D);
      reference::rms_norm({x.view(), weight.data(), 1e-5, expected.view()});
      const DeviceMatrix y = output(5, D, type);
      backend->rms_norm(upload(x, ElementType::f32, 3), vector(weight), 1e-5f, y);
      EXPECT_TRUE(close(download(y), expected, unit(type) + 16 * unit_roundoff)) << D;
    }
  }
}

TEST_F(Cuda, EmbeddingCopiesRows) {
  for (const ElementType type : cuda_types) {
    const Matrix table = rounded(Random("cuda embedding").uniform(11, 300, -1, 1), type);
    const std::vector<std::int32_t> ids{10, 0, 3, 3};
    buffers.push_back(backend->allocate(64));
    backend->copy_to_device(buffers.back().data(), ids.data(), 16);
    const auto* device_ids = buffers.back().as<const std::int32_t>();
    const DeviceMatrix y = output(4, 300, ElementType::f32);
    backend->embedding(device_ids, upload(table, type), y);
    const Matrix got = download(y);
    for (std::int64_t t = 0; t < 4; ++t)
      for (std::int64_t d = 0; d < 300; ++d)
        ASSERT_EQ(got(t, d), table(ids[static_cast<std::size_t>(t)], d)) << t << " " << d;
  }
}

TEST_F(Cuda, ConvolutionMatchesTheReferenceHoweverSplit) {
  for (const ElementType type : cuda_types) {
    for (const std::int64_t K : {1, 2, 4, 7}) {
      for (const std::int64_t T : {0, 1, 3, 16, 17, 50}) {
        SCOPED_TRACE(::testing::Message() << "K " << K << ", T " << T << ", unit " << unit(type));
        constexpr std::int64_t E = 131;
        Random random("cuda conv " + std::to_string(K) + " " + std::to_string(T));
        const Matrix x = rounded(random.uniform(T, E, -1, 1), type), weight = random.uniform(K, E, -1, 1);
        const Matrix bias = random.uniform(1, E, -1, 1), history = rounded(random.uniform(K - 1, E, -1, 1), type);
        Matrix y(T, E), after = history;
        reference::causal_conv({x.view(), weight.view(), bias.data(), after.view(), y.view()});
        const DeviceMatrix in = upload(x, type, 40);
        const float *w = vector(weight), *b = vector(bias);
        const auto run = [&](const Pieces& pieces) {
          const DeviceMatrix out = output(T, E, type);
          DeviceMatrix now = upload(history, type), next = output(K - 1, E, type);
          std::int64_t t = 0;
          for (const std::int64_t count : pieces) {
            backend->causal_conv({in.row_range(t, count), w, b, K, now, next, out.row_range(t, count)});
            std::swap(now, next);
            t += count;
          }
          return std::vector<Matrix>{download(out), download(now)};
        };
        const auto whole = run({T}), pieces = run({T / 3, T - T / 3});
        for (const std::int64_t interval : {1, 5, 16}) {
          const std::int64_t count = T / interval, step = (K - 1) * E + 2;
          if (count == 0) continue;
          float* const to = floats(Matrix(count, step));
          DeviceConvArgs args{in, w, b, K, upload(history, type), output(K - 1, E, type), output(T, E, type)};
          args.passed = {to, interval, count, step};
          backend->causal_conv(args);
          EXPECT_TRUE(same_bits(download(args.y), whole[0]));
          const Matrix passed = download(to, count, step);
          for (std::int64_t i = 0; i < count; ++i) {
            Matrix want(1, step);
            const Matrix there = run({(i + 1) * interval})[1];
            std::copy(there.values.begin(), there.values.end(), want.values.begin());
            EXPECT_TRUE(same_bits(
                Matrix(1, step, {passed.values.begin() + i * step, passed.values.begin() + (i + 1) * step}), want));
          }
        }
        // K + 1 products and sums of numbers up to K + 1, then SiLU by the device's own exponential, about 2^-21.
        const double scale = std::max(largest(y), 1e-3);
        EXPECT_TRUE(close(whole[0], y, unit(type) + (8 + 4 * static_cast<double>(K)) * 0x1p-22 / scale));
        EXPECT_TRUE(same_bits(whole[1], after));
        EXPECT_TRUE(same_bits(pieces[0], whole[0]));
        EXPECT_TRUE(same_bits(pieces[1], whole[1]));
        if (HasFailure()) return;
      }
    }
  }
}

TEST_F(Cuda, MapsAddTheBiasAndApplyTheFunction) {
  Random random("cuda map");
  const Matrix x = random.uniform(3, 77, -30, 30), bias = random.uniform(1, 77, -1, 1);
  Matrix softplus = x, plain = x;
  reference::softplus({softplus.view(), bias.data()});
  for (std::int64_t t = 0; t < 3; ++t)
    for (std::int64_t e = 0; e < 77; ++e) plain(t, e) += bias(0, e);
  Matrix silu(3, 77), out(3, 77), ones(3, 77, std::vector<double>(231, 1));
  reference::gate({ones.view(), plain.view(), silu.view(), out.view()});
  const DeviceMatrix from = upload(x, ElementType::f32);
  for (const auto& [mapping, expected] :
       {std::pair{Mapping::identity, plain}, {Mapping::softplus, softplus}, {Mapping::silu, silu}}) {
    for (const ElementType type : cuda_types) {
      const DeviceMatrix to = output(3, 77, type);
      backend->map(from, to, mapping, vector(bias));
      EXPECT_TRUE(close(download(to), expected, unit(type) + 0x1p-21));
    }
  }
}

TEST_F(Cuda, ANormKeepsItsRowsAndAddsUp) {
  Random random("cuda keeping norm");
  for (const std::int64_t D : {1, 31, 256, 257, 1000}) {
    const std::int64_t slots = D / 3;
    const Matrix x = rounded(random.uniform(5, D, -2, 2), ElementType::f32), before = random.uniform(5, D, -1, 1),
                 weight = random.uniform(1, D, 0.5, 1.5), sums = random.uniform(2 * slots * 2, 4, 0, 1);
    Matrix y(5, D), expected(5, 4);
    reference::rms_norm({x.view(), weight.data(), 1e-5, y.view()});
    for (std::int64_t r = 0; r < 5; ++r) {
      for (std::int64_t d = 0; d < D; ++d) {
        expected(r, 0) += x(r, d) * x(r, d);
        expected(r, 1) += (x(r, d) - before(r, d)) * (x(r, d) - before(r, d));
      }
      for (std::int64_t i = 0; i < slots * 2; ++i) expected(r, 2 + i % 2) += sums(r / 4 * slots * 2 + i, r % 4);
      expected(r, 2) /= 7;
      for (const std::int64_t i : {0, 1, 3}) expected(r, i) = std::sqrt(expected(r, i));
    }
    const DeviceMatrix normed = output(5, D, ElementType::bf16);
    float *rows = floats(Matrix(5, D)), *out = floats(Matrix(5, 4));
    backend->rms_norm(upload(x, ElementType::f32), vector(weight), 1e-5f, normed,
                      {rows, vector(before), vector(sums), slots, 7, out, out + 1, out + 2, out + 3, 4});
    EXPECT_TRUE(close(download(normed), y, unit(ElementType::bf16) + 0x1p-20));
    EXPECT_TRUE(same_bits(download(rows, 5, D), x));
    EXPECT_TRUE(close(download(out, 5, 4), expected, 32 * unit_roundoff));

    float *first = floats(Matrix(5, D)), *only = floats(Matrix(5, 1));  // in front of the first layer
    backend->rms_norm(upload(x, ElementType::f32), vector(weight), 1e-5f, normed,
                      {first, nullptr, nullptr, 0, 1, only});
    EXPECT_TRUE(same_bits(download(first, 5, D), x));
    EXPECT_TRUE(close(download(only, 5, 1), download({out, ElementType::f32, 5, 1, 4}), unit_roundoff));
  }
}

TEST_F(Cuda, AScanAddsUpItsStepsAndStates) {
  Random random("cuda scan sums");
  for (const ElementType type : {ElementType::f32, ElementType::bf16}) {
    for (const auto& [E, N] :
         {std::pair{1, 1}, {37, 5}, {96, 16}, {40, 16}, {41, 16}, {9008, 16}, {30, 33}, {40, 100}, {9, 150}}) {
      SCOPED_TRACE(::testing::Message() << "E " << E << ", N " << N << ", unit " << unit(type));
      constexpr std::int64_t T = 45;  // whole tiles and a part of one
      const Matrix delta = rounded(random.uniform(T, E, -3, 1), type), bias = random.uniform(1, E, -1, 1);
      DeviceScanArgs args{upload(random.uniform(T, E, -1, 1), type),
                          upload(delta, type),
                          upload(random.uniform(T, N, -1, 1), type),
                          upload(random.uniform(T, N, -1, 1), type),
                          upload(random.uniform(T, E, -1, 1), type),
                          vector(random.uniform(N, E, -8, -0.5)),
                          N,
                          vector(random.uniform(1, E, -1, 1)),
                          vector(bias),
                          floats(Matrix(N, E)),
                          output(T, E, type)};
      args.h_all = floats(Matrix(T, E * N));
      backend->selective_scan(args);
      const Matrix states = download(args.h_all, T, E * N), y = download(args.y);
      Matrix expected(T, 2), got(T, 2);
      for (std::int64_t t = 0; t < T; ++t) {
        for (std::int64_t e = 0; e < E; ++e) expected(t, 0) += std::log1p(std::exp(delta(t, e) + bias(0, e)));
        for (std::int64_t i = 0; i < E * N; ++i) expected(t, 1) += states(t, i) * states(t, i);
      }
      args.h_all = nullptr;
      args.h = floats(Matrix(N, E));
      const std::int64_t slots = backend->scan_sum_slots(args);
      constexpr std::int64_t rows = (T + 3) / 4;
      args.sums = floats(
          Matrix(rows * slots * 2, 4, std::vector<double>(static_cast<std::size_t>(rows * slots * 8), std::nan(""))));
      backend->selective_scan(args);
      const Matrix sums = download(args.sums, rows * slots * 2, 4);
      for (std::int64_t t = 0; t < T; ++t)
        for (std::int64_t i = 0; i < slots * 2; ++i) got(t, i % 2) += sums(t / 4 * slots * 2 + i, t % 4);
      // At most 16 channels of N states are added up in float32; softplus errs by 2^-21.
      EXPECT_TRUE(close(got, expected, static_cast<double>(16 * N) * unit_roundoff + 0x1p-20));
      EXPECT_TRUE(same_bits(download(args.y), y));
      if (HasFailure()) return;
    }
  }
}

// Intervals that are whole tiles and that are not, one token, the whole length; shapes of every kind of kernel.
TEST_F(Cuda, AScanLeavesItsStatesInPassing) {
  Random random("cuda passed states");
  for (const ElementType type : {ElementType::f32, ElementType::bf16}) {
    for (const auto& [E, N] :
         {std::pair{1, 1}, {37, 5}, {96, 16}, {41, 16}, {9000, 16}, {30, 33}, {40, 100}, {9, 150}}) {
      constexpr std::int64_t T = 77;
      const std::int64_t size = N * E;
      const Matrix before = random.uniform(N, E, -1, 1);
      const DeviceScanArgs args{upload(random.uniform(T, E, -1, 1), type),
                                upload(random.uniform(T, E, -3, 1), type),
                                upload(random.uniform(T, N, -1, 1), type),
                                upload(random.uniform(T, N, -1, 1), type),
                                upload(random.uniform(T, E, -1, 1), type),
                                vector(random.uniform(N, E, -8, -0.5)),
                                N,
                                vector(random.uniform(1, E, -1, 1)),
                                vector(random.uniform(1, E, -1, 1)),
                                nullptr,
                                {}};
      const std::int64_t slots = backend->scan_sum_slots(args);
      const auto run = [&](std::int64_t tokens, const PassedStates& passed) {
        DeviceScanArgs scan = args;
        for (DeviceMatrix* m : {&scan.x, &scan.delta, &scan.B, &scan.C, &scan.z}) m->rows = tokens;
        scan.h = floats(before);
        scan.y = output(tokens, scan.x.cols, type);
        scan.sums = floats(Matrix((tokens + 3) / 4 * slots * 2, 4));
        scan.passed = passed;
        backend->selective_scan(scan);
        return scan;
      };
      const DeviceScanArgs plain = run(T, {});
      for (const std::int64_t interval : {1, 16, 24, 77}) {
        SCOPED_TRACE(::testing::Message() << "E " << E << ", N " << N << ", interval " << interval);
        // One fewer than fit; a gap behind each, poisoned like the rest.
        const std::int64_t count = std::max<std::int64_t>(T / interval - 1, 1), step = size + 3;
        const double poison = 12345;
        const Matrix poisoned(count, step, std::vector<double>(static_cast<std::size_t>(count * step), poison));
        float* const to = floats(poisoned);
        const DeviceScanArgs got = run(T, {to, interval, count, step});
        EXPECT_TRUE(same_bits(download(got.y), download(plain.y)));
        EXPECT_TRUE(same_bits(download(got.h, N, E), download(plain.h, N, E)));
        const Matrix passed = download(to, count, step);
        for (std::int64_t i = 0; i < count; i += std::max<std::int64_t>(1, count / 2)) {
          const Matrix row(1, step, {passed.values.begin() + i * step, passed.values.begin() + (i + 1) * step});
          Matrix want(1, step, std::vector<double>(static_cast<std::size_t>(step), poison));
          const Matrix h = download(run((i + 1) * interval, {}).h, 1, size);
          std::copy(h.values.begin(), h.values.end(), want.values.begin());
          EXPECT_TRUE(same_bits(row, want)) << "after " << (i + 1) * interval;
        }
        if (HasFailure()) return;
      }
    }
  }
}

TEST_F(Cuda, SquaresOfStatesAreSummed) {
  const Matrix h = Random("cuda squares").uniform(3 * 37, 5, -1, 1);
  const DeviceMatrix out = output(3, 37, ElementType::f32);
  backend->square_states(vector(h), 5, out);
  Matrix expected(3, 37);
  for (std::size_t i = 0; i < h.values.size(); ++i) expected.values[i / 5] += h.values[i] * h.values[i];
  EXPECT_TRUE(close(download(out), expected, 6 * unit_roundoff));
}

TEST_F(Cuda, AGraphDoesWhatItsCallsDo) {
  Random random("cuda graph");
  for (const std::int64_t T : {3, 40}) {  // cuBLAS in the second
    const Matrix x = rounded(random.uniform(T, 64, -1, 1), ElementType::bf16),
                 W = rounded(random.uniform(48, 64, -1, 1), ElementType::bf16);
    const DeviceMatrix in = upload(x, ElementType::bf16), weights = upload(W, ElementType::bf16);
    const DeviceMatrix direct = output(T, 48, ElementType::f32), total = upload(Matrix(T, 48), ElementType::f32);
    backend->linear(in, weights, nullptr, direct);
    backend->linear(in, weights, nullptr, total, true);
    backend->clear(total.data, T * total.stride * 4);
    const auto graph = backend->capture([&] { backend->linear(in, weights, nullptr, total, true); });
    EXPECT_EQ(largest(download(total)), 0) << "recording ran it";
    backend->launch(graph);
    EXPECT_TRUE(same_bits(download(total), download(direct)));
  }
  EXPECT_THROW(backend->capture([] { throw CudaError("no"); }), CudaError);
  EXPECT_EQ(download(upload(Matrix(1, 1, {2}), ElementType::f32))(0, 0), 2) << "after a recording that failed";
}

TEST_F(Cuda, CopiesBesideTheStreamSeeWhatWasBeforeTheFence) {
  const Matrix m = Random("cuda copy").uniform(64, 1024, -1, 1);
  const DeviceMatrix from = upload(m, ElementType::f32);
  const PinnedBuffer host = backend->allocate_pinned(64 * 1024 * 4);
  const auto copied = backend->copy_to_host_aside(host.data(), from.data, host.bytes(), backend->mark());
  backend->hold_for(copied);
  backend->clear(from.data, host.bytes());
  backend->wait(copied);
  for (std::size_t i = 0; i < m.values.size(); ++i) ASSERT_EQ(host.as<float>()[i], m.values[i]) << i;
  EXPECT_EQ(largest(download(from)), 0);
}

}  // namespace
}  // namespace statescope::kernels
