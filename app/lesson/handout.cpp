// SPDX-License-Identifier: GPL-3.0-or-later
#include "lesson/handout.h"

#include <QAbstractTextDocumentLayout>
#include <QBuffer>
#include <QPageSize>
#include <QPainter>
#include <QPdfWriter>
#include <QTextDocument>
#include <algorithm>
#include <optional>
#include <tuple>
#include <vector>

#include "engine/error.h"
#include "engine/io/file.h"
#include "engine/lesson/question.h"
#include "lesson/lesson_render.h"
#include "lesson/lesson_stage.h"
#include "lesson/reply_words.h"
#include "picture.h"
#include "widgets/format.h"
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
  /// Axes to draw a curve into, or with the right one.
  void axes(const LessonQuestion& question, std::pair<int, double> extent, const std::vector<double>& values = {}) {
    constexpr double tall = 110, left = 48;
    make_room(tall + 30);
    const auto [samples, step] = extent;
    painter_.save();
    painter_.scale(text_zoom, text_zoom);
    painter_.translate(0, at_);
    painter_.setFont(font(TextRole::caption));
    const QRectF box(left, 6, width() * 0.7, tall);
    const auto height_of = [&](double value) {
      return box.bottom() -
             std::clamp((value - question.from) / (question.to - question.from), 0.0, 1.0) * box.height();
    };
    painter_.setPen(QPen(theme().hairline, 1));
    for (int i = 1; i < 4; ++i) {
      painter_.drawLine(QPointF(box.left(), box.top() + i * tall / 4), QPointF(box.right(), box.top() + i * tall / 4));
      const double x = box.left() + i * box.width() / 4;
      painter_.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()));
    }
    painter_.setPen(QPen(theme().muted, 1));
    painter_.drawRect(box);
    if (question.from < 0 && question.to > 0)
      painter_.drawLine(QPointF(box.left(), height_of(0)), QPointF(box.right(), height_of(0)));
    for (const double value : {question.from, question.to})
      painter_.drawText(QRectF(0, height_of(value) - 8, left - 6, 16), Qt::AlignRight | Qt::AlignVCenter,
                        format_tick(value, 3));
    const double last = (samples - 1) * (step > 0 ? step : 1);
    painter_.drawText(QRectF(box.left(), box.bottom() + 3, 60, 16), Qt::AlignLeft, QStringLiteral("0"));
    painter_.drawText(QRectF(box.right() - 160, box.bottom() + 3, 160, 16), Qt::AlignRight,
                      step > 0 ? QStringLiteral("t = %1 s").arg(format_tick(last, 4))
                               : QStringLiteral("sample %1").arg(format_tick(last, 6)));
    if (!values.empty()) {
      QPolygonF curve;
      for (std::size_t i = 0; i < values.size(); ++i)
        curve << QPointF(box.left() + box.width() * static_cast<double>(i) / static_cast<double>(values.size() - 1),
                         height_of(values[i]));
      painter_.setPen(QPen(theme().symbol(Symbol::y), 1.5));
      painter_.drawPolyline(curve);
    }
    painter_.restore();
    at_ += tall + 34;
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

// A line of the answer sheet, and the reason below it.
struct Answer {
  QString words, why;
  std::optional<std::tuple<LessonQuestion, std::pair<int, double>, std::vector<double>>> curve;
};

QString from(const std::string& text) {
  return QString::fromStdString(text);
}

}  // namespace

void write_handout(LessonStage& stage, const LessonRenderOptions& options, const std::filesystem::path& assets) {
  const QString& path = options.out;
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
  std::vector<Answer> answers;
  {
    Paper paper(writer);
    paper.text(from(lesson.title), TextRole::title, 4);
    paper.text(QStringLiteral("%1 · %2 min · name: ______________________").arg(from(lesson.level)).arg(lesson.minutes),
               TextRole::caption, 12);
    QString outcomes = QStringLiteral("Afterwards you can\n");
    for (const std::string& outcome : lesson.outcomes) outcomes += QStringLiteral("\n- ") + from(outcome);
    paper.text(outcomes, TextRole::body, 6);
    if (!lesson.prerequisites.empty() && lesson.prerequisites != "none")
      paper.text(QStringLiteral("Before: ") + from(lesson.prerequisites), TextRole::body, 6);
    paper.gap(8);
    int number = 0;
    for (std::size_t i = 0; i < lesson.steps.size(); ++i) {
      stage.show(static_cast<int>(i), lesson.steps[i].duration());
      const LessonStep& step = stage.player().words();
      if (options.progress) options.progress(static_cast<int>(i) + 1, static_cast<int>(lesson.steps.size()));
      const QImage image = image_of(stage.parts(), 2);
      paper.make_room(paper.width() * image.height() / image.width() + 120);
      paper.text(QStringLiteral("%1  %2").arg(i + 1).arg(from(step.title)), TextRole::strong, 6);
      paper.picture(image);
      if (!step.prose.empty()) paper.text(from(step.prose));
      if (!step.question) continue;
      const LessonQuestion& question = *step.question;
      ++number;
      paper.make_room(170);  // with the room to answer it
      paper.text(QStringLiteral("**%1.** %2").arg(number).arg(from(question.ask)));
      QString choice;
      for (const LessonOption& option : question.options)
        choice += QStringLiteral("☐ ") + from(option.text) + QStringLiteral("\n\n");
      const bool curve = question.kind == LessonQuestion::Kind::curve;
      if (curve)
        paper.axes(question, stage.guide().extent());
      else
        choice.isEmpty() ? paper.lines(answer_lines) : paper.text(choice);
      const LessonTruth truth = truth_of(question, stage.player().scene(), lesson.folder, assets);
      const auto place = [&stage](int at) { return stage.guide().place_name(at); };
      Answer& answer = answers.emplace_back();
      answer.words = QStringLiteral("**%1.** %2").arg(number).arg(truth_words(question, truth, place));
      answer.why = from(truth.why);
      if (curve) answer.curve = {question, stage.guide().extent(), truth.values};
      paper.gap(8);
    }
    if (number > 0) {
      paper.new_page();
      paper.text(QStringLiteral("Answers"), TextRole::title, 10);
      for (const Answer& answer : answers) {
        paper.text(answer.words, TextRole::body, 2);
        if (answer.curve) std::apply([&](const auto&... of) { paper.axes(of...); }, *answer.curve);
        if (!answer.why.isEmpty()) paper.text(answer.why, TextRole::body, 12);
      }
    }
    QString sources;
    for (const std::string& source : lesson.sources) sources += QStringLiteral("- ") + from(source) + u'\n';
    if (!sources.isEmpty()) {
      paper.text(QStringLiteral("**Sources**"), TextRole::body, 4);
      paper.text(sources);
    }
  }
  write_file(path.toStdString(), {bytes.constData(), static_cast<std::size_t>(bytes.size())});
}

}  // namespace statescope
