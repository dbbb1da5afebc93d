// SPDX-License-Identifier: GPL-3.0-or-later
// Matrices of more than 2^31 elements on a CUDA device, where 32-bit indices overflow. Tests say that they are skipped
// without a device and where its memory is too small.
#include <algorithm>
#include <cmath>

#include "harness.h"
#include "kernels/causal_conv.h"
#include "kernels/cuda_backend.h"
#include "kernels/cuda_devices.h"
#include "kernels/half.h"
#include "kernels/linear.h"
#include "kernels/rms_norm.h"
#include "kernels/scan_ladder.h"
#include "kernels/selective_scan.h"

namespace statescope::kernels {
namespace {

using namespace testing;

constexpr std::int64_t T = std::int64_t{1} << 20, E = 2080, N = 16;
static_assert(T * E > std::int64_t{1} << 31);
// Rows repeat so often. No power of two, so that a wrapped index meets another row.
constexpr std::int64_t period = 1009;

class CudaLarge : public ::testing::Test {
 protected:
  void SetUp() override {
    if (cuda_devices().empty()) GTEST_SKIP() << "no CUDA device";
    backend = CudaBackend::create();
  }
  bool has(std::int64_t gibibytes) const { return backend->free_memory() >= gibibytes << 30; }

  DeviceMatrix make(std::int64_t rows, std::int64_t cols, ElementType type) {
    buffers.push_back(backend->allocate(rows * cols * bytes_of(type)));
    return {buffers.back().data(), type, rows, cols, cols};
  }
  // Random rows, over and over.
  DeviceMatrix repeated(const Matrix& rows, std::int64_t count, ElementType type) {
    const DeviceMatrix to = make(count, rows.cols, type);
    const std::int64_t row_bytes = rows.cols * bytes_of(type);
    backend->fill(to.row_range(0, std::min(count, rows.rows)),
                  std::vector<float>(rows.values.begin(), rows.values.end()).data());
    for (std::int64_t there = rows.rows; there < count; there *= 2)
      backend->copy_on_device(to.row_range(there, 0).data, to.data, std::min(there, count - there) * row_bytes);
    return to;
  }
  const float* vector(const Matrix& m) { return repeated(m, m.rows, ElementType::f32).as<const float>(); }
  float* floats(const Matrix& m) { return const_cast<float*>(vector(m)); }
  Matrix download(const DeviceMatrix& m) {
    const DeviceMatrix dense = make(m.rows, m.cols, ElementType::f32);
    backend->map(m, dense);
    std::vector<float> values(static_cast<std::size_t>(m.rows * m.cols));
    backend->copy_to_host(values.data(), dense.data, m.rows * m.cols * 4);
    backend->wait();
    buffers.pop_back();
    return {m.rows, m.cols, {values.begin(), values.end()}};
  }

  std::unique_ptr<CudaBackend> backend;
  std::vector<DeviceBuffer> buffers;
};

Matrix random_rows(const char* name, std::int64_t rows, std::int64_t cols, double low, double high) {
  Matrix m = Random(name).uniform(rows, cols, low, high);
  for (double& v : m.values) v = from_bf16(to_bf16(static_cast<float>(v)));
  return m;
}
Matrix row_of(const Matrix& m, std::int64_t r) {
  const double* row = m.view().row(r % m.rows);
  return {1, m.cols, {row, row + m.cols}};
}
// A column of the matrix that repeats these rows.
Matrix column_of(const Matrix& rows, std::int64_t c, std::int64_t count) {
  Matrix out(count, 1);
  for (std::int64_t r = 0; r < count; ++r) out(r, 0) = rows(r % rows.rows, c);
  return out;
}

// Rows around where 32 bits end, and the last.
std::vector<std::int64_t> sampled(std::int64_t rows, std::int64_t width) {
  const std::int64_t overflow = (std::int64_t{1} << 31) / width;
  return {0, 12345, overflow - 1, overflow, overflow + 1, rows - 1};
}

TEST_F(CudaLarge, TheScanOfAMillionTokensMatchesTheReference) {
  if (!has(30)) GTEST_SKIP() << "needs 30 GiB of device memory";
  const Matrix x = random_rows("large x", period, E, -1, 1), delta = random_rows("large delta", period, E, -4, -1),
               z = random_rows("large z", period, E, -2, 2), B = random_rows("large B", period, N, -1, 1),
               C = random_rows("large C", period, N, -1, 1);
  Random random("large scan");
  const Matrix A = random.uniform(N, E, -4, -0.1), D = random.uniform(1, E, -1, 1), h0 = random.uniform(N, E, -1, 1);
  constexpr std::int64_t kept = 70'000;  // tokens of which every state is kept
  static_assert(kept * E * N > std::int64_t{1} << 31);
  constexpr std::int64_t channels[] = {0, 1033, E - 1};

  const DeviceMatrix B_there = repeated(B, T, ElementType::bf16), C_there = repeated(C, T, ElementType::bf16),
                     y = make(T, E, ElementType::bf16);
  DeviceScanArgs scan{repeated(x, T, ElementType::bf16),
                      repeated(delta, T, ElementType::bf16),
                      B_there,
                      C_there,
                      repeated(z, T, ElementType::bf16),
                      vector(A),
                      N,
                      vector(D),
                      nullptr,
                      floats(h0),
                      y,
                      nullptr};
  backend->selective_scan(scan);
  const Matrix last = download({scan.h, ElementType::f32, N, E, E});

  // The same once more for the first tokens, keeping every state, whose squares are summed besides.
  DeviceScanArgs first = scan;
  for (DeviceMatrix* m : {&first.x, &first.delta, &first.B, &first.C, &first.z}) *m = m->row_range(0, kept);
  first.h = floats(h0);
  first.y = make(kept, E, ElementType::bf16);
  const DeviceMatrix states = make(kept * E, N, ElementType::f32), squares = make(kept, E, ElementType::f32);
  first.h_all = states.as<float>();
  backend->selective_scan(first);
  backend->square_states(first.h_all, N, squares);

  for (const std::int64_t e : channels) {
    SCOPED_TRACE(e);
    Matrix h = Matrix(N, 1), want(T, 1), all(kept, N);
    const Matrix xs = column_of(x, e, T), deltas = column_of(delta, e, T), zs = column_of(z, e, T);
    Matrix Bs(T, N), Cs(T, N), A_of(N, 1);
    for (std::int64_t t = 0; t < T; ++t)
      for (std::int64_t n = 0; n < N; ++n) Bs(t, n) = B(t % period, n), Cs(t, n) = C(t % period, n);
    for (std::int64_t n = 0; n < N; ++n) h(n, 0) = h0(n, e), A_of(n, 0) = A(n, e);
    SelectiveScanArgs<double> exact;
    exact.x = xs.view(), exact.delta = deltas.view(), exact.A = A_of.view();
    exact.B = Bs.view(), exact.C = Cs.view(), exact.D = D.data() + e, exact.h = h.view();
    exact.y = want.view(), exact.z = zs.view(), exact.softplus = true;
    const auto rows = [](auto m) { return m.row_range(0, kept); };
    SelectiveScanArgs<double> beginning = exact;
    Matrix h_first = h, y_first(kept, 1);
    beginning.x = rows(exact.x), beginning.delta = rows(exact.delta), beginning.z = rows(exact.z);
    beginning.B = rows(exact.B), beginning.C = rows(exact.C);
    beginning.h = h_first.view(), beginning.y = y_first.view(), beginning.h_all = all.data();
    reference::selective_scan(beginning);
    reference::selective_scan(exact);
    // As for short scans (cuda_scan_test.cpp): errors decay with the state, here within some 100 tokens.
    constexpr double tolerance = 64 * 8 * unit_roundoff;
    EXPECT_TRUE(close(download(y.columns(e, 1)), want, 0x1p-8 + 5 * tolerance));
    Matrix h_there(N, 1);
    for (std::int64_t n = 0; n < N; ++n) h_there(n, 0) = last(n, e);
    EXPECT_TRUE(close(h_there, h, 4 * tolerance));
    for (const std::int64_t t : sampled(kept, E * N)) {
      const Matrix want_states = row_of(all, t);
      EXPECT_TRUE(close(download(states.row_range(t * E + e, 1)), want_states, 4 * tolerance)) << t;
      EXPECT_TRUE(close(download(squares.row_range(t, 1).columns(e, 1)), Matrix(1, 1, {dot(want_states, want_states)}),
                        8 * tolerance))
          << t;
    }
  }
}

TEST_F(CudaLarge, ConvolutionNormEmbeddingAndMapsMatchTheReference) {
  if (!has(24)) GTEST_SKIP() << "needs 24 GiB of device memory";
  constexpr std::int64_t K = 4;
  const Matrix rows = random_rows("large rows", period, E, -1, 1);
  Random random("large conv");
  const Matrix taps = random.uniform(K, E, -1, 1), bias = random.uniform(1, E, -1, 1),
               weight = random.uniform(1, E, 0.5, 2);
  const DeviceMatrix x = repeated(rows, T, ElementType::bf16), y = make(T, E, ElementType::bf16),
                     history = make(K - 1, E, ElementType::bf16), next = make(K - 1, E, ElementType::bf16);
  backend->causal_conv({x, vector(taps), vector(bias), K, history, next, y});
  for (const std::int64_t t : sampled(T, E)) {
    Matrix window(K, E), before(K - 1, E), out(K, E);
    for (std::int64_t k = 0; k < K; ++k)
      for (std::int64_t e = 0; e < E; ++e) window(k, e) = t - K + 1 + k < 0 ? 0 : rows((t - K + 1 + k) % period, e);
    reference::causal_conv({window.view(), taps.view(), bias.data(), before.view(), out.view()});
    EXPECT_TRUE(close(download(y.row_range(t, 1)), row_of(out, K - 1), 0x1p-8 + 0x1p-17)) << t;
  }
  EXPECT_TRUE(same_bits(download(next.row_range(K - 2, 1)), row_of(rows, T - 1)));

  backend->rms_norm(x, vector(weight), 1e-5f, y);
  for (const std::int64_t t : sampled(T, E)) {
    Matrix want(1, E);
    const Matrix row = row_of(rows, t);
    reference::rms_norm({row.view(), weight.data(), 1e-5, want.view()});
    EXPECT_TRUE(close(download(y.row_range(t, 1)), want, 0x1p-8 + 16 * unit_roundoff)) << t;
  }

  // The rows backwards: both the table and the result are large.
  std::vector<std::int32_t> ids(static_cast<std::size_t>(T));
  for (std::int64_t t = 0; t < T; ++t) ids[static_cast<std::size_t>(t)] = static_cast<std::int32_t>(T - 1 - t);
  buffers.push_back(backend->allocate(T * 4));
  const auto* there = buffers.back().as<const std::int32_t>();
  backend->copy_to_device(buffers.back().data(), ids.data(), T * 4);
  backend->wait();
  backend->embedding(there, x, y);
  for (const std::int64_t t : sampled(T, E))
    EXPECT_TRUE(same_bits(download(y.row_range(t, 1)), row_of(rows, T - 1 - t))) << t;

  backend->map(x, y, Mapping::identity, vector(bias));
  for (const std::int64_t t : sampled(T, E)) {
    Matrix want = row_of(rows, t);
    for (std::int64_t e = 0; e < E; ++e) want(0, e) += bias(0, e);
    EXPECT_TRUE(close(download(y.row_range(t, 1)), want, 0x1p-8)) << t;
  }
}

TEST_F(CudaLarge, ProductsOfLargeMatricesMatchTheReference) {
  if (!has(16)) GTEST_SKIP() << "needs 16 GiB of device memory";
  for (const bool wide_input : {true, false}) {
    const std::int64_t inputs = wide_input ? E : 32, outputs = wide_input ? 32 : E;
    const Matrix rows = random_rows("large products", period, inputs, -1, 1),
                 W = random_rows("large weights", outputs, inputs, -1, 1);
    buffers.clear();
    const DeviceMatrix y = make(T, outputs, ElementType::bf16);
    backend->linear(repeated(rows, T, ElementType::bf16), repeated(W, outputs, ElementType::bf16), nullptr, y);
    for (const std::int64_t t : sampled(T, E)) {
      Matrix want(1, outputs);
      const Matrix row = row_of(rows, t);
      reference::linear(row.view(), W.view(), nullptr, want.view());
      // Sums of `inputs` terms of at most 1 in float32, then a rounding.
      const double sum = static_cast<double>(inputs * inputs) * unit_roundoff;
      EXPECT_TRUE(close(download(y.row_range(t, 1)), want, 0x1p-8 + sum / largest(want))) << t;
    }
  }
}

TEST_F(CudaLarge, EveryRungOfTheLadderMatchesTheReference) {
  constexpr std::int64_t length = 70'000, W = std::int64_t{1} << 15;
  static_assert(length * W > std::int64_t{1} << 31);
  if (!has(68)) GTEST_SKIP() << "needs 68 GiB of device memory";
  Random random("large ladder");
  const Matrix a = random.uniform(period, W, -0.2, 1), b = random.uniform(period, W, -1, 1);
  const DeviceMatrix a_there = repeated(a, length, ElementType::f32), b_there = repeated(b, length, ElementType::f32),
                     h = make(length, W, ElementType::f32);
  for (const ScanAlgorithm algorithm :
       {ScanAlgorithm::sequential, ScanAlgorithm::hillis_steele, ScanAlgorithm::blelloch, ScanAlgorithm::chunked}) {
    SCOPED_TRACE(scan_algorithm_name(algorithm));
    backend->clear(h.data, length * W * 4);
    buffers.push_back(backend->allocate(linear_scan_work(algorithm, length, W).workspace));
    backend->linear_scan({a_there, b_there, nullptr, h, buffers.back().data()}, algorithm);
    backend->wait();
    buffers.pop_back();
    for (const std::int64_t lane : {std::int64_t{0}, W - 1}) {
      const Matrix as = column_of(a, lane, length), bs = column_of(b, lane, length);
      Matrix want(length, 1);
      reference::linear_scan({as.view(), bs.view(), nullptr, want.view()});
      // As derived in ladder_cases.h.
      const double tolerance = 16 * (2 * std::log2(static_cast<double>(length)) + 2) * unit_roundoff;
      EXPECT_TRUE(close(download(h.columns(lane, 1)), want, tolerance)) << lane;
    }
  }
}

}  // namespace
}  // namespace statescope::kernels
