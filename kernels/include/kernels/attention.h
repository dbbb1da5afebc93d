// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

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

namespace reference {
void attention(const AttentionArgs<double>& args);
}

}  // namespace statescope::kernels
