// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/dynamics_examples.h"

#include <QCoreApplication>

namespace statescope {

std::vector<DynamicsExample> dynamics_examples() {
  const auto tr = [](const char* text) { return QCoreApplication::translate("DynamicsExamples", text); };
  return {{QStringLiteral("dynamics-spring.json"), tr("A spring that rings"),
           tr("Two numbers, position and velocity, are all a mass on a spring remembers.")},
          {QStringLiteral("dynamics-leaky.json"), tr("One state that forgets"),
           tr("The smallest system: an average that leaks. Every state of Mamba is one of these.")},
          {QStringLiteral("dynamics-euler.json"), tr("Forward Euler invents energy"),
           tr("An oscillator that never tires gains energy from too simple a step.")},
          {QStringLiteral("dynamics-aliasing.json"), tr("Too coarse to see"),
           tr("A mode faster than π/Δ looks slow: its pole goes round the circle and comes back.")},
          {QStringLiteral("dynamics-resonance.json"), tr("Resonance"),
           tr("A chirp passes the frequency at which the spring likes to swing.")},
          {QStringLiteral("dynamics-convolution.json"), tr("One answer, two ways"),
           tr("The kernel slides over the input, and the recurrence reaches the same number.")},
          {QStringLiteral("dynamics-space.json"), tr("Three states in space"),
           tr("Two states turn while the third follows slowly: only in space do the loops come apart.")},
          {QStringLiteral("dynamics-delay.json"), tr("A window of the past"),
           tr("Twelve states of an LMU hold one second of signal well enough to play it back.")},
          {QStringLiteral("dynamics-s4.json"), tr("S4: HiPPO-LegS as a kernel"),
           tr("The same kernel by recurrence and by the Cauchy formula of S4.")},
          {QStringLiteral("dynamics-s4d.json"), tr("S4D: drag a mode"),
           tr("Independent modes; each eigenvalue you drag changes one part of the kernel.")},
          {QStringLiteral("dynamics-mamba.json"), tr("Mamba’s shortcut Δ·B"),
           tr("Large steps show the gap between the exact hold and what the code does.")}};
}

}  // namespace statescope
