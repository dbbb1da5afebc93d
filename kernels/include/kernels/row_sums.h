// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/matrix_view.h"

namespace statescope::kernels {

/// sums_t = Σ_d f(x_td − minus_td), where f(v) is v or v².
///
/// Differences are of the type of x, all else is in double: element d of a row goes to the partial sum d mod 8, those
/// behind the last eight whole ones to the first, and the partial sums are added up in their order.
template <class Real>
struct RowSumsArgs {
  MatrixView<const Real> x;           // [T, D]
  MatrixView<const Real> minus = {};  // [T, D] or empty: nothing is taken away
  bool squares = false;               // f(v) is v²
  double* sums = nullptr;             // [T]
};

namespace reference {
void row_sums(const RowSumsArgs<double>& args);
}  // namespace reference

}  // namespace statescope::kernels
