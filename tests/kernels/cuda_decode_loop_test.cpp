// SPDX-License-Identifier: GPL-3.0-or-later
// Generation by one kernel against the double references. Without a device of compute capability 9.0 every test says
// that it is skipped.
#include "kernels/cuda_decode_loop.h"

#include <algorithm>
#include <cmath>

#include "cuda_fixture.h"
#include "kernels/causal_conv.h"
#include "kernels/cuda_decode.h"
#include "kernels/elementwise.h"
#include "kernels/linear.h"
#include "kernels/rms_norm.h"
#include "kernels/selective_scan.h"

namespace statescope::kernels {
namespace {

using namespace testing;

struct Shape {
  std::int64_t layers, D, E, N, K, R, V;
  bool biases;
  friend std::ostream& operator<<(std::ostream& out, const Shape& s) {
    return out << s.layers << " layers, D " << s.D << ", E " << s.E << ", N " << s.N << ", K " << s.K << ", R " << s.R;
  }
};
// A block without channels, a cluster's channels that end within it, several tiles of 16 rows, more rows of D than the
// warps take at once, more outputs of the x-projection than a tile has.
const Shape shapes[] = {{1, 1, 1, 1, 1, 1, 2, false},          {3, 65, 130, 16, 4, 5, 100, true},
                        {2, 33, 66, 17, 4, 3, 31, false},      {2, 97, 200, 40, 2, 33, 1000, true},
                        {3, 768, 1536, 16, 4, 48, 500, false}, {2, 1600, 3200, 16, 4, 100, 300, true}};

// What a layer holds, in double and on the device.
struct Layer {
  Matrix norm, in_proj, in_bias, conv, conv_bias, x_proj, dt_proj, dt_bias, A, D, out_proj, out_bias;
  Matrix history, h;
  DecodeLayer device;
};

class CudaDecodeLoop : public CudaTest {
 protected:
  void SetUp() override {
    CudaTest::SetUp();
    if (backend && cuda_devices().front().major < 9) GTEST_SKIP() << "no CUDA device of compute capability 9.0";
  }

  const void* bytes(const Matrix& m, ElementType type) { return upload(m, type).data; }
  Layer layer(const Shape& s, ElementType type, Random& random) {
    const auto matrix = [&](std::int64_t rows, std::int64_t cols, double scale) {
      const double w = scale / std::sqrt(static_cast<double>(cols));
      return rounded(random.uniform(rows, cols, -w, w), type);
    };
    Layer l{random.uniform(1, s.D, 0.5, 1.5),
            matrix(2 * s.E, s.D, 1.7),
            random.uniform(1, 2 * s.E, -1, 1),
            random.uniform(s.K, s.E, -1, 1),
            random.uniform(1, s.E, -1, 1),
            matrix(s.R + 2 * s.N, s.E, 1.7),
            matrix(s.E, s.R, 1),
            random.uniform(1, s.E, -4, 0),
            random.uniform(s.N, s.E, -8, -0.5),
            random.uniform(1, s.E, -1, 1),
            matrix(s.D, s.E, 1.7),
            random.uniform(1, s.D, -1, 1),
            Matrix(s.K - 1, s.E),
            random.uniform(s.N, s.E, -1, 1),
            {}};
    buffers.push_back(backend->allocate(std::max<std::int64_t>(1, (s.K - 1) * s.E) * bytes_of(type)));
    void* history = buffers.back().data();
    backend->clear(history, (s.K - 1) * s.E * bytes_of(type));
    const auto bias = [&](const Matrix& m) { return s.biases ? vector(m) : nullptr; };
    if (!s.biases)
      for (Matrix* m : {&l.in_bias, &l.conv_bias, &l.dt_bias, &l.out_bias}) *m = Matrix(1, m->cols);
    Matrix padded_norm(1, padded(s.D));
    std::copy(l.norm.values.begin(), l.norm.values.end(), padded_norm.values.begin());
    l.device = {vector(padded_norm),     bytes(l.in_proj, type), bias(l.in_bias), vector(l.conv), bias(l.conv_bias),
                bytes(l.x_proj, type),   bytes(l.dt_proj, type), bias(l.dt_bias), vector(l.A),    vector(l.D),
                bytes(l.out_proj, type), bias(l.out_bias),       history,         floats(l.h)};
    return l;
  }
};

// x through a layer, whose state moves on.
void step(Layer& l, Matrix& x) {
  const std::int64_t E = l.D.cols, N = l.A.rows, R = l.dt_proj.cols;
  Matrix normed(1, x.cols), xz(1, 2 * E), u(1, E), projected(1, R + 2 * N), delta(1, E), y(1, E), out(1, x.cols);
  reference::rms_norm({x.view(), l.norm.data(), 1e-5, normed.view()});
  reference::linear(normed.view(), l.in_proj.view(), l.in_bias.data(), xz.view());
  reference::causal_conv({xz.view().columns(0, E), l.conv.view(), l.conv_bias.data(), l.history.view(), u.view()});
  reference::linear(u.view(), l.x_proj.view(), nullptr, projected.view());
  const MatrixView<const double> in = std::as_const(projected).view();
  reference::linear(in.columns(0, R), l.dt_proj.view(), nullptr, delta.view());
  SelectiveScanArgs<double> scan;
  scan.x = std::as_const(u).view();
  scan.delta = std::as_const(delta).view();
  scan.delta_bias = l.dt_bias.data();
  scan.softplus = true;
  scan.A = std::as_const(l.A).view();
  scan.B = in.columns(R, N);
  scan.C = in.columns(R + N, N);
  scan.D = l.D.data();
  scan.z = std::as_const(xz).view().columns(E, E);
  scan.h = l.h.view();
  scan.y = y.view();
  reference::selective_scan(scan);
  reference::linear(y.view(), l.out_proj.view(), l.out_bias.data(), out.view());
  for (std::int64_t d = 0; d < x.cols; ++d) x(0, d) += out(0, d);
}

TEST_F(CudaDecodeLoop, GeneratesWhatTheReferenceDoes) {
  for (const ElementType type : cuda_types) {
    for (const Shape& s : shapes) {
      SCOPED_TRACE(::testing::Message() << s << ", unit " << unit(type));
      Random random("cuda decode loop " + std::to_string(s.D));
      std::vector<Layer> layers;
      std::vector<DecodeLayer> table;
      for (std::int64_t i = 0; i < s.layers; ++i) {
        layers.push_back(layer(s, type, random));
        table.push_back(layers.back().device);
      }
      const Matrix embedding = rounded(random.uniform(s.V, s.D, -1, 1), type),
                   head = rounded(random.uniform(s.V, s.D, -0.2, 0.2), type), norm = random.uniform(1, s.D, 0.5, 1.5);
      Matrix padded_norm(1, padded(s.D));
      std::copy(norm.values.begin(), norm.values.end(), padded_norm.values.begin());
      buffers.push_back(backend->allocate(static_cast<std::int64_t>(table.size() * sizeof(table[0]))));
      backend->copy_to_device(buffers.back().data(), table.data(),
                              static_cast<std::int64_t>(table.size() * sizeof(table[0])));
      DecodeLoopArgs args{type,
                          s.D,
                          s.E,
                          s.N,
                          s.K,
                          s.R,
                          s.V,
                          buffers.back().as<const DecodeLayer>(),
                          s.layers,
                          bytes(embedding, type),
                          bytes(head, type),
                          vector(padded_norm),
                          1e-5f,
                          std::max<std::int64_t>(1, s.V - 3)};
      const DeviceMatrix logits = output(1, s.V, ElementType::f32);
      args.logits = logits.as<float>();
      constexpr std::int64_t tokens = 4;
      buffers.push_back(backend->allocate((2 + tokens) * 4));
      args.ids = buffers.back().as<std::int32_t>();
      args.counter = args.ids + 1;
      args.chosen = args.ids + 2;
      args.capacity = tokens - 1;
      backend->clear(args.ids, (2 + tokens) * 4);
      const std::int64_t memory = backend->decode_loop_memory(args);
      ASSERT_GT(memory, 0);
      buffers.push_back(backend->allocate(memory));
      args.memory = buffers.back().data();
      backend->clear(args.memory, memory);

      backend->decode_loop(args, 1);
      backend->decode_loop(args, tokens - 1);
      std::vector<std::int32_t> integers(2 + tokens);
      std::vector<std::uint32_t> words(2);
      backend->copy_to_host(integers.data(), args.ids, (2 + tokens) * 4);
      backend->copy_to_host(words.data(), args.memory, 8);
      const Matrix got = download(logits);
      EXPECT_EQ(words[1], 0U);
      EXPECT_EQ(integers[1], tokens);
      EXPECT_EQ(integers[1 + tokens], 0) << "one past the capacity is not written";

      Matrix expected(1, s.V);
      std::int64_t id = 0;
      for (std::int64_t t = 0; t < tokens; ++t) {
        Matrix x(1, s.D), normed(1, s.D);
        std::copy_n(embedding.view().row(id), s.D, x.data());
        for (Layer& l : layers) step(l, x);
        reference::rms_norm({x.view(), norm.data(), 1e-5, normed.view()});
        reference::linear(normed.view(), head.view(), nullptr, expected.view());
        if (t + 1 < tokens) id = integers[static_cast<std::size_t>(2 + t)];
        ASSERT_LT(id, args.drawable);
      }
      // Inputs of products are rounded to the type, once for each of five products of a layer; sums are in float32.
      const double error = static_cast<double>(s.layers) * 5 * unit(type) + static_cast<double>(s.E) * unit_roundoff;
      EXPECT_TRUE(close(got, expected, error));
      EXPECT_EQ(integers[0], std::max_element(got.data(), got.data() + args.drawable) - got.data());
      for (const Layer& l : layers) EXPECT_TRUE(close(download(l.device.h, s.N, s.E), l.h, 2 * error));
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace statescope::kernels
