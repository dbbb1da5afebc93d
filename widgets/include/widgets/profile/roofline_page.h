// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "widgets/canvas.h"
#include "widgets/profile/summary.h"
#include "widgets/profile/timeline_page.h"

namespace statescope {

struct LogPlot;

/// Every stage as a dot, operations per byte against operations per second, under the measured limits of the machine:
/// filled where many tokens are read at once, a ring where they are generated one by one.
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
  bool chosen(const RooflinePoint& point, std::optional<int> near) const;
  void draw_dots(Canvas& canvas, const LogPlot& plot, const std::vector<QRectF>& taken, std::optional<int> near) const;
  void draw_bounds(Canvas& canvas, const QRectF& area, std::optional<int> near) const;

  ProfileSelection& selection_;
  std::shared_ptr<const ProfileSummary> summary_;
  QString empty_text_;
  Qt::CursorShape shape_ = Qt::ArrowCursor;
};

}  // namespace statescope
