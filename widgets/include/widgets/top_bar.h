// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <QWidget>
#include <vector>

namespace statescope {

class Button;

/// A fact about what is open.
struct TopBarChip {
  QString id, text, tooltip;
  bool warning = false;  ///< tinted and clickable
  int priority = 0;      ///< higher ones stay longest when the window is narrow; warnings outlive all others
  bool operator==(const TopBarChip&) const = default;
};

/// Title and facts on the left, speed and the way to the command palette on the right. When it is narrow, chips elide
/// and then leave, least important first; nothing is ever cut off.
class TopBar : public QWidget {
  Q_OBJECT
 public:
  explicit TopBar(QWidget* parent = nullptr);

  void set_title(const QString& title);
  void set_chips(const std::vector<TopBarChip>& chips);
  /// "412 tokens/s"; empty hides the chip.
  void set_speed(const QString& text, const QString& tooltip = {});

  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  void palette_requested();
  void chip_clicked(const QString& id);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  struct Shown {
    TopBarChip chip;
    Button* button;
  };
  void relayout();

  QString title_;
  QRect title_box_;
  std::vector<Shown> chips_;
  Button* speed_;
  Button* palette_;
};

}  // namespace statescope
