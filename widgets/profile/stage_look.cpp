// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/profile/stage_look.h"

namespace statescope {

QColor stage_color(Stage stage, const Theme& theme) {
  switch (stage) {
    case Stage::in_projection:
      return theme.symbol(Symbol::x);
    case Stage::convolution:
      return mix(theme.symbol(Symbol::x), theme.background, 0.45);
    case Stage::x_projection:
      return theme.symbol(Symbol::B);
    case Stage::dt_projection:
      return theme.symbol(Symbol::delta);
    case Stage::scan:
      return theme.symbol(Symbol::h);
    case Stage::gate:
      return theme.symbol(Symbol::z);
    case Stage::out_projection:
      return theme.symbol(Symbol::y);
    case Stage::copy:
      return theme.symbol(Symbol::D);
    case Stage::head:
      return mix(theme.muted, theme.text, 0.45);
    case Stage::norm:
      return mix(theme.muted, theme.background, 0.35);
    case Stage::embedding:
    case Stage::sampling:
      break;
  }
  return theme.muted;
}

QColor ink_on(const QColor& fill) {
  const QColor dark(0x101216), light(0xFFFFFF);
  return contrast_ratio(fill, dark) >= contrast_ratio(fill, light) ? dark : light;
}

QString stage_label(Stage stage) {
  return QString::fromStdString(stage_name(stage));
}

}  // namespace statescope
