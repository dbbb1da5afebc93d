// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/gated_page.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QScrollArea>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "model/state_step.h"
#include "widgets/button.h"
#include "widgets/curves_view.h"
#include "widgets/fact_table.h"
#include "widgets/flow_layout.h"
#include "widgets/format.h"
#include "widgets/signal_view.h"
#include "widgets/theme.h"
#include "workspaces/inspector.h"
#include "workspaces/memory_examples.h"

namespace statescope {
namespace {

constexpr double widest_z = 4;  // σ(±4) is 0.98 and 0.02

// The curves that share the samples as their axis.
std::shared_ptr<CurvesData> curves(const RichText& title, const QString& subtitle, std::vector<Curve> shown) {
  auto data = std::make_shared<CurvesData>();
  data->curves = std::move(shown);
  data->title = title;
  data->subtitle = subtitle;
  data->x_axis = GatedPage::tr("samples");
  data->x_noun = GatedPage::tr("sample");
  data->first_point = 1;
  data->legend = data->curves.size() > 1;
  return data;
}

std::vector<double> minus(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> difference;
  for (std::size_t i = 0; i < a.size(); ++i) difference.push_back(a[i] - b[i]);
  return difference;
}

QString colored(const QString& text, Symbol symbol) {
  return QStringLiteral("<span style=\"color:%1\">%2</span>").arg(theme().symbol(symbol).name(), text);
}

}  // namespace

GatedPage::GatedPage()
    : openings_(*this, 0, [this] { Q_EMIT settled_changed(); }),
      results_(*this, std::numeric_limits<int>::max(), [this] { Q_EMIT settled_changed(); }) {
  build();
  set_lengths();
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, [this] {
    set_lengths();
    if (result_) show_result();
  });
  connect(x_, &QComboBox::activated, this, [this](int index) { choose(false, index); });
  connect(z_, &QComboBox::activated, this, [this](int index) { choose(true, index); });
  connect(draw_, &QAbstractButton::toggled, drawn_, &SignalView::set_drawable);
  connect(drawn_, &SignalView::drawn, this, [this](const std::vector<double>& values, bool finished) {
    GatedScene next = scene_;
    next.run.z = {};
    next.run.z.kind = SignalKind::drawn;
    next.run.z.length = next.run.x.length;
    next.run.z.values = values;
    change(next, tr("Draw z"), finished);
  });
  for (CurvesView* view : std::initializer_list<CurvesView*>{drawn_, gates_, states_, differences_})
    connect(view, &CurvesView::point_clicked, this, [this](int, qint64 sample) { Q_EMIT sample_clicked(sample); });
}

void GatedPage::build() {
  x_ = new QComboBox;
  x_->setObjectName(QStringLiteral("gated_x"));
  x_->setAccessibleName(tr("Input x"));
  x_->setPlaceholderText(tr("Input x"));
  z_ = new QComboBox;
  z_->setObjectName(QStringLiteral("gated_z"));
  z_->setAccessibleName(tr("What the gate is made of, z"));
  z_->setPlaceholderText(tr("Gate z"));
  for (const MemorySignal& made : memory_signals(1, 1)) {
    x_->addItem(tr("x: %1").arg(made.name));
    z_->addItem(tr("z: %1").arg(made.name));
  }
  x_->setCurrentIndex(-1);
  z_->setCurrentIndex(-1);
  draw_ = new Button(Button::Look::raised, {}, tr("Draw z"));
  draw_->setObjectName(QStringLiteral("gated_draw"));
  draw_->setCheckable(true);
  draw_->set_hint(tr("Draw z with the mouse: above 0 the gate opens"));
  tools_ = new FlowLayout;
  for (QWidget* tool : std::initializer_list<QWidget*>{x_, z_, draw_}) tools_->addWidget(tool);
  sentence_ = new QLabel;
  sentence_->setObjectName(QStringLiteral("gated_sentence"));
  sentence_->setProperty("role", QStringLiteral("muted"));
  sentence_->setWordWrap(true);
  drawn_ = new SignalView;
  drawn_->set_resolution(static_cast<qint64>(max_drawn_points));
  gates_ = new CurvesView;
  states_ = new CurvesView;
  differences_ = new CurvesView;
  const std::tuple<CurvesView*, const char*, QString> names[] = {
      {drawn_, "gated_drawn", tr("z over the samples")},
      {gates_, "gated_gates", tr("Gate and step over the samples")},
      {states_, "gated_states", tr("The state of the three recurrences")},
      {differences_, "gated_differences", tr("Difference from the gated recurrence")}};
  for (const auto& [view, name, accessible] : names) {
    view->setObjectName(QLatin1String(name));
    view->setAccessibleName(accessible);
    view->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Ignored);
  }
  upper_ = new QHBoxLayout;
  upper_->addWidget(drawn_, 1);
  upper_->addWidget(gates_, 1);
  column_ = new QVBoxLayout(this);
  column_->addLayout(tools_);
  column_->addWidget(sentence_);
  column_->addLayout(upper_, 3);
  column_->addWidget(states_, 4);
  column_->addWidget(differences_, 3);
  auto* content = new QWidget;
  inspector_column_ = new QVBoxLayout(content);
  auto* title = new QLabel(tr("A gated RNN is a selective model"));
  title->setProperty("role", QStringLiteral("strong"));
  title->setWordWrap(true);
  card_ = new QLabel;
  card_->setWordWrap(true);
  card_->setTextFormat(Qt::RichText);
  here_title_ = new QLabel;
  here_title_->setProperty("role", QStringLiteral("strong"));
  here_ = new FactTable;
  here_->setObjectName(QStringLiteral("gated_here"));
  inspector_column_->addWidget(title);
  inspector_column_->addWidget(card_);
  inspector_column_->addWidget(here_title_);
  inspector_column_->addWidget(here_);
  inspector_column_->addStretch(1);
  inspector_ = make_inspector(content, QStringLiteral("gated_inspector"));
}

void GatedPage::set_lengths() {
  column_->setContentsMargins(0, 0, 0, 0);
  column_->setSpacing(scaled(12));
  tools_->setSpacing(scaled(8));
  upper_->setSpacing(scaled(28));
  inspector_column_->setContentsMargins(scaled(18), scaled(12), scaled(18), scaled(12));
  inspector_column_->setSpacing(scaled(12));
  for (CurvesView* view : std::initializer_list<CurvesView*>{drawn_, gates_, states_, differences_})
    view->setMinimumHeight(scaled(110));
}

void GatedPage::set_for_export(bool for_export) {
  for (QWidget* tool : std::initializer_list<QWidget*>{x_, z_, draw_}) tool->setVisible(!for_export);
}

void GatedPage::enter() {
  if (!result_ && settled()) compute();
}

void GatedPage::open(const GatedScene& scene, const std::filesystem::path& base) {
  GatedScene next = scene;
  for (Signal* signal : {&next.run.x, &next.run.z})
    if (!signal->file.empty()) signal->file = (base / signal->file).string();
  openings_.ask(
      [run = next.run](std::stop_token stop) {
        return std::make_shared<const GatedResult>(gated_result(run, {}, std::move(stop)));
      },
      [this, next](const ResultPointer& result, const QString& problem) {
        if (!result) {
          if (!problem.isEmpty()) Q_EMIT failed(problem);
          return;
        }
        results_.forget();  // what is still under way is of the scene before
        undo_stack_.clear();
        result_ = result;
        scene_ = committed_ = next;
        show_result();
        Q_EMIT opened();
      });
}

void GatedPage::change(const GatedScene& next, const QString& undo_text, bool finished) {
  if (!finished || next == committed_) return apply(next);
  undo_stack_.push(new StateStep<GatedScene>(committed_, next, undo_text, [this](GatedScene scene) {
    scene.cursor = scene_.cursor;  // which only comes along
    apply(scene);
    committed_ = scene;
  }));
}

void GatedPage::apply(const GatedScene& scene) {
  const bool other = scene.run != scene_.run;
  scene_ = scene;
  if (other) compute();
}

void GatedPage::set_cursor(std::int64_t sample) {
  scene_.cursor = committed_.cursor = sample;
  for (CurvesView* view : std::initializer_list<CurvesView*>{drawn_, gates_, states_, differences_})
    view->set_cursor(sample);
  if (result_) show_here();
}

// The numbers of the sample at the cursor.
void GatedPage::show_here() {
  const GatedResult& r = *result_;
  const auto at = static_cast<std::size_t>(std::clamp<std::int64_t>(scene_.cursor, 0, std::ssize(r.x) - 1));
  const Theme& t = theme();
  here_title_->setText(tr("At sample %L1").arg(at + 1));
  here_->set_rows({{tr("x, the input"), format_number(r.x[at], 4)},
                   {tr("z"), format_number(r.z[at], 4), t.symbol(Symbol::z)},
                   {tr("g = σ(z)"), format_number(r.gate[at], 4), t.symbol(Symbol::y)},
                   {tr("Δ = softplus(z)"), format_number(r.delta[at], 4), t.symbol(Symbol::delta)},
                   {tr("h, gated"), format_number(r.gated[at], 4), t.symbol(Symbol::y)},
                   {tr("h, ZOH"), format_number(r.zoh[at], 4), t.symbol(Symbol::h)},
                   {tr("h, Δ·B"), format_number(r.euler[at], 4), t.symbol(Symbol::B)}});
}

void GatedPage::compute() {
  results_.ask(
      [run = scene_.run](std::stop_token stop) {
        return std::make_shared<const GatedResult>(gated_result(run, {}, std::move(stop)));
      },
      [this](const ResultPointer& result, const QString& problem) {
        if (result) {
          result_ = result;
          show_result();
        }
        if (!problem.isEmpty()) Q_EMIT failed(problem);
      });
}

void GatedPage::choose(bool z, int index) {
  GatedScene next = scene_;
  const std::int64_t length = next.run.x.length;
  Signal& signal = z ? next.run.z : next.run.x;
  signal = memory_signals(static_cast<double>(length), length)[static_cast<std::size_t>(index)].signal;
  if (z) signal.amplitude *= widest_z;
  change(next, z ? tr("Gate z") : tr("Input x"));
}

void GatedPage::show_result() {
  const GatedResult& r = *result_;
  auto z = curves({{QStringLiteral("z"), Symbol::z}, {tr(", what the token says"), {}}}, tr("above 0 opens"),
                  {{QStringLiteral("z"), r.z, Symbol::z}});
  // Doubled until z fits: an axis that followed z itself would run away from a hand that draws at its edge.
  z->y_max = 1.25 * widest_z;
  for (const double value : r.z)
    while (z->y_max < std::abs(value)) z->y_max *= 2;
  z->y_min = -z->y_max;
  drawn_->set_data(z);
  gates_->set_data(curves({{tr("Gate g = σ("), {}},
                           {QStringLiteral("z"), Symbol::z},
                           {tr(") and step "), {}},
                           {QStringLiteral("Δ"), Symbol::delta},
                           {tr(" = softplus("), {}},
                           {QStringLiteral("z"), Symbol::z},
                           {QStringLiteral(")"), {}}},
                          {}, {{tr("g"), r.gate, Symbol::y}, {QStringLiteral("Δ"), r.delta, Symbol::delta}}));
  states_->set_data(curves({{tr("The state "), {}}, {QStringLiteral("h"), Symbol::h}}, tr("thin: the input x"),
                           {{tr("x"), r.x, {}, true},
                            {tr("gated recurrence"), r.gated, Symbol::y},
                            {tr("selective model, Δ·B"), r.euler, Symbol::B},
                            {tr("selective model, ZOH, on top of it"), r.zoh, Symbol::h}}));
  differences_->set_data(
      curves({{tr("Difference from the gated recurrence"), {}}}, {},
             {{tr("Δ·B"), minus(r.euler, r.gated), Symbol::B}, {tr("ZOH"), minus(r.zoh, r.gated), Symbol::h}}));
  set_cursor(scene_.cursor);
  sentence_->setText(
      tr("With ZOH the selective model with one state and the gated recurrence differ by %1 at most, which "
         "is rounding; with Δ·B, as S6 is trained, by %2, because it writes Δ where the gate is g.")
          .arg(format_number(r.zoh_difference, 2), format_number(r.euler_difference, 2)));
  const QString z_here = colored(QStringLiteral("z"), Symbol::z), h = colored(QStringLiteral("h"), Symbol::h),
                A = colored(QStringLiteral("A"), Symbol::A), B = colored(QStringLiteral("B"), Symbol::B),
                delta = colored(QStringLiteral("Δ"), Symbol::delta), g = colored(QStringLiteral("g"), Symbol::y);
  const auto part = [](const QString& name, const QString& formula) {
    const QFont math = statescope::font(TextRole::math);
    return QStringLiteral(
               "<p style=\"margin:0 0 2px 0; color:%1\">%2</p><p style=\"margin:0 0 %3px 0; font-family:'%4'; "
               "font-size:%5px\">%6</p>")
        .arg(theme().muted.name(), name)
        .arg(scaled(10))
        .arg(math.family())
        .arg(math.pixelSize())
        .arg(formula);
  };
  card_->setText(
      part(tr("Gated recurrence, %1 = σ(%2)").arg(g, z_here), tr("%1 ← (1 − %2) %1 + %2 x").arg(h, g)) +
      part(tr("Selective, N = 1, %1 = −1, %2 = 1, %3 = softplus(%4), ZOH").arg(A, B, delta, z_here),
           tr("%1 ← e<sup>−%2</sup> %1 + (1 − e<sup>−%2</sup>) x").arg(h, delta)) +
      part(tr("They are the same, because"), tr("e<sup>−softplus(%1)</sup> = 1 − σ(%1)").arg(z_here)) +
      part(tr("Selective with %1·%2, as S6 is trained").arg(delta, B),
           tr("%1 ← e<sup>−%2</sup> %1 + %2 x").arg(h, delta)) +
      tr("<p style=\"margin:4px 0 0 0\">The step that a token asks for <i>is</i> a gate: a large %1 lets the token in "
         "and "
         "forgets what was there, a small one holds still. With %1·%2 a large %1 writes more than it forgets.</p>"
         "<p style=\"margin:6px 0 0 0; color:%3\">Theorem 1 of Gu and Dao (2023)</p>")
          .arg(delta, B, theme().muted.name()));
  Q_EMIT result_changed();
}

}  // namespace statescope
