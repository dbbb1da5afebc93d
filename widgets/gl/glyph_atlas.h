// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QHash>
#include <QSet>
#include <QString>
#include <QVector>

#include "widgets/theme.h"

struct ImFontAtlas;

namespace statescope {

/// The theme's fonts as pictures of letters in Dear ImGui's texture. Qt draws them, so that they look as in the rest of
/// the window, and finds fonts for what Inter and JetBrains Mono lack. Each letter is kept at a few positions between
/// two pixels, as Qt does, so that words keep their spacing.
class GlyphAtlas {
 public:
  static constexpr int positions = 3;  // of a letter between two pixels

  struct Glyph {
    double advance = 0;         // logical pixels
    int width = 0, height = 0;  // device pixels; 0 for a blank
    int left = 0, top = 0;      // device pixels from pen and line top to the picture
    int rects[positions] = {};  // in the ImGui atlas
  };

  explicit GlyphAtlas(ImFontAtlas& atlas) : atlas_(atlas) {}

  /// True when the texture must be built anew: the text or the screen has another scale, or letters were asked for
  /// that it lacks.
  bool outdated(double device_pixel_ratio) const;
  /// Draws all letters and leaves the new texture in the ImGui atlas.
  void build(double device_pixel_ratio);

  /// Null for a letter the texture lacks; the next `build` has it.
  const Glyph* glyph(TextRole role, char32_t letter) const;
  double advance(TextRole role, char32_t letter) const;
  double line_height(TextRole role) const;
  double ratio() const { return ratio_; }

 private:
  using Key = quint64;
  static Key key(TextRole role, char32_t letter) { return static_cast<Key>(role) << 32 | static_cast<Key>(letter); }
  void draw_letters(const QHash<Key, QVector<QImage>>& pictures);

  ImFontAtlas& atlas_;
  double ratio_ = 0, text_scale_ = 0;
  QHash<Key, Glyph> glyphs_;
  mutable QSet<Key> wanted_;
  mutable QHash<Key, double> advances_;  // of letters measured before they were drawn
};

}  // namespace statescope
