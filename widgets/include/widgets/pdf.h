// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QByteArray>
#include <QSize>
#include <QString>
#include <functional>

class QPainter;

namespace statescope {

/// A document of one page of `size` logical pixels, each 1/96 inch, that `draw` fills.
QByteArray pdf_of(const QSize& size, const QString& title, const std::function<void(QPainter&)>& draw);

}  // namespace statescope
