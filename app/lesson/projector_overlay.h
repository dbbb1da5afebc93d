// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QTimer>
#include <QWidget>

namespace statescope {

/// Over the whole window: black, or the dot of a laser pointer where the mouse is, or nothing. Mouse and keys go
/// through.
class ProjectorOverlay : public QWidget {
  Q_OBJECT
 public:
  explicit ProjectorOverlay(QWidget& window);

  bool black() const { return black_; }
  void set_black(bool black);
  bool laser() const { return laser_; }
  void set_laser(bool laser);

 protected:
  void paintEvent(QPaintEvent* event) override;
  bool eventFilter(QObject* object, QEvent* event) override;

 private:
  void follow();
  void show_or_hide();

  QTimer timer_;
  QPoint dot_;
  bool black_ = false, laser_ = false;
};

}  // namespace statescope
