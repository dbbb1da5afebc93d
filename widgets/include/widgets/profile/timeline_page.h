// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "widgets/canvas.h"
#include "widgets/profile/zone_lanes.h"

namespace statescope {

/// What is chosen in the profiler; all its pages show and change the same.
struct ProfileSelection {
  std::optional<Stage> stage;
};

/// The part of a time line that is seen, in nanoseconds. Zooming keeps the time under the pointer where it is.
struct TimeWindow {
  static constexpr double shortest = 20;  // nanoseconds across the width

  double first = 0, last = 0;  // equal: everything

  bool everything() const { return !(last > first); }
  double begin() const { return everything() ? 0 : first; }
  double end(double length) const { return everything() ? std::max(length, 1.0) : last; }
  /// `share` 0…1 is the place that stays; a factor below 1 shows less. Never leaves [0, length].
  void zoom(double share, double factor, double length);
  void pan(double nanoseconds, double length);
};

/// Draws one recording's lanes; Timeline and Compare both use it.
struct LaneDrawing {
  const ZoneLanes& recording;
  QRectF box;  // of the time axis
  double first = 0, last = 1;
  std::optional<Stage> highlighted;
  bool stages_only = false;  // no passes and layers above the stages, where room is short
};
double lanes_height(const ZoneLanes& recording, bool stages_only = false);
/// Returns what is under the pointer: lane and zone.
std::optional<std::pair<std::size_t, std::int64_t>> draw_lanes(Canvas& canvas, const LaneDrawing& drawing,
                                                               const Pointer& pointer);
/// Times along the top of `box`, with fine lines through it.
void draw_ruler(Canvas& canvas, const QRectF& box, double first, double last);
double ruler_height();
/// What a zone did and how fast, against the ceilings where they are known.
void draw_zone_card(Canvas& canvas, const QRectF& area, QPointF anchor, const ProfileZone& zone,
                    const Ceilings& ceilings);

/// Where the time of a run goes: lanes of stages, zoomed from the whole run to nanoseconds, and the same time by layer.
class TimelinePage : public Page {
 public:
  explicit TimelinePage(ProfileSelection& selection) : selection_(selection) {}

  /// `title` says what was recorded. Null: nothing yet.
  void set_recording(std::shared_ptr<const ZoneLanes> recording, const QString& title, const Ceilings& ceilings);
  /// A moment marked through all lanes, nanoseconds; none below 0.
  void set_cursor(double time) { cursor_ = time; }
  void set_empty_text(const QString& sentence) { empty_text_ = sentence; }
  TimeWindow& window() { return window_; }
  const TimeWindow& window() const { return window_; }
  /// Pixels of the time axis in a page of this size.
  QRectF axis_box(const QRectF& area) const;

  void draw(Canvas& canvas, const QRectF& area, const Pointer& pointer) const override;
  void interact(const QRectF& area, const Pointer& pointer) override;
  bool key(int key) override;
  bool takes_wheel(const QRectF& area, QPointF place) const override;
  double least_height() const override;
  QString csv() const override;
  QString name() const override;
  Qt::CursorShape cursor() const override { return shape_; }

 private:
  double length() const { return recording_ ? static_cast<double>(recording_->end()) : 0; }
  void draw_overview(Canvas& canvas, const QRectF& box) const;
  void draw_by_layer(Canvas& canvas, const QRectF& area, const Pointer& pointer) const;
  const std::vector<StageTimes>& times(double first, double last) const;

  ProfileSelection& selection_;
  std::shared_ptr<const ZoneLanes> recording_;
  QString title_, empty_text_;
  Ceilings ceilings_;
  TimeWindow window_;
  double cursor_ = -1;
  Qt::CursorShape shape_ = Qt::ArrowCursor;
  // Sums over what is seen, kept until something else is.
  struct Sums {
    double first = 0, last = 0;
    std::int64_t zones = -1;
    std::vector<StageTimes> times;
  };
  mutable Sums sums_;
};

}  // namespace statescope
