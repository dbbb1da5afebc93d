// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <optional>

#include "widgets/canvas.h"
#include "widgets/profile/summary.h"
#include "widgets/profile/timeline_page.h"

namespace statescope {

/// Every stage as a dot, operations per byte against operations per second, under the measured limits of the machine.
class RooflinePage : public Page {
 public:
  explicit RooflinePage(ProfileSelection& selection) : selection_(selection) {}
  void set_summary(std::shared_ptr<const ProfileSummary> summary) { summary_ = std::move(summary); }
  void set_empty_text(const QString& sentence) { empty_text_ = sentence; }

  void draw(Canvas& canvas, const QRectF& area, const Pointer& pointer) const override;
  void interact(const QRectF& area, const Pointer& pointer) override;
  bool key(int key) override;
  QString csv() const override;
  QString name() const override;
  Qt::CursorShape cursor() const override { return shape_; }

 private:
  std::optional<int> point_near(const QRectF& area, const QPointF& place) const;

  ProfileSelection& selection_;
  std::shared_ptr<const ProfileSummary> summary_;
  QString empty_text_;
  Qt::CursorShape shape_ = Qt::ArrowCursor;
};

}  // namespace statescope
