// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cstdlib>
#include <new>

#include "kernels/linear.h"

namespace statescope::kernels {

void PackedMatrix::Free::operator()(float* p) const {
  std::free(p);
}

PackedMatrix::PackedMatrix(std::int64_t outputs, std::int64_t inputs) : outputs_(outputs), inputs_(inputs) {
  const auto size = static_cast<std::size_t>(bytes());
  data_.reset(static_cast<float*>(std::aligned_alloc(64, std::max<std::size_t>(size, 64))));
  if (!data_) throw std::bad_alloc();
  std::fill_n(data_.get(), size / sizeof(float), 0.0f);
}

PackedMatrix PackedMatrix::pack(const float* W, std::int64_t outputs, std::int64_t inputs) {
  PackedMatrix packed(outputs, inputs);
  for (std::int64_t m = 0; m < outputs; ++m) {
    float* panel = packed.data_.get() + m / panel_width * inputs * panel_width + m % panel_width;
    for (std::int64_t k = 0; k < inputs; ++k) panel[k * panel_width] = W[m * inputs + k];
  }
  return packed;
}

void PackedMatrix::unpack_row(std::int64_t output, float* out) const {
  for (std::int64_t k = 0; k < inputs_; ++k) out[k] = at(output, k);
}

}  // namespace statescope::kernels
