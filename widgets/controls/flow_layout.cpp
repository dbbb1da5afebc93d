// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/flow_layout.h"

#include <QWidget>
#include <algorithm>

namespace statescope {

namespace {

QSize size_of(const QLayoutItem& item, int most) {
  QSize size = item.sizeHint();
  if (size.width() <= most) return size;
  size.setWidth(most);
  if (item.hasHeightForWidth()) size.setHeight(item.heightForWidth(most));
  return size;
}

}  // namespace

FlowLayout::FlowLayout(QWidget* parent, bool apart) : QLayout(parent), apart_(apart) {
  setContentsMargins(0, 0, 0, 0);
}

FlowLayout::~FlowLayout() {
  qDeleteAll(items_);
}

QLayoutItem* FlowLayout::itemAt(int index) const {
  return index >= 0 && index < count() ? items_[static_cast<std::size_t>(index)] : nullptr;
}

QLayoutItem* FlowLayout::takeAt(int index) {
  QLayoutItem* item = itemAt(index);
  if (item) items_.erase(items_.begin() + index);
  return item;
}

int FlowLayout::heightForWidth(int width) const {
  return arrange({0, 0, width, 0}, false);
}

QSize FlowLayout::sizeHint() const {
  QSize size(0, 0);
  for (const QLayoutItem* item : items_) {
    if (item->isEmpty()) continue;
    const QSize wanted = item->sizeHint();
    size = {size.width() + (size.width() > 0 ? spacing() : 0) + wanted.width(),
            std::max(size.height(), wanted.height())};
  }
  return size;
}

QSize FlowLayout::minimumSize() const {
  QSize size(0, 0);
  for (const QLayoutItem* item : items_)
    if (!item->isEmpty()) size = size.expandedTo(item->minimumSize());
  return size;
}

void FlowLayout::setGeometry(const QRect& rect) {
  QLayout::setGeometry(rect);
  arrange(rect, true);
}

// Returns the height of all rows. What is lower than its row stands in the middle of it.
int FlowLayout::arrange(const QRect& rect, bool apply) const {
  std::vector<QLayoutItem*> shown;
  for (QLayoutItem* item : items_)
    if (!item->isEmpty()) shown.push_back(item);
  int y = rect.top();
  for (std::size_t first = 0, end = 0; first < shown.size(); first = end) {
    int width = 0, height = 0;
    for (; end < shown.size(); ++end) {
      const QSize size = size_of(*shown[end], rect.width());
      const int wider = width + (end > first ? spacing() : 0) + size.width();
      if (end > first && wider > rect.width()) break;
      width = wider;
      height = std::max(height, size.height());
    }
    int x = rect.left();
    for (std::size_t i = first; apply && i < end; ++i) {
      const QSize size = size_of(*shown[i], rect.width());
      if (apart_ && i == first + 1) x += rect.width() - width;
      shown[i]->setGeometry({QPoint(x, y + (height - size.height()) / 2), size});
      x += size.width() + spacing();
    }
    y += height + (end < shown.size() ? spacing() : 0);
  }
  return y - rect.top();
}

}  // namespace statescope
