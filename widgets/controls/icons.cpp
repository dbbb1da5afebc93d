// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/icons.h"

#include <QDir>
#include <QFile>
#include <QPainter>
#include <QPixmapCache>
#include <QSvgRenderer>
#include <cmath>

// A static library's resources are only linked in when something asks for them by name, outside any namespace.
static void register_icons() {
  Q_INIT_RESOURCE(icons);
}

namespace statescope {
namespace {

const QString& folder() {
  static const QString path = [] {
    register_icons();
    return QStringLiteral(":/statescope/icons/");
  }();
  return path;
}

}  // namespace

QPixmap icon_pixmap(const QString& name, const QColor& color, int size, double device_pixel_ratio) {
  if (size < 1) return {};
  const int pixels = std::max(1, static_cast<int>(std::lround(size * device_pixel_ratio)));
  const QString key = QStringLiteral("statescope:%1:%2:%3").arg(name, color.name(QColor::HexArgb)).arg(pixels);
  QPixmap pixmap;
  if (!QPixmapCache::find(key, &pixmap)) {
    QFile file(folder() + name + QStringLiteral(".svg"));
    if (!file.open(QIODevice::ReadOnly)) return {};
    QSvgRenderer renderer(file.readAll().replace("currentColor", color.name().toLatin1()));
    pixmap = QPixmap(pixels, pixels);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    painter.setOpacity(color.alphaF());
    renderer.render(&painter);
    painter.end();
    QPixmapCache::insert(key, pixmap);
  }
  pixmap.setDevicePixelRatio(device_pixel_ratio);
  return pixmap;
}

QIcon icon(const QString& name, const QColor& color, int size) {
  QIcon result;
  for (const double ratio : {1.0, 2.0, 3.0}) result.addPixmap(icon_pixmap(name, color, size, ratio));
  return result;
}

void paint_icon(QPainter& painter, const QString& name, const QRectF& box, const QColor& color) {
  const double ratio = painter.device()->devicePixelRatioF();
  const int size = static_cast<int>(std::floor(std::min(box.width(), box.height())));
  const QPixmap pixmap = icon_pixmap(name, color, size, ratio);
  if (pixmap.isNull()) return;
  const auto on_grid = [ratio](double x) { return std::round(x * ratio) / ratio; };
  painter.drawPixmap(QPointF(on_grid(box.center().x() - size / 2.0), on_grid(box.center().y() - size / 2.0)), pixmap);
}

QStringList icon_names() {
  QStringList names;
  for (const QString& file : QDir(folder()).entryList(QDir::Files, QDir::Name)) names << file.chopped(4);
  return names;
}

}  // namespace statescope
