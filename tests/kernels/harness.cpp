// SPDX-License-Identifier: GPL-3.0-or-later
#include "harness.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>

namespace statescope::kernels::testing {
namespace {

constexpr std::uint32_t poison_bits = 0x7fc0dead;
constexpr std::int64_t guard_size = 64;

std::string at(const Matrix& m, std::size_t index) {
  const auto i = static_cast<std::int64_t>(index);
  return "row " + std::to_string(i / m.cols) + ", column " + std::to_string(i % m.cols);
}

}  // namespace

Matrix::Matrix(std::int64_t rows_, std::int64_t cols_, std::vector<double> values_)
    : rows(rows_), cols(cols_), values(std::move(values_)) {
  values.resize(static_cast<std::size_t>(rows * cols));
}

double largest(const Matrix& m) {
  double result = 0;
  for (const double v : m.values) {
    if (std::isfinite(v)) result = std::max(result, std::abs(v));
  }
  return result;
}

Random::Random(std::string_view case_name) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : case_name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  generator_.seed(hash);
}

Matrix Random::uniform(std::int64_t rows, std::int64_t cols, double low, double high) {
  Matrix m(rows, cols);
  for (double& v : m.values) {
    const double unit = static_cast<double>(generator_() >> 11) * 0x1p-53;
    v = static_cast<float>(low + (high - low) * unit);
  }
  return m;
}

::testing::AssertionResult close(const Matrix& actual, const Matrix& expected, double tolerance) {
  if (actual.rows != expected.rows || actual.cols != expected.cols)
    return ::testing::AssertionFailure() << "shape [" << actual.rows << ", " << actual.cols << "] instead of ["
                                         << expected.rows << ", " << expected.cols << "]";
  const double allowed = tolerance * largest(expected);
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    const double a = actual.values[i], e = expected.values[i];
    const bool equal = std::isnan(e)   ? std::isnan(a)
                       : std::isinf(e) ? a == e
                                       : std::abs(a - e) <= allowed;  // false when a is NaN or infinite
    if (!equal)
      return ::testing::AssertionFailure() << at(expected, i) << ": " << a << " instead of " << e << ", off by "
                                           << std::abs(a - e) << " where " << allowed << " is allowed";
  }
  return ::testing::AssertionSuccess();
}

::testing::AssertionResult same_bits(const Matrix& actual, const Matrix& expected) {
  if (actual.rows != expected.rows || actual.cols != expected.cols)
    return ::testing::AssertionFailure() << "shapes differ";
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    if (std::memcmp(&actual.values[i], &expected.values[i], sizeof(double)) != 0)
      return ::testing::AssertionFailure()
             << at(expected, i) << ": " << std::hexfloat << actual.values[i] << " instead of " << expected.values[i];
  }
  return ::testing::AssertionSuccess();
}

double dot(const Matrix& a, const Matrix& b) {
  double total = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) total += a.values[i] * b.values[i];
  return total;
}

void expect_gradient(Matrix& input, const Matrix& gradient, const std::function<double()>& loss) {
  constexpr double step = 1e-5;
  Matrix differences(input.rows, input.cols);
  for (std::size_t i = 0; i < input.values.size(); ++i) {
    const double at_rest = input.values[i];
    input.values[i] = at_rest + step;
    const double above = loss();
    input.values[i] = at_rest - step;
    differences.values[i] = (above - loss()) / (2 * step);
    input.values[i] = at_rest;
  }
  EXPECT_GT(largest(gradient), 0);
  EXPECT_TRUE(close(gradient, differences, 1e-7));
}

std::vector<Layout> layouts() {
  return {{0, 0}, {5, 3}};
}

void Placed::Free::operator()(float* p) const {
  std::free(p);
}

Placed::Placed(std::int64_t rows, std::int64_t cols, Layout layout, std::int64_t guard) {
  const std::int64_t stride = cols + layout.gap, first = guard + layout.shift;
  const std::int64_t used = rows == 0 ? 0 : (rows - 1) * stride + cols;
  size_ = first + used + guard;
  void* memory = nullptr;  // posix_memalign: aligned_alloc would have to round the size up
  if (posix_memalign(&memory, 64, std::max<std::size_t>(1, static_cast<std::size_t>(size_) * sizeof(float))) != 0)
    throw std::bad_alloc();
  memory_.reset(static_cast<float*>(memory));
  // memcpy, here and in intact(): a float passing through a register might lose the pattern of its NaN.
  for (std::int64_t i = 0; i < size_; ++i) std::memcpy(memory_.get() + i, &poison_bits, sizeof poison_bits);
  view_ = {memory_.get() + first, rows, cols, stride};
}

void Placed::fill(const Matrix& values) {
  for (std::int64_t r = 0; r < values.rows; ++r) {
    for (std::int64_t c = 0; c < values.cols; ++c) view_(r, c) = static_cast<float>(values(r, c));
  }
}

Placed Placed::input(const Matrix& values, Layout layout) {
  Placed placed(values.rows, values.cols, layout, 0);
  placed.fill(values);
  return placed;
}

Placed Placed::output(std::int64_t rows, std::int64_t cols, Layout layout) {
  return {rows, cols, layout, guard_size};
}

Placed Placed::in_out(const Matrix& values, Layout layout) {
  Placed placed(values.rows, values.cols, layout, guard_size);
  placed.fill(values);
  return placed;
}

::testing::AssertionResult Placed::intact() const {
  const std::int64_t first = view_.data - memory_.get();
  for (std::int64_t i = 0; i < size_; ++i) {
    const std::int64_t offset = i - first;
    const bool element = offset >= 0 && offset < view_.rows * view_.stride && offset % view_.stride < view_.cols;
    std::uint32_t bits = 0;
    std::memcpy(&bits, memory_.get() + i, sizeof bits);
    if (!element && bits != poison_bits)
      return ::testing::AssertionFailure() << "wrote " << std::bit_cast<float>(bits) << " outside the matrix, "
                                           << offset << " floats from its first element";
  }
  return ::testing::AssertionSuccess();
}

Matrix Placed::values() const {
  EXPECT_TRUE(intact());
  Matrix m(view_.rows, view_.cols);
  for (std::int64_t r = 0; r < m.rows; ++r) {
    for (std::int64_t c = 0; c < m.cols; ++c) m(r, c) = view_(r, c);
  }
  return m;
}

const std::vector<std::unique_ptr<CpuBackend>>& backends() {
  static const auto all = [] {
    std::vector<std::unique_ptr<CpuBackend>> made;
    for (const InstructionSet set : supported_instruction_sets()) {
      for (const int threads : {1, 2, 3}) made.push_back(std::make_unique<CpuBackend>(set, threads));
    }
    return made;
  }();
  return all;
}

std::string name(const CpuBackend& backend) {
  return instruction_set_name(backend.instruction_set()) + ", " + std::to_string(backend.threads()) + " threads";
}

}  // namespace statescope::kernels::testing
