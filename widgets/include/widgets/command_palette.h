// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAction>
#include <QPointer>
#include <QWidget>
#include <vector>

class QLineEdit;
class QListView;
class QStandardItemModel;

namespace statescope {

/// An action the palette offers; actions that are gone or hidden are left out, disabled ones shown pale.
struct PaletteCommand {
  QPointer<QAction> action;
  QString category;  ///< "View"
};

/// Indices of the commands that match, best first, with the matched characters of each name. A query may also name the
/// category ("view zoom"). An empty query keeps the order.
struct PaletteHit {
  int command;
  std::vector<int> positions;
};
std::vector<PaletteHit> find_commands(const QString& query, const QStringList& names, const QStringList& categories);

/// An overlay over its parent: type to filter, Up and Down to move, Enter to run, Esc to leave.
class CommandPalette : public QWidget {
  Q_OBJECT
 public:
  /// Covers `window` while open; closed at first.
  explicit CommandPalette(QWidget* window);

  void set_commands(std::vector<PaletteCommand> commands);
  /// Shows itself with an empty query and takes the focus; `dismiss` gives it back.
  void open();
  void dismiss();

 protected:
  void paintEvent(QPaintEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  void filter();
  void relayout();
  void run(int row);
  bool handle_key(int key);
  void move_selection(int rows);

  std::vector<PaletteCommand> commands_;
  std::vector<int> rows_;  // list row -> command
  QLineEdit* query_;
  QListView* list_;
  QStandardItemModel* model_;
  QPointer<QWidget> focus_before_;
  QRect panel_;
};

}  // namespace statescope
