// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "kernels/element_type.h"
#include "kernels/matrix_view.h"

namespace statescope::kernels {

/// Memory for the matrices of a model, in large pages. Generation streams through all of it, and with small pages it
/// would wait for the translation of addresses a sixth of its time. Matrices keep what they lie in alive.
class WeightMemory {
 public:
  /// Zeros, 64-byte aligned. Throws std::bad_alloc.
  std::shared_ptr<std::byte> take(std::int64_t bytes);

 private:
  std::shared_ptr<std::byte> block_;
  std::int64_t used_ = 0, size_ = 0;  // bytes of block_
};

/// A weight matrix W [M, K] rearranged for reading in order: panels of 16 outputs, inside a panel k-major, so that one
/// step of k is 16 neighbouring weights. The last panel is padded with zeros. Panels lie one after the other; a product
/// reads several of them side by side, because processors look ahead of each such stream and so get more out of memory
/// than from one.
///
/// What a panel holds, by storage:
///   f32, f16   [K][16] numbers
///   bf16       [⌈K/2⌉][16][2]: the pair of inputs 2i and 2i+1 side by side, as dot-product instructions take them
///   i8         for every 32 inputs, [16] scales in bf16, then [32][16] integers q in [-127, 127]
///
/// Conversion rounds to nearest even; an 8-bit weight is scale · q, exact in float. With m the largest |w| of the
/// output's 32 inputs, the scale is m/127 rounded up to bf16, so the error is at most half of it: (1 + 2⁻⁷) · m / 254.
class PackedMatrix {
 public:
  static constexpr std::int64_t panel_width = 16;
  static constexpr std::int64_t scale_inputs = 32;  // inputs of an output that share a scale

  PackedMatrix() = default;
  PackedMatrix(PackedMatrix&&) = default;
  PackedMatrix& operator=(PackedMatrix&&) = default;
  /// All zeros, in `memory` or, without, in memory of its own. Throws std::bad_alloc.
  PackedMatrix(std::int64_t outputs, std::int64_t inputs, ElementType storage = ElementType::f32,
               WeightMemory* memory = nullptr);
  /// W is row-major [outputs, inputs].
  static PackedMatrix pack(const float* W, std::int64_t outputs, std::int64_t inputs,
                           ElementType storage = ElementType::f32);
  /// Fills the outputs first, first + 1, ... from `rows`, row-major [count, inputs].
  void set_rows(std::int64_t first, std::int64_t count, const float* rows);

  std::int64_t outputs() const { return outputs_; }  // M
  std::int64_t inputs() const { return inputs_; }    // K
  ElementType storage() const { return storage_; }
  std::int64_t panels() const { return (outputs_ + panel_width - 1) / panel_width; }
  std::int64_t bytes_of_panel() const { return panel_width * bytes_per_output_; }
  /// 16-byte aligned, the first one 64-byte.
  const std::byte* panel(std::int64_t p) const { return data_.get() + p * bytes_of_panel(); }
  std::int64_t bytes() const { return panels() * bytes_of_panel(); }

  /// The weights as they multiply. unpack_row copies a row of W into out [K].
  float at(std::int64_t output, std::int64_t input) const;
  void unpack_row(std::int64_t output, float* out) const;

 private:
  template <ElementType storage>
  void set(std::int64_t output, const float* row);
  template <ElementType storage>
  float get(std::int64_t output, std::int64_t input) const;
  std::byte* panel_of(std::int64_t output) const;

  std::int64_t outputs_ = 0, inputs_ = 0;
  ElementType storage_ = ElementType::f32;
  std::int64_t bytes_per_output_ = 0;
  std::shared_ptr<std::byte> data_;
};

/// y = x Wᵀ (+ bias) (+ residual).
///
/// Each output is one sum over k in rising order, whatever T is, so that a prompt read at once and token by token gives
/// the same bits. The sum is in float; only with bf16 weights on an instruction set that has bf16 dot products does it
/// go by pairs of k, and x, which should hold bf16 values then, is rounded to them.
struct LinearArgs {
  MatrixView<const float> x;         // [T, K]
  const PackedMatrix* W = nullptr;   // [M, K]
  const float* bias = nullptr;       // [M] or null
  MatrixView<const float> residual;  // [T, M] or empty; may be y itself
  MatrixView<float> y;               // [T, M]; must not overlap x
};

/// Rounds to the nearest value of `type` (f32: leaves alone; bf16, f16: as kernels/half.h), ties to even.
struct RoundArgs {
  MatrixView<float> x;  // in and out
  ElementType type = ElementType::f32;
};

namespace reference {
/// y = x Wᵀ + bias; W row-major [M, K]; bias may be null.
void linear(MatrixView<const double> x, MatrixView<const double> W, const double* bias, MatrixView<double> y);
}  // namespace reference

}  // namespace statescope::kernels
