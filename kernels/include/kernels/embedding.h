// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/matrix_view.h"

namespace statescope::kernels {

/// y_t = table[tokens_t].
template <class Real>
struct EmbeddingArgs {
  const std::int32_t* tokens = nullptr;  // [T], each in [0, V)
  MatrixView<const Real> table;          // [V, D]
  MatrixView<Real> y;                    // [T, D]
};

/// dtable[v] += Σ_{t: tokens_t = v} dy_t, in rising t. It adds, because most rows get nothing and because a table that
/// is also the output head has a second gradient.
template <class Real>
struct EmbeddingBackwardArgs {
  const std::int32_t* tokens = nullptr;  // [T], each in [0, V)
  MatrixView<const Real> dy;             // [T, D]
  MatrixView<Real> dtable;               // [V, D] in and out
};

namespace reference {
void embedding(const EmbeddingArgs<double>& args);
void embedding_backward(const EmbeddingBackwardArgs<double>& args);
}  // namespace reference

}  // namespace statescope::kernels
