// SPDX-License-Identifier: GPL-3.0-or-later
#include "lesson/lesson_panel.h"

#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QProgressBar>
#include <QScrollArea>
#include <QScrollBar>
#include <QTimer>
#include <QVBoxLayout>
#include <algorithm>
#include <limits>
#include <utility>

#include "lesson/player.h"
#include "lesson/step_bar.h"
#include "widgets/button.h"
#include "widgets/markdown_text.h"
#include "widgets/style_root.h"
#include "widgets/theme.h"
#include "workspaces/inspector.h"

namespace statescope {
namespace {

// A lesson names the symbols in the order of the theme's.
std::optional<Symbol> symbol_named(const std::string& name) {
  const auto found = std::find(lesson_symbols.begin(), lesson_symbols.end(), name);
  if (found == lesson_symbols.end()) return {};
  return static_cast<Symbol>(found - lesson_symbols.begin());
}

constexpr int reading_width = 400, presenting_width = 560;
constexpr int narrowest_titled = 300;  // below it the header has no room for the lesson's name
constexpr int most_percent = 40;       // of the window's width: with large text the picture needs room, too

}  // namespace

LessonPanel::LessonPanel(LessonPlayer& player) : player_(player), window_width_(std::numeric_limits<int>::max()) {
  setObjectName(QStringLiteral("lesson_panel"));
  setAccessibleName(tr("Lesson"));
  setProperty("surface", QStringLiteral("surface"));
  setAttribute(Qt::WA_StyledBackground);
  build();
  fit();
  connect(close_, &QAbstractButton::clicked, this, &LessonPanel::close_requested);
  connect(present_, &QAbstractButton::clicked, this, &LessonPanel::presentation_requested);
  connect(return_, &QAbstractButton::clicked, this, &LessonPanel::return_requested);
  connect(contents_, &QAbstractButton::clicked, this, &LessonPanel::open_contents);
  connect(export_, &QAbstractButton::clicked, this,
          [this] { export_menu_->popup(export_->mapToGlobal(QPoint(0, export_->height()))); });
  connect(cancel_, &QAbstractButton::clicked, this, &LessonPanel::export_cancelled);
  connect(steps_, &StepBar::chosen, &player_, &LessonPlayer::go_to);
  connect(back_, &QAbstractButton::clicked, &player_, &LessonPlayer::back);
  connect(next_, &QAbstractButton::clicked, this, [this] {
    if (!player_.forward()) Q_EMIT close_requested();
  });
  connect(play_, &QAbstractButton::clicked, this, [this] { player_.playing() ? player_.pause() : player_.play(); });
  connect(&player_, &LessonPlayer::playing_changed, this, &LessonPanel::show_time);
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, &LessonPanel::fit);
}

void LessonPanel::build() {
  const auto label = [](const char* name, const char* role) {
    auto* made = new QLabel;
    made->setObjectName(QLatin1String(name));
    made->setProperty("role", QLatin1String(role));
    made->setTextFormat(Qt::PlainText);
    made->setWordWrap(true);
    return made;
  };
  const auto button = [](Button::Look look, const char* name, const QString& icon, const QString& text,
                         const QString& hint, const QString& keys = {}) {
    auto* made = new Button(look, icon, text);
    made->setObjectName(QLatin1String(name));
    made->set_hint(hint, keys);
    return made;
  };
  using Look = Button::Look;
  lesson_ = label("lesson_title", "caption");
  count_ = label("lesson_count", "caption");
  title_ = label("step_title", "title");
  problem_ = label("lesson_problem", "danger");
  problem_->hide();
  contents_ = button(Look::plain, "lesson_contents", QStringLiteral("list"), {}, tr("Contents"));
  export_ = button(Look::plain, "lesson_export", QStringLiteral("export"), {}, tr("Export"));
  present_ = button(Look::plain, "lesson_present", QStringLiteral("present"), {}, tr("Present"), tr("F5"));
  close_ = button(Look::plain, "lesson_close", QStringLiteral("close"), {}, tr("Leave the lesson"));
  play_ = button(Look::round, "lesson_play", QStringLiteral("play"), {}, tr("Play this step"));
  back_ = button(Look::raised, "lesson_back", {}, tr("Back"), tr("One step back"), tr("Page up"));
  next_ = button(Look::primary, "lesson_next", {}, tr("Next"), tr("On"), tr("Page down"));
  return_ =
      button(Look::raised, "lesson_return", {}, tr("Return (Esc)"), tr("Back to what the lesson shows"), tr("Esc"));
  steps_ = new StepBar;
  prose_ = new MarkdownText;
  prose_->setObjectName(QStringLiteral("lesson_prose"));
  question_ = new QuestionCard;
  cancel_ = button(Look::raised, "lesson_export_cancel", {}, tr("Cancel"), tr("Cancel the export"));
  for (QMenu** menu : {&menu_, &export_menu_}) {
    *menu = new QMenu(this);
    make_style_root(**menu);
  }

  auto* header = new QHBoxLayout;
  header->addWidget(lesson_, 1);
  header->addStretch();
  for (Button* tool : {contents_, export_, present_, close_}) header->addWidget(tool);
  auto* page = new QWidget;
  page->setProperty("surface", QStringLiteral("surface"));
  auto* column = new QVBoxLayout(page);
  column->setContentsMargins(0, 0, scaled(12), 0);
  column->setSpacing(scaled(14));
  column->addWidget(title_);
  column->addWidget(prose_);
  column->addWidget(question_);
  column->addStretch();
  scroll_ = make_scrolling(page);
  scroll_->setObjectName(QStringLiteral("lesson_scroll"));
  scroll_->setAccessibleName(tr("The step"));

  // A line above the way on, with a button.
  const auto card = [](const char* name, QLabel* words, Button* way_out) {
    auto* made = new QWidget;
    made->setObjectName(QLatin1String(name));
    made->setProperty("surface", QStringLiteral("card"));
    made->setAttribute(Qt::WA_StyledBackground);
    auto* grid = new QGridLayout(made);
    grid->setContentsMargins(scaled(12), scaled(8), scaled(8), scaled(8));
    grid->addWidget(words, 0, 0);
    grid->addWidget(way_out, 0, 1, 2, 1);
    grid->setColumnStretch(0, 1);
    made->hide();
    return made;
  };
  auto* left_words = label("lesson_left_text", "muted");
  left_words->setText(tr("You are exploring on your own."));
  left_ = card("lesson_left", left_words, return_);
  export_words_ = label("lesson_export_text", "muted");
  exporting_ = card("lesson_exporting", export_words_, cancel_);
  export_share_ = new QProgressBar;
  export_share_->setRange(0, 1000);
  export_share_->setAccessibleName(tr("Export"));
  qobject_cast<QGridLayout*>(exporting_->layout())->addWidget(export_share_, 1, 0);

  auto* footer = new QHBoxLayout;
  footer->setSpacing(scaled(8));
  footer->addWidget(play_);
  footer->addWidget(count_, 1);
  footer->addWidget(back_);
  footer->addWidget(next_);
  auto* all = new QVBoxLayout(this);
  all->setSpacing(scaled(12));
  all->addLayout(header);
  all->addWidget(steps_);
  all->addWidget(problem_);
  all->addWidget(scroll_, 1);
  all->addWidget(exporting_);
  all->addWidget(left_);
  all->addLayout(footer);
}

void LessonPanel::fit() {
  const int edge = scaled(presenting_ ? 32 : 20);
  layout()->setContentsMargins(edge, scaled(14), scaled(presenting_ ? 20 : 8), scaled(16));
  setFixedWidth(std::min(scaled(presenting_ ? presenting_width : reading_width), window_width_ / 100 * most_percent));
  lesson_->setVisible(minimumWidth() >= scaled(narrowest_titled));
  steps_->setFixedHeight(scaled(12));
}

void LessonPanel::fit_to(int window_width) {
  if (std::exchange(window_width_, window_width) != window_width) fit();
}

void LessonPanel::show_step(const std::optional<LessonReply>& reply, const std::set<int>& done) {
  done_ = done;
  const Lesson& lesson = *player_.lesson();
  const LessonStep& step = player_.words();
  lesson_->setText(QString::fromStdString(lesson.title));
  steps_->set_steps(player_.steps(), player_.step(), done);
  count_->setText(tr("%1 of %2").arg(player_.step() + 1).arg(player_.steps()));
  title_->setText(QString::fromStdString(step.title));
  prose_->set_text(QString::fromStdString(step.prose));
  prose_->setVisible(!step.prose.empty());
  question_->setVisible(step.question.has_value());
  if (step.question) question_->show_question(*step.question, reply);
  scroll_->verticalScrollBar()->setValue(0);
  back_->setEnabled(player_.step() > 0);
  show_time();
}

void LessonPanel::show_time() {
  if (!player_.lesson()) return;
  const LessonStep& step = player_.current();
  const bool last = player_.step() + 1 == player_.steps() && player_.seconds() >= step.duration();
  play_->setVisible(step.duration() > 0 && !for_export_);
  play_->set_hint(player_.playing() ? tr("Pause this step") : tr("Play this step"));
  play_->set_icon_name(player_.playing()                      ? QStringLiteral("pause")
                       : player_.seconds() >= step.duration() ? QStringLiteral("restart")
                                                              : QStringLiteral("play"));
  next_->setText(last ? tr("Finish") : tr("Next"));
  prose_->set_highlight(symbol_named(highlight_at(step, player_.seconds())));
}

void LessonPanel::show_left(bool left) {
  left_->setVisible(left);
}

void LessonPanel::show_problem(const QString& sentence) {
  problem_->setText(sentence);
  problem_->setVisible(!sentence.isEmpty());
}

QString LessonPanel::problem() const {
  return problem_->text();
}

void LessonPanel::set_presenting(bool presenting) {
  presenting_ = presenting;
  show_tools();
  fit();
}

void LessonPanel::set_for_export(bool for_export) {
  for_export_ = for_export;
  show_tools();
}

void LessonPanel::show_tools() {
  for (Button* tool : {contents_, export_, present_, close_}) tool->setVisible(!presenting_ && !for_export_);
  for (Button* way : {back_, next_}) way->setVisible(!for_export_);
  question_->set_for_export(for_export_);
}

void LessonPanel::set_export_actions(const std::vector<QAction*>& actions) {
  for (QAction* action : actions) export_menu_->addAction(action);
}

void LessonPanel::show_export(const QString& sentence, double share) {
  export_words_->setText(sentence);
  export_share_->setValue(static_cast<int>(1000 * share));
  exporting_->setVisible(!sentence.isEmpty());
}

void LessonPanel::show_answer() {
  // After the layout has made room for it.
  QTimer::singleShot(0, this,
                     [this] { scroll_->verticalScrollBar()->setValue(scroll_->verticalScrollBar()->maximum()); });
}

void LessonPanel::open_contents() {
  menu_->clear();
  for (int i = 0; i < player_.steps(); ++i) {
    const QString title = QString::fromStdString(player_.lesson()->steps[static_cast<std::size_t>(i)].title);
    QAction* action = menu_->addAction(tr("%1  %2").arg(i + 1).arg(title));
    action->setCheckable(true);
    action->setChecked(done_.contains(i));
    connect(action, &QAction::triggered, &player_, [this, i] { player_.go_to(i); });
  }
  menu_->popup(contents_->mapToGlobal(QPoint(0, contents_->height())));
}

}  // namespace statescope
