// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/selectivity_workspace.h"

#include <QComboBox>
#include <QFileInfo>
#include <QLabel>
#include <QMenu>
#include <QSignalBlocker>
#include <QStackedWidget>
#include <algorithm>

#include "widgets/button.h"
#include "widgets/heat_map_view.h"
#include "widgets/notice.h"
#include "widgets/scrubber.h"
#include "widgets/segmented_control.h"
#include "widgets/sequence_view.h"
#include "widgets/transport_bar.h"
#include "workspaces/gated_page.h"
#include "workspaces/selectivity_controls.h"
#include "workspaces/selectivity_pictures.h"
#include "workspaces/training_page.h"

namespace statescope {
namespace {

constexpr double tokens_per_second = 8, samples_per_second = 40;
constexpr std::int64_t most_in_menu = 64;  // tokens

}  // namespace

SelectivityWorkspace::SelectivityWorkspace(std::filesystem::path assets, std::filesystem::path users)
    : Workspace(QStringLiteral("selectivity"), tr("Selectivity"), QStringLiteral("selectivity")),
      assets_(std::move(assets)),
      document_(assets_, users),
      training_(new TrainingPage(std::move(users))),
      theorem_(new GatedPage) {
  build_views();
  build_pages();
  set_lengths();
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, &SelectivityWorkspace::set_lengths);
  connect_views();
  connect_document();
  connect_pages();
  page_->hide();  // until there is something to see
}

void SelectivityWorkspace::connect_views() {
  connect(examples_, &QComboBox::activated, this, &SelectivityWorkspace::show_example);
  connect(quantities_, &SegmentedControl::selected, this, [this](int index) {
    SelectivityScene next = document_.state();
    next.view.quantity = static_cast<SelectivityQuantity>(index);
    document_.change(next, tr("Quantity"));
  });
  connect(new_sequence_, &QAbstractButton::clicked, this, &SelectivityWorkspace::new_sequence);
  const auto go = [this](qint64 token) { transport_bar().transport().set_position(static_cast<int>(token)); };
  connect(input_, &SequenceView::cell_clicked, this, go);
  connect(input_, &SequenceView::edit_requested, this, &SelectivityWorkspace::choose_token);
  connect(input_, &SequenceView::typed, this, [this, go](qint64 place, const QString& text) {
    if (replace_token(place, text)) go(place + 1);
  });
  for (std::size_t i = 0; i < strips_.size(); ++i) {
    connect(strips_[i], &SequenceView::cell_clicked, this, go);
    connect(models_[i], &QComboBox::activated, this, [this, i](int index) { choose_model(i, index); });
    connect(maps_[i], &HeatMapView::cell_clicked, this, [this, i, go](qint64 row, qint64 token) {
      go(token);
      SelectivityScene next = document_.state();
      if (next.view.channels[i]) return;
      next.view.channels[i] = row;
      next.view.system = static_cast<std::int64_t>(i);
      document_.change(next, tr("Channel"));
    });
  }
  connect(&transport_bar().transport(), &Transport::position_changed, this, [this](int position) {
    if (fitting_) return;
    if (page_index_ == Page::compare) {
      document_.set_cursor(position);
      input_->set_cursor(position);  // at once: what is typed next goes there
    }
    if (page_index_ == Page::theorem) theorem_->set_cursor(position);
  });
  transport_bar().set_position_text([this](int position, int length) {
    if (length == 0) return QString();
    return (page_index_ == Page::theorem ? tr("sample %L1 of %L2") : tr("token %L1 of %L2"))
        .arg(position + 1)
        .arg(length);
  });
}

void SelectivityWorkspace::connect_document() {
  connect(&document_, &SelectivityDocument::state_changed, this, &SelectivityWorkspace::show_state);
  connect(&document_, &SelectivityDocument::frame_changed, this, &SelectivityWorkspace::show_frame);
  connect(&document_, &SelectivityDocument::fresh_changed, controls_, &SelectivityControls::show_fresh);
  connect(&document_, &SelectivityDocument::choices_changed, this, &SelectivityWorkspace::show_choices);
  connect(&document_, &SelectivityDocument::settled_changed, this, &Workspace::settled_changed);
  connect(&document_, &SelectivityDocument::opened, this, [this] {
    opening_ = false;
    Q_EMIT opened();
  });
  connect(&document_, &SelectivityDocument::failed, this, [this](const QString& sentence) {
    opening_ = false;
    say_error(sentence);
    Q_EMIT failed(sentence);
  });
}

void SelectivityWorkspace::connect_pages() {
  connect(pages_, &SegmentedControl::selected, this, [this](int index) { show_page(static_cast<Page>(index)); });
  connect(training_, &TrainingPage::failed, this, &Workspace::say_error);
  connect(training_, &TrainingPage::settled_changed, this, &Workspace::settled_changed);
  connect(training_, &TrainingPage::kept, this, [this](const QString& folder) {
    document_.find_choices();
    notice().show_message(Notice::Kind::info, tr("Kept in %1; Compare offers it now").arg(folder));
  });
  connect(theorem_, &GatedPage::result_changed, this, &SelectivityWorkspace::fit_transport);
  connect(theorem_, &GatedPage::settled_changed, this, &Workspace::settled_changed);
  connect(theorem_, &GatedPage::opened, this, &Workspace::opened);
  connect(theorem_, &GatedPage::sample_clicked, this,
          [this](qint64 sample) { transport_bar().transport().set_position(static_cast<int>(sample)); });
  connect(theorem_, &GatedPage::failed, this, [this](const QString& sentence) {
    say_error(sentence);
    Q_EMIT failed(sentence);
  });
}

void SelectivityWorkspace::show_page(Page page) {
  page_index_ = page;
  pages_->set_current(static_cast<int>(page));
  page_stack_->setCurrentIndex(static_cast<int>(page));
  inspector_stack_->setCurrentIndex(static_cast<int>(page));
  show_tools();
  if (page == Page::theorem) theorem_->enter();
  if (page == Page::compare && !document_.frame() && !opening_) show_example(0);
  fit_transport();
  Q_EMIT history_changed();
  Q_EMIT facts_changed();
  Q_EMIT settled_changed();
}

QUndoStack& SelectivityWorkspace::undo_stack() {
  if (page_index_ == Page::training) return training_->undo_stack();
  return page_index_ == Page::theorem ? theorem_->undo_stack() : document_.undo_stack();
}

// One transport for all pages; training has nothing to play.
void SelectivityWorkspace::fit_transport() {
  Transport& transport = transport_bar().transport();
  fitting_ = true;  // what moves now is not the user's doing
  transport_bar().set_base_speed(page_index_ == Page::theorem ? samples_per_second : tokens_per_second);
  if (page_index_ == Page::compare && document_.frame()) {
    transport.set_length(static_cast<int>(document_.frame()->reading->length()));
    if (!transport.playing()) transport.set_position(static_cast<int>(document_.state().cursor));
    std::vector<float> counts;
    for (const bool needed : document_.frame()->reading->rule.needed) counts.push_back(needed ? 1.0F : 0.15F);
    transport_bar().scrubber().set_values(std::move(counts));
  } else if (page_index_ == Page::theorem && theorem_->result()) {
    const std::vector<double>& gate = theorem_->result()->gate;
    transport.set_length(static_cast<int>(gate.size()));
    if (!transport.playing()) transport.set_position(static_cast<int>(theorem_->scene().cursor));
    transport_bar().scrubber().set_values({gate.begin(), gate.end()}, Scrubber::Shape::curve);
  } else {
    transport.set_length(0);
    transport_bar().scrubber().set_values({});
  }
  fitting_ = false;
}

void SelectivityWorkspace::new_sequence() {
  SelectivityScene next = document_.state();
  ++next.run.seed;
  next.run.tokens.clear();
  document_.change(next, tr("New sequence"));
}

bool SelectivityWorkspace::replace_token(qint64 place, const QString& text) {
  if (!document_.frame()) return false;
  const SelectivityReading& reading = *document_.frame()->reading;
  const std::int32_t id = token_of(reading.task, text);
  if (id < 0) {
    notice().show_message(Notice::Kind::info, tr("“%1” is no token of this task; Enter lists all of them").arg(text));
    return false;
  }
  if (place < 0 || place >= reading.length()) return false;
  SelectivityScene next = document_.state();
  if (next.run.tokens.empty()) next.run.tokens = reading.tokens;
  if (place >= std::ssize(next.run.tokens)) return false;
  next.run.tokens[static_cast<std::size_t>(place)] = id;
  document_.change(next, tr("Token %1").arg(place + 1));
  return true;
}

void SelectivityWorkspace::choose_token(qint64 place, const QPoint& screen) {
  const TaskRecipe& task = document_.frame()->reading->task;
  auto* menu = new QMenu(this);
  menu->setAttribute(Qt::WA_DeleteOnClose);
  menu->setObjectName(QStringLiteral("selectivity_token_menu"));
  for (std::int32_t id = 0; id < std::min(task.vocab, most_in_menu); ++id) {
    const QString text = token_text(task, id);
    connect(menu->addAction(text == QLatin1String("·")   ? tr("·  noise")
                            : text == QLatin1String("?") ? tr("?  question")
                                                         : text),
            &QAction::triggered, this, [this, place, text] { replace_token(place, text); });
  }
  menu->popup(screen);
}

// Both systems know the same task: choosing one of another brings the other along.
void SelectivityWorkspace::choose_model(std::size_t system, int index) {
  const std::vector<ModelChoice>& choices = document_.choices();
  if (index < 0 || index >= static_cast<int>(choices.size())) return;
  const ModelChoice& chosen = choices[static_cast<std::size_t>(index)];
  SelectivityScene next = document_.state();
  next.run.systems[system] = {chosen.model, {}};
  next.view.channels[system].reset();
  const auto same = [&](const ModelChoice& choice) {
    return choice.task.kind == chosen.task.kind && choice.task.vocab == chosen.task.vocab;
  };
  SelectivitySystem& other = next.run.systems[1 - system];
  const auto found = std::find_if(choices.begin(), choices.end(),
                                  [&](const ModelChoice& choice) { return choice.model == other.model; });
  if (found == choices.end() || !same(*found)) {
    const auto partner = std::find_if(choices.begin(), choices.end(), [&](const ModelChoice& choice) {
      return same(choice) && choice.model != chosen.model;
    });
    other = {partner == choices.end() ? chosen.model : partner->model, {}};
    next.view.channels[1 - system].reset();
    next.run.tokens.clear();
  }
  document_.change(next, tr("Choose a system"));
}

void SelectivityWorkspace::show_state() {
  quantities_->set_current(static_cast<int>(document_.state().view.quantity));
  controls_->show_state();
  show_choices();
  fit_transport();
}

void SelectivityWorkspace::show_choices() {
  const std::vector<ModelChoice>& choices = document_.choices();
  for (std::size_t i = 0; i < models_.size(); ++i) {
    QComboBox* box = models_[i];
    const QSignalBlocker quiet(box);
    if (box->count() != static_cast<int>(choices.size())) {
      box->clear();
      for (const ModelChoice& choice : choices) {
        const QString name = system_name(choice.network);
        const bool bundled = choice.model.rfind("bundled:", 0) == 0;
        const QString folder = QFileInfo(QString::fromStdString(choice.model)).fileName();
        QString text = choice.task.kind == "selective-copying"
                           ? name
                           : tr("%1, %2").arg(name, task_name(choice.task.kind).toLower());
        text += bundled ? tr(" · %L1 tokens").arg(choice.task.length) : tr(" · %1").arg(folder);
        box->addItem(text);
        box->setItemData(box->count() - 1, QString::fromStdString(choice.model), Qt::ToolTipRole);
      }
    }
    const auto found = std::find_if(choices.begin(), choices.end(), [&](const ModelChoice& choice) {
      return choice.model == document_.state().run.systems[i].model;
    });
    box->setCurrentIndex(found == choices.end() ? -1 : static_cast<int>(found - choices.begin()));
    box->setPlaceholderText(QFileInfo(QString::fromStdString(document_.state().run.systems[i].model)).fileName());
  }
}

void SelectivityWorkspace::show_frame() {
  const SelectivityFrame& frame = *document_.frame();
  page_->show();
  if (shown_ != frame.reading) {
    shown_ = frame.reading;
    input_->set_data(input_picture(*shown_));
    if (page_index_ == Page::compare) fit_transport();
    Q_EMIT facts_changed();
  }
  input_->set_cursor(frame.cursor);
  for (std::size_t i = 0; i < strips_.size(); ++i) {
    strips_[i]->set_data(system_picture(frame, i));
    strips_[i]->set_cursor(frame.cursor);
    maps_[i]->set_message(no_states_sentence(frame.reading->systems[i].recipe.network));
    maps_[i]->set_data(quantity_picture(frame, i));
    maps_[i]->set_cursor_column(frame.cursor);
  }
  explanation_->setText(selectivity_sentence(frame));
  controls_->show_frame();
}

}  // namespace statescope
