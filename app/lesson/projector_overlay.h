// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QTimer>
#include <QWidget>

namespace statescope {

/// Over the whole window: black, or the dot of a laser pointer where the mouse is, the list of keys, a hint that there
/// is one, or nothing. Mouse and keys go through.
class ProjectorOverlay : public QWidget {
  Q_OBJECT
 public:
  explicit ProjectorOverlay(QWidget& window);

  bool black() const { return black_; }
  void set_black(bool black);
  bool laser() const { return laser_; }
  void set_laser(bool laser);
  bool keys() const { return keys_; }
  void set_keys(bool keys);
  /// For some seconds.
  void show_hint();

 protected:
  void paintEvent(QPaintEvent* event) override;
  bool eventFilter(QObject* object, QEvent* event) override;

 private:
  void follow();
  void show_or_hide();
  void paint_keys(QPainter& painter);
  void paint_hint(QPainter& painter);

  QTimer timer_, hint_;
  QPoint dot_;
  bool black_ = false, laser_ = false, keys_ = false;
};

}  // namespace statescope
