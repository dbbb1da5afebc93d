// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/scene/scene.h"

namespace statescope {

/// The symbols that have a colour of their own, as a lesson writes them.
inline constexpr std::array<const char*, 9> lesson_symbols{"Δ", "A", "B", "C", "D", "x", "z", "h", "y"};

/// A mistake in lesson.md.
struct LessonFinding {
  int line;  // from 1
  std::string sentence;
  bool note = false;  // no mistake: what the checker did not look at
};

/// What happens while a step plays.
struct LessonCue {
  enum class Kind { set, sweep, highlight, pause };
  Kind kind = Kind::set;
  double from = 0, to = 0;          // seconds; equal unless a sweep
  nlohmann::json::json_pointer at;  // set, sweep: where in the scene
  nlohmann::json first, last;       // set: `first`; sweep: numbers
  bool logarithmic = false;
  std::string symbol;  // highlight; empty ends it
  int line = 0;
};

/// A place in the scene that differs from student to student.
struct LessonVariation {
  nlohmann::json::json_pointer at;
  std::vector<nlohmann::json> values;
  int line = 0;
};

struct LessonOption {
  std::string text, condition;  // Markdown; an expression
  int line = 0;
};

struct LessonQuestion {
  enum class Kind { option, value, token, curve };
  Kind kind = Kind::option;
  std::string ask, why;                     // Markdown
  nlohmann::json reveal, against;           // changes to the scene; null: none
  std::vector<LessonOption> options;        // option
  std::string truth;                        // the others: an expression
  double from = 0, to = 1, tolerance = -1;  // below 0: the default of LESSON.md
  std::string unit;
  int line = 0, ask_line = 0, reveal_line = 0, against_line = 0, truth_line = 0, why_line = 0;
};

/// One idea: prose beside a living view.
struct LessonStep {
  std::string title, prose, alt, notes;     // prose, notes: Markdown
  nlohmann::json scene;                     // before cues and variations, with all inherited
  std::vector<LessonVariation> variations;  // inherited ones, too
  std::vector<LessonCue> cues;              // by the time they begin
  std::optional<LessonQuestion> question;
  int line = 0, prose_line = 0, alt_line = 0, notes_line = 0;
  int scene_line = 0, file_line = 0;  // what is shown; where its file is named, here or in a step before

  double duration() const;  // seconds, the last time that a cue names
};

struct Lesson {
  std::string title, level, prerequisites;
  int minutes = 0;
  std::vector<std::string> outcomes, sources;
  std::vector<LessonStep> steps;  // at least one
  std::filesystem::path folder;   // relative paths of its scenes start here
};

/// LESSON.md as a parser. `folder` is where the scene files lie. What is wrong is added to `findings`; the lesson that
/// comes back has what could be read, and is fit to play when there are none.
Lesson read_lesson(std::string_view text, const std::filesystem::path& folder, std::vector<LessonFinding>& findings);

/// The lesson in a folder. Throws Error, naming file, line and the first mistake.
Lesson load_lesson(const std::filesystem::path& folder);

/// Whose numbers: the class's seed and the student's name; both empty keeps every scene's own.
struct LessonSeed {
  std::string seed, name;
};

/// What a step shows `seconds` after it began to play: a pure function. Throws Error where that is not a scene.
Scene scene_at(const LessonStep& step, double seconds, const LessonSeed& whose = {});
/// The symbol that alone keeps its colour then; empty: all do.
std::string highlight_at(const LessonStep& step, double seconds);
/// The first pause after `seconds`, or the step's duration.
double next_stop(const LessonStep& step, double seconds);

}  // namespace statescope
