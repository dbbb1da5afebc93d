// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/markdown_text.h"

#include <QAbstractTextDocumentLayout>
#include <QPainter>
#include <cmath>

#include "widgets/formula.h"

namespace statescope {

MarkdownText::MarkdownText(QWidget* parent) : QWidget(parent) {
  QSizePolicy policy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  policy.setHeightForWidth(true);
  setSizePolicy(policy);
  document_.setDocumentMargin(0);
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, &MarkdownText::fill);
}

void MarkdownText::set_text(const QString& markdown) {
  markdown_ = markdown;
  fill();
}

void MarkdownText::set_strong(bool strong) {
  strong_ = strong;
  fill();
}

void MarkdownText::set_highlight(std::optional<Symbol> symbol) {
  formula_object(document_).set_highlighted(symbol);
  update();
}

void MarkdownText::fill() {
  document_.setDefaultFont(statescope::font(strong_ ? TextRole::strong : TextRole::body));
  set_lesson_text(document_, markdown_);
  setAccessibleName(accessible_text(document_));
  updateGeometry();
  update();
}

QSize MarkdownText::sizeHint() const {
  const int width = scaled(320);
  return {width, heightForWidth(width)};
}

int MarkdownText::heightForWidth(int width) const {
  document_.setTextWidth(width);
  return static_cast<int>(std::ceil(document_.size().height()));
}

void MarkdownText::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  document_.setTextWidth(width());
  QAbstractTextDocumentLayout::PaintContext context;
  context.palette.setColor(QPalette::Text, theme().text);
  document_.documentLayout()->draw(&painter, context);
}

}  // namespace statescope
