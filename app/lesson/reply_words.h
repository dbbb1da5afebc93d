// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include "engine/lesson/question.h"

namespace statescope {

/// What is right, and what was answered, in words.
QString truth_words(const LessonQuestion& question, const LessonTruth& truth);
QString answer_words(const LessonQuestion& question, const LessonAnswer& answer);

}  // namespace statescope
