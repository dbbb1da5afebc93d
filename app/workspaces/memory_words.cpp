// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/memory_words.h"

#include <QCoreApplication>
#include <algorithm>
#include <cmath>
#include <limits>

#include "widgets/format.h"
#include "widgets/theme.h"

namespace statescope {
namespace {

QString tr(const char* text) {
  return QCoreApplication::translate("MemoryWords", text);
}

QString formula_html(const Hippo& hippo) {
  const QString A =
      QStringLiteral("<i><span style=\"color:%1\">A</span><sub>nk</sub></i>").arg(theme().symbol(Symbol::A).name());
  const QString B =
      QStringLiteral("<i><span style=\"color:%1\">B</span><sub>n</sub></i>").arg(theme().symbol(Symbol::B).name());
  switch (hippo.family) {
    case HippoFamily::legs:
    case HippoFamily::legs_lti:
      return A + QStringLiteral(" = −√((2n+1)(2k+1)), &nbsp;n&nbsp;&gt;&nbsp;k<br>") + A +
             QStringLiteral(" = −(n+1), &nbsp;n&nbsp;=&nbsp;k<br>") + B + QStringLiteral(" = √(2n+1)");
    case HippoFamily::legt:
      return A + QStringLiteral(" = −√((2n+1)(2k+1)), &nbsp;n&nbsp;≥&nbsp;k<br>") + A +
             QStringLiteral(" = −(−1)<sup>n−k</sup> √((2n+1)(2k+1)), &nbsp;n&nbsp;&lt;&nbsp;k<br>") + B +
             QStringLiteral(" = √(2n+1)");
    case HippoFamily::lmu:
      return A + QStringLiteral(" = −(2n+1), &nbsp;n&nbsp;&lt;&nbsp;k<br>") + A +
             QStringLiteral(" = (−1)<sup>n−k+1</sup>(2n+1), &nbsp;n&nbsp;≥&nbsp;k<br>") + B +
             QStringLiteral(" = (−1)<sup>n</sup>(2n+1)");
    case HippoFamily::lagt:
      return A + QStringLiteral(" = −1, &nbsp;n&nbsp;&gt;&nbsp;k<br>") + A +
             QStringLiteral(" = −½, &nbsp;n&nbsp;=&nbsp;k<br>") + B + QStringLiteral(" = 1");
    case HippoFamily::fout:
      return QStringLiteral("<i><span style=\"color:%1\">A</span></i> = S − ½ ").arg(theme().symbol(Symbol::A).name()) +
             QStringLiteral("<i><span style=\"color:%1\">BB</span></i>ᵀ<br>").arg(theme().symbol(Symbol::B).name()) +
             QStringLiteral("S turns pair k by 2πk<br>") +
             QStringLiteral("<i><span style=\"color:%1\">B</span></i> = (2, 0, 2√2, 0, …)")
                 .arg(theme().symbol(Symbol::B).name());
  }
  return {};
}

QString convention_text(const Hippo& hippo) {
  switch (hippo.family) {
    case HippoFamily::legs:
      return tr("h′ = (A h + B f) / t: the step shrinks as the past grows, so there is no time scale.");
    case HippoFamily::legs_lti:
      return tr("h′ = (A h + B f) / θ without 1/t: measure e^(−s/θ), as S4 starts.");
    case HippoFamily::lagt:
      return tr("h′ = (A h + B f) / θ: Laguerre functions e^(−s/2θ) Lₙ(s/θ).");
    default:
      return hippo.window == HippoWindow::unit
                 ? tr("h′ = (A h + B f) / θ, window [0, θ].")
                 : tr("h′ = ½ (A h + B f) / θ, window [0, 2θ]: the halved convention of the S4 code.");
  }
}

QString use_text(HippoFamily family) {
  switch (family) {
    case HippoFamily::legs:
      return tr("Used in HiPPO-LegS (2020).");
    case HippoFamily::legs_lti:
      return tr("Used as the start of S4 (2022), S4D-LegS and their successors.");
    case HippoFamily::legt:
      return tr("Used in HiPPO-LegT and S4’s LegT start; the LMU in an orthonormal basis.");
    case HippoFamily::lmu:
      return tr("Used in the Legendre Memory Unit (2019), which HiPPO explains.");
    case HippoFamily::lagt:
      return tr("Used in HiPPO-LagT; the S4 authors prefer LegS.");
    case HippoFamily::fout:
      return tr("Used in S4-FouT (2022).");
  }
  return {};
}

QString spectrum_text(const Hippo& hippo, const Eigen::VectorXcd* eigenvalues) {
  const QString scale = hippo.family == HippoFamily::legs ? QString() : QStringLiteral(" / θ");
  if (hippo.family == HippoFamily::legs || hippo.family == HippoFamily::legs_lti)
    return tr("Lower triangular, eigenvalues −1 … −%1%2.").arg(hippo.order).arg(scale);
  if (hippo.family == HippoFamily::lagt) return tr("Lower triangular, every eigenvalue −½%1.").arg(scale);
  if (!eigenvalues || eigenvalues->size() != hippo.order) return tr("A full matrix.");
  // What is left of a real part by rounding alone has no sign that means anything.
  const double rounding = 1e-12 * eigenvalues->cwiseAbs().maxCoeff();
  const auto real_part = [rounding](double value) { return three_digits(std::abs(value) < rounding ? 0 : value); };
  return tr("A full matrix, eigenvalues from Re %1 to %2 per second.")
      .arg(real_part(eigenvalues->real().minCoeff()), real_part(eigenvalues->real().maxCoeff()));
}

}  // namespace

QString three_digits(double value) {
  return std::isfinite(value) ? format_tick(value, 3) : tr("not finite");
}

QString method_name(const HippoRun& run, std::size_t i) {
  const MemoryMethod& method = run.methods[i];
  const auto alike = std::count_if(run.methods.begin(), run.methods.end(),
                                   [&](const MemoryMethod& m) { return m.hippo.family == method.hippo.family; });
  const QString name = name_of(method.hippo.family);
  return alike > 1 ? tr("%1, N = %2").arg(name).arg(method.hippo.order) : name;
}

QString legend_name(const HippoRun& run, std::size_t i) {
  const MemoryMethod& method = run.methods[i];
  const auto differ = [&run](const auto& of) {
    return std::any_of(run.methods.begin(), run.methods.end(),
                       [&](const MemoryMethod& m) { return of(m) != of(run.methods.front()); });
  };
  if (run.methods.size() == 1 || differ([](const MemoryMethod& m) { return m.hippo.family; }))
    return method_name(run, i);
  if (differ([](const MemoryMethod& m) { return m.hippo.order; })) return tr("N = %1").arg(method.hippo.order);
  if (differ([](const MemoryMethod& m) { return m.discretisation; }))
    return QString::fromUtf8(statescope::method_name(method.discretisation));
  if (differ([](const MemoryMethod& m) { return m.hippo.theta; }))
    return tr("θ = %1").arg(seconds_text(method.hippo.theta));
  return method_name(run, i);
}

QString rule_text(const MemoryMethod& method) {
  QString name = QString::fromUtf8(statescope::method_name(method.discretisation));
  name[0] = name[0].toLower();
  return name;
}

QString basis_name(std::int64_t n) {
  return QLatin1Char('g') + subscript(n);
}

double window_of(const Hippo& hippo) {
  return hippo_reach(hippo, std::numeric_limits<double>::max());
}

QString name_of(HippoFamily family) {
  switch (family) {
    case HippoFamily::legs:
      return QStringLiteral("LegS");
    case HippoFamily::legs_lti:
      return tr("LegS (LTI)");  // short, for legends and chips; the card says the rest
    case HippoFamily::legt:
      return QStringLiteral("LegT");
    case HippoFamily::lmu:
      return QStringLiteral("LMU");
    case HippoFamily::lagt:
      return QStringLiteral("LagT");
    case HippoFamily::fout:
      return QStringLiteral("FouT");
  }
  return {};
}

QString seconds_text(double seconds) {
  if (seconds < 0.1) return tr("%1 ms").arg(QString::number(seconds * 1e3, 'g', 3));
  return tr("%1 s").arg(QString::number(seconds, 'g', 3));
}

QString matrix_card(const Hippo& hippo, const Eigen::VectorXcd* eigenvalues) {
  return QStringLiteral(
             "<div style=\"font-family:'%1'; font-size:%2px\">%3</div>"
             "<div style=\"color:%4; margin-top:6px\">%5 %6 %7</div>")
      .arg(font(TextRole::math).family())
      .arg(scaled(18))
      .arg(formula_html(hippo), theme().muted.name(), convention_text(hippo), spectrum_text(hippo, eigenvalues),
           use_text(hippo.family));
}

QString memory_sentence(const MemoryFrame& frame) {
  const HippoRun& run = frame.set->run;
  const Hippo& first = run.methods.front().hippo;
  for (std::size_t i = 0; i < run.methods.size(); ++i) {
    const HippoMemory& memory = *frame.set->memories[i];
    if (memory.diverges_at() >= 0)
      return tr("%1 diverges after %2: forward steps are stable for small Δ only.")
          .arg(method_name(run, i), seconds_text(memory.past(memory.diverges_at())));
  }
  // Far beyond the signal before it leaves double precision.
  const auto [low, high] = std::minmax_element(frame.set->drawn.begin(), frame.set->drawn.end());
  for (std::size_t i = 0; i < run.methods.size(); ++i)
    if (frame.methods[i].error > 10 * std::max(std::abs(*low), std::abs(*high)))
      return tr("%1 stepped by %2 grows without end at this Δ: a smaller Δ or another step keeps it.")
          .arg(method_name(run, i), rule_text(run.methods[i]));
  if (run.methods.size() == 1) {
    return has_window(first.family)
               ? tr("%1 numbers hold the last %2; what is older has left without a trace.")
                     .arg(first.order)
                     .arg(seconds_text(window_of(first)))
               : (first.order == 1 ? tr("One number holds all of the past: its mean.")
                                   : tr("%1 numbers hold all of the past, the recent part no finer than N allows.")
                                         .arg(first.order));
  }
  const auto error_of = [&](std::size_t i) { return frame.methods[i].error; };
  std::size_t best = 0;
  for (std::size_t i = 1; i < run.methods.size(); ++i)
    if (error_of(i) < error_of(best)) best = i;
  const bool same_family = std::all_of(run.methods.begin(), run.methods.end(),
                                       [&](const MemoryMethod& m) { return m.hippo.family == first.family; });
  if (same_family) {
    const auto [fewest, most] =
        std::minmax_element(run.methods.begin(), run.methods.end(),
                            [](const MemoryMethod& a, const MemoryMethod& b) { return a.hippo.order < b.hippo.order; });
    if (fewest->hippo.order < most->hippo.order)
      return tr("The same signal in %1 numbers and in %2: more coefficients sharpen the whole memory at once.")
          .arg(fewest->hippo.order)
          .arg(most->hippo.order);
  }
  const auto windowed = std::find_if(run.methods.begin(), run.methods.end(),
                                     [](const MemoryMethod& m) { return has_window(m.hippo.family); });
  if (first.family == HippoFamily::legs && windowed != run.methods.end())
    return tr("LegS spreads its attention evenly over all that has been; %1 forgets at %2.")
        .arg(name_of(windowed->hippo.family), seconds_text(window_of(windowed->hippo)));
  return tr("%1 is nearest to what it promises to remember, with an error of %2.")
      .arg(method_name(run, best), three_digits(error_of(best)));
}

QString chain_sentence(const S4Result& r) {
  if (r.run.diagonal)
    return tr("S4D leaves the low rank away: %1 modes, each of them a decaying wave, and the kernel is their sum.")
        .arg(r.lambda.size());
  const QString reads = r.run.C.empty() ? tr(" Reading coefficient %1, the kernel is the basis function %2 itself.")
                                              .arg(r.run.read)
                                              .arg(basis_name(r.run.read))
                                        : QString();
  return tr("A is not normal, but A + PPᵀ is: with its eigenvalues Λ the kernel costs N numbers a frequency instead of "
            "N²."
            "%1")
      .arg(reads);
}

QString chain_facts(const S4Result& r) {
  const auto [low, high] = std::minmax_element(
      r.lambda.begin(), r.lambda.end(), [](Complex a, Complex b) { return std::abs(a.imag()) < std::abs(b.imag()); });
  const QString turns =
      tr("they turn at %1 to %2 rad/s.").arg(three_digits(std::abs(low->imag())), three_digits(std::abs(high->imag())));
  QStringList facts;
  if (r.run.diagonal) {
    facts << tr("Λ: %1 modes stand for %2 states; %3").arg(r.lambda.size()).arg(r.run.hippo.order).arg(turns);
  } else {
    facts << tr("A: %1 × %1 numbers, its eigenvectors far from orthogonal.").arg(r.run.hippo.order)
          << tr("A + PPᵀ: skew-symmetric but for %1 on its diagonal, so its eigenvectors are orthogonal.")
                 .arg(three_digits(r.lambda.real().mean()))
          << tr("Λ: every real part is %1 1/s; %2").arg(three_digits(r.lambda.real().mean()), turns);
  }
  facts << tr("K: %L1 samples, step by step %L2 multiplications with A, %L3 with Λ.")
               .arg(r.run.length)
               .arg(r.run.length * r.run.hippo.order * r.run.hippo.order)
               .arg(r.run.length * r.lambda.size())
        << QString::fromStdString(agreement_sentence(r)) + QLatin1Char('.');
  return QStringLiteral("<p>") +
         facts.replaceInStrings(QStringLiteral("<"), QStringLiteral("&lt;")).join(QStringLiteral("</p><p>")) +
         QStringLiteral("</p>");
}

}  // namespace statescope
