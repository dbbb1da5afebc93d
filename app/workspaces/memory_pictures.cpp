// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/memory_pictures.h"

#include <QCoreApplication>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <tuple>

#include "workspaces/memory_words.h"

namespace statescope {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::array colors{Symbol::h, Symbol::A, Symbol::y, Symbol::B};
constexpr std::int64_t basis_places = 241;
constexpr std::int64_t basis_shown = 6;

QString tr(const char* text) {
  return QCoreApplication::translate("MemoryPictures", text);
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
         three_digits(frame.error);
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

Symbol color_of(std::size_t method) {
  return colors[method % colors.size()];
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

}  // namespace statescope
