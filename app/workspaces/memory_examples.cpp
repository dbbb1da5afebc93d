// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/memory_examples.h"

#include <QCoreApplication>

namespace statescope {
namespace {

QString tr(const char* text) {
  return QCoreApplication::translate("MemoryExamples", text);
}

}  // namespace

const std::vector<MemoryExample>& memory_examples() {
  static const std::vector<MemoryExample> examples = {
      {QStringLiteral("memory-whole-past.json"), tr("Everything, or the last second"),
       tr("LegS keeps the whole past at a resolution that coarsens as it grows; LegT keeps one second sharply and "
          "forgets the rest. Both have 24 numbers.")},
      {QStringLiteral("memory-more-coefficients.json"), tr("More coefficients sharpen"),
       tr("The same signal in 4, 12, 32 and 96 numbers: every doubling sharpens the whole memory at once.")},
      {QStringLiteral("memory-constant.json"), tr("A constant is kept for ever"),
       tr("A constant is the first basis function of LegS and LegT, so one number holds it exactly, however long it "
          "lasts; LagT, whose functions all fade, loses it.")},
      {QStringLiteral("memory-sampling.json"), tr("Sampling twice as fine changes nothing"),
       tr("Halve Δ: LegS divides its step by t and never needs to know Δ, so its picture stays as it is. LegT has to "
          "be told "
          "how many steps its window lasts.")},
      {QStringLiteral("memory-four-measures.json"), tr("Four measures, one signal"),
       tr("What a memory keeps is decided by what it weighs: all alike, an exponential, a window of polynomials, a "
          "window of waves.")},
      {QStringLiteral("memory-edge.json"), tr("An edge passes by"),
       tr("Play: an edge stays sharp in a window until the window has left it, and softens in LegS as the past grows. "
          "Waves ring where the window’s ends do not meet.")},
      {QStringLiteral("memory-diverges.json"), tr("A step too coarse"),
       tr("Forward Euler is stable only where Δ times every eigenvalue lies in a circle; the bilinear step always is. "
          "Make Δ smaller until both agree.")},
      {QStringLiteral("memory-kernel.json"), tr("From HiPPO to S4’s kernel"),
       tr("A matrix, made normal by a rank-one term, made diagonal, made a convolution: the chain of S4.")},
      {QStringLiteral("memory-s4d.json"), tr("S4D: the low rank left away"),
       tr("S4D keeps only the eigenvalues of LegS: a sum of decaying waves, which is nearly as good.")},
  };
  return examples;
}

std::vector<MemorySignal> memory_signals(double seconds, std::int64_t length) {
  Signal plain;
  plain.length = length;
  const auto with = [&](const QString& name, SignalKind kind, double first, double last) {
    MemorySignal made{name, plain};
    made.signal.kind = kind;
    made.signal.frequency = first / seconds;
    made.signal.frequency_end = last / seconds;
    made.signal.seed = 7;
    return made;
  };
  std::vector<MemorySignal> signals = {with(tr("Like speech"), SignalKind::band_noise, 0.8, 16),
                                       with(tr("Chirp"), SignalKind::chirp, 1, 16),
                                       with(tr("Sine"), SignalKind::sine, 4, 4),
                                       with(tr("Square wave"), SignalKind::square, 3, 3),
                                       with(tr("Constant"), SignalKind::step, 0, 0),
                                       with(tr("Edge"), SignalKind::step, 0, 0),
                                       with(tr("Ramp"), SignalKind::ramp, 0, 0),
                                       with(tr("White noise"), SignalKind::white_noise, 0, 0)};
  signals[5].signal.start = 0.4 * seconds;
  signals[6].signal.amplitude = 1 / seconds;
  return signals;
}

}  // namespace statescope
