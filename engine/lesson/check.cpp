// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/lesson/check.h"

#include <algorithm>
#include <set>

#include "engine/error.h"
#include "engine/experiments/compute.h"
#include "engine/io/file.h"
#include "engine/io/json.h"
#include "engine/lesson/formula.h"
#include "engine/lesson/numbers.h"
#include "engine/lesson/question.h"
#include "lesson_text.h"

namespace statescope {
namespace {

class Checker {
 public:
  Checker(std::vector<LessonFinding>& findings, const std::filesystem::path& assets, std::stop_token stop)
      : findings_(findings), assets_(assets), stop_(std::move(stop)) {}

  void check(const Lesson& lesson) {
    for (const LessonStep& step : lesson.steps) {
      if (!step.scene.is_null()) check_scenes(step, lesson.folder);
      for (const auto& [text, line] : words_of(step)) check_formulas(*text, line);
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

  static int line_in(std::string_view text, std::size_t at, int first_line) {
    return first_line +
           static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
  }

  void check_formulas(std::string markdown, int first_line) {
    auto numbers = find_numbers(markdown);  // any number will do
    for (auto each = numbers.rbegin(); each != numbers.rend(); ++each)
      markdown.replace(each->begin, each->end - each->begin, "{1}");
    for (const EmbeddedFormula& each : find_formulas(markdown)) {
      const int line = line_in(markdown, each.begin, first_line);
      try {
        parse_formula(each.tex);
      } catch (const Error& error) {
        found(line, error.what());
      }
    }
  }

  // The numbers in what is read before the answer.
  void check_numbers(const LessonStep& step, const std::string& when) {
    try {
      const auto scene = nlohmann::json::parse(to_text(scene_at(step, 0)));
      for (const auto& [text, first_line] : words_of(step))
        for (const EmbeddedNumber& each : find_numbers(*text)) {
          if (step.question && text == &step.question->why) continue;
          try {
            with_numbers(text->substr(each.begin, each.end - each.begin), {nullptr, nullptr, &scene});
          } catch (const Error& error) {
            found(line_in(*text, each.begin, first_line), when + error.what());
          }
        }
    } catch (const Error&) {  // the scene's own mistake is a finding already
    }
  }

  void check_scenes(const LessonStep& step, const std::filesystem::path& folder) {
    for (const double share : {0.0, 0.5, 1.0}) {
      try {
        const Scene scene = scene_at(step, share * step.duration());
        // Steps often share a scene, and cues often leave the middle as it was.
        if (!computed_.insert(to_text(scene)).second) continue;
        compute_scene(scene, folder);
      } catch (const Error& error) {
        const char* const where = share == 0 ? "" : share == 1 ? "at its end, " : "in its middle, ";
        found(step.scene_line, where + std::string(error.what()));
        return;  // the question would say it again
      }
    }
    check_answer(step, folder, "");
    // The numbers of other students: the least, middle and last value of each variation, the others as they are.
    for (const LessonVariation& variation : step.variations)
      for (const std::size_t i : {std::size_t{0}, variation.values.size() / 2, variation.values.size() - 1}) {
        LessonStep varied = step;
        try {
          varied.scene[variation.at] = variation.values[i];
        } catch (const nlohmann::json::exception&) {
          return found(variation.line, "the scene has no place " + variation.at.to_string());
        }
        if (!check_answer(varied, folder,
                          "with " + variation.at.to_string() + " at " + variation.values[i].dump() + ", "))
          return;
      }
  }

  // The scene at the end, and what is right then. False when that was a finding.
  bool check_answer(const LessonStep& step, const std::filesystem::path& folder, const std::string& when) {
    try {
      check_numbers(step, when);
      const Scene scene = scene_at(step, step.duration());
      if (!step.question) return true;
      const LessonTruth truth = truth_of(*step.question, scene, folder, assets_, stop_);
      if (!truth.why_problem.empty()) found(step.question->why_line, when + truth.why_problem);
      return truth.why_problem.empty();
    } catch (const Error& error) {
      found(step.question ? std::max(step.question->line, step.question->truth_line) : step.scene_line,
            when + error.what());
      return false;
    }
  }

  void compute_scene(const Scene& scene, const std::filesystem::path& folder) {
    // Training takes minutes; a profile without a file measures this machine.
    if (std::holds_alternative<TrainingScene>(scene) || std::holds_alternative<ProfileScene>(scene)) return;
    compute(scene, folder, assets_, stop_);
  }

  std::vector<LessonFinding>& findings_;
  const std::filesystem::path& assets_;
  std::stop_token stop_;
  std::set<std::string> computed_;
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
