// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/models/checkpoint.h"

namespace statescope::hyena {

/// The implicit filter of Hyena (Poli et al. 2023; safari hyena.py): a small network of positions, damped by a window
/// that differs from channel to channel, for sequences of `length` tokens:
///
///   z_l = [t, cos(f w), −sin(f w)],  t = l / (L − 1),  w = 2π l / L,  f = linspace(1e-4, bands − 1)
///   h_l[e] = (W₄ s₃)[e] · e^{−t |δ_e|},  s_i = sin(freq ⊙ (W_i s_{i−1} + b_i)),  s₀ = z
constexpr std::int64_t bands = 8, features = 1 + 2 * bands, width = 32, hidden = 3;  // hidden: layers with sin

/// z_l, [features].
void position(std::int64_t l, std::int64_t length, double* z);

/// e^{−t |δ_e|} of channel e of E: from slow to fast, to a hundredth at 1.5 L down to 0.3 L.
double window(std::int64_t l, std::int64_t length, std::int64_t e, std::int64_t E);

/// The filter of one layer of a checkpoint, made as far as somebody has asked. Several threads may use one.
class Filter {
 public:
  /// Throws Error where a tensor cannot be read.
  Filter(const Checkpoint& checkpoint, const std::string& mixer, std::int64_t length, std::int64_t channels);

  /// h of the positions 0 … count − 1, [count or more, E]. A position has the same bits however many are asked for.
  std::shared_ptr<const std::vector<float>> first(std::int64_t count) const;

 private:
  void add_position(std::int64_t l, std::vector<float>& rows) const;

  std::int64_t length_, E_;
  std::vector<double> weights_[hidden + 1], biases_[hidden], frequency_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const std::vector<float>> rows_;
};

}  // namespace statescope::hyena
