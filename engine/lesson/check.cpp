// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/lesson/check.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "engine/error.h"
#include "engine/experiments/compute.h"
#include "engine/io/file.h"
#include "engine/io/json.h"
#include "engine/lesson/numbers.h"
#include "engine/lesson/question.h"
#include "engine/random.h"
#include "lesson_text.h"
#include "markdown_check.h"

namespace statescope {
namespace {

using nlohmann::json;

constexpr std::size_t max_students = 64;
constexpr std::chrono::seconds patience(20);  // with a step; what is being computed then is still finished

// The lines of places in a text, which are asked for from the front.
class LineCounter {
 public:
  LineCounter(std::string_view text, int first_line) : text_(text), line_(first_line) {}
  int at(std::size_t place) {
    const std::string_view passed = text_.substr(counted_, place - counted_);
    line_ += static_cast<int>(std::count(passed.begin(), passed.end(), '\n'));
    counted_ = place;
    return line_;
  }

 private:
  std::string_view text_;
  int line_;
  std::size_t counted_ = 0;
};

class Checker {
 public:
  Checker(std::vector<LessonFinding>& findings, const std::filesystem::path& assets, std::stop_token stop)
      : findings_(findings), assets_(assets), stop_(std::move(stop)) {}

  void check(const Lesson& lesson) {
    folder_ = lesson.folder;
    for (const LessonStep& step : lesson.steps) {
      for (const auto& [text, line] : words_of(step))
        if (text != &step.alt) check_words(*text, line);
      if (!step.scene.is_null()) check_step(step);
    }
  }

 private:
  void found(int line, std::string sentence) { findings_.push_back({line, std::move(sentence)}); }

  // All that is read, each with the line it begins in.
  static std::vector<std::pair<const std::string*, int>> words_of(const LessonStep& step) {
    std::vector<std::pair<const std::string*, int>> words{
        {&step.prose, step.prose_line}, {&step.alt, step.alt_line}, {&step.notes, step.notes_line}};
    if (const auto& question = step.question) {
      words.emplace_back(&question->ask, question->ask_line);
      words.emplace_back(&question->why, question->why_line);
      for (const LessonOption& option : question->options) words.emplace_back(&option.text, option.line);
    }
    return words;
  }

  void check_words(const std::string& markdown, int first_line) {
    LineCounter lines(markdown, first_line);
    for (const MarkdownMistake& each : markdown_mistakes(markdown)) found(lines.at(each.at), each.sentence);
  }

  // The numbers in what is read before the answer.
  void check_numbers(const LessonStep& step, const std::string& when) {
    try {
      const auto scene = nlohmann::json::parse(to_text(scene_at(step, 0)));
      for (const auto& [text, first_line] : words_of(step)) {
        LineCounter lines(*text, first_line);
        for (const EmbeddedNumber& each : find_numbers(*text)) {
          if (step.question && text == &step.question->why) continue;
          try {
            with_numbers(text->substr(each.begin, each.end - each.begin), {nullptr, nullptr, &scene});
          } catch (const Error& error) {
            found(lines.at(each.begin), when + error.what());
          }
        }
      }
    } catch (const Error&) {  // the scene's own mistake is a finding already
    }
  }

  // What a step shows and asks, for its own numbers and those of other students.
  void check_step(const LessonStep& step) {
    step_began_ = std::chrono::steady_clock::now();
    if (!check_numbers_of(step, "", step.scene_line)) return;
    const auto students = students_of(step.variations);
    std::size_t tried = 0;
    for (; tried < students.size() && !impatient(); ++tried) {
      LessonStep varied = step;
      std::string when;
      for (std::size_t i = 0; i < step.variations.size(); ++i) {
        const LessonVariation& variation = step.variations[i];
        const json& value = variation.values[students[tried][i]];
        try {
          varied.scene[variation.at] = value;
        } catch (const json::exception&) {
          return found(variation.line, "the scene has no place " + dotted(variation.at));
        }
        when += (i == 0 ? "with " : " and ") + dotted(variation.at) + " at " + value.dump();
      }
      if (!check_numbers_of(varied, when + ", ", step.variations.back().line)) return;
    }
    if (tried < students.size())
      findings_.push_back({step.variations.back().line,
                           std::to_string(tried) + " of " + std::to_string(students.size()) +
                               " combinations of varied numbers were tried; the scene takes long to compute",
                           true});
  }

  // Which value of each variation: all combinations where there are few, else the first, the last and some at random.
  static std::vector<std::vector<std::size_t>> students_of(const std::vector<LessonVariation>& variations) {
    std::size_t combinations = 1;
    for (const LessonVariation& each : variations)
      combinations = std::min(combinations * each.values.size(), max_students + 1);
    if (variations.empty()) return {};
    std::vector<std::vector<std::size_t>> students;
    Uniform uniform(1);
    for (std::size_t student = 0; student < std::min(combinations, max_students); ++student) {
      std::vector<std::size_t> values;
      std::size_t rest = student;
      for (const LessonVariation& each : variations) {
        const std::size_t count = each.values.size();
        if (combinations <= max_students)
          values.push_back(std::exchange(rest, rest / count) % count);
        else if (student < 2)
          values.push_back(student == 0 ? 0 : count - 1);
        else
          values.push_back(static_cast<std::size_t>(uniform() * static_cast<double>(count)));
      }
      students.push_back(std::move(values));
    }
    return students;
  }

  // False when there was a finding; another student's numbers would bring it again. `line` of a scene that is refused.
  bool check_numbers_of(const LessonStep& step, const std::string& when, int line) {
    for (const double seconds : times_of(step)) {
      try {
        show(step, seconds);
      } catch (const Error& error) {
        const std::string at = seconds > 0 ? "at " + number_text(seconds, false) + " s, " : "";
        // Steps that go on with a refused scene are refused for the same reason.
        if (refused_.emplace(step.file_line, error.what()).second)
          found(line_of(step, seconds, line), when + at + error.what());
        return false;
      }
    }
    const std::size_t before = findings_.size();
    check_numbers(step, when);
    if (step.question) check_answer(step, *step.question, when);
    return findings_.size() == before;
  }

  // When something happens: each cue's time, and the middle of its sweep.
  static std::vector<double> times_of(const LessonStep& step) {
    std::vector<double> times{0};
    for (const LessonCue& cue : step.cues) times.insert(times.end(), {cue.from, (cue.from + cue.to) / 2, cue.to});
    std::sort(times.begin(), times.end());
    times.erase(std::unique(times.begin(), times.end()), times.end());
    return times;
  }

  // Throws Error where the scene is refused, then or when it is computed.
  void show(const LessonStep& step, double seconds) {
    const Scene scene = scene_at(step, seconds);
    // Training takes minutes; a profile without a file measures this machine.
    if (std::holds_alternative<TrainingScene>(scene) || std::holds_alternative<ProfileScene>(scene)) return;
    // Steps often share a scene, and cues often leave it as it was.
    const std::string text = to_text(scene);
    if (computed_.contains(text) || impatient()) return;
    compute(scene, folder_, assets_, stop_);
    computed_.insert(text);
  }

  // Of a scene that is refused: the line of the cue without which it is not, else `line`.
  int line_of(const LessonStep& step, double seconds, int line) {
    for (std::size_t i = step.cues.size(); i-- > 0;) {
      if (step.cues[i].from > seconds) continue;
      LessonStep without = step;
      without.cues.erase(without.cues.begin() + static_cast<std::ptrdiff_t>(i));
      try {
        show(without, seconds);
        return step.cues[i].line;
      } catch (const Error&) {
      }
    }
    return line;
  }

  void check_answer(const LessonStep& step, const LessonQuestion& question, const std::string& when) {
    try {
      const LessonTruth truth = truth_of(question, scene_at(step, step.duration()), folder_, assets_, stop_);
      if (!truth.why_problem.empty()) found(question.why_line, when + truth.why_problem);
      if (question.kind != LessonQuestion::Kind::curve) return;
      for (const double value : truth.values)
        if (value < question.from || value > question.to)
          return found(question.truth_line,
                       when + "the curve reaches " + std::to_string(value) + ", outside the range to draw in");
    } catch (const QuestionError& error) {
      found(error.line, when + error.what());
    }
  }

  bool impatient() const { return std::chrono::steady_clock::now() - step_began_ > patience; }

  std::vector<LessonFinding>& findings_;
  const std::filesystem::path& assets_;
  std::stop_token stop_;
  std::filesystem::path folder_;
  std::chrono::steady_clock::time_point step_began_;
  std::set<std::string> computed_;
  std::set<std::pair<int, std::string>> refused_;  // line of the scene's file, reason
};

constexpr const char* template_text = R"(---
title: A title
level: beginner
minutes: 15
prerequisites: none
outcomes:
- say what a leaky integrator keeps of its past
sources:
- where you have it from
---

## Watch it forget
```scene scene.json
```
```alt
The output rises towards one and stays there.
```
```cues
0..4 cursor 0 -> 399
```
A leaky integrator keeps one number, its state $h$. Every moment some of it leaks away, and some of the input is added:
$$h' = -\frac{1}{\tau} h + \frac{1}{\tau} x$$

## How fast?
```question
kind: value
ask: The time constant is $\tau = 1$ second. How far has the state risen after one second?
from: 0
to: 1
truth: states[9, 0]
tolerance: 0.05
why: To $1 - e^{-1}$, about 63 %. Drag the time constant and look again.
```
```notes
Ask for hands before anybody answers.
```
Answer first, then look.

**Try this:** choose another input on the right, and predict before you look.
)";

constexpr const char* template_scene = R"({
  "format": "statescope-scene",
  "version": 1,
  "experiment": {
    "kind": "lti",
    "system": {"form": "preset", "preset": "leaky-integrator", "tau": 1},
    "method": "zoh",
    "delta": 0.1,
    "input": {"kind": "step", "length": 400}
  }
}
)";

}  // namespace

std::vector<LessonFinding> check_lesson(const std::filesystem::path& folder, const std::filesystem::path& assets,
                                        std::stop_token stop) {
  std::vector<LessonFinding> findings;
  const std::string text = read_text_file((folder / "lesson.md").string(), max_lesson_bytes);
  const Lesson lesson = read_lesson(text, folder, findings);
  Checker(findings, assets, std::move(stop)).check(lesson);
  std::stable_sort(findings.begin(), findings.end(),
                   [](const LessonFinding& a, const LessonFinding& b) { return a.line < b.line; });
  const auto same = [](const LessonFinding& a, const LessonFinding& b) {
    return a.line == b.line && a.sentence == b.sentence;  // steps share a scene, or what it shows in words
  };
  findings.erase(std::unique(findings.begin(), findings.end(), same), findings.end());
  return findings;
}

void write_lesson_template(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::exists(folder, error) && !std::filesystem::is_empty(folder, error))
    throw Error(folder.string() + " is not an empty folder; give the lesson one of its own");
  std::filesystem::create_directories(folder, error);
  if (error) throw Error(folder.string() + " cannot be made: " + error.message());
  write_file(folder / "lesson.md", template_text);
  write_file(folder / "scene.json", template_scene);
}

}  // namespace statescope
