// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>
#include <optional>
#include <vector>

#include "widgets/theme.h"

namespace statescope {

class Segment;

/// Two to seven short options of which one holds. Arrow keys and clicks choose.
class SegmentedControl : public QWidget {
  Q_OBJECT
 public:
  struct Option {
    QString text;
    std::optional<Symbol> symbol = {};  ///< written in this quantity's colour
    QString tooltip = {};
  };

  /// `name` is what is chosen here ("Quantity"), for assistive technology.
  explicit SegmentedControl(const QString& name, QWidget* parent = nullptr);

  /// The first option becomes current.
  void set_options(const std::vector<Option>& options);
  /// Does not emit; out of range is ignored.
  void set_current(int index);
  int current() const { return current_; }
  int count() const { return static_cast<int>(segments_.size()); }
  QString text(int index) const;
  /// As the user does: emits, unless it is current already.
  void choose(int index);
  /// Where it is too narrow the options go on in further rows; else their texts are shortened.
  void set_wrapping(bool wrapping);

  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;
  bool hasHeightForWidth() const override { return wrapping_; }
  int heightForWidth(int width) const override;

 Q_SIGNALS:
  void selected(int index);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  std::vector<QRect> places(int width) const;
  void relayout();

  std::vector<Segment*> segments_;
  int current_ = -1;
  bool wrapping_ = false;
};

}  // namespace statescope
