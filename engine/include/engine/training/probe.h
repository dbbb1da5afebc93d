// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

namespace statescope {

/// What is changed in a network while it reads, to see what it relied on.
struct Knobs {
  bool freeze_delta = false, freeze_B = false, freeze_C = false;  // each token gets the mean over the sequence
  double delta_scale = 1;
  /// How B is made discrete: (e^{ΔA} − 1)/A · B, or Δ·B. A recipe trains S4D with the first and S6 with the second.
  enum class Input { as_trained, zero_order_hold, euler };
  Input input = Input::as_trained;

  bool operator==(const Knobs&) const = default;
};

/// What one layer's inner system computed for T tokens, E channels and N states. Arrays are row-major.
struct LayerProbe {
  std::int64_t channels = 0, states = 0;
  bool complex = false;        // conjugate pairs: h is their real part, A that of −1/time
  std::vector<double> A;       // [E, N] real parts
  std::vector<float> delta;    // [T, E] the step, after softplus and the knobs
  std::vector<float> B, C;     // [T, N], after the knobs; empty when every channel has constants of its own
  std::vector<float> x, y;     // [T, E] what comes in, what goes out (with D x)
  std::vector<float> h;        // [T, E, N] the state after each token
  std::vector<float> written;  // [T, E, N] what the token adds to h: B̄ x, for conjugate pairs |B̄| x
};

/// A sequence read by a network.
struct Probe {
  std::int64_t tokens = 0, vocab = 0;
  std::vector<LayerProbe> layers;
  std::vector<float> logits;  // [T, V]
};

}  // namespace statescope
