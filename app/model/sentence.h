// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <exception>

namespace statescope {

/// What went wrong as one sentence, for any exception a job may end with.
QString sentence_of(const std::exception& error);

}  // namespace statescope
