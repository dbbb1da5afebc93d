// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

namespace statescope {

/// A number for reading: `digits` significant digits, trailing zeros kept so that a playing number keeps its width,
/// a true minus sign. 0.10683 -> "0.1068", 0.74 -> "0.7400", 12345.6 -> "12346", 1.5e-7 -> "1.500e−7", 0 -> "0".
QString format_number(double value, int digits = 4);

/// The same for axis ticks and legends: without trailing zeros. 0.3000 -> "0.3".
QString format_tick(double value, int digits = 3);

/// A share of one: 0.211 -> "21.1 %", 0.00004 -> "<0.1 %".
QString format_percent(double fraction, int decimals = 1);

/// An index as small digits below the line: 12 -> "₁₂".
QString subscript(qint64 number);

/// A number for machines: shortest text that reads back as the same value; "nan", "inf", "-inf".
QString csv_number(double value);
QString csv_number(float value);

/// A CSV field, quoted when it holds a comma, a quote or a line break.
QString csv_field(const QString& text);

/// What a token looks like in a label: spaces as "·", line breaks as "↵", tabs as "⇥"; empty text as "∅".
QString visible_token(const QString& token);

}  // namespace statescope
