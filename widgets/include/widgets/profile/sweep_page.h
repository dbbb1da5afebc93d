// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QStringList>
#include <vector>

#include "engine/profile/sweep.h"
#include "widgets/canvas.h"

namespace statescope {

/// Time against length for every way to scan and for attention, as the points come in: a whole text on the left, one
/// more token on the right, and below what they say.
class SweepPage : public Page {
 public:
  void clear();
  void add_point(const SweepPoint& point);
  void set_findings(const QStringList& findings) { findings_ = findings; }
  const std::vector<SweepPoint>& points() const { return points_; }
  void set_empty_text(const QString& sentence) { empty_text_ = sentence; }

  void draw(Canvas& canvas, const QRectF& area, const Pointer& pointer) const override;
  QString csv() const override;
  QString name() const override;

 private:
  void draw_plot(Canvas& canvas, const QRectF& area, bool one_token, const Pointer& pointer, const QRectF& page) const;

  std::vector<SweepPoint> points_;
  QStringList findings_;
  QString empty_text_;
};

QColor sweep_color(SweepWork work, const Theme& theme);
QString sweep_label(SweepWork work);

}  // namespace statescope
