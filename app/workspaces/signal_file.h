// SPDX-License-Identifier: GPL-3.0-or-later
// Signals that are read from a file, alike wherever a workspace takes one.
#pragma once

#include <QWidget>
#include <optional>
#include <vector>

#include "engine/dynamics/signal.h"
#include "workspace.h"

class QComboBox;
class QFileInfo;
class QLabel;
class QVBoxLayout;

namespace statescope {

class Button;

bool is_read_from_file(SignalKind kind);
/// What a dropped or chosen file is, by its ending; nothing for any other file.
std::optional<SignalKind> signal_kind_of(const QFileInfo& file);
/// Asks the user for a file of this kind; empty when there is none.
QString choose_signal_file(QWidget* parent, SignalKind kind);
/// "Memory: open a WAV file…", from anywhere, and the same for a table.
std::vector<WorkspaceCommand> signal_file_commands(const Workspace& workspace,
                                                   const std::function<void(SignalKind)>& choose);

/// The file of a signal, how much of it is read, another file, and the column of a table. Hidden for other signals.
class SignalFile : public QWidget {
  Q_OBJECT
 public:
  /// Its parts are called `name`_file, `name`_open and `name`_column.
  explicit SignalFile(const QString& name, QWidget* parent = nullptr);

  /// `samples` as many as were read; −1 while nobody knows.
  void show_signal(const Signal& signal, std::int64_t samples);

 Q_SIGNALS:
  /// The user wants another file.
  void file_requested(SignalKind kind);
  /// The column of a table, as a Signal names it.
  void column_chosen(const QString& column);

 private:
  void show_columns(const Signal& signal);
  void set_lengths();

  QVBoxLayout* parts_;
  QLabel* file_;
  Button* open_;
  QComboBox* column_;
  SignalKind kind_ = SignalKind::wav;
  std::string shown_table_;  // whose columns there are
};

}  // namespace statescope
