// SPDX-License-Identifier: GPL-3.0-or-later
#include <QAbstractTextDocumentLayout>
#include <QFontInfo>
#include <QFontMetricsF>
#include <QPainter>
#include <QRegularExpression>
#include <QTextBlock>
#include <QTextCursor>
#include <QTextDocument>
#include <QTextLayout>
#include <QTextList>
#include <algorithm>

#include "engine/error.h"
#include "formula_glyphs.h"
#include "widgets/formula.h"

Q_DECLARE_METATYPE(std::shared_ptr<const statescope::FormulaLayout>)

namespace statescope {
namespace {

constexpr int formula_type = QTextFormat::UserObject + 1;
enum Property { layout_property = QTextFormat::UserProperty + 1, display_property, tail_property, font_property };

std::shared_ptr<const FormulaLayout> layout_of(const QTextFormat& format) {
  return format.property(layout_property).value<std::shared_ptr<const FormulaLayout>>();
}

// A formula whose small letters are as high as those of the text.
double formula_pixels(const QFont& text) {
  const QFontMetricsF metrics(text);
  const double pixels = QFontInfo(text).pixelSize();
  const double ratio = metrics.xHeight() / (pixels * formula_metrics().x_height);
  return pixels * std::clamp(ratio, 1.0, 1.2);
}

// The font of the text around the formula.
QFont text_font(const QTextFormat& format) {
  return format.property(font_property).value<QFont>();
}

// What follows a formula without a space, such as a comma, is drawn with it: a text document breaks lines after
// objects.
double tail_width(const QTextFormat& format) {
  return QFontMetricsF(text_font(format)).horizontalAdvance(format.stringProperty(tail_property));
}

// A text document places an object on the baseline without anything below it, or with its middle at a quarter of the
// height of the small letters of its own font above the baseline. This is twice that height.
double middle_shift(const QTextFormat& format) {
  return QFontMetrics(format.toCharFormat().font()).xHeight() / 2.0;
}

// The object's font says where its middle is and nothing else, so it is one with suitable small letters.
void place_middle(QTextCharFormat& format, const FormulaLayout& layout) {
  const double above = layout.baseline(), below = layout.size().height() - above;
  QFont font = text_font(format);
  font.setPixelSize(100);
  const double pixels = 100 * 2 * (above - below) / QFontMetricsF(font).xHeight();
  font.setPixelSize(std::clamp(qRound(pixels), 1, 1000));
  format.setFont(font);
  format.setVerticalAlignment(QTextCharFormat::AlignMiddle);
}

// 1, or less where the formula is wider than its paragraph.
double fitting_scale(const FormulaLayout& layout, const QTextDocument& document, int position) {
  const QTextBlock block = document.findBlock(position);
  const QTextBlockFormat format = block.blockFormat();
  const int indent = format.indent() + (block.textList() ? block.textList()->format().indent() : 0);
  const double room = document.textWidth() - 2 * document.documentMargin() - format.leftMargin() -
                      format.rightMargin() - indent * document.indentWidth();
  const double width = layout.size().width();
  return document.textWidth() <= 0 || width <= room ? 1 : std::max(0.3, room / width);
}

}  // namespace

QSizeF FormulaTextObject::intrinsicSize(QTextDocument* document, int position, const QTextFormat& format) {
  const auto layout = layout_of(format);
  if (!layout) return {};
  QSizeF size = layout->size() * fitting_scale(*layout, *document, position);
  if (format.boolProperty(display_property)) return size;
  size.rwidth() += tail_width(format);
  const double above = layout->baseline() * size.height() / std::max(1e-9, layout->size().height());
  if (format.toCharFormat().verticalAlignment() != QTextCharFormat::AlignMiddle) {
    const QFontMetricsF text(text_font(format));
    return {size.width(), std::max(text.ascent(), above - text.height() / 8)};
  }
  const double shift = middle_shift(format);
  return {size.width(), std::max(2 * above - shift, 2 * (size.height() - above) + shift)};
}

void FormulaTextObject::drawObject(QPainter* painter, const QRectF& area, QTextDocument* document, int position,
                                   const QTextFormat& format) {
  const auto layout = layout_of(format);
  if (!layout) return;
  const double scale = fitting_scale(*layout, *document, position);
  double baseline = area.bottom();
  if (format.boolProperty(display_property)) {
    baseline = area.top() + layout->baseline() * scale;
  } else if (format.toCharFormat().verticalAlignment() == QTextCharFormat::AlignMiddle) {
    // Drawn in the middle of its line, which other objects may have made higher.
    const QTextBlock block = document->findBlock(position);
    const QTextLine line = block.layout()->lineForTextPosition(position - block.position());
    const double line_height = line.ascent() + line.descent() + std::max(0.0, line.leading());
    baseline = area.top() - (line_height - area.height()) / 2 + line.ascent();
  }
  painter->save();
  painter->translate(area.left(), baseline);
  painter->scale(scale, scale);
  layout->draw(*painter, {0, -layout->baseline()}, highlighted_);
  painter->restore();
  if (const QString tail = format.stringProperty(tail_property); !tail.isEmpty()) {
    painter->save();
    painter->setFont(text_font(format));
    painter->setPen(theme().text);
    painter->drawText(QPointF(area.left() + layout->size().width() * scale, baseline), tail);
    painter->restore();
  }
}

FormulaTextObject& formula_object(QTextDocument& document) {
  auto* object = document.findChild<FormulaTextObject*>(QString(), Qt::FindDirectChildrenOnly);
  if (!object) object = new FormulaTextObject(&document);
  document.documentLayout()->registerHandler(formula_type, object);
  return *object;
}

void insert_formula(QTextCursor& cursor, const Formula& formula, bool display, const QString& tail) {
  formula_object(*cursor.document());
  const QTextCharFormat around = cursor.charFormat();
  const double pixels = formula_pixels(around.font());
  const FormulaStyle style = display ? FormulaStyle::display : FormulaStyle::in_line;
  const auto layout = std::make_shared<const FormulaLayout>(formula, pixels, style);
  QTextCharFormat format = around;
  format.setObjectType(formula_type);
  format.setProperty(layout_property, QVariant::fromValue(layout));
  format.setProperty(display_property, display);
  format.setProperty(tail_property, tail);
  format.setProperty(font_property, around.font());
  format.setProperty(QTextFormat::ImageAltText, QString::fromStdString(spoken(formula)));
  // An index that hangs a little below the text's own letters stays in the space between lines, so lines keep their
  // distance.
  const bool hangs = layout->size().height() - layout->baseline() > QFontMetricsF(around.font()).descent() + pixels / 7;
  format.setVerticalAlignment(QTextCharFormat::AlignNormal);
  if (!display && hangs) place_middle(format, *layout);

  QTextBlockFormat after = cursor.blockFormat();
  if (const QTextList* list = cursor.currentList()) {  // a formula in an item is no item
    after.setObjectIndex(-1);
    after.setIndent(list->format().indent());
  }
  if (display) {
    QTextBlockFormat own = after;
    own.setAlignment(Qt::AlignHCenter);
    own.setTopMargin(pixels / 2);
    own.setBottomMargin(pixels / 2);
    if (!cursor.atBlockStart()) {
      cursor.insertBlock(own, around);
    } else if (!cursor.currentList()) {
      cursor.setBlockFormat(own);
    }
  }
  cursor.insertText(QString(QChar::ObjectReplacementCharacter), format);
  if (display && !cursor.atBlockEnd()) {
    cursor.insertBlock(after, around);
  } else {
    cursor.setCharFormat(around);
  }
}

namespace {

bool is_code(const QTextBlockFormat& format) {
  return format.hasProperty(QTextFormat::BlockCodeLanguage) || format.hasProperty(QTextFormat::BlockCodeFence);
}

void remove_spaces_around(QTextCursor& cursor) {
  const auto is_space = [&](qsizetype at) {
    const QString text = cursor.block().text();
    return at >= 0 && at < text.size() && text[at].isSpace();
  };
  while (is_space(cursor.positionInBlock() - 1)) cursor.deletePreviousChar();
  while (is_space(cursor.positionInBlock())) cursor.deleteChar();
}

// Takes away what follows the cursor without a space and belongs to the line of the formula before it.
QString taken_tail(QTextCursor cursor, const QTextCharFormat& format) {
  static const QRegularExpression closing(QStringLiteral("^(?:[.,;:!?)\\]”’…]+|’s\\b|-?th\\b)+"));
  const QString tail = closing.match(cursor.block().text().mid(cursor.positionInBlock())).captured();
  if (tail.isEmpty()) return {};
  cursor.movePosition(QTextCursor::NextCharacter, QTextCursor::KeepAnchor, static_cast<int>(tail.size()));
  if (cursor.charFormat().font() != format.font()) return {};
  cursor.removeSelectedText();
  return tail;
}

// Room between paragraphs and between lines, in which scripts may hang.
void space_blocks(QTextDocument& document) {
  const double pixels = QFontInfo(document.defaultFont()).pixelSize();
  document.setIndentWidth(1.5 * pixels);
  for (QTextBlock block = document.begin(); block.isValid(); block = block.next()) {
    QTextBlockFormat format = block.blockFormat();
    if (is_code(format)) {
      if (is_code(block.next().blockFormat())) continue;
      format.setBottomMargin(pixels * 0.7);  // of the last line
      QTextCursor(block).setBlockFormat(format);
      continue;
    }
    const bool heading = format.headingLevel() > 0;
    const bool first = block == document.begin();
    const bool item = block.textList() && block.next().textList();  // another follows
    format.setTopMargin(heading && !first ? pixels : 0);
    format.setBottomMargin(pixels * (heading ? 0.4 : item ? 0.15 : 0.7));
    format.setLineHeight(pixels * 0.28, QTextBlockFormat::LineDistanceHeight);
    QTextCursor(block).setBlockFormat(format);
  }
}

}  // namespace

void set_lesson_text(QTextDocument& document, const QString& markdown) {
  // Each formula goes through the Markdown reader as its number between two characters for private use.
  const QChar open(0xE000), close(0xE001);
  static const QRegularExpression percent(QStringLiteral("(?<=\\d) %"));  // no line ends in a number without its sign
  const auto text_of = [&](std::string_view part) {
    QString text = QString::fromUtf8(part.data(), static_cast<qsizetype>(part.size()));
    text.replace(percent, QStringLiteral("\u00A0%"));
    return text.replace(open, QChar::ReplacementCharacter).replace(close, QChar::ReplacementCharacter);
  };
  const std::string source = markdown.toStdString();
  const auto formulas = find_formulas(source);
  QString numbered;
  std::size_t after = 0;
  for (std::size_t i = 0; i < formulas.size(); ++i) {
    numbered += text_of(std::string_view(source).substr(after, formulas[i].begin - after));
    numbered += open + QString::number(i) + close;
    after = formulas[i].end;
  }
  numbered += text_of(std::string_view(source).substr(after));
  QTextDocument::MarkdownFeatures features = QTextDocument::MarkdownDialectCommonMark;
  features |= QTextDocument::MarkdownNoHTML;
  document.setMarkdown(numbered, features);

  const QRegularExpression number(open + QStringLiteral("(\\d+)") + close);
  QTextCursor(&document).beginEditBlock();
  space_blocks(document);
  for (QTextCursor cursor = document.find(number, 0); !cursor.isNull(); cursor = document.find(number, cursor)) {
    const QString digits = cursor.selectedText().mid(1).chopped(1);
    const EmbeddedFormula& formula = formulas.at(digits.toULongLong());
    QTextCharFormat format = cursor.charFormat();
    const bool in_code = format.fontFixedPitch() || is_code(cursor.blockFormat());
    cursor.removeSelectedText();
    const QString written = text_of(std::string_view(source).substr(formula.begin, formula.end - formula.begin));
    if (in_code) {
      cursor.insertText(written, format);
      continue;
    }
    try {
      const Formula parsed = parse_formula(formula.tex);
      if (formula.display) remove_spaces_around(cursor);
      insert_formula(cursor, parsed, formula.display, formula.display ? QString() : taken_tail(cursor, format));
    } catch (const Error&) {
      format.setForeground(theme().danger);
      cursor.insertText(written, format);
    }
  }
  QTextCursor(&document).endEditBlock();
}

QString accessible_text(const QTextDocument& document) {
  QString text;
  for (QTextBlock block = document.begin(); block.isValid(); block = block.next()) {
    if (block != document.begin()) text += QLatin1Char('\n');
    for (auto part = block.begin(); !part.atEnd(); ++part) {
      const QTextFragment fragment = part.fragment();
      const QTextCharFormat format = fragment.charFormat();
      const bool formula = format.objectType() == formula_type;
      if (!formula) text += fragment.text();
      for (int i = 0; formula && i < fragment.length(); ++i)
        text += format.stringProperty(QTextFormat::ImageAltText) + format.stringProperty(tail_property);
    }
  }
  return text;
}

}  // namespace statescope
