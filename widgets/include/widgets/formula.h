// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QPointF>
#include <QSizeF>
#include <QString>
#include <QTextObjectInterface>
#include <memory>
#include <optional>

#include "engine/lesson/formula.h"
#include "widgets/theme.h"

class QPainter;
class QTextCursor;

namespace statescope {

/// Whether a formula stands in a line of text or alone: alone, fractions and sums are larger and limits stand below.
enum class FormulaStyle { in_line, display };

/// A formula set in the theme's mathematical font: glyph outlines and rules, the same on the screen, in a picture and
/// on paper. Colours are the theme's at the time of drawing: each symbol of the model (also with accent and index) has
/// its own, everything else is text.
class FormulaLayout {
 public:
  /// `pixels` is the size of the font. A formula of nothing has no size.
  FormulaLayout(const Formula& formula, double pixels, FormulaStyle style);

  QSizeF size() const;
  /// From the top to the line on which the letters stand.
  double baseline() const;
  /// With a highlighted symbol everything else is dimmed.
  void draw(QPainter& painter, QPointF top_left, std::optional<Symbol> highlighted = {}) const;

 private:
  struct Picture;
  std::shared_ptr<const Picture> picture_;
};

/// Draws the formulas of text documents.
class FormulaTextObject : public QObject, public QTextObjectInterface {
  Q_OBJECT
  Q_INTERFACES(QTextObjectInterface)
 public:
  using QObject::QObject;

  /// Documents repaint when their views do.
  void set_highlighted(std::optional<Symbol> symbol) { highlighted_ = symbol; }

  QSizeF intrinsicSize(QTextDocument* document, int position, const QTextFormat& format) override;
  void drawObject(QPainter* painter, const QRectF& area, QTextDocument* document, int position,
                  const QTextFormat& format) override;

 private:
  std::optional<Symbol> highlighted_;
};

/// The object that draws the formulas of this document, which owns it; made at the first call.
FormulaTextObject& formula_object(QTextDocument& document);

/// Inserts a formula of the size of the text around it, on its baseline; a displayed one is a paragraph of its own.
/// Where it is wider than the document it shrinks. Its alternative text is how it is spoken. `tail` is text that no
/// line break shall part from a formula in a line.
void insert_formula(QTextCursor& cursor, const Formula& formula, bool display, const QString& tail = {});

/// Replaces the document by a lesson's Markdown (CommonMark, no HTML) with formulas in it (`find_formulas`). What
/// cannot be read as a formula shows its source in the colour of danger.
void set_lesson_text(QTextDocument& document, const QString& markdown);

/// The document's text with the words of each formula in its place, for screen readers.
QString accessible_text(const QTextDocument& document);

}  // namespace statescope
