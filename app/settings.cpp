// SPDX-License-Identifier: GPL-3.0-or-later
#include "settings.h"

#include <QFileInfo>
#include <QSettings>
#include <QThreadPool>
#include <algorithm>

namespace statescope {
namespace {

constexpr int recent_kept = 8;

QVariant read(const char* key, const QVariant& fallback = {}) {
  return QSettings().value(QLatin1String(key), fallback);
}
void write(const char* key, const QVariant& value) {
  saved_later()->setValue(QLatin1String(key), value);
}

}  // namespace

std::shared_ptr<QSettings> saved_later() {
  return {new QSettings, [](QSettings* settings) {
            settings->moveToThread(nullptr);
            QThreadPool::globalInstance()->start([settings] { delete settings; });
          }};
}

ThemeKind Settings::theme_kind() const {
  return read("theme").toString() == QLatin1String("light") ? ThemeKind::light : ThemeKind::dark;
}
void Settings::set_theme_kind(ThemeKind kind) {
  write("theme", kind == ThemeKind::light ? QStringLiteral("light") : QStringLiteral("dark"));
}

double Settings::text_scale() const {
  return std::clamp(read("text_scale", 1.0).toDouble(), 1.0, 2.0);
}
void Settings::set_text_scale(double scale) {
  write("text_scale", scale);
}

bool Settings::motion() const {
  return read("motion", true).toBool();
}
void Settings::set_motion(bool enabled) {
  write("motion", enabled);
}

QByteArray Settings::geometry() const {
  return read("geometry").toByteArray();
}
void Settings::set_geometry(const QByteArray& geometry) {
  write("geometry", geometry);
}

QString Settings::workspace() const {
  return read("workspace").toString();
}
void Settings::set_workspace(const QString& id) {
  write("workspace", id);
}

QStringList Settings::recent() const {
  QStringList paths = read("recent").toStringList();
  paths.removeIf([](const QString& path) { return !QFileInfo::exists(path); });
  return paths.mid(0, recent_kept);
}

void Settings::add_recent(const QString& path) {
  QStringList paths = recent();
  const QString absolute = QFileInfo(path).absoluteFilePath();
  paths.removeAll(absolute);
  paths.prepend(absolute);
  write("recent", paths.mid(0, recent_kept));
}

}  // namespace statescope
