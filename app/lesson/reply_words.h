// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include <functional>

#include "engine/lesson/question.h"

namespace statescope {

/// How the transport bar names a place of the cursor.
using PlaceName = std::function<QString(int)>;

/// What is right, and what was answered, in words: "“ sea” (token 12 of 40)".
QString truth_words(const LessonQuestion& question, const LessonTruth& truth, const PlaceName& name);
QString answer_words(const LessonQuestion& question, const LessonTruth& truth, const LessonAnswer& answer,
                     const PlaceName& name);

}  // namespace statescope
