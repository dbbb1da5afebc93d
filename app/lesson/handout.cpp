// SPDX-License-Identifier: GPL-3.0-or-later
#include "lesson/handout.h"

#include <QAbstractTextDocumentLayout>
#include <QBuffer>
#include <QPageSize>
#include <QPainter>
#include <QPdfWriter>
#include <QTextDocument>

#include "engine/error.h"
#include "engine/io/file.h"
#include "engine/lesson/question.h"
#include "lesson/lesson_stage.h"
#include "lesson/reply_words.h"
#include "picture.h"
#include "widgets/formula.h"
#include "widgets/theme.h"

namespace statescope {
namespace {

constexpr int dots_per_inch = 192;
constexpr double text_zoom = 2.0;  // of 96 dots an inch, for which the type scale is made
constexpr double answer_lines = 3;

// Writes down a page, and begins another when it is full.
class Paper {
 public:
  explicit Paper(QPdfWriter& writer) : painter_(&writer), writer_(writer) {}

  double width() const { return writer_.width() / text_zoom; }
  double height() const { return writer_.height() / text_zoom; }

  void text(const QString& markdown, TextRole role = TextRole::body, double gap = 8) {
    QTextDocument document;
    document.setDocumentMargin(0);
    document.setDefaultFont(font(role));
    set_lesson_text(document, markdown);
    document.setTextWidth(width());
    const double needed = document.size().height();
    make_room(std::min(needed, height()));
    painter_.save();
    painter_.scale(text_zoom, text_zoom);
    painter_.translate(0, at_);
    QAbstractTextDocumentLayout::PaintContext context;
    context.palette.setColor(QPalette::Text, theme().text);
    document.documentLayout()->draw(&painter_, context);
    painter_.restore();
    at_ += needed + gap;
  }
  void picture(const QImage& image) {
    const double tall = width() * image.height() / image.width();
    make_room(tall);
    painter_.drawImage(QRectF(0, at_ * text_zoom, width() * text_zoom, tall * text_zoom), image);
    at_ += tall + 10;
  }
  void lines(double count) {
    make_room(count * 24);
    painter_.setPen(QPen(theme().muted, 1));
    for (int i = 1; i <= static_cast<int>(count); ++i) {
      const double y = (at_ + i * 24) * text_zoom;
      painter_.drawLine(QPointF(0, y), QPointF(width() * text_zoom, y));
    }
    at_ += count * 24 + 12;
  }
  void gap(double height) { at_ += height; }
  void new_page() {
    writer_.newPage();
    at_ = 0;
  }
  /// What follows stands on one page.
  void make_room(double needed) {
    if (at_ > 0 && at_ + needed > height()) new_page();
  }

 private:
  QPainter painter_;
  QPdfWriter& writer_;
  double at_ = 0;  // in logical pixels
};

QString from(const std::string& text) {
  return QString::fromStdString(text);
}

}  // namespace

void write_handout(LessonStage& stage, const QString& path, const std::filesystem::path& assets) {
  if (!path.endsWith(QLatin1String(".pdf"), Qt::CaseInsensitive))
    throw Error(path.toStdString() + ": a handout is a .pdf file");
  QByteArray bytes;
  QBuffer buffer(&bytes);
  buffer.open(QIODevice::WriteOnly);
  QPdfWriter writer(&buffer);
  writer.setResolution(dots_per_inch);
  writer.setPageSize(QPageSize(QPageSize::A4));
  writer.setPageMargins(QMarginsF(18, 16, 18, 16), QPageLayout::Millimeter);
  const Lesson& lesson = stage.lesson();
  writer.setTitle(from(lesson.title));
  QString answers;
  {
    Paper paper(writer);
    paper.text(from(lesson.title), TextRole::title, 4);
    paper.text(QStringLiteral("%1 · %2 min · name: ______________________").arg(from(lesson.level)).arg(lesson.minutes),
               TextRole::caption, 12);
    QString outcomes = QStringLiteral("Afterwards you can\n");
    for (const std::string& outcome : lesson.outcomes) outcomes += QStringLiteral("\n- ") + from(outcome);
    paper.text(outcomes, TextRole::body, 14);
    int number = 0;
    for (std::size_t i = 0; i < lesson.steps.size(); ++i) {
      const LessonStep& step = lesson.steps[i];
      stage.show(static_cast<int>(i), step.duration());
      const QImage image = image_of(stage.parts(), 2);
      paper.make_room(paper.width() * image.height() / image.width() + 120);
      paper.text(QStringLiteral("%1  %2").arg(i + 1).arg(from(step.title)), TextRole::strong, 6);
      paper.picture(image);
      if (!step.prose.empty()) paper.text(from(step.prose));
      if (!step.question) continue;
      const LessonQuestion& question = *step.question;
      ++number;
      paper.text(QStringLiteral("**%1.** %2").arg(number).arg(from(question.ask)));
      QString options;
      for (const LessonOption& option : question.options)
        options += QStringLiteral("☐ ") + from(option.text) + QStringLiteral("\n\n");
      options.isEmpty() ? paper.lines(answer_lines) : paper.text(options);
      const LessonTruth truth = truth_of(question, scene_at(step, step.duration()), lesson.folder, assets);
      answers += QStringLiteral("**%1.** %2 %3\n\n").arg(number).arg(truth_words(question, truth), from(question.why));
      paper.gap(8);
    }
    if (number > 0) {
      paper.new_page();
      paper.text(QStringLiteral("Answers"), TextRole::title, 10);
      paper.text(answers);
    }
  }
  write_file(path.toStdString(), {bytes.constData(), static_cast<std::size_t>(bytes.size())});
}

}  // namespace statescope
