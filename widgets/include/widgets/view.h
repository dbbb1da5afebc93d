// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QByteArray>
#include <QImage>
#include <QPointer>
#include <QString>
#include <QWidget>
#include <any>
#include <functional>
#include <utility>
#include <vector>

#include "widgets/rich_text.h"

namespace statescope {

/// A picture of some numbers. It draws and hands over what it draws; it computes nothing that is not drawing.
/// Subclasses implement `draw` once, for the screen and for every export alike.
class View : public QWidget {
  Q_OBJECT
 public:
  explicit View(QWidget* parent = nullptr);
  ~View() override;

  /// The numbers behind the picture as CSV with a header row; full precision, '.' as decimal point.
  virtual QString csv() const = 0;

  /// Draws the whole picture, titles included, into `area` (logical pixels). `for_export` leaves out what only makes
  /// sense live (hover read-out, focus ring). While the interface thread waits it may be called on another one, beside
  /// other views: it reads, and changes nothing but what the view itself keeps for the next time.
  virtual void draw(QPainter& painter, const QRectF& area, bool for_export) const = 0;

  QImage picture(double scale = 2.0) const;
  QByteArray svg() const;

  /// The sentence shown, centred and muted, while there is nothing to draw.
  void set_message(const QString& message);
  const QString& message() const { return message_; }

  /// As QWidget::update. Views of one window that are told so before the next frame are painted side by side in it.
  void update();
  /// What calls paint(i) for every i in [0, count), on any threads, and returns when all of them have returned. While
  /// there is none, and where one view alone has changed, views are painted one after the other.
  using SideBySide = std::function<void(int count, const std::function<void(int)>& paint)>;
  static void paint_with(SideBySide threads);

  /// A control that says in place of the title what is shown, such as a choice of quantities. Exports, and the screen
  /// while the control is hidden, show the title in words.
  void set_title_control(QWidget* control);

  /// Context menu "Copy data (CSV)", "Copy picture", "Save picture as…"; Ctrl+C copies the data.
  /// Data that takes long to write is written by a thread of the pool and reaches the clipboard when it is ready.
  void copy_data() const;
  void copy_picture() const;
  /// Writes PNG, SVG or PDF, by the ending of `path`. Throws `Error` when the file cannot be written.
  void save_picture(const QString& path) const;

 protected:
  // QWidget::font() would hide the theme's fonts in every view.
  using QWidget::font;
  static QFont font(TextRole role) { return statescope::font(role); }

  /// False for a view whose pictures only the interface thread can paint.
  virtual bool paints_on_any_thread() const { return true; }

  /// A job that makes the text of `csv` on any thread, or nothing where `csv` itself is quick enough for this one.
  virtual std::function<QString()> long_csv() const { return {}; }

  void paintEvent(QPaintEvent* event) override;
  void contextMenuEvent(QContextMenuEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  bool event(QEvent* event) override;

  /// Height that `draw_header` takes at this width, the gap below included.
  double header_height(double width, const RichText& title, const QString& subtitle) const;
  /// Draws title (left) and subtitle (right; below where it does not fit). Returns the area that is left.
  QRectF draw_header(QPainter& painter, const QRectF& area, const RichText& title, const QString& subtitle) const;
  void draw_message(QPainter& painter, const QRectF& area) const;
  /// A small card with `text` beside `anchor`, kept inside `area`; broken at " · " where a line is too narrow for it.
  void draw_readout(QPainter& painter, const QRectF& area, const QPointF& anchor, const QString& text) const;
  /// One line of `text`, elided to `area`; where it was cut, the tool tip shows the whole.
  void draw_elided(QPainter& painter, const QRectF& area, Qt::Alignment alignment, const QString& text) const;
  /// To be called while drawing: what the tool tip says over `area`, until the next drawing.
  void add_tip(const QRectF& area, const QString& text) const { tips_.emplace_back(area, text); }
  /// To be called while drawing, before anything else is drawn: what `paint` draws anywhere in the widget, with its
  /// tips. On the screen it is kept as a picture while theme, text size and `key` stay what they were, so that a frame
  /// draws only what moves.
  template <class Key>
  void draw_kept(QPainter& painter, const Key& key, const std::function<void(QPainter&)>& paint) const {
    const auto* last = std::any_cast<Key>(&kept_.key);
    const bool stale = !last || !(*last == key);
    if (stale) kept_.key = key;
    draw_kept(painter, stale, paint);
  }

 private:
  using Tips = std::vector<std::pair<QRectF, QString>>;
  struct Kept {
    std::any key;
    QImage image;
    Tips tips;
    ThemeKind theme = ThemeKind::dark;
    int text_size = 0;
  };
  void draw_kept(QPainter& painter, bool stale, const std::function<void(QPainter&)>& paint) const;
  static void paint_side_by_side(const QWidget& window);
  void paint_ahead();
  void paint(QPainter& painter);
  void save_picture_as();
  void place_title_control();
  bool header_fits_one_line(double width, const RichText& title, const QString& subtitle) const;

  QString message_;
  QPointer<QWidget> title_control_;
  bool on_screen_ = false;  // what is being drawn, with the title control
  bool changed_ = false;    // since it was last painted
  qint64 painting_ns_ = 0;  // how long that took
  QImage ahead_;            // the picture of the frame that is being painted, while it is not yet shown
  bool is_ahead_ = false;
  mutable Tips tips_;
  mutable Kept kept_;
};

}  // namespace statescope
