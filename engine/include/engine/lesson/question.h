// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "engine/error.h"
#include "engine/lesson/lesson.h"

namespace statescope {

/// A mistake of a question, with the line of lesson.md it is in.
class QuestionError : public Error {
 public:
  QuestionError(int in_line, const std::string& sentence) : Error(sentence), line(in_line) {}
  int line;
};

/// What is right for the present parameters.
struct LessonTruth {
  Scene scene;                 // with the question's changes: what is shown with the answer
  std::size_t option = 0;      // option: the one whose condition holds
  std::vector<double> values;  // value: one; token: the right places; curve: its points
  std::string why;             // with its numbers; Markdown
  std::string why_problem;     // what keeps a number from standing there, `why` being as it was written; empty: nothing
  std::vector<std::string> tokens;  // token: of a text that was read, the text of each
};

/// Asks the engine. `shown` is the scene as the learner has it; `folder` its relative paths start from, `assets` holds
/// the bundled models. Throws QuestionError when the truth cannot be computed, is
/// not what the kind of question needs, or of the options not exactly one holds; Cancelled.
LessonTruth truth_of(const LessonQuestion& question, const Scene& shown, const std::filesystem::path& folder,
                     const std::filesystem::path& assets, std::stop_token stop = {});

/// An option's number, a value, a place, or the points of a curve evenly spread over the truth's.
using LessonAnswer = std::variant<std::size_t, double, std::int64_t, std::vector<double>>;

/// The answer that is marked right with a distance of 0.
LessonAnswer right_answer(const LessonQuestion& question, const LessonTruth& truth);

struct LessonMark {
  bool right = false;
  double distance = 0;  // value: |answer − truth|; token: places to the nearest right one; curve: root mean square
};
/// Throws Error for an answer of another kind than the question.
LessonMark mark(const LessonQuestion& question, const LessonTruth& truth, const LessonAnswer& answer);

/// How far off is right.
double tolerance_of(const LessonQuestion& question);

}  // namespace statescope
