// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/memory_pictures.h"

#include <QCoreApplication>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <tuple>

#include "widgets/format.h"

namespace statescope {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::array colors{Symbol::h, Symbol::A, Symbol::y, Symbol::B};
constexpr std::int64_t basis_places = 241;
constexpr std::int64_t basis_shown = 6;

QString tr(const char* text) {
  return QCoreApplication::translate("MemoryPictures", text);
}

// Three digits are what a comparison by eye needs.
QString short_number(double value) {
  return std::isfinite(value) ? format_tick(value, 3) : tr("not finite");
}

QString method_name(const HippoRun& run, std::size_t i) {
  const MemoryMethod& method = run.methods[i];
  const auto alike = std::count_if(run.methods.begin(), run.methods.end(),
                                   [&](const MemoryMethod& m) { return m.hippo.family == method.hippo.family; });
  const QString name = name_of(method.hippo.family);
  return alike > 1 ? tr("%1, N = %2").arg(name).arg(method.hippo.order) : name;
}

// In a legend of methods that share their family: in what they differ.
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

// Within a sentence: "forward Euler".
QString rule_text(const MemoryMethod& method) {
  QString name = QString::fromUtf8(statescope::method_name(method.discretisation));
  name[0] = name[0].toLower();
  return name;
}

// "g₁₂"
QString basis_name(std::int64_t n) {
  return QLatin1Char('g') + subscript(n);
}

double window_of(const Hippo& hippo) {
  return hippo_reach(hippo, std::numeric_limits<double>::max());
}

QString memory_title(const Hippo& hippo) {
  switch (hippo.family) {
    case HippoFamily::legs:
      return tr("LegS remembers everything, coarsely");
    case HippoFamily::legs_lti:
      return tr("LegS as in S4 forgets gradually");
    case HippoFamily::legt:
      return tr("LegT remembers the last %1, sharply").arg(seconds_text(window_of(hippo)));
    case HippoFamily::lmu:
      return tr("The LMU remembers the last %1, sharply").arg(seconds_text(window_of(hippo)));
    case HippoFamily::lagt:
      return tr("LagT fades into the past");
    case HippoFamily::fout:
      return tr("FouT remembers the last %1 as waves").arg(seconds_text(window_of(hippo)));
  }
  return {};
}

QString memory_subtitle(const MemoryMethod& method, const MethodFrame& frame, bool diverges) {
  const QString kind = tr("N = %1 · %2").arg(method.hippo.order).arg(rule_text(method));
  if (diverges || !std::isfinite(frame.error)) return kind + tr(" · diverges at this Δ");
  return kind + (has_window(method.hippo.family) ? tr(" · error inside the window ") : tr(" · error over the past ")) +
         short_number(frame.error);
}

// Ends of the vertical axis that do not move while the memory is played.
std::pair<double, double> signal_range(const MemorySet& set) {
  const auto [lowest, highest] = std::minmax_element(set.drawn.begin(), set.drawn.end());
  double low = *lowest, high = *highest;
  if (high - low < 0.02 * std::max(std::abs(low), std::abs(high))) {  // a constant is seen by its distance from zero
    low = std::min(low, 0.0);
    high = std::max(high, 0.0);
  }
  const double middle = (low + high) / 2, half = (high - low) / 2 + 1e-12;
  return {middle - 1.35 * half, middle + 1.35 * half};
}

// The drawn places, evenly spread, as the axis of curves.
void time_axis(CurvesData& data, const MemorySet& set) {
  data.x_first = set.x.front();
  data.x_step = set.duration() / static_cast<double>(set.x.size());
  data.x_unit = QStringLiteral("s");
}

}  // namespace

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

Symbol color_of(std::size_t method) {
  return colors[method % colors.size()];
}

QString seconds_text(double seconds) {
  if (seconds < 0.1) return tr("%1 ms").arg(QString::number(seconds * 1e3, 'g', 3));
  return tr("%1 s").arg(QString::number(seconds, 'g', 3));
}

std::shared_ptr<const CurvesData> memory_picture(const MemoryFrame& frame, std::size_t i) {
  const MemorySet& set = *frame.set;
  const MethodFrame& shown = frame.methods[i];
  const MemoryMethod& method = set.run.methods[i];
  auto data = std::make_shared<CurvesData>();
  const HippoMemory& memory = *set.memories[i];
  const bool diverges = memory.diverges_at() >= 0 && frame.cursor >= memory.diverges_at();
  data->title = {{memory_title(method.hippo), {}}};
  data->subtitle = memory_subtitle(method, shown, diverges);
  data->curves.push_back({.name = tr("signal"), .values = set.drawn, .quiet = true});
  data->curves.push_back({.name = tr("remembered"), .values = shown.reconstruction, .symbol = color_of(i)});
  data->band = WeightBand{.name = tr("what the state remembers"),
                          .weights = shown.weight,
                          .unit = QStringLiteral("1/s"),
                          .symbol = color_of(i)};
  time_axis(*data, set);
  data->x_axis = tr("time");
  data->symbol = color_of(i);
  data->cursor_label = tr("now");
  data->faint_future = true;
  std::tie(data->y_min, data->y_max) = signal_range(set);
  return data;
}

std::shared_ptr<const BarsData> coefficients_picture(const MemoryFrame& frame, std::size_t i) {
  auto data = std::make_shared<BarsData>();
  data->shape = BarsData::Shape::columns;
  const std::vector<double>& c = frame.methods[i].coefficients;
  for (std::size_t n = 0; n < c.size(); ++n) data->bars.push_back({QString::number(n), c[n]});
  data->title = {{tr("Coefficients"), {}}, {QStringLiteral("  h"), Symbol::h}};
  data->subtitle = tr("%1 · n →").arg(legend_name(frame.set->run, i));
  data->noun = tr("coefficient");
  data->quantity = QStringLiteral("h");
  data->symbol = color_of(i);
  return data;
}

std::shared_ptr<const CurvesData> error_ago_picture(const MemoryFrame& frame) {
  auto data = std::make_shared<CurvesData>();
  for (std::size_t i = 0; i < frame.methods.size(); ++i)
    data->curves.push_back(
        {.name = legend_name(frame.set->run, i), .values = frame.methods[i].error_ago, .symbol = color_of(i)});
  data->title = {{tr("Error against how long ago"), {}}};
  time_axis(*data, *frame.set);
  data->x_axis = tr("before now");
  data->y_axis = tr("error");
  data->legend = true;
  return data;
}

std::shared_ptr<const CurvesData> error_orders_picture(const MemoryDetails& details) {
  auto data = std::make_shared<CurvesData>();
  for (std::size_t i = 0; i < details.errors.size(); ++i) {
    std::vector<double> errors = details.errors[i];
    // A step that diverges has an error without end; a gap says that better than a line out of the picture.
    for (double& error : errors)
      if (!(error < 1e6)) error = nan;
    data->curves.push_back(
        {.name = legend_name(details.set->run, i), .values = std::move(errors), .symbol = color_of(i)});
  }
  data->title = {{tr("More coefficients sharpen"), {}}};
  data->subtitle = tr("error at the end");
  data->x_axis = QStringLiteral("N");
  data->x_noun = tr("point");
  data->x_label = [orders = details.orders](qint64 point) {
    return QString::number(orders[static_cast<std::size_t>(point)]);
  };
  data->y_axis = tr("error");
  data->y_logarithmic = true;
  return data;
}

std::shared_ptr<const CurvesData> weights_picture(const MemoryFrame& frame) {
  auto data = std::make_shared<CurvesData>();
  const MemorySet& set = *frame.set;
  const double now = set.memories.front()->past(frame.cursor);
  for (std::size_t i = 0; i < frame.methods.size(); ++i) {
    std::vector<double> weights = frame.methods[i].weight;
    for (std::size_t k = 0; k < weights.size(); ++k)
      if (set.x[k] > now) weights[k] = nan;
    data->curves.push_back({.name = legend_name(set.run, i), .values = std::move(weights), .symbol = color_of(i)});
  }
  data->title = {{tr("What is weighed"), {}}};
  data->subtitle = tr("measure, 1/s");
  time_axis(*data, set);
  data->x_axis = tr("time");
  data->y_axis = QStringLiteral("ω");
  return data;
}

std::shared_ptr<const CurvesData> basis_picture(const MemoryFrame& frame, std::size_t i, std::int64_t chosen) {
  auto data = std::make_shared<CurvesData>();
  const MemorySet& set = *frame.set;
  const Hippo& hippo = set.run.methods[i].hippo;
  const double past = set.memories[i]->past(frame.cursor);
  // Of a fading memory five time constants are all there is to see.
  const double reach = hippo.family == HippoFamily::legs_lti || hippo.family == HippoFamily::lagt
                           ? 5 * hippo.theta
                           : hippo_reach(hippo, past);
  const Eigen::VectorXd s = Eigen::VectorXd::LinSpaced(basis_places, 0, reach);
  const Eigen::MatrixXd g = hippo_basis(hippo, s, past);
  std::vector<std::int64_t> shown;
  for (std::int64_t n = 0; n < std::min(basis_shown, hippo.order); ++n) shown.push_back(n);
  if (chosen >= basis_shown && chosen < hippo.order) shown.push_back(chosen);
  for (const std::int64_t n : shown)
    data->curves.push_back({.name = basis_name(n), .values = std::vector<double>(g.col(n).begin(), g.col(n).end())});
  data->title = {{tr("Basis"), {}}};
  data->subtitle =
      chosen >= 0 && chosen < hippo.order ? tr("%1 is chosen").arg(basis_name(chosen)) : tr("the first of them");
  data->family = data->legend = shown.size() > 1;
  data->x_first = 0;
  data->x_step = reach / static_cast<double>(basis_places - 1);
  data->x_axis = tr("before now");
  data->x_unit = QStringLiteral("s");
  data->symbol = color_of(i);
  return data;
}

std::shared_ptr<const HeatMapData> matrix_picture(const Eigen::MatrixXd& A, const RichText& title,
                                                  const QString& subtitle) {
  auto data = std::make_shared<HeatMapData>();
  auto values = std::make_shared<std::vector<float>>();
  values->reserve(static_cast<std::size_t>(A.size()));
  for (Eigen::Index n = 0; n < A.rows(); ++n)
    for (Eigen::Index k = 0; k < A.cols(); ++k) values->push_back(static_cast<float>(A(n, k)));
  data->values = values;
  data->rows = A.rows();
  data->columns = A.cols();
  data->title = title;
  data->subtitle = subtitle;
  data->row_axis = QStringLiteral("n");
  data->column_axis = QStringLiteral("k");
  data->row_noun = QStringLiteral("n");
  data->column_noun = QStringLiteral("k");
  data->quantity = QStringLiteral("A");
  data->unit = QStringLiteral("1/s");
  data->symbol = Symbol::A;
  data->diverging = true;
  return data;
}

namespace {

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
      return tr("x′ = (A x + B f) / t: the step shrinks as the past grows, so there is no time scale.");
    case HippoFamily::legs_lti:
      return tr("x′ = (A x + B f) / θ without 1/t: measure e^(−s/θ), as S4 starts.");
    case HippoFamily::lagt:
      return tr("x′ = (A x + B f) / θ: Laguerre functions e^(−s/2θ) Lₙ(s/θ).");
    default:
      return hippo.window == HippoWindow::unit
                 ? tr("x′ = (A x + B f) / θ, window [0, θ].")
                 : tr("x′ = ½ (A x + B f) / θ, window [0, 2θ]: the halved convention of the S4 code.");
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
  return tr("A full matrix, eigenvalues from Re %1 to %2 per second.")
      .arg(short_number(eigenvalues->real().minCoeff()), short_number(eigenvalues->real().maxCoeff()));
}

}  // namespace

QString matrix_card(const Hippo& hippo, const Eigen::VectorXcd* eigenvalues) {
  return QStringLiteral(
             "<div style=\"font-family:'STIX Two Math','STIX Two Text',serif; font-size:%1px\">%2</div>"
             "<div style=\"color:%3; margin-top:6px\">%4 %5 %6</div>")
      .arg(scaled(17))
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
      .arg(method_name(run, best), short_number(error_of(best)));
}

std::shared_ptr<const HeatMapData> chain_matrix_picture(const S4Result& r) {
  if (r.run.diagonal) return nullptr;
  return matrix_picture(r.matrices.A, {{tr("1  The matrix "), {}}, {QStringLiteral("A"), Symbol::A}},
                        tr("N = %1").arg(r.run.hippo.order));
}

std::shared_ptr<const HeatMapData> chain_normal_picture(const S4Result& r) {
  if (r.run.diagonal) return nullptr;
  return matrix_picture(r.matrices.A + r.correction.P * r.correction.P.transpose(),
                        {{tr("2  Add PPᵀ: "), {}}, {tr("normal"), Symbol::A}},
                        r.correction.P.cols() == 2 ? tr("rank 2") : tr("rank 1"));
}

std::shared_ptr<const PolePlaneData> chain_spectrum_picture(const S4Result& r) {
  auto data = std::make_shared<PolePlaneData>();
  for (const Complex lambda : r.lambda) {
    data->poles.push_back(lambda);
    // S4D lists one of each pair.
    if (r.run.diagonal && lambda.imag() != 0) data->poles.push_back(std::conj(lambda));
  }
  // Conjugates to the last bit, which the eigensolver leaves to rounding.
  if (!r.run.diagonal) {
    const std::size_t N = data->poles.size();
    for (std::size_t i = 0; i < N / 2; ++i) data->poles[N - 1 - i] = std::conj(data->poles[i]);
    if (N % 2 != 0) data->poles[N / 2] = data->poles[N / 2].real();
    for (Complex& pole : data->poles)
      if (std::abs(pole.imag()) < 1e-9) pole = pole.real();
  }
  data->delta = r.run.delta;
  data->title = {{r.run.diagonal ? tr("Λ of S4D") : tr("3  Diagonal: Λ"), {}}};
  data->subtitle = tr("eigenvalues, 1/s");
  return data;
}

std::shared_ptr<const CurvesData> chain_kernel_picture(const S4Result& r) {
  auto data = std::make_shared<CurvesData>();
  data->curves.push_back({.name = tr("K"), .values = r.dense, .symbol = Symbol::y});
  data->title = {{r.run.diagonal ? tr("The kernel ") : tr("4  The kernel "), {}}, {QStringLiteral("K"), Symbol::y}};
  data->subtitle = QString::fromStdString(agreement_sentence(r));
  data->x_first = 0;
  data->x_step = r.run.delta;
  data->x_axis = tr("lag");
  data->x_unit = QStringLiteral("s");
  data->y_axis = QStringLiteral("K");
  data->symbol = Symbol::y;
  return data;
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
      tr("they turn at %1 to %2 rad/s.").arg(short_number(std::abs(low->imag())), short_number(std::abs(high->imag())));
  QStringList facts;
  if (r.run.diagonal) {
    facts << tr("Λ: %1 modes stand for %2 states; %3").arg(r.lambda.size()).arg(r.run.hippo.order).arg(turns);
  } else {
    facts << tr("A: %1 × %1 numbers, its eigenvectors far from orthogonal.").arg(r.run.hippo.order)
          << tr("A + PPᵀ: skew-symmetric but for %1 on its diagonal, so its eigenvectors are orthogonal.")
                 .arg(short_number(r.lambda.real().mean()))
          << tr("Λ: every real part is %1 1/s; %2").arg(short_number(r.lambda.real().mean()), turns);
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
