// SPDX-License-Identifier: GPL-3.0-or-later
// A lesson in the real window.
#pragma once

#include <QAbstractButton>
#include <fstream>

#include "lesson/lesson_guide.h"
#include "window_fixture.h"
#include "workspaces/dynamics_workspace.h"

namespace statescope::test {

// The spring of every question: after a unit step it swings about 1/4.
inline constexpr const char* spring_lesson = R"(---
title: A spring
level: beginner
minutes: 5
outcomes:
- say what a state is
---
## Watch
```scene spring.json
```
```alt
A point spirals into rest.
```
```cues
1..2 cursor 0 -> 60
1 highlight h
2 pause
2..3 experiment.delta 0.1 -> 0.2
```
Its state is $h$.
## Choose
```question
kind: option
ask: With $\Delta = 2$ and forward Euler?
reveal: {"experiment": {"method": "forward-euler", "delta": 2}}
- It stays :: max(modulus(modes.z)) < 1
- It grows :: max(modulus(modes.z)) > 1
why: A pole left the circle.
```
```notes
Ask for hands.
```
## Place
```question
kind: token
ask: Where is it farthest?
truth: argmax(states[:, 0])
```
## Remember
```scene memory.json
```
```alt
A signal and what is left of it.
```
```question
kind: value
ask: The error?
from: 0
to: 1
truth: rms(methods[0].reconstructions[0].error)
```
)";

class LessonTest : public WindowTest {
 protected:
  LessonTest() {
    lesson_folder = folder / "lesson";
    std::filesystem::create_directories(lesson_folder);
    write(spring_lesson);
    std::ofstream(lesson_folder / "spring.json")
        << R"({"format": "statescope-scene", "version": 1, "experiment": {"kind": "lti",
              "system": {"preset": "mass-spring-damper"}, "input": {"kind": "step", "length": 100}}})";
    std::ofstream(lesson_folder / "memory.json")
        << R"({"format": "statescope-scene", "version": 1, "experiment": {"kind": "hippo", "methods": [{"order": 8}],
              "input": {"kind": "sine", "length": 100}}, "cursor": 99})";
  }
  void write(const std::string& words) const { std::ofstream(lesson_folder / "lesson.md") << words; }
  void open() {
    window->open_path(QString::fromStdString(lesson_folder.string()));
    ASSERT_TRUE(wait_until([this] { return guide().active(); })) << notice().toStdString();
    ASSERT_TRUE(ready()) << guide().problem().toStdString();
  }
  bool ready() {
    return wait_until([this] { return guide().settled(); }, 30000);
  }
  void go_to(int step) {
    guide().player().go_to(step);
    ASSERT_TRUE(ready()) << guide().problem().toStdString();
  }
  bool answer() {
    find<QAbstractButton>("question_send").click();
    return ready() && find<QAbstractButton>("question_again").isVisible();
  }
  LessonGuide& guide() { return window->lesson(); }
  DynamicsWorkspace& dynamics() { return dynamic_cast<DynamicsWorkspace&>(*window->workspace(u("dynamics"))); }
  LtiScene shown() { return std::get<LtiScene>(dynamics().scene({})); }

  std::filesystem::path lesson_folder;
};

}  // namespace statescope::test
