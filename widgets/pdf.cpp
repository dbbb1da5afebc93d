// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/pdf.h"

#include <QBuffer>
#include <QPainter>
#include <QPdfWriter>

namespace statescope {

QByteArray pdf_of(const QSize& size, const QString& title, const std::function<void(QPainter&)>& draw) {
  constexpr int dots_per_inch = 96;
  QByteArray bytes;
  QBuffer buffer(&bytes);
  buffer.open(QIODevice::WriteOnly);
  QPdfWriter writer(&buffer);
  writer.setTitle(title);
  writer.setResolution(dots_per_inch);
  writer.setPageSize(QPageSize(QSizeF(size) / dots_per_inch, QPageSize::Inch));
  writer.setPageMargins({});
  QPainter painter(&writer);
  draw(painter);
  painter.end();
  return bytes;
}

}  // namespace statescope
