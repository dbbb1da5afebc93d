// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAbstractButton>
#include <QTextDocument>

namespace statescope {

/// One sentence of several to choose from: a key, text with formulas, and afterwards whether it was right.
class OptionRow : public QAbstractButton {
  Q_OBJECT
 public:
  enum class Verdict { none, right, wrong };

  /// `key` is the digit that chooses it.
  OptionRow(int key, const QString& markdown, QWidget* parent = nullptr);
  void set_verdict(Verdict verdict);

  QSize sizeHint() const override;
  bool hasHeightForWidth() const override { return true; }
  int heightForWidth(int width) const override;

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  void set_text();
  int text_left() const;

  int key_;
  QString markdown_;
  Verdict verdict_ = Verdict::none;
  mutable QTextDocument document_;  // laid out for the width asked for last
};

}  // namespace statescope
