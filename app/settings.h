// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QByteArray>
#include <QStringList>
#include <memory>

#include "widgets/theme.h"

class QSettings;

namespace statescope {

/// Values written through it can be read back at once. To the disk they go when it does: that takes tens of
/// milliseconds, on another thread.
std::shared_ptr<QSettings> saved_later();

/// What the application remembers between starts. Reads and writes the user's settings file at once.
class Settings {
 public:
  ThemeKind theme_kind() const;
  void set_theme_kind(ThemeKind kind);
  double text_scale() const;  // 1.0 to 2.0
  void set_text_scale(double scale);
  bool motion() const;
  void set_motion(bool enabled);
  QByteArray geometry() const;
  void set_geometry(const QByteArray& geometry);
  QString workspace() const;  // that was last in front
  void set_workspace(const QString& id);
  /// What was opened, newest first; those that are gone are left out.
  QStringList recent() const;
  void add_recent(const QString& path);
};

}  // namespace statescope
