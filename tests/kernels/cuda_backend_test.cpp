// SPDX-License-Identifier: GPL-3.0-or-later
// The operations of CudaBackend against the double references. Without a device every test says that it is skipped.
#include "kernels/cuda_backend.h"

#include <algorithm>
#include <cmath>

#include "harness.h"
#include "kernels/causal_conv.h"
#include "kernels/cuda_devices.h"
#include "kernels/cuda_error.h"
#include "kernels/elementwise.h"
#include "kernels/half.h"
#include "kernels/linear.h"
#include "kernels/rms_norm.h"
#include "kernels/selective_scan.h"

namespace statescope::kernels {
namespace {

using namespace testing;

constexpr ElementType types[] = {ElementType::f32, ElementType::bf16, ElementType::f16};

// The largest relative error of one rounding to the type; float16 numbers here are far from its subnormals.
double unit(ElementType type) {
  return type == ElementType::bf16 ? 0x1p-8 : type == ElementType::f16 ? 0x1p-11 : 0x1p-24;
}

Matrix rounded(Matrix m, ElementType type) {
  for (double& v : m.values) {
    const auto x = static_cast<float>(v);
    v = type == ElementType::bf16 ? from_bf16(to_bf16(x)) : type == ElementType::f16 ? from_f16(to_f16(x)) : x;
  }
  return m;
}

Matrix transposed(const Matrix& m) {
  Matrix out(m.cols, m.rows);
  for (std::int64_t r = 0; r < m.rows; ++r)
    for (std::int64_t c = 0; c < m.cols; ++c) out(c, r) = m(r, c);
  return out;
}

class Cuda : public ::testing::Test {
 protected:
  void SetUp() override {
    if (cuda_devices().empty()) GTEST_SKIP() << "no CUDA device";
    backend = CudaBackend::create();
  }

  // Rows as products want them. Outputs begin as NaN; the padding of inputs is zero.
  DeviceMatrix make(std::int64_t rows, std::int64_t cols, ElementType type, std::int64_t extra = 0) {
    const std::int64_t stride = padded(cols) + padded(extra);
    buffers.push_back(backend->allocate(rows * stride * bytes_of(type)));
    return {buffers.back().data(), type, rows, cols, stride};
  }
  DeviceMatrix upload(const Matrix& m, ElementType type, std::int64_t extra = 0) {
    const DeviceMatrix to = make(m.rows, m.cols, type, extra);
    const std::vector<float> values(m.values.begin(), m.values.end());
    backend->fill(to, values.data());
    return to;
  }
  DeviceMatrix output(std::int64_t rows, std::int64_t cols, ElementType type) {
    return upload(Matrix(rows, cols, std::vector<double>(static_cast<std::size_t>(rows * cols), std::nan(""))), type);
  }
  DeviceMatrix quantised(const Matrix& m) {
    const std::int64_t stride = weight_stride(m.cols, ElementType::i8);
    buffers.push_back(backend->allocate(m.rows * stride));
    const DeviceMatrix to{buffers.back().data(), ElementType::i8, m.rows, m.cols, stride};
    backend->fill(to, std::vector<float>(m.values.begin(), m.values.end()).data());
    return to;
  }
  const float* vector(const Matrix& m) {
    const std::vector<float> values(m.values.begin(), m.values.end());
    buffers.push_back(backend->allocate(padded(m.rows * m.cols) * 4));
    backend->copy_to_device(buffers.back().data(), values.data(), m.rows * m.cols * 4);
    backend->wait();
    return buffers.back().as<const float>();
  }
  float* floats(const Matrix& m) { return const_cast<float*>(vector(m)); }
  Matrix download(const DeviceMatrix& m) {
    const DeviceMatrix floats = make(m.rows, m.cols, ElementType::f32);
    backend->map(m, floats);
    std::vector<float> values(static_cast<std::size_t>(m.rows * floats.stride));
    backend->copy_to_host(values.data(), floats.data, static_cast<std::int64_t>(values.size()) * 4);
    backend->wait();
    Matrix out(m.rows, m.cols);
    for (std::int64_t r = 0; r < m.rows; ++r)
      for (std::int64_t c = 0; c < m.cols; ++c) out(r, c) = values[static_cast<std::size_t>(r * floats.stride + c)];
    return out;
  }
  Matrix download(const float* data, std::int64_t rows, std::int64_t cols) {
    return download({const_cast<float*>(data), ElementType::f32, rows, cols, cols});
  }

  std::unique_ptr<CudaBackend> backend;
  std::vector<DeviceBuffer> buffers;
};

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
  for (const ElementType type : types) {
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
  for (const ElementType type : types) {
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
  for (const ElementType type : types) {
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
  for (const ElementType type : types) {
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
    for (const ElementType type : types) {
      const DeviceMatrix to = output(3, 77, type);
      backend->map(from, to, mapping, vector(bias));
      EXPECT_TRUE(close(download(to), expected, unit(type) + 0x1p-21));
    }
  }
}

TEST_F(Cuda, RowsAreSummed) {
  Random random("cuda row sums");
  for (const std::int64_t cols : {1, 31, 256, 257, 1000}) {
    const Matrix x = rounded(random.uniform(5, cols, -2, 2), ElementType::bf16), minus = random.uniform(5, cols, -1, 1),
                 bias = random.uniform(1, cols, -1, 1);
    for (const Mapping mapping : {Mapping::identity, Mapping::softplus, Mapping::silu, Mapping::square}) {
      Matrix expected(5, 1);
      double largest_term = 0;
      for (std::int64_t r = 0; r < 5; ++r)
        for (std::int64_t c = 0; c < cols; ++c) {
          const double v = x(r, c) + bias(0, c) - minus(r, c);
          const double term = mapping == Mapping::softplus ? std::log1p(std::exp(v))
                              : mapping == Mapping::silu   ? v / (1 + std::exp(-v))
                              : mapping == Mapping::square ? v * v
                                                           : v;
          expected(r, 0) += term;
          largest_term = std::max(largest_term, std::abs(term));
        }
      const DeviceMatrix sums = output(5, 3, ElementType::f32);
      backend->row_sums(upload(x, ElementType::bf16), upload(minus, ElementType::f32), vector(bias), mapping,
                        sums.as<float>(), sums.stride);
      // A thread adds every 256th term, then eight levels of a tree; the device's own functions err by 2^-21.
      const double terms = static_cast<double>(cols);
      const double error = terms * largest_term * ((terms / 256 + 12) * unit_roundoff + 0x1p-21);
      EXPECT_TRUE(close(download(sums.columns(0, 1)), expected, error / std::max(largest(expected), 1e-3)));
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

// ---- One token of several sequences.

struct Layer {
  std::int64_t batch, D, E, N, K, R, V;
  friend std::ostream& operator<<(std::ostream& out, const Layer& l) {
    return out << "batch " << l.batch << ", D " << l.D << ", E " << l.E << ", N " << l.N << ", K " << l.K << ", R "
               << l.R;
  }
};
// Up to 8, 32 and more sequences take three shapes of tiles; 17 and more another state kernel; E odd and even. In 16
// bits 33 and more sequences go through shared memory where E is a multiple of 8 and D of 16.
const Layer layers[] = {{1, 1, 1, 1, 1, 1, 2},        {1, 65, 130, 16, 4, 5, 100},   {3, 48, 97, 5, 2, 33, 64},
                        {8, 96, 192, 16, 4, 6, 1000}, {9, 33, 66, 17, 4, 3, 31},     {17, 48, 97, 16, 4, 3, 65},
                        {32, 64, 128, 16, 4, 4, 257}, {33, 70, 140, 33, 3, 70, 129}, {130, 64, 128, 16, 4, 4, 33},
                        {70, 96, 200, 16, 3, 33, 40}, {2, 768, 1536, 16, 4, 48, 500}};

class CudaDecode : public Cuda {
 protected:
  // The stream of random inputs with the squares as the step before would leave them.
  DecodeStream stream_of(const Matrix& x) {
    const std::int64_t slots = squares_slots(x.cols);
    Matrix squares(x.rows, slots);
    for (std::int64_t n = 0; n < x.rows; ++n)
      for (std::int64_t d = 0; d < x.cols; ++d) squares(n, d / squares_group) += x(n, d) * x(n, d);
    return {upload(x, ElementType::f32).as<float>(), floats(squares), x.rows, x.cols};
  }
  // The same with what large batches in 16 bits read instead.
  DecodeStream stream_of(const Matrix& x, const Matrix& norm, ElementType type) {
    DecodeStream stream = stream_of(x);
    if (type != ElementType::f32) stream.scaled = upload(rounded(scaled(x, norm), type), type);
    return stream;
  }
  static Matrix scaled(Matrix x, const Matrix& norm) {
    for (std::int64_t n = 0; n < x.rows; ++n)
      for (std::int64_t d = 0; d < x.cols; ++d) x(n, d) *= norm(0, d) * stream_scale;
    return x;
  }
  Matrix stream_values(const DecodeStream& s) {
    return download({s.x, ElementType::f32, s.batch, s.d_model, padded(s.d_model)});
  }
};

Matrix normed(const Matrix& x, const Matrix& weight, ElementType type) {
  Matrix y(x.rows, x.cols);
  reference::rms_norm({x.view(), weight.data(), 1e-5, y.view()});
  return rounded(y, type);
}

TEST_F(CudaDecode, InProjectionAndConvolutionMatchTheReference) {
  for (const ElementType type : types) {
    for (const Layer& l : layers) {
      SCOPED_TRACE(::testing::Message() << l << ", unit " << unit(type));
      Random random("cuda decode in " + std::to_string(l.batch));
      const double w = 1 / std::sqrt(static_cast<double>(l.D));
      const Matrix x = random.uniform(l.batch, l.D, -2, 2), norm = random.uniform(1, l.D, 0.5, 1.5),
                   W = rounded(random.uniform(2 * l.E, l.D, -w, w), type), bias = random.uniform(1, 2 * l.E, -1, 1),
                   taps = random.uniform(l.K, l.E, -1, 1), conv_bias = random.uniform(1, l.E, -1, 1),
                   history = rounded(random.uniform(l.batch * (l.K - 1), l.E, -1, 1), type);
      Matrix xz(l.batch, 2 * l.E), u(l.batch, l.E), z(l.batch, l.E), after = history;
      reference::linear(normed(x, norm, type).view(), W.view(), bias.data(), xz.view());
      xz = rounded(xz, type);
      for (std::int64_t n = 0; n < l.batch; ++n) {
        const MatrixView<double> row = xz.view().row_range(n, 1);
        reference::causal_conv({row.columns(0, l.E), taps.view(), conv_bias.data(),
                                after.view().row_range(n * (l.K - 1), l.K - 1), u.view().row_range(n, 1)});
        std::copy_n(row.columns(l.E, l.E).data, l.E, z.view().row(n));
      }
      DeviceMatrix past{nullptr, type, l.batch * (l.K - 1), l.E, l.E};
      buffers.push_back(backend->allocate(past.rows * past.cols * bytes_of(type)));
      past.data = buffers.back().data();
      backend->fill(past, std::vector<float>(history.values.begin(), history.values.end()).data());
      const DeviceMatrix u_out = output(l.batch, l.E, type), z_out = output(l.batch, l.E, type);
      backend->decode_in({stream_of(x, norm, type), vector(norm), 1e-5f, upload(W, type), vector(bias), vector(taps),
                          vector(conv_bias), l.K, past, u_out, z_out});
      // A rounding to the type may fall on the other side for the norm (an input off by two units) and for xz; sums of
      // D terms in float32 besides. SiLU and K taps of at most 1 carry that on.
      const double error = 2 * unit(type) * 4 + 0x1p-20;
      EXPECT_TRUE(close(download(z_out), z, error * 2 / std::max(largest(z), 0.1)));
      EXPECT_TRUE(close(download(u_out), u, error * 4 / std::max(largest(u), 0.1)));
      EXPECT_TRUE(close(download(past), after, error * 2 / std::max(largest(after), 0.1)));
      if (HasFailure()) return;
    }
  }
}

TEST_F(CudaDecode, StateUpdateMatchesTheReference) {
  for (const ElementType type : types) {
    for (const Layer& l : layers) {
      SCOPED_TRACE(::testing::Message() << l << ", unit " << unit(type));
      Random random("cuda decode state " + std::to_string(l.batch));
      const double w = 1 / std::sqrt(static_cast<double>(l.R));
      const Matrix projected = rounded(random.uniform(l.batch, l.R + 2 * l.N, -1, 1), type),
                   dt = rounded(random.uniform(l.E, l.R, -w, w), type), bias = random.uniform(1, l.E, -4, 0),
                   A = random.uniform(l.N, l.E, -8, -0.5), D = random.uniform(1, l.E, -1, 1),
                   u = rounded(random.uniform(l.batch, l.E, -1, 1), type),
                   z = rounded(random.uniform(l.batch, l.E, -2, 2), type),
                   h = random.uniform(l.batch * l.N, l.E, -1, 1);
      Matrix delta(l.batch, l.E), after = h, y(l.batch, l.E);
      const MatrixView<const double> in = projected.view();
      reference::linear(in.columns(0, l.R), dt.view(), nullptr, delta.view());
      for (std::int64_t n = 0; n < l.batch; ++n) {
        SelectiveScanArgs<double> scan;
        scan.x = u.view().row_range(n, 1);
        scan.delta = delta.view().row_range(n, 1);
        scan.delta_bias = bias.data();
        scan.softplus = true;
        scan.A = A.view();
        scan.B = in.columns(l.R, l.N).row_range(n, 1);
        scan.C = in.columns(l.R + l.N, l.N).row_range(n, 1);
        scan.D = D.data();
        scan.z = z.view().row_range(n, 1);
        scan.h = after.view().row_range(n * l.N, l.N);
        scan.y = y.view().row_range(n, 1);
        reference::selective_scan(scan);
      }
      float* state = floats(h);
      const DeviceMatrix out = output(l.batch, l.E, type);
      backend->decode_state({l.batch, l.E, l.N, l.R, upload(projected, type), upload(transposed(dt), type),
                             vector(bias), vector(A), vector(D), upload(u, type), upload(z, type), state, out,
                             l.batch > 32});
      // Δ is off by R roundings of a sum of at most 1 and its own functions; the state feels that times A, at most 8.
      const double error = static_cast<double>(l.R + 32) * 8 * unit_roundoff;
      EXPECT_TRUE(close(download(state, l.batch * l.N, l.E), after, error));
      EXPECT_TRUE(close(download(out), y, unit(type) + error * static_cast<double>(l.N) / std::max(largest(y), 0.1)));
      if (HasFailure()) return;
    }
  }
}

TEST_F(CudaDecode, OutProjectionAddsToTheStreamAndItsSquares) {
  for (const ElementType type : types) {
    for (const Layer& l : layers) {
      SCOPED_TRACE(::testing::Message() << l << ", unit " << unit(type));
      Random random("cuda decode out " + std::to_string(l.batch));
      const Matrix x = random.uniform(l.batch, l.D, -2, 2), y = rounded(random.uniform(l.batch, l.E, -1, 1), type),
                   W = rounded(random.uniform(l.D, l.E, -0.1, 0.1), type), bias = random.uniform(1, l.D, -1, 1),
                   norm = random.uniform(1, l.D, 0.5, 1.5);
      Matrix expected(l.batch, l.D);
      reference::linear(y.view(), W.view(), bias.data(), expected.view());
      for (std::size_t i = 0; i < expected.values.size(); ++i) expected.values[i] += x.values[i];
      const bool wide = type != ElementType::f32 && l.batch >= large_batch && l.D % squares_group == 0;
      const DecodeStream stream = wide ? stream_of(x, norm, type) : stream_of(x);
      backend->decode_out({upload(y, type), upload(W, type), vector(bias), stream, vector(norm)});
      const double error = static_cast<double>(l.E + 8) * 0.1 * static_cast<double>(l.E) * unit_roundoff + 0x1p-22;
      EXPECT_TRUE(close(stream_values(stream), expected, error));
      Matrix squares(l.batch, squares_slots(l.D));
      for (std::int64_t n = 0; n < l.batch; ++n)
        for (std::int64_t d = 0; d < l.D; ++d) squares(n, d / squares_group) += expected(n, d) * expected(n, d);
      EXPECT_TRUE(close(download(stream.squares, l.batch, squares.cols), squares, 4 * error + 0x1p-20));
      if (wide && cuda_devices().front().major >= 8) {
        EXPECT_TRUE(close(download(stream.scaled), scaled(expected, norm), unit(type) + 2 * error));
      }
      if (HasFailure()) return;
    }
  }
}

TEST_F(CudaDecode, HeadAndChoiceMatchTheReference) {
  for (const ElementType type : types) {
    for (const Layer& l : layers) {
      SCOPED_TRACE(::testing::Message() << l << ", unit " << unit(type));
      Random random("cuda decode head " + std::to_string(l.batch));
      const Matrix x = random.uniform(l.batch, l.D, -2, 2), norm = random.uniform(1, l.D, 0.5, 1.5),
                   W = rounded(random.uniform(l.V, l.D, -1, 1), type);
      Matrix expected(l.batch, l.V);
      reference::linear(normed(x, norm, type).view(), W.view(), nullptr, expected.view());
      buffers.push_back(backend->allocate(l.batch * l.V * 4));
      auto* logits = buffers.back().as<float>();
      buffers.push_back(backend->allocate(l.batch * best_slots(l.V) * 8));
      auto* best = buffers.back().as<BestLogit>();
      const std::int64_t drawable = std::max<std::int64_t>(1, l.V - 3);
      backend->decode_head(
          {stream_of(x), vector(norm), 1e-5f, upload(W, type), logits, best, drawable, make(l.batch, l.D, type)});
      const Matrix got = download(logits, l.batch, l.V);
      const double terms = static_cast<double>(l.D);
      EXPECT_TRUE(close(
          got, expected,
          (2 * unit(type) * std::sqrt(terms) * 4 + terms * terms * unit_roundoff) / std::max(largest(expected), 0.1)));

      buffers.push_back(backend->allocate(l.batch * 4));
      auto* ids = buffers.back().as<std::int32_t>();
      buffers.push_back(backend->allocate(l.batch * 4));
      auto* counters = buffers.back().as<std::int32_t>();
      buffers.push_back(backend->allocate(l.batch * 2 * 4));
      auto* chosen = buffers.back().as<std::int32_t>();
      for (int i = 0; i < 3; ++i) backend->decode_choose({best, l.batch, l.V, ids, chosen, counters, 2});
      std::vector<std::int32_t> list(static_cast<std::size_t>(2 * l.batch));
      backend->copy_to_host(list.data(), chosen, 2 * l.batch * 4);
      backend->wait();
      for (std::int64_t n = 0; n < l.batch; ++n) {
        const double* row = got.view().row(n);
        const auto want = std::max_element(row, row + drawable) - row;
        EXPECT_EQ(list[static_cast<std::size_t>(n)], want) << n;
        EXPECT_EQ(list[static_cast<std::size_t>(l.batch + n)], want) << n;
      }
      if (HasFailure()) return;
    }
  }
}

TEST_F(CudaDecode, EmbeddingBeginsAStream) {
  const Matrix table = rounded(Random("cuda decode embed").uniform(9, 77, -1, 1), ElementType::bf16);
  buffers.push_back(backend->allocate(64));
  const std::vector<std::int32_t> ids{8, 0, 5};
  backend->copy_to_device(buffers.back().data(), ids.data(), 12);
  const auto* device_ids = buffers.back().as<const std::int32_t>();
  const Matrix norm = Random("cuda decode embed norm").uniform(1, 77, 0.5, 1.5);
  const DecodeStream stream = stream_of(Matrix(3, 77), norm, ElementType::bf16);
  backend->decode_embed({device_ids, upload(table, ElementType::bf16), stream, vector(norm)});
  const Matrix got = stream_values(stream), squares = download(stream.squares, 3, squares_slots(77));
  Matrix expected(3, squares_slots(77));
  for (std::int64_t n = 0; n < 3; ++n)
    for (std::int64_t d = 0; d < 77; ++d) {
      const double value = table(ids[static_cast<std::size_t>(n)], d);
      ASSERT_EQ(got(n, d), value);
      expected(n, d / squares_group) += value * value;
    }
  EXPECT_TRUE(close(squares, expected, 6 * unit_roundoff));
  EXPECT_TRUE(close(download(stream.scaled), scaled(got, norm), unit(ElementType::bf16)));
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
