// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QColor>
#include <QFont>
#include <QObject>
#include <QPalette>
#include <QString>

class QApplication;

namespace statescope {

/// `projector` is a light theme for projectors that wash out: black and strong colours on white, each with a contrast
/// of 7 or more.
enum class ThemeKind { light, dark, projector };

/// The quantities of a state space model. Each owns one colour, the same in equations, curves, maps and text.
enum class Symbol { delta, A, B, C, D, x, z, h, y };
inline constexpr int symbol_count = 9;

/// How the symbol is written: "Δ", "A", "h" …
QString symbol_text(Symbol symbol);

/// Colours of one theme. A value: views are handed the current one through `theme()`.
struct Theme {
  ThemeKind kind;
  QColor background, surface, raised, hairline, text, muted;
  QColor accent, danger;
  QColor symbol_colors[symbol_count];

  QColor symbol(Symbol s) const { return symbol_colors[static_cast<int>(s)]; }
  bool dark() const { return kind == ThemeKind::dark; }

  static Theme make(ThemeKind kind);
};

/// Contrast ratio of two opaque colours as WCAG 2 defines it, 1 to 21. Text needs 4.5.
double contrast_ratio(const QColor& a, const QColor& b);

/// `amount` 0 gives `a`, 1 gives `b`, in between a straight mix of the channels.
QColor mix(const QColor& a, const QColor& b, double amount);

/// Type scale in pixels at 100 % text size; `set_text_scale` multiplies all of them (1.0 to 2.0).
enum class TextRole { caption, body, strong, title, numbers, math };
QFont font(TextRole role);
/// Pixels for a length designed at 100 % text size, so that layouts grow with the text.
int scaled(int pixels);
void set_text_scale(double scale);
double text_scale();

/// False when the user asked for reduced motion: transitions then jump to their end.
bool motion();
void set_motion(bool enabled);

/// The current theme. Only the application sets it; every widget repaints on `ThemeNotifier::changed`.
const Theme& theme();

class ThemeNotifier : public QObject {
  Q_OBJECT
 public:
  static ThemeNotifier& instance();
 Q_SIGNALS:
  /// The theme or the text scale changed.
  void changed();
};

/// Sets palette, application font and style sheet. Call once at start and again whenever the user switches.
///
/// The style sheet understands these dynamic properties: `role` on QLabel ("caption", "muted", "strong", "title",
/// "numbers", "danger"), `primary` (bool) on QPushButton, `surface` on any plain QWidget or QFrame ("background",
/// "surface", "raised", "card").
void apply_theme(QApplication& application, ThemeKind kind);

/// The application style sheet for a theme at a text scale.
QString style_sheet(const Theme& theme, double scale);

}  // namespace statescope
