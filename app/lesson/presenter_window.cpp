// SPDX-License-Identifier: GPL-3.0-or-later
#include "lesson/presenter_window.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QScrollArea>
#include <QTime>
#include <QVBoxLayout>
#include <chrono>

#include "lesson/player.h"
#include "widgets/markdown_text.h"
#include "widgets/style_root.h"
#include "widgets/theme.h"
#include "workspaces/inspector.h"

namespace statescope {

PresenterWindow::PresenterWindow(LessonPlayer& player) : player_(player) {
  using namespace std::chrono_literals;
  setObjectName(QStringLiteral("presenter"));
  setWindowTitle(tr("Presenter – Statescope"));
  setProperty("surface", QStringLiteral("background"));
  setAttribute(Qt::WA_StyledBackground);
  resize(scaled(720), scaled(520));
  const auto label = [](const char* name, const char* role) {
    auto* made = new QLabel;
    made->setObjectName(QLatin1String(name));
    made->setProperty("role", QLatin1String(role));
    made->setTextFormat(Qt::PlainText);
    made->setWordWrap(true);
    return made;
  };
  place_ = label("presenter_place", "caption");
  title_ = label("presenter_title", "title");
  next_ = label("presenter_next", "muted");
  clock_ = label("presenter_clock", "title");
  elapsed_ = label("presenter_elapsed", "muted");
  for (QLabel* time : {clock_, elapsed_}) time->setAlignment(Qt::AlignRight);
  notes_ = new MarkdownText;
  notes_->setObjectName(QStringLiteral("presenter_notes"));
  auto* page = new QWidget;
  page->setProperty("surface", QStringLiteral("background"));
  auto* text = new QVBoxLayout(page);
  text->setContentsMargins(0, 0, scaled(16), 0);
  text->addWidget(notes_);
  text->addStretch();
  QScrollArea* scroll = make_scrolling(page);
  auto* times = new QVBoxLayout;
  times->addWidget(clock_);
  times->addWidget(elapsed_);
  auto* titles = new QVBoxLayout;
  titles->addWidget(place_);
  titles->addWidget(title_);
  auto* top = new QHBoxLayout;
  top->addLayout(titles, 1);
  top->addLayout(times);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(scaled(28), scaled(24), scaled(28), scaled(24));
  column->setSpacing(scaled(18));
  column->addLayout(top);
  column->addWidget(scroll, 1);
  column->addWidget(next_);
  make_style_root(*this);
  since_.start();
  timer_.setInterval(500ms);
  timer_.start();
  connect(&timer_, &QTimer::timeout, this, &PresenterWindow::show_time);
  connect(&player_, &LessonPlayer::step_changed, this, &PresenterWindow::show_step);
  show_step();
  show_time();
}

void PresenterWindow::show_step() {
  if (!player_.lesson()) return;
  const LessonStep& step = player_.words();
  place_->setText(tr("%1 · step %2 of %3")
                      .arg(QString::fromStdString(player_.lesson()->title))
                      .arg(player_.step() + 1)
                      .arg(player_.steps()));
  title_->setText(QString::fromStdString(step.title));
  notes_->set_text(step.notes.empty() ? tr("No notes for this step.") : QString::fromStdString(step.notes));
  const int next = player_.step() + 1;
  next_->setText(
      next < player_.steps()
          ? tr("Next: %1").arg(QString::fromStdString(player_.lesson()->steps[static_cast<std::size_t>(next)].title))
          : tr("This is the last step."));
}

void PresenterWindow::show_time() {
  clock_->setText(QTime::currentTime().toString(QStringLiteral("HH:mm")));
  const qint64 seconds = since_.elapsed() / 1000;
  const int planned = player_.lesson() ? player_.lesson()->minutes : 0;
  elapsed_->setText(tr("%1:%2 of %3 min").arg(seconds / 60).arg(seconds % 60, 2, 10, QLatin1Char('0')).arg(planned));
}

}  // namespace statescope
