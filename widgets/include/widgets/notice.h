// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QVariantAnimation>
#include <QWidget>
#include <functional>

class QLabel;
class QShortcut;

namespace statescope {

class Button;

/// One sentence about what just happened, at the top of the workspace; slides in, blocks nothing, stays until closed
/// (its button or Esc) or replaced. Put it on top of a vertical layout; hidden it takes no room.
class Notice : public QWidget {
  Q_OBJECT
 public:
  enum class Kind { info, warning, error };

  explicit Notice(QWidget* parent = nullptr);

  /// Plain text: markup is shown as written. With an `action` there is a button of that name, which closes the notice
  /// and calls `run`.
  void show_message(Kind kind, const QString& sentence, const QString& action = {}, std::function<void()> run = {});
  void dismiss();
  QString message() const;

  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;
  bool hasHeightForWidth() const override { return true; }
  int heightForWidth(int width) const override;

 Q_SIGNALS:
  void dismissed();

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  QColor tint() const;
  int text_width(int width) const;
  void relayout();
  void slide(double to);

  Kind kind_ = Kind::info;
  QLabel* text_;
  Button* action_;
  std::function<void()> run_;
  Button* close_;
  QShortcut* escape_;
  QVariantAnimation slide_;
  double shown_ = 0;  // 0 hidden, 1 fully in
};

}  // namespace statescope
