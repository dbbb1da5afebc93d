// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/training_ops.h"

namespace statescope {

/// The activations of one step, which its backward pass reads. Memory is kept from step to step.
template <class Real>
class Tape {
 public:
  explicit Tape(const TrainingOps<Real>& ops) : ops_(ops) {}

  /// [rows, cols]; what it holds is left over from an earlier step.
  MatrixView<Real> matrix(std::int64_t rows, std::int64_t cols) {
    const std::int64_t count = (rows * cols + alignment - 1) / alignment * alignment;
    while (block_ < blocks_.size() && used_ + count > blocks_[block_].size) {
      ++block_;
      used_ = 0;
    }
    if (block_ == blocks_.size())
      blocks_.push_back({ops_.allocate(std::max(count, block_size)), std::max(count, block_size)});
    Real* const at = blocks_[block_].values.get() + used_;
    used_ += count;
    return {at, rows, cols};
  }
  /// Forgets all matrices: the next step begins.
  void rewind() { block_ = 0, used_ = 0; }

 private:
  static constexpr std::int64_t alignment = 16, block_size = std::int64_t{1} << 20;
  struct Block {
    std::shared_ptr<Real[]> values;
    std::int64_t size = 0;
  };
  const TrainingOps<Real>& ops_;
  std::vector<Block> blocks_;
  std::size_t block_ = 0;
  std::int64_t used_ = 0;
};

}  // namespace statescope
