// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>

#include "widgets/canvas.h"
#include "widgets/profile/summary.h"

namespace statescope {

/// What a run holds in memory, and how its state compares with the keys and values that attention would have to keep.
class MemoryPage : public Page {
 public:
  void set_summary(std::shared_ptr<const ProfileSummary> summary) { summary_ = std::move(summary); }
  void set_empty_text(const QString& sentence) { empty_text_ = sentence; }

  void draw(Canvas& canvas, const QRectF& area, const Pointer& pointer) const override;
  QString csv() const override;
  QString name() const override;

 private:
  std::shared_ptr<const ProfileSummary> summary_;
  QString empty_text_;
};

}  // namespace statescope
