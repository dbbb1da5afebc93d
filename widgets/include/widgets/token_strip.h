// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QColor>
#include <QString>
#include <QVariantAnimation>
#include <QWidget>
#include <functional>
#include <utility>
#include <vector>

namespace statescope {

/// One token as the strip shows it.
struct TokenChip {
  QString text;
  int id = -1;
  bool special = false;    ///< <|endoftext|> and its kind
  bool generated = false;  ///< sampled by the model, not typed by the user
  float value = 0;         ///< what the underline shows, in its own unit; NaN draws no underline
};

/// A token's text with what cannot be seen made visible: a leading space as "·", line feeds, tabs and other controls
/// as signs. `sign` pieces are drawn muted.
struct TokenPiece {
  QString text;
  bool sign = false;
};
std::vector<TokenPiece> token_pieces(const QString& text);

/// The sentence as a scrolling, zoomable line of chips with a cursor. Only visible chips are laid out and painted.
/// Left, Right, Home, End and clicks move the cursor; the wheel and dragging scroll; Ctrl+wheel, Ctrl+Plus and
/// Ctrl+Minus zoom. Zoomed far out, chips become blocks of their value's colour.
class TokenStrip : public QWidget {
  Q_OBJECT
 public:
  using ColorMap = std::function<QColor(float)>;  ///< a colour for 0…1
  /// Room around the chips for the cursor's outline, at 100 % text size.
  static constexpr int ring = 4;

  explicit TokenStrip(QWidget* parent = nullptr);

  void set_tokens(std::vector<TokenChip> tokens);
  void append_tokens(const std::vector<TokenChip>& tokens);
  /// One value per token and what they are ("mean Δ in layer 3"); `low` and `high` are the ends of the colour map.
  void set_values(const std::vector<float>& values, const QString& caption, float low = 0, float high = 1);
  void set_color_map(ColorMap map);
  void set_empty_text(const QString& text);

  /// Moves the cursor, scrolls it into view, does not emit. -1 is "before the first token".
  void set_cursor(int index);
  int cursor() const { return cursor_; }
  int count() const { return static_cast<int>(tokens_.size()); }

  void set_zoom(double zoom);  ///< 0.1 … 2
  double zoom() const { return zoom_; }

  /// First visible chip and one past the last.
  std::pair<int, int> visible_range() const;
  /// Where a chip is now, in widget coordinates, and which chip is there (-1: none).
  QRectF chip_rect(int index) const;
  int chip_at(const QPointF& point) const;
  /// "token 7 · id 123 · “text” · mean Δ in layer 3: 0.12"
  QString describe(int index) const;

  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  /// The user moved the cursor (click or key).
  void token_clicked(int index);

 protected:
  bool event(QEvent* event) override;
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;

 private:
  void measure_from(size_t first);
  void remeasure();
  void choose(int index);
  void reveal_cursor();
  void scroll_to(double offset, bool animated);
  double shown_gap() const;
  double shown_height() const;
  double total_width() const;
  double furthest_offset() const;
  double chips_top() const;
  double share(float value) const;
  QColor value_color(float value) const;
  void draw_header(QPainter& painter) const;
  void draw_chip(QPainter& painter, int index, const QRectF& box) const;
  void draw_block(QPainter& painter, int index, const QRectF& box) const;

  std::vector<TokenChip> tokens_;
  std::vector<double> edges_{0};  // left edge of every chip and the end of the last, at zoom 1
  QString caption_, empty_text_;
  float low_ = 0, high_ = 1;
  ColorMap map_;
  int cursor_ = -1, hovered_ = -1, pressed_ = -1;
  double zoom_ = 1, offset_ = 0, wanted_offset_ = 0;
  double drag_from_ = 0, drag_offset_ = 0;
  bool dragging_ = false;
  QVariantAnimation scroll_;
};

}  // namespace statescope
