// SPDX-License-Identifier: GPL-3.0-or-later
// What the tests of CudaBackend share.
#pragma once

#include <cmath>
#include <memory>
#include <vector>

#include "harness.h"
#include "kernels/cuda_backend.h"
#include "kernels/cuda_devices.h"
#include "kernels/half.h"

namespace statescope::kernels::testing {

inline constexpr ElementType cuda_types[] = {ElementType::f32, ElementType::bf16, ElementType::f16};

/// The largest relative error of one rounding to the type; float16 numbers here are far from its subnormals.
inline double unit(ElementType type) {
  return type == ElementType::bf16 ? 0x1p-8 : type == ElementType::f16 ? 0x1p-11 : 0x1p-24;
}

/// Numbers that are exact in the type.
inline Matrix rounded(Matrix m, ElementType type) {
  for (double& v : m.values) {
    const auto x = static_cast<float>(v);
    v = type == ElementType::bf16 ? from_bf16(to_bf16(x)) : type == ElementType::f16 ? from_f16(to_f16(x)) : x;
  }
  return m;
}

inline Matrix transposed(const Matrix& m) {
  Matrix out(m.cols, m.rows);
  for (std::int64_t r = 0; r < m.rows; ++r)
    for (std::int64_t c = 0; c < m.cols; ++c) out(c, r) = m(r, c);
  return out;
}

/// A backend, and matrices on its device for as long as a test runs. Without a device a test says that it is skipped.
class CudaTest : public ::testing::Test {
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

}  // namespace statescope::kernels::testing
