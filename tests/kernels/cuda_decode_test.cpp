// SPDX-License-Identifier: GPL-3.0-or-later
// The steps of decoding on a CUDA device against the double references. Without a device every test says that it is
// skipped.
#include "kernels/cuda_decode.h"

#include <algorithm>
#include <cmath>

#include "cuda_fixture.h"
#include "kernels/causal_conv.h"
#include "kernels/elementwise.h"
#include "kernels/linear.h"
#include "kernels/rms_norm.h"
#include "kernels/selective_scan.h"

namespace statescope::kernels {
namespace {

using namespace testing;

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
                        {32, 64, 128, 16, 4, 4, 257}, {33, 70, 140, 33, 3, 70, 129}, {130, 64, 1536, 16, 4, 48, 33},
                        {70, 96, 200, 16, 3, 33, 40}, {40, 784, 264, 16, 4, 48, 65}, {2, 768, 1536, 16, 4, 48, 500}};

class CudaDecode : public CudaTest {
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
  for (const ElementType type : cuda_types) {
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
      const std::int64_t projected = l.R + 2 * l.N, stride = decode_part_stride(projected), count = decode_parts(l.E);
      const Matrix W_x = rounded(random.uniform(projected, l.E, -1, 1), type);
      float* parts = nullptr;
      if (backend->decodes_together({type, l.batch, l.D, l.E, l.N, l.K, l.R}))
        parts = floats(Matrix(count * l.batch, stride,
                              std::vector<double>(static_cast<std::size_t>(count * l.batch * stride), std::nan(""))));
      backend->decode_in({stream_of(x, norm, type), vector(norm), 1e-5f, upload(W, type), vector(bias), vector(taps),
                          vector(conv_bias), l.K, past, u_out, z_out, upload(W_x, type), parts});
      // A rounding to the type may fall on the other side for the norm (an input off by two units) and for xz; sums of
      // D terms in float32 besides. SiLU and K taps of at most 1 carry that on.
      const double error = 2 * unit(type) * 4 + 0x1p-20;
      EXPECT_TRUE(close(download(z_out), z, error * 2 / std::max(largest(z), 0.1)));
      EXPECT_TRUE(close(download(u_out), u, error * 4 / std::max(largest(u), 0.1)));
      EXPECT_TRUE(close(download(past), after, error * 2 / std::max(largest(after), 0.1)));
      if (parts) {
        Matrix expected(l.batch, projected), got(l.batch, projected);
        reference::linear(download(u_out).view(), W_x.view(), nullptr, expected.view());
        const Matrix all = download(parts, count * l.batch, stride);
        for (std::int64_t part = 0; part < count; ++part)
          for (std::int64_t n = 0; n < l.batch; ++n)
            for (std::int64_t m = 0; m < projected; ++m) got(n, m) += all(part * l.batch + n, m);
        // A part adds up 64 products of numbers up to 1 and 4 in float32.
        EXPECT_TRUE(close(got, expected, static_cast<double>(l.E) * 64 * 4 * unit_roundoff));
      }
      if (HasFailure()) return;
    }
  }
}

TEST_F(CudaDecode, StateUpdateMatchesTheReference) {
  for (const ElementType type : cuda_types) {
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
      // The same in parts that add up to it but for roundings of float32.
      const std::int64_t stride = decode_part_stride(projected.cols), count = decode_parts(l.E);
      Matrix parts = random.uniform(count * l.batch, stride, -1, 1);
      for (std::int64_t n = 0; n < l.batch; ++n)
        for (std::int64_t j = 0; j < projected.cols; ++j) {
          double rest = projected(n, j);
          for (std::int64_t part = 0; part + 1 < count; ++part) rest -= parts(part * l.batch + n, j);
          parts((count - 1) * l.batch + n, j) = rest;
        }
      const bool together = backend->decodes_together({type, l.batch, l.D, l.E, l.N, l.K, l.R});
      const DeviceMatrix out = output(l.batch, l.E, type);
      backend->decode_state({l.batch, l.E, l.N, l.R, upload(projected, type), together ? floats(parts) : nullptr,
                             upload(dt, type), upload(transposed(dt), type), vector(bias), vector(A), vector(D),
                             upload(u, type), upload(z, type), state, out});
      // Δ is off by R roundings of a sum of at most 1 and its own functions; the state feels that times A, at most 8.
      const double error = static_cast<double>(l.R + 32) * 8 * unit_roundoff;
      EXPECT_TRUE(close(download(state, l.batch * l.N, l.E), after, error));
      EXPECT_TRUE(close(download(out), y, unit(type) + error * static_cast<double>(l.N) / std::max(largest(y), 0.1)));
      if (HasFailure()) return;
    }
  }
}

TEST_F(CudaDecode, OutProjectionAddsToTheStreamAndItsSquares) {
  for (const ElementType type : cuda_types) {
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
      if (wide && cuda_devices().front().major >= 9) {  // others may have too little shared memory for it
        EXPECT_TRUE(close(download(stream.scaled), scaled(expected, norm), unit(type) + 2 * error));
      }
      if (HasFailure()) return;
    }
  }
}

TEST_F(CudaDecode, HeadAndChoiceMatchTheReference) {
  for (const ElementType type : cuda_types) {
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

}  // namespace
}  // namespace statescope::kernels
