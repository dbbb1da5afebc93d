// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>

#include "kernels/matrix_view.h"

namespace statescope::kernels {

/// A weight matrix W [M, K] rearranged for reading in order: panels of 64 outputs, inside a panel k-major, so that one
/// step of k is 64 neighbouring floats. The last panel is padded with zeros.
class PackedMatrix {
 public:
  static constexpr std::int64_t panel_width = 64;

  PackedMatrix() = default;
  PackedMatrix(std::int64_t outputs, std::int64_t inputs);
  /// W is row-major [outputs, inputs].
  static PackedMatrix pack(const float* W, std::int64_t outputs, std::int64_t inputs);

  std::int64_t outputs() const { return outputs_; }  // M
  std::int64_t inputs() const { return inputs_; }    // K
  std::int64_t panels() const { return (outputs_ + panel_width - 1) / panel_width; }
  const float* panel(std::int64_t p) const { return data_.get() + p * inputs_ * panel_width; }
  float at(std::int64_t output, std::int64_t input) const {
    return panel(output / panel_width)[input * panel_width + output % panel_width];
  }
  /// Copies row `output` of W into out [K].
  void unpack_row(std::int64_t output, float* out) const;
  std::int64_t bytes() const { return panels() * inputs_ * panel_width * static_cast<std::int64_t>(sizeof(float)); }

 private:
  struct Free {
    void operator()(float* p) const;
  };
  std::int64_t outputs_ = 0, inputs_ = 0;
  std::unique_ptr<float[], Free> data_;  // 64-byte aligned
};

/// y = x Wᵀ (+ bias) (+ residual).
///
/// Each output is one sum over k in rising order, whatever T is, so that a prompt read at once and token by token gives
/// the same bits.
struct LinearArgs {
  MatrixView<const float> x;         // [T, K]
  const PackedMatrix* W = nullptr;   // [M, K]
  const float* bias = nullptr;       // [M] or null
  MatrixView<const float> residual;  // [T, M] or empty; may be y itself
  MatrixView<float> y;               // [T, M]; must not overlap x
};

namespace reference {
/// y = x Wᵀ + bias; W row-major [M, K]; bias may be null.
void linear(MatrixView<const double> x, MatrixView<const double> W, const double* bias, MatrixView<double> y);
}  // namespace reference

}  // namespace statescope::kernels
