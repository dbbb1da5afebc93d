// SPDX-License-Identifier: GPL-3.0-or-later
#include "glyph_atlas.h"

#include <imgui.h>

#include <QFontMetricsF>
#include <QImage>
#include <QPainter>
#include <cmath>
#include <cstring>

namespace statescope {
namespace {

constexpr TextRole roles[] = {TextRole::caption, TextRole::body, TextRole::strong, TextRole::title, TextRole::numbers};
const QString usual_letters = QStringLiteral("Δ·×−–—…°%→←↑↓∞≈≤≥µ²³⁰¹⁴⁵⁶⁷⁸⁹⁻“”’⊗∘");
constexpr int border = 1;  // blank pixels around a letter, so that neighbours never shine through

}  // namespace

bool GlyphAtlas::outdated(double device_pixel_ratio) const {
  return ratio_ != device_pixel_ratio || text_scale_ != text_scale() || !wanted_.isEmpty();
}

void GlyphAtlas::build(double device_pixel_ratio) {
  QSet<Key> letters = wanted_;
  for (auto known = glyphs_.keyBegin(); known != glyphs_.keyEnd(); ++known) letters.insert(*known);
  for (const TextRole role : roles) {
    for (char32_t c = U' '; c <= U'~'; ++c) letters.insert(key(role, c));
    for (const QChar c : usual_letters) letters.insert(key(role, c.unicode()));
  }
  ratio_ = device_pixel_ratio;
  text_scale_ = text_scale();
  glyphs_.clear();
  wanted_.clear();
  advances_.clear();
  atlas_.Clear();
  atlas_.Flags |= ImFontAtlasFlags_NoMouseCursors;
  atlas_.AddFontDefault();  // the atlas wants one; nothing is written with it

  QHash<Key, QVector<QImage>> pictures;
  for (const Key letter : letters) {
    const QFont used = font(static_cast<TextRole>(letter >> 32));
    const QFontMetricsF metrics(used);
    const char32_t code = static_cast<char32_t>(letter);
    const QString text = QString::fromUcs4(&code, 1);
    Glyph glyph;
    glyph.advance = metrics.horizontalAdvance(text);
    const QRectF ink = metrics.boundingRect(text).translated(0, metrics.ascent());
    if (!ink.isEmpty()) {
      glyph.left = static_cast<int>(std::floor(ink.left() * ratio_)) - border;
      glyph.top = static_cast<int>(std::floor(ink.top() * ratio_)) - border;
      glyph.width = static_cast<int>(std::ceil(ink.right() * ratio_)) - glyph.left + 1 + border;
      glyph.height = static_cast<int>(std::ceil(ink.bottom() * ratio_)) - glyph.top + border;
      QVector<QImage>& drawn = pictures[letter];
      for (int p = 0; p < positions; ++p) {
        QImage image(glyph.width, glyph.height, QImage::Format_ARGB32_Premultiplied);
        image.fill(Qt::transparent);
        QPainter painter(&image);
        painter.scale(ratio_, ratio_);
        painter.setFont(used);
        painter.setPen(Qt::white);
        const double x = (static_cast<double>(p) / positions - glyph.left) / ratio_;
        painter.drawText(QPointF(x, metrics.ascent() - glyph.top / ratio_), text);
        painter.end();
        glyph.rects[p] = atlas_.AddCustomRectRegular(glyph.width, glyph.height);
        drawn.append(image);
      }
    }
    glyphs_.insert(letter, glyph);
  }
  draw_letters(pictures);
}

void GlyphAtlas::draw_letters(const QHash<Key, QVector<QImage>>& pictures) {
  unsigned char* pixels = nullptr;
  int width = 0, height = 0;
  atlas_.GetTexDataAsAlpha8(&pixels, &width, &height);  // lays out the rectangles
  for (auto picture = pictures.begin(); picture != pictures.end(); ++picture) {
    const Glyph& glyph = glyphs_[picture.key()];
    for (int p = 0; p < positions; ++p) {
      const ImFontAtlasCustomRect* rect = atlas_.GetCustomRectByIndex(glyph.rects[p]);
      for (int y = 0; y < glyph.height; ++y) {
        const auto* line = reinterpret_cast<const QRgb*>(picture.value()[p].constScanLine(y));
        unsigned char* to = pixels + static_cast<std::ptrdiff_t>(rect->Y + y) * width + rect->X;
        for (int x = 0; x < glyph.width; ++x) to[x] = static_cast<unsigned char>(qAlpha(line[x]));
      }
    }
  }
}

const GlyphAtlas::Glyph* GlyphAtlas::glyph(TextRole role, char32_t letter) const {
  const auto found = glyphs_.constFind(key(role, letter));
  if (found != glyphs_.constEnd()) return &*found;
  wanted_.insert(key(role, letter));
  return nullptr;
}

double GlyphAtlas::advance(TextRole role, char32_t letter) const {
  if (const Glyph* found = glyph(role, letter)) return found->advance;
  double& advance = advances_[key(role, letter)];
  if (advance == 0) advance = QFontMetricsF(font(role)).horizontalAdvance(QString::fromUcs4(&letter, 1));
  return advance;
}

double GlyphAtlas::line_height(TextRole role) const {
  return std::ceil(QFontMetricsF(font(role)).height());
}

}  // namespace statescope
