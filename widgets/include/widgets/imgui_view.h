// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QTimer>
#include <memory>

#include "widgets/canvas.h"
#include "widgets/view.h"

namespace statescope {

/// Shows one page at a time, drawn by Dear ImGui inside a QOpenGLWidget of its own. It draws when the user does
/// something, when it is told that there is something new, and 60 times a second while it is live; else it rests. Where
/// there is no OpenGL, or only one that the CPU emulates, the same page is painted by QPainter, as every export is:
/// that takes a quarter of the time.
class ImGuiView : public View {
  Q_OBJECT
 public:
  explicit ImGuiView(QWidget* parent = nullptr);
  ~ImGuiView() override;

  /// Lets views that are not yet seen use an emulated OpenGL too.
  static void allow_emulation(bool allowed);

  /// The page stays the caller's and outlives the view or the next call. Null shows the message.
  void show_page(Page* page);
  Page* page() const { return page_; }
  /// Frame after frame until told otherwise.
  void set_live(bool live);
  bool live() const { return timer_.isActive(); }
  /// For pictures: QPainter draws on the screen too.
  void set_painted(bool painted);
  /// Free around the page, for the outline that shows the keyboard's focus.
  static int focus_margin();
  /// True once OpenGL draws.
  bool accelerated() const;

  QString csv() const override;
  void draw(QPainter& painter, const QRectF& area, bool for_export) const override;
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 public Q_SLOTS:
  /// Draws once more.
  void refresh();

 Q_SIGNALS:
  /// The page acted on the mouse or a key.
  void interacted();

 protected:
  bool paints_on_any_thread() const override { return false; }  // the page acts
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void showEvent(QShowEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  class Surface;
  struct Context;

  QRectF page_area() const;
  void act(const Pointer& pointer);

  std::unique_ptr<Context> context_;
  Surface* surface_ = nullptr;  // null where there is no OpenGL
  Page* page_ = nullptr;
  int least_height_ = 0;  // of the page
  bool painted_ = false;
  QTimer timer_;
};

}  // namespace statescope
