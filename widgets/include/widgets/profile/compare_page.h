// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <vector>

#include "engine/profile/statistics.h"
#include "widgets/canvas.h"
#include "widgets/profile/timeline_page.h"

namespace statescope {

/// Two recordings: their time lines one above the other at the same scale, and stage by stage what changed.
class ComparePage : public Page {
 public:
  struct Side {
    std::shared_ptr<const ZoneLanes> recording;
    QString title;
  };
  explicit ComparePage(ProfileSelection& selection) : selection_(selection) {}
  /// Either may have no recording.
  void set_sides(Side before, Side after);
  void set_differences(std::vector<StageComparison> differences) { differences_ = std::move(differences); }
  TimeWindow& window() { return window_; }
  const TimeWindow& window() const { return window_; }
  void set_empty_text(const QString& sentence) { empty_text_ = sentence; }

  void draw(Canvas& canvas, const QRectF& area, const Pointer& pointer) const override;
  void interact(const QRectF& area, const Pointer& pointer) override;
  bool key(int key) override;
  bool takes_wheel(const QRectF& area, QPointF place) const override;
  double least_height() const override;
  QString csv() const override;
  QString name() const override;

 private:
  double length() const;
  double lanes_bottom(const QRectF& area, bool stages_only) const;
  bool stages_only(const QRectF& area) const;
  double row_height(const QRectF& area) const;

  ProfileSelection& selection_;
  Side before_, after_;
  std::vector<StageComparison> differences_;
  QString empty_text_;
  TimeWindow window_;
};

}  // namespace statescope
