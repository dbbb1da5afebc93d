// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QIcon>
#include <QPixmap>
#include <QString>
#include <QStringList>

class QPainter;

namespace statescope {

/// Line icons from assets/icons, 24 x 24 units, tinted with one colour. An unknown name gives an empty picture.
/// `size` is in logical pixels.
QPixmap icon_pixmap(const QString& name, const QColor& color, int size, double device_pixel_ratio = 1.0);
QIcon icon(const QString& name, const QColor& color, int size);

/// Draws the icon centred in `box`, as large as its shorter side, sharp at the painter's device pixel ratio.
void paint_icon(QPainter& painter, const QString& name, const QRectF& box, const QColor& color);

/// Every name that `icon` knows, sorted.
QStringList icon_names();

}  // namespace statescope
