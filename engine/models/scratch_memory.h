// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>

#include "kernels/matrix_view.h"

namespace statescope {

/// Memory for matrices that are written before they are read. Rows begin with a cache line and are an odd number of
/// lines apart: where that is a power of two, or a multiple of a large one, they drive each other out of the caches.
class ScratchMemory {
 public:
  static std::int64_t stride(std::int64_t cols) { return ((cols + line - 1) / line | 1) * line; }

  ScratchMemory() = default;
  explicit ScratchMemory(std::int64_t floats)
      : floats_(std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(floats + line))), size_(floats) {}

  std::int64_t size() const { return size_; }  // floats, strides counted in

  /// The next `rows` rows; what they hold is left over from somebody else.
  kernels::MatrixView<float> matrix(std::int64_t rows, std::int64_t cols) {
    const auto address = reinterpret_cast<std::uintptr_t>(floats_.get()) / sizeof(float);
    float* const begin = floats_.get() + (line - address % line) % line;
    const kernels::MatrixView<float> view(begin + used_, rows, cols, stride(cols));
    used_ += rows * view.stride;
    return view;
  }
  void give_back_all() { used_ = 0; }

 private:
  static constexpr std::int64_t line = 16;  // floats
  std::unique_ptr<float[]> floats_;
  std::int64_t size_ = 0, used_ = 0;
};

}  // namespace statescope
