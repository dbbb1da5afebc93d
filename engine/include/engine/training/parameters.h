// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/random.h"
#include "kernels/training_ops.h"

namespace statescope {

using kernels::MatrixView;
using kernels::TrainingOps;

/// What is learnt, [rows, cols] as the operations want it.
struct ParameterInfo {
  std::string name;                 // of the tensor in the checkpoint
  std::vector<std::int64_t> shape;  // of the tensor there; holds rows · cols elements
  std::int64_t rows = 0, cols = 0;
  bool transposed = false;  // the tensor there is [cols, rows]
  bool decays = true;       // by AdamW's weight decay
  std::function<double(Uniform&, std::int64_t row, std::int64_t col)> initial;
  std::int64_t offset = 0;  // in the flat arrays
};

/// All parameters and their gradients, each one flat array, so that the optimiser and the norm are single loops.
template <class Real>
class Parameters {
 public:
  /// The index to ask with. Only before `initialise`.
  std::size_t add(ParameterInfo info) {
    info.offset = count_;
    count_ += info.rows * info.cols;
    infos_.push_back(std::move(info));
    return infos_.size() - 1;
  }
  /// Gives every parameter its initial value: the same for the same seed.
  void initialise(const TrainingOps<Real>& ops, std::uint64_t seed) {
    values_ = ops.allocate(count_);
    gradients_ = ops.allocate(count_);
    Uniform uniform(seed);
    std::vector<Real> values;
    for (const ParameterInfo& info : infos_)
      for (std::int64_t r = 0; r < info.rows; ++r)
        for (std::int64_t c = 0; c < info.cols; ++c) values.push_back(static_cast<Real>(info.initial(uniform, r, c)));
    ops.upload(values, {values_.get(), 1, count_});
  }

  const std::vector<ParameterInfo>& infos() const { return infos_; }
  std::int64_t count() const { return count_; }
  Real* values() const { return values_.get(); }
  Real* gradients() const { return gradients_.get(); }
  MatrixView<Real> value(std::size_t index) const { return view(values_.get(), index); }
  MatrixView<Real> gradient(std::size_t index) const { return view(gradients_.get(), index); }

 private:
  MatrixView<Real> view(Real* flat, std::size_t index) const {
    const ParameterInfo& info = infos_[index];
    return {flat + info.offset, info.rows, info.cols};
  }

  std::vector<ParameterInfo> infos_;
  std::int64_t count_ = 0;
  std::shared_ptr<Real[]> values_, gradients_;
};

}  // namespace statescope
