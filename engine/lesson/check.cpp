// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/lesson/check.h"

#include <algorithm>
#include <set>

#include "engine/error.h"
#include "engine/experiments/compute.h"
#include "engine/io/file.h"
#include "engine/io/json.h"
#include "engine/lesson/formula.h"
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
      check_formulas(step.prose, step.prose_line);
      check_formulas(step.notes, step.line);
      if (const auto& question = step.question) {
        check_formulas(question->ask, question->line);
        check_formulas(question->why, question->line);
        for (const LessonOption& option : question->options) check_formulas(option.text, option.line);
      }
      if (!step.scene.is_null()) check_scenes(step, lesson.folder);
    }
  }

 private:
  void found(int line, std::string sentence) { findings_.push_back({line, std::move(sentence)}); }

  void check_formulas(const std::string& markdown, int first_line) {
    for (const EmbeddedFormula& each : find_formulas(markdown)) {
      const auto line =
          first_line + static_cast<int>(std::count(markdown.begin(),
                                                   markdown.begin() + static_cast<std::ptrdiff_t>(each.begin), '\n'));
      try {
        parse_formula(each.tex);
      } catch (const Error& error) {
        found(line, error.what());
      }
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
      const Scene scene = scene_at(step, step.duration());
      if (step.question) truth_of(*step.question, scene, folder, assets_, stop_);
      return true;
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
