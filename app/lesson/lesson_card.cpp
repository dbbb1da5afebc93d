// SPDX-License-Identifier: GPL-3.0-or-later
#include "lesson/lesson_card.h"

#include <QPainter>
#include <QPainterPath>
#include <QTextLayout>
#include <cmath>
#include <utility>

#include "widgets/theme.h"

namespace statescope {
namespace {

constexpr int text_height = 131;             // below the picture
constexpr int outcome_lines = 3;             // at most
constexpr double picture_ratio = 10 / 16.0;  // of its height to its width

// On a few lines; what does not fit is elided.
void draw_on_lines(QPainter& painter, const QRectF& box, const QString& text, int lines) {
  QTextLayout layout(text, painter.font());
  layout.beginLayout();
  QRectF place(box.left(), box.top(), box.width(), box.height() / lines);
  for (int i = 1; i <= lines; ++i, place.translate(0, place.height())) {
    QTextLine line = layout.createLine();
    if (!line.isValid()) break;
    line.setLineWidth(box.width());
    const QString words = i < lines ? text.mid(line.textStart(), line.textLength()) : text.mid(line.textStart());
    painter.drawText(
        place, Qt::AlignLeft | Qt::AlignVCenter,
        painter.fontMetrics().elidedText(words.trimmed(), Qt::ElideRight, static_cast<int>(std::ceil(place.width()))));
  }
  layout.endLayout();
}

}  // namespace

LessonCard::LessonCard(Facts facts, QWidget* parent) : QAbstractButton(parent), facts_(std::move(facts)) {
  setObjectName(QStringLiteral("lesson_card_%1").arg(facts_.number));
  setAccessibleName(tr("Lesson %1: %2, %3 minutes").arg(facts_.number).arg(facts_.title).arg(facts_.minutes));
  setAccessibleDescription(facts_.problem.isEmpty() ? facts_.outcome : facts_.problem);
  setToolTip(facts_.problem.isEmpty() ? tr("Afterwards you can %1").arg(facts_.outcome) : facts_.problem);
  setCursor(Qt::PointingHandCursor);
  setFocusPolicy(Qt::StrongFocus);
  setAttribute(Qt::WA_Hover);
  QSizePolicy policy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  policy.setHeightForWidth(true);
  setSizePolicy(policy);
  load_picture();
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, [this] {
    load_picture();
    updateGeometry();
    update();
  });
}

void LessonCard::load_picture() {
  const QString name = theme().dark() ? QStringLiteral("/thumbnail.png") : QStringLiteral("/thumbnail-light.png");
  picture_ = QPixmap(facts_.folder + name);
}

void LessonCard::set_done(int done) {
  facts_.done = done;
  update();
}

QSize LessonCard::sizeHint() const {
  return {scaled(260), heightForWidth(scaled(260))};
}

int LessonCard::heightForWidth(int width) const {
  return static_cast<int>(width * picture_ratio) + scaled(text_height);
}

void LessonCard::paintEvent(QPaintEvent*) {
  const Theme& t = theme();
  QPainter painter(this);
  painter.setRenderHints(QPainter::Antialiasing | QPainter::SmoothPixmapTransform);
  const QRectF box = QRectF(rect()).adjusted(1, 1, -1, -1);
  QPainterPath outline;
  outline.addRoundedRect(box, scaled(10), scaled(10));
  painter.fillPath(outline, underMouse() ? t.raised : t.surface);
  painter.save();
  painter.setClipPath(outline);
  const QRectF picture(box.left(), box.top(), box.width(), height() - scaled(text_height));
  painter.fillRect(picture, t.background);
  painter.setClipRect(picture, Qt::IntersectClip);
  if (!picture_.isNull()) {
    // The whole of it, filled: what is over at a side is cut.
    const QSizeF fitted = QSizeF(picture_.size()).scaled(picture.size(), Qt::KeepAspectRatioByExpanding);
    const QRectF target(picture.center() - QPointF(fitted.width(), fitted.height()) / 2, fitted);
    painter.drawPixmap(target, picture_, QRectF(picture_.rect()));
  }
  painter.restore();
  painter.setPen(QPen(hasFocus() ? t.accent : t.hairline, hasFocus() ? 2 : 1));
  painter.drawPath(outline);
  painter.setPen(QPen(t.hairline, 1));
  painter.drawLine(picture.bottomLeft(), picture.bottomRight());

  const double edge = scaled(14);
  QRectF text(box.left() + edge, picture.bottom() + scaled(10), box.width() - 2 * edge, scaled(18));
  painter.setFont(statescope::font(TextRole::caption));
  painter.setPen(t.muted);
  const QString caption = tr("%1 · %2 · %3 min").arg(facts_.number).arg(facts_.level).arg(facts_.minutes);
  painter.drawText(text, Qt::AlignLeft | Qt::AlignVCenter, caption);
  if (facts_.done > 0 && facts_.done >= facts_.steps) {
    painter.setPen(t.symbol(Symbol::B));
    painter.drawText(text, Qt::AlignRight | Qt::AlignVCenter, tr("done"));
  }
  text = QRectF(text.left(), text.bottom() + scaled(3), text.width(), scaled(20));
  painter.setFont(statescope::font(TextRole::strong));
  painter.setPen(t.text);
  painter.drawText(text, Qt::AlignLeft | Qt::AlignVCenter,
                   painter.fontMetrics().elidedText(facts_.title, Qt::ElideRight, static_cast<int>(text.width())));
  text = QRectF(text.left(), text.bottom() + scaled(3), text.width(), scaled(17 * outcome_lines));
  painter.setFont(statescope::font(TextRole::caption));
  painter.setPen(facts_.problem.isEmpty() ? t.muted : t.danger);
  const QString line = facts_.problem.isEmpty() ? facts_.outcome : tr("cannot be played: see the tip");
  draw_on_lines(painter, text, line, outcome_lines);
  const double share = facts_.steps > 0 ? std::min(1.0, facts_.done / static_cast<double>(facts_.steps)) : 0;
  if (share > 0 && share < 1) {
    const QRectF bar(text.left(), box.bottom() - scaled(14), text.width(), scaled(3));
    painter.setPen(Qt::NoPen);
    painter.setBrush(t.hairline);
    painter.drawRoundedRect(bar, 1.5, 1.5);
    painter.setBrush(t.accent);
    painter.drawRoundedRect(QRectF(bar.left(), bar.top(), bar.width() * share, bar.height()), 1.5, 1.5);
  }
}

}  // namespace statescope
