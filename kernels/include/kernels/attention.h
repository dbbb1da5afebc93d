// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/matrix_view.h"

namespace statescope::kernels {

/// Causal attention over a cache of keys and values (Vaswani et al. 2017), what the scan is compared with. Per head of
/// d = D / heads columns, query t, the (L - T + t)-th token, sees itself and all before:
///
///   p_j = exp(q_t · k_j / √d) / Σ_i exp(q_t · k_i / √d),   y_t = Σ_j p_j v_j,   j <= L - T + t
///
/// T = 1 is a step of generation, T = L reads a whole prompt.
template <class Real>
struct AttentionArgs {
  MatrixView<const Real> q;     // [T, D]
  MatrixView<const Real> k, v;  // [L, D], L >= T: the cache, the queries' own tokens included
  std::int64_t heads = 1;       // divides D
  MatrixView<Real> y;           // [T, D]; must not overlap q
};

/// The gradients of a whole sequence, L = T. With s_tj = q_t · k_j / √d and everything per head:
///
///   ds_tj = p_tj (dy_t · v_j − Σ_i p_ti dy_t · v_i),   dv_j = Σ_t p_tj dy_t
///   dq_t = Σ_j ds_tj k_j / √d,   dk_j = Σ_t ds_tj q_t / √d
template <class Real>
struct AttentionBackwardArgs {
  MatrixView<const Real> q, k, v;  // [T, D]
  std::int64_t heads = 1;
  MatrixView<const Real> dy;    // [T, D]
  MatrixView<Real> dq, dk, dv;  // [T, D], overwritten; must not overlap the others
};

/// Rotary positions (Su et al. 2021, section 3.2.2), in place: in every head of d columns, d even, the pair
/// (2i, 2i + 1) of token t turns by t · 10000^(−2i/d), so that q_t · k_j depends on t − j. `back` turns it back, which
/// is also how the gradient goes.
template <class Real>
struct RotaryArgs {
  MatrixView<Real> x;  // [T, D]
  std::int64_t heads = 1;
  std::int64_t first = 0;  // position of the first row
  bool back = false;
};

/// The angle from one token to the next of pair i of a head of d columns.
inline double rotary_frequency(std::int64_t i, std::int64_t d) {
  return std::pow(10000.0, -2 * static_cast<double>(i) / static_cast<double>(d));
}

namespace reference {
void attention(const AttentionArgs<double>& args);
void attention_backward(const AttentionBackwardArgs<double>& args);
}  // namespace reference

}  // namespace statescope::kernels
