// SPDX-License-Identifier: GPL-3.0-or-later
// Changing a system by hand.
#pragma once

#include "engine/dynamics/preset.h"

namespace statescope {

/// A system, and where its eigenvalues lie: found in A, or where a hand has put them.
struct KnownSystem {
  BuiltSystem built;
  Eigen::VectorXcd eigenvalues;  // in the order of `eigenvalues(built)`
};

/// The system whose eigenvalue nearest to `from` lies at `to`, its conjugate with it and the others where they were. It
/// is moved the way a control engineer would, by feeding the state back into the input: A − B k, so that B, C and the
/// meaning of the states stay (a mass on a spring gets another spring and another damper). A real eigenvalue stays real
/// unless another real one can become its conjugate. Throws Error where B does not reach the mode, which is then fixed.
/// `values` are the eigenvalues of A, and then of the result, up to what double precision makes of them: nobody
/// searches for them, and only the left eigenvectors of those that move are computed.
DenseSystem move_eigenvalue(const DenseSystem& system, Eigen::VectorXcd& values, Complex from, Complex to);

/// λ of the mode nearest to `from`, itself or by its conjugate; B and C stay. Without `conjugates` a pair moves
/// together and a real eigenvalue stays real.
DiagonalSystem move_eigenvalue(const DiagonalSystem& system, Complex from, Complex to);

struct MovedSystem {
  SystemChoice choice;
  KnownSystem known;
};
/// The same for a choice and what it was built as. A mass on a spring stays one while its parameters can follow;
/// S4D becomes a list of eigenvalues, every other preset matrices. Throws Error for a DPLR choice too,
/// whose eigenvalues are not its Λ.
MovedSystem move_eigenvalue(const SystemChoice& choice, const KnownSystem& known, Complex from, Complex to);

/// With N states: the last ones go, or new ones come: h_n' = −(n + 1) h_n + u, which the output does not read yet.
DenseSystem with_states(const DenseSystem& system, std::int64_t N);

/// Where a dragged eigenvalue may go when a key keeps its frequency |λ| (along a circle) or its damping ζ (along a ray
/// from 0).
Complex at_same_frequency(Complex from, Complex to);
Complex at_same_damping(Complex from, Complex to);

}  // namespace statescope
