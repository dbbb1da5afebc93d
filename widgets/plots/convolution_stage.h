// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QRectF>
#include <algorithm>
#include <array>
#include <cmath>

#include "widgets/convolution_view.h"

namespace statescope {

inline constexpr std::array<ConvolutionView::Row, 5> all_rows = {
    ConvolutionView::Row::signal, ConvolutionView::Row::kernel, ConvolutionView::Row::products,
    ConvolutionView::Row::output, ConvolutionView::Row::recurrence};

inline QString row_name(ConvolutionView::Row row) {
  switch (row) {
    case ConvolutionView::Row::signal:
      return ConvolutionView::tr("input u");
    case ConvolutionView::Row::kernel:
      return ConvolutionView::tr("kernel K, turned");
    case ConvolutionView::Row::products:
      return ConvolutionView::tr("products");
    case ConvolutionView::Row::output:
      return ConvolutionView::tr("their sum y");
    case ConvolutionView::Row::recurrence:
      return ConvolutionView::tr("y by recurrence");
  }
  return {};
}

/// What happens on the way from one step to the next: shares of one, each eased, one after the other.
struct Act {
  double faded = 0;   // of the old products
  double slid = 0;    // of the kernel
  double lit = 1;     // of the products at the new place
  double landed = 1;  // of their sum
  bool moving = false;

  Act() = default;
  Act(double phase, bool more) {
    if (phase <= 0 || !more) return;
    const auto part = [phase](double from, double to) {
      const double share = std::clamp((phase - from) / (to - from), 0.0, 1.0);
      return share * share * (3 - 2 * share);
    };
    moving = true;
    faded = part(0, 0.15);
    slid = part(0.1, 0.5);
    lit = part(0.5, 0.7);
    landed = part(0.7, 0.95);
  }
};

/// Where everything stands.
struct ConvolutionView::Stage {
  QRectF gutter, sum;
  std::array<QRectF, 5> rows;
  Act act;
  double head = 0;   // where K_0 stands, in samples
  double first = 0;  // left edge, in samples
  double span = 1, pitch = 1;

  double x_of(double sample) const { return rows[0].left() + (sample + 0.5 - first) * pitch; }
  /// Of a value as a share of the row's largest, −1 … 1.
  double y_of(std::size_t row, double share) const {
    return rows[row].center().y() - std::clamp(share, -1.0, 1.0) * (rows[row].height() / 2 - 2);
  }
  double bar_width() const { return std::clamp(0.62 * pitch, 1.0, 22.0); }
};

}  // namespace statescope
