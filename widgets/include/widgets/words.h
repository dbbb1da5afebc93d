// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <QWidget>

#include "widgets/theme.h"

namespace statescope {

/// Plain text that wraps, a paragraph a line. Made for words that change many times a second: new ones are painted, and
/// the layout around it is only asked when their height changes.
class Words : public QWidget {
 public:
  explicit Words(TextRole role, QWidget* parent = nullptr);

  void set_text(const QString& text);
  const QString& text() const { return text_; }

  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;
  bool hasHeightForWidth() const override { return true; }
  int heightForWidth(int width) const override;

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  TextRole role_;
  QString text_;
};

}  // namespace statescope
