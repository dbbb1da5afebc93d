// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>
#include <vector>

namespace statescope {

class Button;
class RailEntry;

/// The narrow column on the left: logo, workspaces, and a few tools at the bottom. Up and Down move between entries,
/// Enter opens. When the window is too low for the labels they give way; tooltips still name every entry.
class NavigationRail : public QWidget {
  Q_OBJECT
 public:
  explicit NavigationRail(QWidget* parent = nullptr);

  /// `icon_name` as in icons.h; `shortcut` is only shown, the application owns the action.
  void add_entry(const QString& id, const QString& name, const QString& icon_name, const QString& shortcut = {});
  void add_tool(const QString& id, const QString& name, const QString& icon_name, const QString& shortcut = {});

  /// Highlights an entry without emitting; an unknown id highlights none.
  void set_current(const QString& id);
  const QString& current() const { return current_; }

  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  void activated(const QString& id);
  void tool_activated(const QString& id);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  void relayout();

  std::vector<RailEntry*> entries_;
  std::vector<Button*> tools_;
  QString current_;
  QRect logo_;
};

}  // namespace statescope
