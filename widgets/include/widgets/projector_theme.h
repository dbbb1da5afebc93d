// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/theme.h"

namespace statescope {

/// A kind beside light and dark, so that what was drawn in one of them is drawn anew.
inline constexpr ThemeKind projector_kind{2};

/// A light theme for projectors that wash out: black and strong colours on white, each with a contrast of 7 or more.
Theme projector_theme();

/// As `apply_theme`.
void apply_projector_theme(QApplication& application);

}  // namespace statescope
