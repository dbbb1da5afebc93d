// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/theme.h"

#include <QApplication>
#include <QEvent>
#include <QFontDatabase>
#include <QStyleFactory>
#include <QToolTip>
#include <QWidget>
#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "widgets/style_root.h"

namespace statescope {
namespace {

Theme current_theme = Theme::make(ThemeKind::dark);
double current_text_scale = 1.0;
bool motion_enabled = true;

double relative_luminance(const QColor& color) {
  const auto linear = [](double c) { return c <= 0.03928 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4); };
  return 0.2126 * linear(color.redF()) + 0.7152 * linear(color.greenF()) + 0.0722 * linear(color.blueF());
}

QPalette palette_of(const Theme& theme) {
  QPalette palette;
  palette.setColor(QPalette::Window, theme.background);
  palette.setColor(QPalette::WindowText, theme.text);
  palette.setColor(QPalette::Base, theme.surface);
  palette.setColor(QPalette::AlternateBase, theme.raised);
  palette.setColor(QPalette::Text, theme.text);
  palette.setColor(QPalette::PlaceholderText, theme.muted);
  palette.setColor(QPalette::Button, theme.raised);
  palette.setColor(QPalette::ButtonText, theme.text);
  palette.setColor(QPalette::BrightText, theme.danger);
  palette.setColor(QPalette::ToolTipBase, theme.raised);
  palette.setColor(QPalette::ToolTipText, theme.text);
  palette.setColor(QPalette::Highlight, theme.accent);
  palette.setColor(QPalette::HighlightedText, theme.dark() ? theme.background : theme.surface);
  palette.setColor(QPalette::Link, theme.accent);
  palette.setColor(QPalette::LinkVisited, theme.symbol(Symbol::A));
  palette.setColor(QPalette::Mid, theme.hairline);
  for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText}) {
    palette.setColor(QPalette::Disabled, role, mix(theme.muted, theme.background, 0.4));
  }
  return palette;
}

void set_sheet(QApplication& application, const QString& sheet) {
  if (application.styleSheet() != sheet) application.setStyleSheet(sheet);
}

// One part of a window that carries the style sheet itself; it lives as long as the part.
class StyleRoot : public QObject {
 public:
  explicit StyleRoot(QWidget& root) : QObject(&root), root_(root) {
    roots().push_back(this);
    root_.installEventFilter(this);
    set_sheet(*qApp, {});
    root_.setStyleSheet(style_sheet(current_theme, current_text_scale));
  }
  ~StyleRoot() override {
    std::erase(roots(), this);
    if (!roots().empty() || !qApp) return;
    const auto back = [] {
      if (roots().empty()) set_sheet(*qApp, style_sheet(current_theme, current_text_scale));
    };
    QMetaObject::invokeMethod(qApp, back, Qt::QueuedConnection);  // once the window is gone altogether
  }
  static std::vector<StyleRoot*>& roots() {
    static std::vector<StyleRoot*> all;
    return all;
  }
  void follow(const QString& sheet) {
    stale_ = !root_.isVisible();
    if (!stale_ && root_.styleSheet() != sheet) root_.setStyleSheet(sheet);
  }

 protected:
  bool eventFilter(QObject*, QEvent* event) override {
    if (event->type() == QEvent::Show && std::exchange(stale_, false))
      root_.setStyleSheet(style_sheet(current_theme, current_text_scale));
    return false;
  }

 private:
  QWidget& root_;
  bool stale_ = false;
};

void restyle(QApplication& application) {
  application.setPalette(palette_of(current_theme));
  // A font, even the same one, is one more round through all widgets.
  if (const QFont wanted = font(TextRole::body); application.font() != wanted) application.setFont(wanted);
  const QString sheet = style_sheet(current_theme, current_text_scale);
  if (StyleRoot::roots().empty()) set_sheet(application, sheet);
  for (StyleRoot* root : StyleRoot::roots()) root->follow(sheet);
  QToolTip::setFont(font(TextRole::caption));
  Q_EMIT ThemeNotifier::instance().changed();
}

}  // namespace

QString symbol_text(Symbol symbol) {
  static const char16_t* const names[symbol_count] = {u"Δ", u"A", u"B", u"C", u"D", u"x", u"z", u"h", u"y"};
  return QString::fromUtf16(names[static_cast<int>(symbol)]);
}

Theme Theme::make(ThemeKind kind) {
  // Every text and symbol colour reaches a contrast of 4.5 on background, surface and raised (tested).
  if (kind == ThemeKind::dark) {
    return {kind,
            QColor(0x101216),
            QColor(0x171A20),
            QColor(0x1E222A),
            QColor(0x2A2F39),
            QColor(0xE8EAEE),
            QColor(0x98A1AE),
            QColor(0x4FA9E8),
            QColor(0xF2667A),
            {QColor(0xF0A93A), QColor(0xA592E6), QColor(0x2FBF8F), QColor(0xE08BBD), QColor(0xA8C66C), QColor(0x7FD0F5),
             QColor(0xE6D94A), QColor(0x4FA9E8), QColor(0xFF7D47)}};
  }
  if (kind == ThemeKind::projector) {
    return {kind,
            QColor(0xFFFFFF),
            QColor(0xFFFFFF),
            QColor(0xF0F0F0),
            QColor(0x8C8C8C),  // lines that stay lines
            QColor(Qt::black),
            QColor(0x3C3C3C),
            QColor(0x004A8F),
            QColor(0x990000),
            {QColor(0x704000), QColor(0x4B2E9E), QColor(0x00543D), QColor(0x86195E), QColor(0x3A5200), QColor(0x00516A),
             QColor(0x544B00), QColor(0x004A8F), QColor(0x8A2C00)}};
  }
  return {kind,
          QColor(0xF6F6F3),
          QColor(0xFFFFFF),
          QColor(0xEEEEEA),
          QColor(0xE1E2DD),
          QColor(0x1C2026),
          QColor(0x5D6673),
          QColor(0x0A62AC),
          QColor(0xB5261E),
          {QColor(0x9B5D00), QColor(0x6A52B8), QColor(0x097A5A), QColor(0xA74B81), QColor(0x4C7018), QColor(0x12748F),
           QColor(0x766C00), QColor(0x0A62AC), QColor(0xBC430A)}};
}

double contrast_ratio(const QColor& a, const QColor& b) {
  const double la = relative_luminance(a), lb = relative_luminance(b);
  return (std::max(la, lb) + 0.05) / (std::min(la, lb) + 0.05);
}

QColor mix(const QColor& a, const QColor& b, double amount) {
  const auto blend = [amount](double from, double to) { return std::clamp(from + (to - from) * amount, 0.0, 1.0); };
  return QColor::fromRgbF(blend(a.redF(), b.redF()), blend(a.greenF(), b.greenF()), blend(a.blueF(), b.blueF()),
                          blend(a.alphaF(), b.alphaF()));
}

// An SVG names only the first family, so that must be one that was used.
static QStringList installed(QStringList families) {
  families.removeIf([](const QString& family) { return !QFontDatabase::hasFamily(family); });
  return families;
}

static QFont made_font(TextRole role) {
  static const QStringList sans =
      installed({QStringLiteral("Inter"), QStringLiteral("Noto Sans"), QStringLiteral("DejaVu Sans")});
  static const QStringList mono = installed({QStringLiteral("JetBrains Mono"), QStringLiteral("DejaVu Sans Mono")});
  static const QStringList math =
      installed({QStringLiteral("STIX Two Text"), QStringLiteral("STIX"), QStringLiteral("STIXGeneral")});
  QFont font;
  int pixels = 13;
  font.setFamilies(sans);
  switch (role) {
    case TextRole::caption:
      pixels = 12;
      break;
    case TextRole::body:
      break;
    case TextRole::strong:
      font.setWeight(QFont::DemiBold);
      break;
    case TextRole::title:
      pixels = 18;
      font.setWeight(QFont::DemiBold);
      break;
    case TextRole::numbers:
      font.setFamilies(mono);
      font.setStyleHint(QFont::Monospace);
      break;
    case TextRole::math:
      pixels = 22;
      font.setFamilies(math);
      font.setStyleHint(QFont::Serif);
      break;
  }
  font.setPixelSize(scaled(pixels));
  // Without hinting glyph advances scale exactly, so a layout is the same on screen and in every export.
  font.setHintingPreference(QFont::PreferNoHinting);
  return font;
}

// Kept, because a font finds its files when it is first used, and a picture asks for dozens of fonts. Every thread has
// fonts of its own, as Qt's fonts remember the files that one thread has opened.
QFont font(TextRole role) {
  thread_local std::map<std::pair<TextRole, int>, QFont> fonts;
  const auto [found, made] = fonts.try_emplace({role, scaled(1000)});
  if (made) found->second = made_font(role);
  return found->second;
}

int scaled(int pixels) {
  return static_cast<int>(std::lround(pixels * current_text_scale));
}

double text_scale() {
  return current_text_scale;
}

void set_text_scale(double scale) {
  current_text_scale = std::clamp(scale, 0.75, 2.0);
  if (auto* application = qobject_cast<QApplication*>(QCoreApplication::instance())) restyle(*application);
}

bool motion() {
  return motion_enabled;
}
void set_motion(bool enabled) {
  motion_enabled = enabled;
}

const Theme& theme() {
  return current_theme;
}

ThemeNotifier& ThemeNotifier::instance() {
  static ThemeNotifier notifier;
  return notifier;
}

void make_style_root(QWidget& root) {
  new StyleRoot(root);  // belongs to it
}

void apply_theme(QApplication& application, ThemeKind kind) {
  current_theme = Theme::make(kind);
  constexpr const char* styled = "statescope_style";
  if (!application.property(styled).toBool()) {  // a new style would be one more round through all widgets
    application.setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
    application.setProperty(styled, true);
  }
  restyle(application);
}

}  // namespace statescope
