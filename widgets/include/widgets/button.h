// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAbstractButton>

namespace statescope {

/// A painted push button: an icon, a text, or both. Follows theme and text scale; elides its text when squeezed.
/// Enter and Space press it; arrow keys are left to the parent. A click leaves the focus where it was, so that Space
/// goes on meaning what it meant before.
class Button : public QAbstractButton {
  Q_OBJECT
 public:
  enum class Look {
    plain,    ///< nothing but the content until hovered
    raised,   ///< a quiet filled tile
    outline,  ///< a key cap
    primary,  ///< the one thing to do here
    round,    ///< a filled circle (play)
    chip,     ///< a rounded muted pill that states a fact
    warning,  ///< a pill that asks to be looked at
  };

  Button(Look look, const QString& icon_name, const QString& text, QWidget* parent = nullptr);

  void set_icon_name(const QString& name);
  const QString& icon_name() const { return icon_name_; }
  void set_look(Look look);
  /// Accessible name `what`; tooltip `what (shortcut)`.
  void set_hint(const QString& what, const QString& shortcut = {});
  /// A chip that only states a fact takes neither focus nor clicks.
  void set_clickable(bool clickable);

  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  bool hitButton(const QPoint& point) const override;

 private:
  QFont text_font() const;

  Look look_;
  QString icon_name_;
  bool clickable_ = true;
};

}  // namespace statescope
