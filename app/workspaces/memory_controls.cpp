// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/memory_controls.h"

#include <QComboBox>
#include <QGridLayout>
#include <QLabel>
#include <QSignalBlocker>
#include <QVBoxLayout>
#include <algorithm>
#include <array>
#include <cmath>

#include "widgets/theme.h"
#include "widgets/value_slider.h"
#include "workspaces/memory_words.h"

namespace statescope {
namespace {

constexpr std::array rules{Method::bilinear, Method::zoh, Method::backward_euler, Method::forward_euler};
constexpr std::array families{HippoFamily::legs, HippoFamily::legs_lti, HippoFamily::legt,
                              HippoFamily::lmu,  HippoFamily::lagt,     HippoFamily::fout};
constexpr std::array chain_families{HippoFamily::legs_lti, HippoFamily::legt, HippoFamily::lagt, HippoFamily::fout};

const ValueSlider::Range order_range{
    .least = 1, .most = static_cast<double>(max_hippo_order), .slider_least = 1, .slider_most = 128, .whole = true};
const ValueSlider::Range theta_range{
    .least = 1e-3, .most = 1e3, .slider_least = 0.01, .slider_most = 20, .unit = QStringLiteral("s")};
const ValueSlider::Range delta_range{
    .least = 1e-6, .most = 1, .slider_least = 1e-4, .slider_most = 0.2, .unit = QStringLiteral("s")};

QLabel* caption(const QString& text) {
  auto* label = new QLabel(text);
  label->setProperty("role", QStringLiteral("muted"));
  return label;
}

QComboBox* choice(const char* name, const QString& accessible_name) {
  auto* box = new QComboBox;
  box->setObjectName(QLatin1String(name));
  box->setAccessibleName(accessible_name);
  box->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
  return box;
}

ValueSlider* slider(const char* name, const QString& title, const ValueSlider::Range& range) {
  auto* made = new ValueSlider(title, range);
  made->setObjectName(QLatin1String(name));
  return made;
}

// Choices behind their names, or below them where the text is too large for both.
class NamedChoices : public QWidget {
 public:
  explicit NamedChoices(const std::vector<std::pair<QLabel*, QComboBox*>>& choices)
      : choices_(choices), grid_(new QGridLayout(this)) {
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);  // or room to spare would part the choices
    grid_->setContentsMargins(0, 0, 0, 0);
    grid_->setColumnStretch(1, 1);
    place();
  }

 protected:
  void resizeEvent(QResizeEvent* event) override {
    QWidget::resizeEvent(event);
    if (narrow_ != (width() < scaled(220))) place();
  }

 private:
  void place() {
    narrow_ = width() < scaled(220);
    grid_->setVerticalSpacing(scaled(narrow_ ? 4 : 8));
    for (int i = 0; i < static_cast<int>(choices_.size()); ++i) {
      const auto [name, box] = choices_[static_cast<std::size_t>(i)];
      for (QWidget* part : std::initializer_list<QWidget*>{name, box}) grid_->removeWidget(part);
      name->setMinimumWidth(narrow_ ? 0 : scaled(88));
      grid_->addWidget(name, 2 * i, 0, 1, narrow_ ? 2 : 1);
      grid_->addWidget(box, narrow_ ? 2 * i + 1 : 2 * i, narrow_ ? 0 : 1, 1, narrow_ ? 2 : 1);
    }
  }

  std::vector<std::pair<QLabel*, QComboBox*>> choices_;
  QGridLayout* grid_;
  bool narrow_ = false;
};

// Named choices over sliders.
void arrange(QWidget& panel, const std::vector<std::pair<QLabel*, QComboBox*>>& choices,
             std::initializer_list<ValueSlider*> sliders) {
  auto* column = new QVBoxLayout(&panel);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(scaled(6));
  column->addWidget(new NamedChoices(choices));
  for (ValueSlider* made : sliders) column->addWidget(made);
}

void fill_rules(QComboBox* box) {
  for (const Method rule : rules) box->addItem(QString::fromLatin1(method_name(rule)));
}

void choose(QComboBox* box, int index) {
  const QSignalBlocker quiet(box);
  box->setCurrentIndex(index);
}

template <class Values, class Value>
int index_of(const Values& values, Value value) {
  return static_cast<int>(std::find(values.begin(), values.end(), value) - values.begin());
}

// What the new family can do with the rest of the choice.
void settle(Hippo& hippo) {
  if (!has_window(hippo.family)) hippo.window = HippoWindow::unit;
  if (hippo.family == HippoFamily::fout) hippo.order += hippo.order % 2;
}

}  // namespace

MemoryControls::MemoryControls(MemoryDocument& document, QWidget* parent) : QWidget(parent), document_(document) {
  family_ = choice("memory_family", tr("Method"));
  for (const HippoFamily family : families) family_->addItem(name_of(family));
  rule_ = choice("memory_rule", tr("Discretisation"));
  fill_rules(rule_);
  window_ = choice("memory_window", tr("Window convention"));
  window_->addItem(tr("[0, θ], unhalved"));
  window_->addItem(tr("[0, 2θ], halved"));
  start_ = choice("memory_start", tr("Start"));
  start_->addItem(tr("the first sample"));
  start_->addItem(tr("silence"));
  start_->setItemData(1, tr("as hippo.py does"), Qt::ToolTipRole);
  order_ = slider("memory_order", tr("Order\u00a0N"), order_range);
  theta_ = slider("memory_theta", tr("Window or time scale θ"), theta_range);
  delta_ = slider("memory_delta", tr("Step Δ"), delta_range);
  window_label_ = caption(tr("Window"));
  start_label_ = caption(tr("Begins with"));
  arrange(*this,
          {{caption(tr("Method")), family_},
           {caption(tr("Stepped by")), rule_},
           {window_label_, window_},
           {start_label_, start_}},
          {order_, theta_, delta_});

  connect(family_, &QComboBox::currentIndexChanged, this, [this](int index) {
    change(tr("Method"), true, [index](MemoryMethod& method) {
      method.hippo.family = families[static_cast<std::size_t>(index)];
      settle(method.hippo);
    });
  });
  connect(rule_, &QComboBox::currentIndexChanged, this, [this](int index) {
    change(tr("Discretisation"), true,
           [index](MemoryMethod& method) { method.discretisation = rules[static_cast<std::size_t>(index)]; });
  });
  connect(window_, &QComboBox::currentIndexChanged, this, [this](int index) {
    change(tr("Window convention"), true, [index](MemoryMethod& method) {
      method.hippo.window = index == 0 ? HippoWindow::unit : HippoWindow::halved;
    });
  });
  connect(start_, &QComboBox::currentIndexChanged, this, [this](int index) {
    change(tr("Start"), true,
           [index](MemoryMethod& method) { method.start = index == 0 ? LegsStart::first_sample : LegsStart::zero; });
  });
  connect(order_, &ValueSlider::value_changed, this, [this](double value, bool finished) {
    change(
        tr("Order N"), finished,
        [value](MemoryMethod& method) {
          method.hippo.order = std::llround(value);
          settle(method.hippo);
        },
        same_order());
  });
  connect(theta_, &ValueSlider::value_changed, this, [this](double value, bool finished) {
    change(
        tr("Window θ"), finished, [value](MemoryMethod& method) { method.hippo.theta = value; }, same_theta());
  });
  connect(delta_, &ValueSlider::value_changed, this, &MemoryControls::change_delta);
}

bool MemoryControls::same_order() const {
  const auto& methods = document_.run().methods;
  return std::all_of(methods.begin(), methods.end(), [&](const MemoryMethod& method) {
    return std::abs(method.hippo.order - methods.front().hippo.order) <= 1;  // FouT rounds up to even
  });
}

bool MemoryControls::same_theta() const {
  const auto& methods = document_.run().methods;
  return std::all_of(methods.begin(), methods.end(),
                     [&](const MemoryMethod& method) { return method.hippo.theta == methods.front().hippo.theta; });
}

void MemoryControls::change(const QString& text, bool finished, const std::function<void(MemoryMethod&)>& edit,
                            bool all) {
  MemoryState next = document_.state();
  const auto chosen = static_cast<std::size_t>(next.memory.view.method);
  for (std::size_t i = 0; i < next.memory.run.methods.size(); ++i)
    if (all || i == chosen) edit(next.memory.run.methods[i]);
  document_.change(next, text, finished);
}

// The signal lasts as long as before: it is sampled more finely, or more coarsely. A file has its samples.
void MemoryControls::change_delta(double delta, bool finished) {
  MemoryState next = document_.state();
  HippoRun& run = next.memory.run;
  if (run.input.file.empty()) {
    if (run.input.length != sampled_) duration_ = static_cast<double>(run.input.length) * run.delta;
    const double read = static_cast<double>(next.memory.cursor + 1) / static_cast<double>(run.input.length);
    run.input.length = std::clamp<std::int64_t>(std::llround(duration_ / delta), 2, max_signal_length);
    sampled_ = run.input.length;
    next.memory.cursor =
        std::clamp<std::int64_t>(std::llround(read * static_cast<double>(sampled_)) - 1, 0, sampled_ - 1);
  }
  run.delta = delta;
  document_.change(next, tr("Step Δ"), finished);
}

void MemoryControls::show_state() {
  const HippoRun& run = document_.run();
  const MemoryMethod& method = run.methods[static_cast<std::size_t>(document_.state().memory.view.method)];
  choose(family_, index_of(families, method.hippo.family));
  choose(rule_, index_of(rules, method.discretisation));
  choose(window_, method.hippo.window == HippoWindow::unit ? 0 : 1);
  choose(start_, method.start == LegsStart::first_sample ? 0 : 1);
  const bool legs = method.hippo.family == HippoFamily::legs, window = has_window(method.hippo.family);
  window_->setVisible(window);
  window_label_->setVisible(window);
  start_->setVisible(legs);
  start_label_->setVisible(legs);
  const bool any_theta = std::any_of(run.methods.begin(), run.methods.end(),
                                     [](const MemoryMethod& m) { return m.hippo.family != HippoFamily::legs; });
  theta_->setEnabled(same_theta() ? any_theta : !legs);
  order_->set_value(static_cast<double>(method.hippo.order));
  theta_->set_value(method.hippo.theta);
  delta_->set_value(run.delta);
}

ChainControls::ChainControls(MemoryDocument& document, QWidget* parent) : QWidget(parent), document_(document) {
  form_ = choice("chain_form", tr("Start from"));
  for (const HippoFamily family : chain_families)
    form_->addItem(tr("S4 from %1").arg(family == HippoFamily::legs_lti ? QStringLiteral("LegS") : name_of(family)));
  for (const char* name : {"S4D-Lin", "S4D-Inv", "S4D-LegS", "S4D-Real"}) form_->addItem(QLatin1String(name));
  rule_ = choice("chain_rule", tr("Discretisation"));
  fill_rules(rule_);
  order_ = slider("chain_order", tr("Order\u00a0N"), order_range);
  theta_ = slider("chain_theta", tr("Window or time scale θ"), theta_range);
  delta_ = slider("chain_delta", tr("Step Δ"), delta_range);
  read_ = slider("chain_read", tr("Coefficient that C reads"), order_range);
  arrange(*this, {{caption(tr("Start from")), form_}, {caption(tr("Stepped by")), rule_}},
          {order_, theta_, delta_, read_});

  connect(form_, &QComboBox::currentIndexChanged, this, [this](int index) {
    change(tr("Start"), true, [index](S4Run& run) {
      const auto i = static_cast<std::size_t>(index);
      run.C.clear();
      if (i < chain_families.size()) {
        run.diagonal.reset();
        run.hippo.family = chain_families[i];
        run.discretisation = Method::bilinear;
        settle(run.hippo);
      } else {
        run.diagonal = all_s4d_inits[i - chain_families.size()];
        run.hippo.window = HippoWindow::unit;
        run.hippo.family = HippoFamily::legs_lti;
        run.hippo.order += run.hippo.order % 2;
      }
    });
  });
  connect(rule_, &QComboBox::currentIndexChanged, this, [this](int index) {
    change(tr("Discretisation"), true,
           [index](S4Run& run) { run.discretisation = rules[static_cast<std::size_t>(index)]; });
  });
  connect(order_, &ValueSlider::value_changed, this, [this](double value, bool finished) {
    change(tr("Order N"), finished, [value](S4Run& run) {
      run.hippo.order = std::llround(value);
      if (run.diagonal) run.hippo.order += run.hippo.order % 2;
      settle(run.hippo);
      run.C.clear();
      run.read = std::min(run.read, run.hippo.order - 1);
    });
  });
  connect(theta_, &ValueSlider::value_changed, this, [this](double value, bool finished) {
    change(tr("Time scale θ"), finished, [value](S4Run& run) { run.hippo.theta = value; });
  });
  connect(delta_, &ValueSlider::value_changed, this, [this](double value, bool finished) {
    change(tr("Step Δ"), finished, [value](S4Run& run) {
      const double duration = static_cast<double>(run.length) * run.delta;
      run.delta = value;
      run.length = std::clamp<std::int64_t>(std::llround(duration / value), 2, max_kernel_length);
    });
  });
  connect(read_, &ValueSlider::value_changed, this, [this](double value, bool finished) {
    change(tr("Read n"), finished, [value](S4Run& run) {
      run.C.clear();
      run.read = std::min<std::int64_t>(std::llround(value), run.hippo.order - 1);
    });
  });
}

void ChainControls::change(const QString& text, bool finished, const std::function<void(S4Run&)>& edit) {
  MemoryState next = document_.state();
  edit(next.chain.run);
  document_.change(next, text, finished);
}

void ChainControls::show_state() {
  const S4Run& run = document_.state().chain.run;
  choose(form_, run.diagonal ? static_cast<int>(chain_families.size()) + static_cast<int>(*run.diagonal)
                             : index_of(chain_families, run.hippo.family == HippoFamily::legs ? HippoFamily::legs_lti
                                                                                              : run.hippo.family));
  choose(rule_, index_of(rules, run.discretisation));
  rule_->setEnabled(run.diagonal.has_value());
  rule_->setToolTip(run.diagonal ? QString() : tr("S4’s generating function is that of the bilinear step"));
  theta_->setEnabled(!run.diagonal);
  read_->setVisible(!run.diagonal);
  order_->set_value(static_cast<double>(run.hippo.order));
  theta_->set_value(run.hippo.theta);
  delta_->set_value(run.delta);
  const auto last = static_cast<double>(run.hippo.order - 1);
  read_->set_range({.least = 0, .most = last, .slider_least = 0, .slider_most = last, .whole = true});
  read_->set_value(static_cast<double>(run.read));
}

}  // namespace statescope
