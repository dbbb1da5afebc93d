// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QByteArray>
#include <QSize>
#include <QString>
#include <functional>

class QPainter;

namespace statescope {

/// A picture of `size` logical pixels that `draw` fills: text stays text, and what is clipped on the screen is clipped
/// here, which QSvgGenerator (Qt 6.4) leaves out.
QByteArray svg_of(const QSize& size, const QString& title, const std::function<void(QPainter&)>& draw);

}  // namespace statescope
