// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QFont>
#include <QRectF>
#include <QString>
#include <optional>
#include <vector>

#include "widgets/theme.h"

class QPainter;

namespace statescope {

/// A piece of a title. With a symbol it is drawn in that symbol's colour.
struct TextPart {
  QString text;
  std::optional<Symbol> symbol;
};
using RichText = std::vector<TextPart>;

QString plain_text(const RichText& text);

double text_width(const RichText& text, const QFont& font);

/// Draws one line, vertically centred in `area`, left-aligned, in the theme's text colour except for the symbols.
/// Elides at the right where it does not fit. Returns the width drawn.
double draw_rich_text(QPainter& painter, const QRectF& area, const RichText& text, const QFont& font);

}  // namespace statescope
