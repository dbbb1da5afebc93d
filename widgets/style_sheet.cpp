// SPDX-License-Identifier: GPL-3.0-or-later
#include <QRegularExpression>
#include <cmath>

#include "widgets/theme.h"

namespace statescope {
namespace {

// Colours are written as @names; every length grows with the text.
const char* const sheet = R"(
QWidget { color: @text; }
QMainWindow, QDialog { background: @background; }
QWidget[surface="background"] { background: @background; }
QWidget[surface="surface"] { background: @surface; }
QWidget[surface="raised"] { background: @raised; }
QWidget[edge="left"] { border-left: 1px solid @hairline; }
QWidget[edge="top"] { border-top: 1px solid @hairline; }
QWidget[surface="card"] { background: @raised; border-radius: 8px; }

QLabel { background: transparent; }
QLabel[role="caption"] { color: @muted; font-size: 12px; }
QLabel[role="muted"] { color: @muted; }
QLabel[role="strong"] { font-weight: 600; }
QLabel[role="title"] { font-size: 18px; font-weight: 600; }
QLabel[role="numbers"] { font-family: "JetBrains Mono", "DejaVu Sans Mono", monospace; }
QLabel[role="danger"] { color: @danger; }

QToolTip { background: @raised; color: @text; border: 1px solid @hairline; padding: 4px 8px; font-size: 12px; }

QMenu { background: @raised; border: 1px solid @hairline; padding: 4px 0px; }
QMenu::item { padding: 6px 24px 6px 16px; background: transparent; }
QMenu::item:selected { background: @hover; }
QMenu::item:disabled { color: @disabled; }
QMenu::separator { height: 1px; background: @hairline; margin: 4px 8px; }
QMenuBar { background: @background; }
QMenuBar::item { padding: 6px 10px; background: transparent; border-radius: 4px; }
QMenuBar::item:selected { background: @raised; }

QScrollBar:vertical { background: transparent; width: 10px; margin: 0px; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0px; }
QScrollBar::handle { background: @line; border-radius: 3px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 28px; }
QScrollBar::handle:horizontal { min-width: 28px; }
QScrollBar::handle:hover { background: @muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0px; height: 0px; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QLineEdit, QPlainTextEdit, QTextEdit, QSpinBox, QDoubleSpinBox, QComboBox {
  background: @surface; border: 1px solid @line; border-radius: 6px; padding: 5px 8px;
  selection-background-color: @accent; selection-color: @onaccent;
}
QLineEdit:hover, QPlainTextEdit:hover, QTextEdit:hover, QSpinBox:hover, QDoubleSpinBox:hover, QComboBox:hover {
  border-color: @muted;
}
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus {
  border: 2px solid @accent; padding: 4px 7px;
}
QLineEdit:disabled, QPlainTextEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled, QComboBox:disabled {
  color: @disabled; background: @background;
}
QLineEdit[invalid="true"] { border-color: @danger; }

QComboBox { combobox-popup: 0; }  /* a list below the box; the other kind is too low for its own rows */
QComboBox::drop-down { border: none; width: 22px; subcontrol-position: center right; }
QComboBox::down-arrow, QSpinBox::down-arrow, QDoubleSpinBox::down-arrow {
  width: 0px; height: 0px; border-left: 4px solid @surface; border-right: 4px solid @surface;
  border-top: 5px solid @muted;
}
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow {
  width: 0px; height: 0px; border-left: 4px solid @surface; border-right: 4px solid @surface;
  border-bottom: 5px solid @muted;
}
QComboBox::down-arrow:hover, QSpinBox::down-arrow:hover, QDoubleSpinBox::down-arrow:hover { border-top-color: @text; }
QSpinBox::up-arrow:hover, QDoubleSpinBox::up-arrow:hover { border-bottom-color: @text; }
QComboBox QAbstractItemView {
  background: @raised; border: 1px solid @hairline; outline: none; padding: 4px;
  selection-background-color: @hover; selection-color: @text;
}
QComboBox QListView { qproperty-spacing: 3; }
QSpinBox::up-button, QDoubleSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::down-button {
  border: none; background: transparent; width: 18px;
}

QPushButton {
  background: @raised; border: 1px solid @line; border-radius: 6px; padding: 5px 12px; min-height: 18px;
}
QPushButton:hover { background: @hover; border-color: @muted; }
QPushButton:pressed, QPushButton:checked { background: @pressed; }
QPushButton:disabled { color: @disabled; background: @background; border-color: @hairline; }
QPushButton[primary="true"] { background: @text; color: @background; border-color: @text; font-weight: 600; }
QPushButton[primary="true"]:hover { background: @primaryhover; border-color: @primaryhover; }
QPushButton[primary="true"]:disabled { background: @line; color: @disabled; border-color: @line; }
QPushButton[flat="true"] { background: transparent; border-color: transparent; }
QPushButton[flat="true"]:hover { background: @hover; }
QPushButton[flat="true"]:checked { background: @raised; }
QPushButton:focus, QPushButton[flat="true"]:focus, QPushButton[primary="true"]:focus {
  border: 2px solid @accent; padding: 4px 11px;
}
QToolButton { background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 4px; }
QToolButton:hover { background: @hover; }
QToolButton:pressed, QToolButton:checked { background: @raised; }
QToolButton:disabled { color: @disabled; }
QToolButton:focus { border: 2px solid @accent; padding: 3px; }

QSlider { min-height: 22px; background: transparent; }
QSlider::groove:horizontal { height: 4px; border-radius: 2px; background: @line; }
QSlider::sub-page:horizontal { height: 4px; border-radius: 2px; background: @text; }
QSlider::handle:horizontal {
  width: 10px; margin: -5px 0px; border-radius: 7px; background: @text; border: 2px solid @background;
}
QSlider::handle:horizontal:hover { background: @accent; }
QSlider::handle:horizontal:focus { border: 2px solid @accent; }
QSlider::sub-page:horizontal:disabled, QSlider::handle:horizontal:disabled { background: @disabled; }

QCheckBox, QRadioButton { spacing: 8px; background: transparent; }
QCheckBox::indicator, QRadioButton::indicator {
  width: 14px; height: 14px; border: 1px solid @muted; background: @surface;
}
QCheckBox::indicator { border-radius: 4px; }
QRadioButton::indicator { border-radius: 8px; }
QCheckBox::indicator:hover, QRadioButton::indicator:hover { border-color: @text; }
QCheckBox::indicator:checked { width: 8px; height: 8px; border: 4px solid @accent; background: @onaccent; }
QRadioButton::indicator:checked { width: 6px; height: 6px; border: 5px solid @accent; background: @onaccent; }
QCheckBox:focus, QRadioButton:focus { color: @accent; }

QProgressBar { background: @line; border: none; border-radius: 2px; max-height: 4px; color: transparent; }
QProgressBar::chunk { background: @accent; border-radius: 2px; }

QSplitter::handle { background: @background; }
QSplitter::handle:horizontal { width: 8px; }
QSplitter::handle:vertical { height: 8px; }
QSplitter::handle:hover { background: @line; }

QListView, QTreeView, QTableView {
  background: @surface; border: 1px solid @hairline; outline: none;
  selection-background-color: @hover; selection-color: @text;
}
QListView:focus, QTreeView:focus, QTableView:focus { border: 1px solid @accent; }
QHeaderView::section { background: @surface; color: @muted; border: none; padding: 4px 8px; }
QScrollArea { background: transparent; border: none; }
QScrollArea[edge="left"]:focus { border-left: 2px solid @accent; }
)";

}  // namespace

QString style_sheet(const Theme& theme, double scale) {
  const QColor on_accent = theme.dark() ? theme.background : theme.surface;
  // Longer names first: "@primaryhover" must not be cut by a shorter name that begins alike.
  const std::pair<const char*, QColor> colors[] = {
      {"@background", theme.background},
      {"@surface", theme.surface},
      {"@raised", theme.raised},
      {"@hairline", theme.hairline},
      {"@primaryhover", mix(theme.text, theme.background, 0.12)},
      {"@pressed", mix(theme.raised, theme.text, 0.16)},
      {"@hover", mix(theme.raised, theme.text, 0.07)},
      {"@line", mix(theme.hairline, theme.muted, 0.35)},
      {"@disabled", mix(theme.muted, theme.background, 0.4)},
      {"@onaccent", on_accent},
      {"@accent", theme.accent},
      {"@danger", theme.danger},
      {"@muted", theme.muted},
      {"@text", theme.text},
  };
  QString result = QString::fromLatin1(sheet);
  for (const auto& [name, color] : colors) result.replace(QLatin1String(name), color.name());

  static const QRegularExpression length(QStringLiteral("(\\d+)px"));
  QString grown;
  qsizetype last = 0;
  for (auto match = length.globalMatch(result); match.hasNext();) {
    const auto found = match.next();
    grown += QStringView(result).mid(last, found.capturedStart() - last);
    grown += QString::number(std::lround(found.captured(1).toInt() * scale)) + QStringLiteral("px");
    last = found.capturedEnd();
  }
  grown += QStringView(result).mid(last);
  return grown;
}

}  // namespace statescope
