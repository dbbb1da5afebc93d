// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>
#include <functional>

#include "widgets/transport.h"

class QMenu;

namespace statescope {

class Button;
class Scrubber;

/// Restart, step, play, speed, loop, scrubber and position, over one `Transport`. Space plays, Left/Right step,
/// Home/End jump, L loops, +/- change the speed.
class TransportBar : public QWidget {
  Q_OBJECT
 public:
  /// "token 8 of 11"; `position` counts from 0.
  using PositionText = std::function<QString(int position, int length)>;

  explicit TransportBar(QWidget* parent = nullptr);

  Transport& transport() { return transport_; }
  Scrubber& scrubber() { return *scrubber_; }

  void set_position_text(PositionText text);
  QString position_text() const;
  QString text_at(int position) const;
  /// Steps per second at 1×.
  void set_base_speed(double steps_per_second);
  /// 0.25, 0.5, 1, 2, 4 or 8; others snap to the nearest. Does not emit.
  void set_speed_factor(double factor);
  double speed_factor() const;

  /// Acts on a transport key and says whether it was one. The window calls this for keys nobody else wanted.
  bool handle_key(const QKeyEvent& event);

  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  void speed_factor_changed(double factor);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  void relayout();
  void show_state();
  void show_position();
  void choose_speed(int index);

  Transport transport_;
  Button *restart_, *back_, *play_, *forward_, *speed_, *loop_;
  QMenu* speed_menu_;
  Scrubber* scrubber_;
  PositionText position_text_;
  QRect text_box_;
  double base_speed_ = 2;
  int speed_index_ = 2;
};

}  // namespace statescope
