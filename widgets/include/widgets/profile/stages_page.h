// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>

#include "widgets/canvas.h"
#include "widgets/profile/summary.h"
#include "widgets/profile/timeline_page.h"

namespace statescope {

/// Every stage in a table, and how long the zones of the chosen one took.
class StagesPage : public Page {
 public:
  explicit StagesPage(ProfileSelection& selection) : selection_(selection) {}
  void set_summary(std::shared_ptr<const ProfileSummary> summary) { summary_ = std::move(summary); }
  void set_empty_text(const QString& sentence) { empty_text_ = sentence; }

  void draw(Canvas& canvas, const QRectF& area, const Pointer& pointer) const override;
  void interact(const QRectF& area, const Pointer& pointer) override;
  bool key(int key) override;
  double least_height() const override;
  QString csv() const override;
  QString name() const override;
  Qt::CursorShape cursor() const override { return shape_; }

 private:
  double pitch(const QRectF& area) const;
  int row_at(const QRectF& area, const QPointF& place) const;
  void draw_row(Canvas& canvas, const QRectF& row, int index) const;
  void draw_histogram(Canvas& canvas, const QRectF& area, const Pointer& pointer) const;

  ProfileSelection& selection_;
  std::shared_ptr<const ProfileSummary> summary_;
  QString empty_text_;
  Qt::CursorShape shape_ = Qt::ArrowCursor;
};

}  // namespace statescope
