// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QColor>
#include <QPointF>
#include <QRectF>
#include <QString>
#include <Qt>
#include <span>

#include "widgets/theme.h"

namespace statescope {

/// What a page draws on: the screen through Dear ImGui, a picture through QPainter. Lengths are logical pixels.
class Canvas {
 public:
  virtual ~Canvas() = default;

  virtual void fill(const QRectF& box, const QColor& color, double radius = 0) = 0;
  virtual void outline(const QRectF& box, const QColor& color, double radius = 0, double width = 1) = 0;
  virtual void polyline(std::span<const QPointF> points, const QColor& color, double width = 1) = 0;
  /// Convex, in either direction.
  virtual void polygon(std::span<const QPointF> corners, const QColor& color) = 0;
  virtual void disc(QPointF center, double radius, const QColor& color) = 0;
  virtual void ring(QPointF center, double radius, const QColor& color, double width = 1) = 0;
  virtual void text(QPointF top_left, TextRole role, const QColor& color, const QString& text) = 0;
  virtual double text_width(TextRole role, const QString& text) const = 0;
  virtual double line_height(TextRole role) const = 0;
  /// Nothing outside `box` is drawn until the matching `pop_clip`; clips intersect.
  virtual void push_clip(const QRectF& box) = 0;
  virtual void pop_clip() = 0;

  void line(QPointF from, QPointF to, const QColor& color, double width = 1);
  void dashed_line(QPointF from, QPointF to, const QColor& color, double width = 1, double dash = 4);
  /// One line, ended by "…" where it does not fit. Alignment as for QPainter; vertically centred unless it says else.
  void text_in(const QRectF& box, Qt::Alignment alignment, TextRole role, const QColor& color, const QString& text);
  /// Lines broken between words; returns the height they take. With `drawn` false it only measures.
  double paragraph(const QRectF& box, TextRole role, const QColor& color, const QString& text, bool drawn = true);
  QString elided(TextRole role, const QString& text, double width) const;
};

/// The mouse as one frame finds it. A default one is nowhere: pictures are drawn with it.
struct Pointer {
  QPointF position{-1e9, -1e9};
  bool inside = false;
  bool down = false;            // the left button is held
  bool pressed = false;         // went down in this frame
  bool tapped = false;          // came up in this frame, near where it went down
  bool double_clicked = false;  // in this frame
  QPointF press_position;       // where the button last went down
  QPointF moved;                // since the frame before, while held
  double wheel = 0;             // notches, positive away from the user
  double wheel_sideways = 0;

  bool over(const QRectF& box) const { return inside && box.contains(position); }
};

/// One picture that is drawn afresh every frame from what it was given; it keeps nothing but where the user looks.
class Page {
 public:
  virtual ~Page() = default;

  /// Draws everything into `area`; `pointer` decides what looks hovered.
  virtual void draw(Canvas& canvas, const QRectF& area, const Pointer& pointer) const = 0;
  /// Acts on the mouse, before drawing.
  virtual void interact(const QRectF& area, const Pointer& pointer);
  /// Acts on a key (Qt::Key) and says whether it was one of its own.
  virtual bool key(int key);
  /// The numbers behind the picture, as `View::csv`.
  virtual QString csv() const = 0;
  /// What it is, for assistive technology.
  virtual QString name() const = 0;
  /// Whether the wheel there is the page's; else it scrolls what the page lies in.
  virtual bool takes_wheel(const QRectF& /*area*/, QPointF /*place*/) const { return false; }
  /// Below this height some of it has no room.
  virtual double least_height() const;
  /// The shape of the pointer over the page as last drawn.
  virtual Qt::CursorShape cursor() const { return Qt::ArrowCursor; }
};

}  // namespace statescope
