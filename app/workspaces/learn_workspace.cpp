// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/learn_workspace.h"

#include <QFileDialog>
#include <QFormLayout>
#include <QGridLayout>
#include <QLabel>
#include <QLineEdit>
#include <QScrollArea>
#include <QVBoxLayout>
#include <algorithm>
#include <utility>

#include "engine/error.h"
#include "engine/io/file.h"
#include "lesson/lesson_card.h"
#include "widgets/button.h"
#include "widgets/notice.h"
#include "widgets/theme.h"
#include "workspaces/inspector.h"

namespace statescope {
namespace {

constexpr int patience_ms = 10000;
constexpr int card_width = 260;  // at least, at 100 % text size

}  // namespace

LearnWorkspace::LearnWorkspace(std::filesystem::path lessons)
    : Workspace(QStringLiteral("learn"), tr("Learn"), QStringLiteral("learn")),
      lessons_(std::move(lessons)),
      shelf_(*this, patience_ms, [this] { Q_EMIT settled_changed(); }) {
  build();
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, &LearnWorkspace::set_lengths);
}

void LearnWorkspace::build() {
  auto* page = new QWidget;
  page->setProperty("surface", QStringLiteral("background"));
  grid_ = new QGridLayout;
  auto* title = new QLabel(tr("Twelve lessons, from a spring to a language model"));
  title->setProperty("role", QStringLiteral("title"));
  title->setWordWrap(true);
  auto* sentence =
      new QLabel(tr("Each drives the real application: predict, look, then take hold of it yourself. Read alone, or "
                    "press F5 to project."));
  sentence->setProperty("role", QStringLiteral("muted"));
  sentence->setWordWrap(true);
  column_ = new QVBoxLayout(page);
  column_->addWidget(title);
  column_->addWidget(sentence);
  column_->addLayout(grid_);
  column_->addStretch();
  QScrollArea* scroll = make_scrolling(page);
  scroll->setObjectName(QStringLiteral("learn_shelf"));
  auto* all = new QVBoxLayout(this);
  all->setContentsMargins(0, 0, 0, 0);
  all->setSpacing(0);
  all->addWidget(&notice());
  all->addWidget(scroll, 1);

  auto* content = new QWidget;
  side_ = new QVBoxLayout(content);
  const auto heading = [this](const QString& text) {
    auto* label = new QLabel(text);
    label->setProperty("role", QStringLiteral("strong"));
    side_->addWidget(label);
  };
  const auto words = [this](const QString& text) {
    auto* label = new QLabel(text);
    label->setProperty("role", QStringLiteral("muted"));
    label->setWordWrap(true);
    side_->addWidget(label);
    return label;
  };
  heading(tr("In a class"));
  words(tr("With a class seed, every name gets numbers of its own. Leave both empty to keep the lesson's."));
  const LessonSeed whose = progress_.seed();
  seed_ = new QLineEdit(QString::fromStdString(whose.seed));
  seed_->setObjectName(QStringLiteral("learn_seed"));
  seed_->setPlaceholderText(tr("Class seed"));
  seed_->setAccessibleName(tr("Class seed"));
  name_ = new QLineEdit(QString::fromStdString(whose.name));
  name_->setObjectName(QStringLiteral("learn_name"));
  name_->setPlaceholderText(tr("Your name"));
  name_->setAccessibleName(tr("Your name"));
  for (QLineEdit* field : {seed_, name_}) {
    field->setMaxLength(80);
    side_->addWidget(field);
    connect(field, &QLineEdit::editingFinished, this, &LearnWorkspace::take_seed);
  }
  side_->addSpacing(scaled(12));
  heading(tr("Answers"));
  score_ = words({});
  score_->setObjectName(QStringLiteral("learn_score"));
  auto* save = new Button(Button::Look::raised, QStringLiteral("export"), tr("Export answers…"));
  save->setObjectName(QStringLiteral("learn_export"));
  connect(save, &QAbstractButton::clicked, this, &LearnWorkspace::export_answers);
  side_->addWidget(save);
  side_->addSpacing(scaled(12));
  heading(tr("Write your own"));
  words(
      tr("A lesson is a folder with a text file. Begin with\nstatescope-cli lesson new FOLDER\nand drop the folder on "
         "this window: it follows every save."));
  side_->addStretch();
  set_inspector(make_inspector(content, QStringLiteral("learn_inspector")));
  set_lengths();
}

// Lengths that grow with the text.
void LearnWorkspace::set_lengths() {
  column_->setContentsMargins(scaled(28), scaled(20), scaled(28), scaled(28));
  column_->setSpacing(scaled(8));
  grid_->setContentsMargins(0, scaled(12), 0, 0);
  grid_->setSpacing(scaled(20));
  side_->setContentsMargins(scaled(18), scaled(14), scaled(18), scaled(16));
  side_->setSpacing(scaled(10));
  arrange();
}

void LearnWorkspace::enter() {
  read();
}

void LearnWorkspace::read() {
  shelf_.ask(
      [lessons = lessons_](std::stop_token) {
        std::vector<std::filesystem::path> folders;
        std::error_code error;
        for (std::filesystem::directory_iterator each(lessons, error), end; !error && each != end;
             each.increment(error))
          if (std::filesystem::exists(each->path() / "lesson.md", error)) folders.push_back(each->path());
        std::sort(folders.begin(), folders.end());
        Shelf shelf;
        for (const std::filesystem::path& folder : folders) {
          Entry& entry = shelf.emplace_back();
          entry.folder = QString::fromStdString(folder.string());
          try {
            entry.lesson = std::make_shared<const Lesson>(load_lesson(folder));
          } catch (const std::exception& problem) {
            entry.problem = sentence_of(problem);
          }
        }
        return shelf;
      },
      [this](const Shelf& shelf, const QString&) { show_shelf(shelf); });
}

void LearnWorkspace::show_shelf(const Shelf& shelf) {
  for (LessonCard* card : cards_) card->deleteLater();
  cards_.clear();
  for (const Entry& entry : shelf) {
    LessonCard::Facts facts;
    facts.folder = entry.folder;
    facts.number = static_cast<int>(cards_.size()) + 1;
    facts.title = entry.lesson ? QString::fromStdString(entry.lesson->title) : entry.folder.section(u'/', -1);
    facts.problem = entry.problem;
    if (entry.lesson) {
      facts.level = QString::fromStdString(entry.lesson->level);
      facts.minutes = entry.lesson->minutes;
      facts.outcome = QString::fromStdString(entry.lesson->outcomes.front());
      facts.steps = static_cast<int>(entry.lesson->steps.size());
      facts.done = static_cast<int>(progress_.done(lesson_id(*entry.lesson)).size());
    }
    auto* card = new LessonCard(facts);
    connect(card, &QAbstractButton::clicked, this, [this, folder = entry.folder] { Q_EMIT open_requested(folder); });
    cards_.push_back(card);
  }
  columns_ = 0;
  arrange();
  const std::vector<LessonProgress::Answer> answers = progress_.answers();
  const auto right = std::count_if(answers.begin(), answers.end(), [](const auto& each) { return each.right; });
  score_->setText(answers.empty() ? tr("No question has been answered yet.")
                                  : tr("%1 of %2 answered questions are right.").arg(right).arg(answers.size()));
}

void LearnWorkspace::arrange() {
  const int room = width() - 2 * scaled(28) + scaled(20);
  const int columns = std::max(1, room / (scaled(card_width) + scaled(20)));
  // A grid in what scrolls asks nobody how high they are at their width.
  for (LessonCard* card : cards_) card->setFixedHeight(card->heightForWidth(room / columns - scaled(20)));
  if (columns == columns_) return;
  columns_ = columns;
  for (int column = 0; column < std::max(grid_->columnCount(), columns); ++column)
    grid_->setColumnStretch(column, column < columns ? 1 : 0);
  for (std::size_t i = 0; i < cards_.size(); ++i)
    grid_->addWidget(cards_[i], static_cast<int>(i) / columns, static_cast<int>(i) % columns);
}

void LearnWorkspace::resizeEvent(QResizeEvent* event) {
  Workspace::resizeEvent(event);
  arrange();
}

void LearnWorkspace::open_scene(const Scene&, const std::filesystem::path&) {
  Q_EMIT failed(tr("Learn shows lessons, not scenes."));
}

Scene LearnWorkspace::scene(const std::filesystem::path&) const {
  throw Error("a shelf of lessons is not a scene; save one from the workspace that a lesson shows");
}

WorkspaceFacts LearnWorkspace::facts() const {
  return {};
}

std::vector<WorkspaceCommand> LearnWorkspace::commands() {
  return {{tr("File"),
           QStringLiteral("export_answers"),
           tr("Export answers to lessons…"),
           {},
           [this] { export_answers(); },
           true}};
}

void LearnWorkspace::take_seed() {
  progress_.set_seed({seed_->text().trimmed().toStdString(), name_->text().trimmed().toStdString()});
}

void LearnWorkspace::export_answers() {
  const QString path =
      QFileDialog::getSaveFileName(this, tr("Export answers"), QStringLiteral("answers.csv"), tr("Tables (*.csv)"));
  if (path.isEmpty()) return;
  try {
    write_file(path.toStdString(), progress_.csv().toStdString());
    notice().show_message(Notice::Kind::info, tr("Saved %1").arg(QFileInfo(path).fileName()));
  } catch (const Error& error) {
    say_error(QString::fromUtf8(error.what()));
  }
}

}  // namespace statescope
