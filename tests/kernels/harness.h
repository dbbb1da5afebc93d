// SPDX-License-Identifier: GPL-3.0-or-later
// What every kernel test shares. A test states its inputs in double precision, values that are exact in float, so that
// the reference and the fast path see the same numbers; runs the fast path on every backend; and compares.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/cpu_backend.h"
#include "kernels/matrix_view.h"

namespace statescope::kernels::testing {

/// The largest relative error of one correctly rounded float operation. Tolerances count in it.
constexpr double unit_roundoff = std::numeric_limits<float>::epsilon() / 2.0;

/// A dense matrix in double precision.
struct Matrix {
  Matrix() = default;
  Matrix(std::int64_t rows_, std::int64_t cols_, std::vector<double> values_ = {});

  MatrixView<double> view() { return {values.data(), rows, cols}; }
  MatrixView<const double> view() const { return {values.data(), rows, cols}; }
  double* data() { return values.data(); }
  const double* data() const { return values.data(); }
  double operator()(std::int64_t r, std::int64_t c) const { return view()(r, c); }
  double& operator()(std::int64_t r, std::int64_t c) { return view()(r, c); }

  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::vector<double> values;
};

/// max |value|; 0 for an empty matrix.
double largest(const Matrix& m);

/// Random numbers that differ from case to case and never from run to run: the seed is the case's name.
class Random {
 public:
  explicit Random(std::string_view case_name);
  Matrix uniform(std::int64_t rows, std::int64_t cols, double low, double high);  // exact in float

 private:
  std::mt19937_64 generator_;
};

/// Within `tolerance` · max |finite expected|. Shapes must match, NaN only meets NaN, an infinity only itself.
::testing::AssertionResult close(const Matrix& actual, const Matrix& expected, double tolerance);
/// Equal in every bit: -0 is not 0.
::testing::AssertionResult same_bits(const Matrix& actual, const Matrix& expected);

/// Σ a ⊙ b: the loss whose gradient with respect to a is b.
double dot(const Matrix& a, const Matrix& b);
/// `gradient` is the derivative of `loss` by each element of `input`, which `loss` reads: central differences with step
/// 1e-5, whose own error is about 1e-10 times the third derivative, and 1e-11 times the loss by rounding.
void expect_gradient(Matrix& input, const Matrix& gradient, const std::function<double()>& loss);

/// How a matrix lies in memory.
struct Layout {
  std::int64_t gap = 0;    // floats between the end of a row and the next one
  std::int64_t shift = 0;  // floats between a 64-byte boundary and the first element
};
/// Tight and aligned; odd strides and a misaligned start.
std::vector<Layout> layouts();

/// A float matrix as an operation meets it: everything around the rows is poisoned with a NaN of its own pattern.
class Placed {
 public:
  /// Inputs: the memory ends with the last element, so that the address sanitizer sees the first float read too far.
  static Placed input(const Matrix& values, Layout layout = {});
  /// Outputs, poisoned, between guard zones.
  static Placed output(std::int64_t rows, std::int64_t cols, Layout layout = {});
  /// Read and written: an input's values between guard zones.
  static Placed in_out(const Matrix& values, Layout layout = {});

  MatrixView<float> view() const { return view_; }
  float* data() const { return view_.data; }
  /// Nothing but the elements themselves has been written to.
  ::testing::AssertionResult intact() const;
  /// The elements. Fails the test when the poison around them is damaged.
  Matrix values() const;

 private:
  Placed(std::int64_t rows, std::int64_t cols, Layout layout, std::int64_t guard);
  void fill(const Matrix& values);

  struct Free {
    void operator()(float* p) const;
  };
  std::unique_ptr<float[], Free> memory_;
  std::int64_t size_ = 0;
  MatrixView<float> view_;
};

/// Every supported instruction set with 1, 2 and 3 threads, single thread first.
const std::vector<std::unique_ptr<CpuBackend>>& backends();
std::string name(const CpuBackend& backend);

/// Calls check(backend) on every backend until one fails.
template <class Check>
void on_every_backend(const Check& check) {
  for (const auto& backend : backends()) {
    SCOPED_TRACE(name(*backend));
    check(*backend);
    if (::testing::Test::HasFailure()) return;
  }
}

/// How many tokens each call gets.
using Pieces = std::vector<std::int64_t>;

/// `run(backend, pieces)` returns all outputs. They must have the same bits for `T` tokens at once, one by one and in
/// two uneven pieces, whatever the number of threads.
template <class Run>
void expect_same_bits_however_split(std::int64_t T, const Run& run) {
  std::vector<Matrix> expected;
  on_every_backend([&](const CpuBackend& backend) {
    if (backend.threads() == 1) expected = run(backend, Pieces{T});
    for (const Pieces& pieces : {Pieces{T}, Pieces(static_cast<std::size_t>(T), 1), Pieces{T / 3, T - T / 3}}) {
      SCOPED_TRACE(std::to_string(pieces.size()) + " calls");
      const std::vector<Matrix> actual = run(backend, pieces);
      ASSERT_EQ(actual.size(), expected.size());
      for (std::size_t i = 0; i < actual.size(); ++i) ASSERT_TRUE(same_bits(actual[i], expected[i])) << "output " << i;
    }
  });
}

}  // namespace statescope::kernels::testing
