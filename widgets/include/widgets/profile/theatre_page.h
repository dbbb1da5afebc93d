// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QStringList>
#include <memory>
#include <optional>

#include "engine/profile/theatre.h"
#include "widgets/canvas.h"

namespace statescope {

/// An algorithm on a short sequence as a tree that grows downwards: a row of (a, b) pairs after every step, lines from
/// each result to its operands; beside it, where there is room, what lies in slow and in fast memory and what travels.
class TheatrePage : public Page {
 public:
  void set_theatre(std::shared_ptr<const Theatre> theatre) { theatre_ = std::move(theatre); }
  const std::shared_ptr<const Theatre>& theatre() const { return theatre_; }
  /// `step` 0 is the input, k the row after step k; `phase` 0…1 is how far the next step has come.
  void set_step(int step, double phase);
  void set_source(const QString& sentence) { source_ = sentence; }
  /// What stands above the input, one a token; empty numbers them.
  void set_tokens(const QStringList& tokens) { tokens_ = tokens; }
  void set_empty_text(const QString& sentence) { empty_text_ = sentence; }

  void draw(Canvas& canvas, const QRectF& area, const Pointer& pointer) const override;
  QString csv() const override;
  QString name() const override;

 private:
  std::shared_ptr<const Theatre> theatre_;
  int step_ = 0;
  double phase_ = 0;
  QString source_, empty_text_;
  QStringList tokens_;
};

/// Which rows are in sight: as many as fit, scrolled so that the present one stays in view. `phase` glides.
struct TheatreRows {
  double first = 0;  // row at the top, may be between two
  int count = 0;     // that fit
};
TheatreRows visible_rows(int rows, int fitting, double present);

}  // namespace statescope
