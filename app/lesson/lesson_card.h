// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAbstractButton>
#include <QPixmap>

namespace statescope {

/// A lesson on the shelf: its picture, title, length and how much of it is done.
class LessonCard : public QAbstractButton {
  Q_OBJECT
 public:
  struct Facts {
    QString folder, title, level, outcome;
    int number = 0, minutes = 0, steps = 0, done = 0;
    QString problem;  // in place of everything but the title
  };

  explicit LessonCard(Facts facts, QWidget* parent = nullptr);
  const Facts& facts() const { return facts_; }
  void set_done(int done);

  QSize sizeHint() const override;
  bool hasHeightForWidth() const override { return true; }
  int heightForWidth(int width) const override;

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  void load_picture();

  Facts facts_;
  QPixmap picture_;
};

}  // namespace statescope
