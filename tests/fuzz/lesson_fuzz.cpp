// SPDX-License-Identifier: GPL-3.0-or-later
#include <cstdint>
#include <string_view>

#include "engine/error.h"
#include "engine/lesson/expression.h"
#include "engine/lesson/lesson.h"
#include "engine/lesson/numbers.h"

// Text of a lesson, its steps' scenes in time, and its questions' expressions.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace statescope;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<LessonFinding> findings;
  const Lesson lesson = read_lesson(text, "/nonexistent", findings);
  const nlohmann::ordered_json result{{"a", {1, 2, 3}}};
  const nlohmann::json scene{{"a", 1}};
  const ExpressionNames names{&result, &result, &scene};
  for (const LessonStep& step : lesson.steps) {
    try {
      scene_at(step, 0.5 * step.duration(), {"seed", "name"});
    } catch (const Error&) {
    }
    try {
      with_numbers(step.prose, names);
    } catch (const Error&) {
    }
    if (!step.question) continue;
    try {
      evaluate(step.question->truth, names);
    } catch (const Error&) {
    }
  }
  return 0;
}
