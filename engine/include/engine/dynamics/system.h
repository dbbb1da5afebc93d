// SPDX-License-Identifier: GPL-3.0-or-later
// Linear time-invariant systems with one input and one output, in continuous time:
//
//   h'(t) = A h(t) + B u(t),   y(t) = C h(t) + D u(t)
//
// Everything is double precision; N is the number of states.
#pragma once

#include <Eigen/Core>
#include <complex>
#include <cstdint>

namespace statescope {

using Complex = std::complex<double>;

inline constexpr std::int64_t max_states = 256;  // N, of any system and of a HiPPO matrix

/// Real matrices: what every other form can be written as.
struct DenseSystem {
  Eigen::MatrixXd A;     // [N, N]
  Eigen::VectorXd B;     // [N]
  Eigen::RowVectorXd C;  // [N]
  double D = 0;
  std::int64_t states() const { return A.rows(); }
  bool operator==(const DenseSystem& other) const;
};

/// A diagonal A. With `conjugates` every entry stands for itself and its conjugate, so y = 2 Re Σ C h + D u, also for a
/// real eigenvalue (S4D, maths of `s4d.py`). Without, every entry stands for itself alone: it is real, or its conjugate
/// is listed too.
struct DiagonalSystem {
  Eigen::VectorXcd lambda;  // [M]
  Eigen::VectorXcd B;       // [M]
  Eigen::VectorXcd C;       // [M]
  double D = 0;
  bool conjugates = true;
  std::int64_t modes() const { return lambda.size(); }
  bool operator==(const DiagonalSystem& other) const;
};

/// A = diag(Λ) − P P*, diagonal plus low rank (S4). With `conjugates` as above; P* of the whole system then also sums
/// over the conjugates, which couples them: P* h becomes 2 Re Σ P̄ h.
struct DplrSystem {
  Eigen::VectorXcd lambda;  // [M]
  Eigen::MatrixXcd P;       // [M, rank]
  Eigen::VectorXcd B;       // [M]
  Eigen::VectorXcd C;       // [M]
  double D = 0;
  bool conjugates = true;
  std::int64_t modes() const { return lambda.size(); }
  bool operator==(const DplrSystem& other) const;
};

/// Throw Error "the system has 300 states where at most 256 are computed …" and the like: no states, too many, shapes
/// that do not belong together, a number that is not finite, an eigenvalue without its conjugate.
void check(const DenseSystem& system);
void check(const DiagonalSystem& system);
void check(const DplrSystem& system);

/// The same input and output in real coordinates: a real mode keeps one state, a conjugate pair becomes (Re h, Im h) of
/// its first member, with the block [[σ, −ω], [ω, σ]] of λ = σ + iω. They check first. Of a
/// complex DPLR system one mode of each pair must be listed, with `conjugates`; Error otherwise.
DenseSystem dense(const DiagonalSystem& system);
DenseSystem dense(const DplrSystem& system);

}  // namespace statescope
