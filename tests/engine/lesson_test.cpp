// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/lesson/lesson.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "engine/error.h"
#include "engine/lesson/check.h"
#include "engine/lesson/expression.h"
#include "engine/lesson/numbers.h"
#include "engine/lesson/question.h"
#include "message_of.h"
#include "paths.h"

namespace statescope {
namespace {

namespace fs = std::filesystem;
using test::message_of;

constexpr const char* spring = R"({"format": "statescope-scene", "version": 1, "experiment": {"kind": "lti",
  "system": {"preset": "mass-spring-damper", "damping": 0.4}, "delta": 0.1, "input": {"kind": "step", "length": 100}}})";

// A folder of its own with a scene, gone at the end.
class LessonFolder {
 public:
  LessonFolder() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    path = fs::temp_directory_path() /
           ("statescope_" + std::string(test->test_suite_name()) + test->name() + std::to_string(getpid()));
    fs::create_directories(path);
    write("spring.json", spring);
  }
  ~LessonFolder() { fs::remove_all(path); }
  LessonFolder(const LessonFolder&) = delete;
  LessonFolder& operator=(const LessonFolder&) = delete;

  void write(const std::string& name, const std::string& text) const { std::ofstream(path / name) << text; }
  std::vector<LessonFinding> check(const std::string& text) const {
    write("lesson.md", text);
    return check_lesson(path, test::assets);
  }
  fs::path path;
};

const std::string front =
    "---\ntitle: T\nlevel: beginner\nminutes: 5\noutcomes:\n- one\n---\n";  // seven lines: a step's "##" is in line 8
const std::string shown = "```scene spring.json\n```\n```alt\nA picture.\n```\n";

Lesson read(const std::string& text, const fs::path& folder) {
  std::vector<LessonFinding> findings;
  Lesson lesson = read_lesson(text, folder, findings);
  for (const LessonFinding& each : findings) ADD_FAILURE() << each.line << ": " << each.sentence;
  return lesson;
}

double delta_of(const Scene& scene) {
  return std::get<LtiScene>(scene).run.rule.delta;
}

TEST(Lesson, StepsInheritTheSceneAndChangeIt) {
  const LessonFolder folder;
  const Lesson lesson =
      read(front + "## One\n" + shown +
               "Prose $h$.\n\n```python\nx = 1\n```\n## Two\n```scene\n{\"experiment\": {\"delta\": 0.5}, "
               "\"cursor\": 7}\n```\n```alt\nAnother.\n```\n## Three\nmore\n",
           folder.path);
  ASSERT_EQ(lesson.steps.size(), 3u);
  EXPECT_EQ(lesson.outcomes, std::vector<std::string>{"one"});
  EXPECT_EQ(lesson.steps[0].prose, "Prose $h$.\n\n```\nx = 1\n```");
  EXPECT_EQ(delta_of(scene_at(lesson.steps[0], 0)), 0.1);
  for (const int step : {1, 2}) {
    const Scene scene = scene_at(lesson.steps[static_cast<std::size_t>(step)], 0);
    EXPECT_EQ(delta_of(scene), 0.5);
    EXPECT_EQ(std::get<LtiScene>(scene).cursor, 7);
    EXPECT_EQ(std::get<LtiScene>(scene).run.input.length, 100) << "the rest stays";
    EXPECT_EQ(lesson.steps[static_cast<std::size_t>(step)].alt, "Another.");
  }
}

TEST(Lesson, AStepIsAFunctionOfTime) {
  const LessonFolder folder;
  const Lesson lesson =
      read(front + "## One\n" + shown +
               "```cues\n1..3 cursor 10 -> 20\n0..2 experiment.delta 0.1 -> 0.4 log\n2 experiment.method \"bilinear\"\n"
               "2.5 pause\n1 highlight h\n3 highlight none\n```\n",
           folder.path);
  const LessonStep& step = lesson.steps[0];
  EXPECT_EQ(step.duration(), 3);
  EXPECT_DOUBLE_EQ(delta_of(scene_at(step, 1)), 0.2) << "half way by equal factors";
  EXPECT_EQ(delta_of(scene_at(step, 2.9)), 0.4);
  const auto cursor = [&](double seconds) { return std::get<LtiScene>(scene_at(step, seconds)).cursor; };
  EXPECT_EQ(cursor(0.9), 0);
  EXPECT_EQ(cursor(1.5), 13) << "12.5 is rounded to a whole sample";
  EXPECT_EQ(cursor(9), 20);
  EXPECT_EQ(std::get<LtiScene>(scene_at(step, 1.9)).run.rule.method, Method::zoh);
  EXPECT_EQ(std::get<LtiScene>(scene_at(step, 2)).run.rule.method, Method::bilinear);
  EXPECT_EQ(highlight_at(step, 0.5), "");
  EXPECT_EQ(highlight_at(step, 1), "h");
  EXPECT_EQ(highlight_at(step, 3), "");
  EXPECT_EQ(next_stop(step, 0), 2.5);
  EXPECT_EQ(next_stop(step, 2.5), 3);
}

TEST(Lesson, ASeedGivesEveryStudentOtherNumbersAndTheSameOnesAgain) {
  const LessonFolder folder;
  const Lesson lesson =
      read(front + "## One\n" + shown +
               "```vary\nexperiment.delta 0.1 .. 0.5 step 0.1\n```\n## Two\n```scene\n{\"cursor\": 1}\n"
               "```\n```alt\nA.\n```\n## Three\n```scene\n{\"experiment\": {\"delta\": 2}}\n```\n"
               "```alt\nA.\n```\n",
           folder.path);
  ASSERT_EQ(lesson.steps[0].variations[0].values.size(), 5u);
  std::set<double> seen;
  for (int student = 0; student < 40; ++student) {
    const LessonSeed whose{"class", std::to_string(student)};
    seen.insert(delta_of(scene_at(lesson.steps[0], 0, whose)));
    EXPECT_EQ(scene_at(lesson.steps[0], 0, whose), scene_at(lesson.steps[0], 0, whose));
    EXPECT_EQ(delta_of(scene_at(lesson.steps[1], 0, whose)), delta_of(scene_at(lesson.steps[0], 0, whose)));
    EXPECT_EQ(delta_of(scene_at(lesson.steps[2], 0, whose)), 2) << "a step that says the number itself";
  }
  EXPECT_EQ(seen.size(), 5u);
  EXPECT_EQ(delta_of(scene_at(lesson.steps[0], 0)), 0.1) << "without a seed the scene's own";
}

TEST(Lesson, EveryMistakeHasItsLine) {
  const LessonFolder folder;
  folder.write("bad.json", "{\n");
  folder.write("passwd.json", R"({"format": "statescope-scene", "version": 1, "experiment": {"kind": "lti",
    "input": {"kind": "csv", "file": "/etc/passwd"}}})");
  fs::create_symlink("/etc/passwd", folder.path / "link.csv");
  const std::string step = front + "## S\n" + shown;  // 13 lines
  const auto scene = [&](const std::string& file, const std::string& change = "") {
    return front + "## S\n```scene " + file + "\n" + change + "```\n```alt\na\n```\n";
  };
  const auto cues = [&](const std::string& lines) { return step + "```cues\n" + lines + "\n```\n"; };
  const auto question = [&](const std::string& lines) { return step + "```question\nask: a\n" + lines + "\n```\n"; };
  const struct {
    std::string text;
    int line;
    std::string part;
    std::size_t others = 0;
  } cases[] = {
      {"", 1, "front matter", 1},
      {cues("1 view.\xff 1"), 15, "not UTF-8"},
      {step + std::string(1, '\0'), 14, "control"},
      {"---\ntitle: T\n---\n## S\n" + shown, 1, "no level", 2},
      {"title: T\n## S\n" + shown, 1, "front matter"},
      {"---\ntitle: T\nlevel: beginner\nminutes: 5\noutcomes:\n## S\n" + shown, 1, "does not end"},
      {"---\ntitle: T\nlevel: beginner\nminutes: 5\noutcomes:\n---\n## S\n" + shown, 1, "outcomes has no items"},
      {"---\ntitle: T\nlevel: beginner\nminutes: 1e1\noutcomes:\n- one\n---\n## S\n" + shown, 4, "minutes"},
      {"---\ntitle: $h$\nlevel: beginner\nminutes: 5\noutcomes:\n- one\n---\n## S\n" + shown, 2, "titles, outcomes"},
      {front, 1, "no steps"},
      {front + "lost\nlines\n## S\n" + shown, 8, "before the first step"},
      {front + "##S\n" + shown, 8, "a blank after the signs"},
      {front + "  ## S\n" + shown, 8, "a blank after the signs"},
      {front + "## S\nprose\n## T\n```scene\n{\"cursor\": 1}\n```\n```alt\na\n```\n", 8, "shows nothing"},
      {scene("none.json") + "## T\n```scene\n{\"cursor\": 1}\n```\n```alt\na\n```\n", 9, "none.json"},
      {scene("../../etc/passwd"), 9, "lesson's folder"},
      {scene("passwd.json"), 9, "\"/etc/passwd\" leads out"},
      {scene("spring.json", "{\"experiment\": {\"input\": {\"kind\": \"csv\", \"file\": \"link.csv\"}}}\n"), 10,
       "\"link.csv\" leads out"},
      {scene("bad.json"), 9, "\"bad.json\" is not valid JSON"},
      {scene("spring.json", "{\"cursor\": 3,\n \"view\": {\n  \"page\": motion}}\n"), 12, "is not valid JSON"},
      {scene("spring.json", "{\"experiment\": {\"delta\": -1}}\n"), 9, "Δ must"},
      {scene("spring.json", "{\"experiment\": {\"dleta\": 1}}\n") + "## T\nx\n", 9, "dleta"},
      {front + "## S\n```scene spring.json\n```\n", 9, "no alt"},
      {front + "## S\n```scene spring.json\n```\n```alt\na $h$\n```\n", 12, "alt texts have no formulas"},
      {cues("0 highlight q"), 15, "no symbol"},
      {cues("0..2 experiment.delta 1 -> -1\n3 cursor 1"), 15, "at 1 s, "},
      {cues("0..6 cursor 0 -> 10\n2 experiment.delta -1\n2.5 experiment.delta 1"), 16, "at 2 s, "},
      {cues("0 experiment.input.kind.x 1"), 15, "no place experiment.input.kind.x"},
      {cues("2 experiment.method bilinear"), 15, "\"bilinear\""},
      {cues("0.3 cursor 0 -> 100"), 15, "two times"},
      {cues("0...3 cursor 0 -> 100"), 15, "two dots"},
      {cues("0..3 experiment.method \"zoh\" -> \"bilinear\""), 15, "between numbers"},
      {cues("1 cursor 3\n1 cursor 4"), 16, "line 15"},
      {step + "Prose\n\n$\\nosuch$\n", 16, "\"\\nosuch\": "},
      {step + "Prose\n```notes\nn\n```\nand\n$\\nosuch$\n", 19, "nosuch"},
      {step + "```notes\nn\n$\\nosuch$\n```\n", 16, "nosuch"},
      {step + "x $a + b\n", 14, "this dollar"},
      {step + "x\n\n$$ $$\n", 16, "empty"},
      {step + "x\n![x](spring.png)\n", 15, "images"},
      {step + "| a | b |\n|---|---|\n", 15, "tables"},
      {step + "Prose\n\n{{scene.experiment.dleta}}\n", 16, "dleta"},
      {step + "Prose\n\n{{delta}} then\n", 16, "begin with \"scene.\""},
      {step + "Prose\n{{scene.experiment.delta\n", 15, "in the same line"},
      {step + "$\\frac{{1}}{\\nosuch}$ {{1}}\n", 14, "nosuch"},
      {step + "{{1 / (scene.experiment.delta - 0.3)}}\n```vary\nexperiment.delta 0.2 | 0.3\n```\n", 14,
       "with experiment.delta at 0.3, the number"},
      {question("kind: value\nfrom: 0\nto: 9\ntruth: delta\nwhy: {{nothing}}"), 20, "nothing"},
      {step + "```sceen\n```\n", 14, "no block \"sceen\""},
      {step + "```notes now\n```\n", 14, "nothing follows"},
      {step + "  ```notes\n  x\n  ```\n", 14, "first column"},
      {step + "~~~notes\nx\n~~~\n", 14, "first column"},
      {step + "```notes\nsay\n```python\nx\n```\n", 14, "no end before line 16"},
      {step + "```notes\nsay\n## T\nx\n", 14, "no end before line 16"},
      {step + "```notes\nsay\n", 14, "does not end"},
      {question("kind: number\nfrom: 0\ntruth: 1"), 16, "kind must"},
      {question("kind: value\nfrom: 0\nto: 1"), 14, "no truth"},
      {question("kind: value\nfrom: 0\nto: 1\ntruth: nothing"), 19, "nothing"},
      {question("kind: value\nfrom: 8\nto: 9\ntruth: delta"), 19, "outside"},
      {question("kind: token\ntruth: length(output_recurrence)"), 17, "is the place 100; there are 100"},
      {question("kind: curve\nfrom: -1\nto: 1\ntruth: states[:, 0] * 7"), 19, "outside the range"},
      {question("kind: curve\nfrom: 0\nto: 1\ntruth: 1"), 19, "needs a list"},
      {question("kind: option\n- x :: delta > 0\n- y :: delta < 1"), 14, "exactly one"},
      {question("kind: option\n- x :: delta > 0\n- y :: 0.5"), 18, "neither true nor false"},
      {question("kind: option\n- x :: delta > 0\n- x :: delta < 0"), 18, "says the same"},
      {question("kind: option\nunit: m\n- x :: 1\n- y :: 0"), 17, "no unit"},
      {step + "```vary\nexperiment.delta 0.1 | 0.2\nexperiment.delta 0.3 | 0.4\n```\n", 16, "varies in line 15"},
      {step + "```vary\nexperiment.delta 0.2 | -1\n```\n", 15, "with experiment.delta at -1, "},
      {step + "```vary\nexperiment.delta 0.1 .. 4.1 step 0.5\n```\n```question\nkind: value\nask: a\n"
              "from: -99\nto: 99\ntruth: 1 / abs(scene.experiment.delta - 1.6)\n```\n",
       22, "with experiment.delta at 1.6, "},
      {step + "```vary\nexperiment.delta 0.1 | 0.2 | 0.3\nexperiment.input.amplitude 1 | 2 | 3\n```\n```question\n"
              "kind: value\nask: a\nfrom: 0\nto: 0.8\ntruth: delta * scene.experiment.input.amplitude\n```\n",
       23, "with experiment.delta at 0.3 and experiment.input.amplitude at 3, "},
      {front + "## S\n```scene\n{\"format\": \"statescope-scene\", \"version\": 1, \"experiment\": {\"kind\": "
               "\"model-run\", \"model\": \"bundled:nobody\", \"prompt\": \"a\"}}\n```\n```alt\na\n```\n",
       9, "nobody"},
  };
  for (const auto& each : cases) {
    const std::vector<LessonFinding> findings = folder.check(each.text);
    const auto found = std::find_if(findings.begin(), findings.end(), [&](const LessonFinding& finding) {
      return finding.line == each.line && finding.sentence.find(each.part) != std::string::npos;
    });
    const bool right = found != findings.end() && findings.size() == 1 + each.others;
    EXPECT_TRUE(right) << each.line << ": " << each.part << " is wanted, and " << each.others << " others";
    for (const LessonFinding& other : findings)
      if (!right) std::printf("  %d: %s\n", other.line, other.sentence.c_str());
  }
}

TEST(Lesson, NumbersStandInItsWords) {
  EXPECT_EQ(number_text(0.1 + 0.2, false), "0.3");
  EXPECT_EQ(number_text(-3.14159, false), "−3.14");
  EXPECT_EQ(number_text(1234.6, false), "1235") << "digits before the point are never left out";
  EXPECT_EQ(number_text(161700, true), "161700");
  EXPECT_EQ(number_text(-0.00002504, false), "−2.5 × 10⁻⁵");
  EXPECT_EQ(number_text(6.02e23, true), "6.02 \\times 10^{23}");
  const nlohmann::json scene{{"a", -0.5}, {"list", {1, 2}}};
  const auto put = [&](const char* text) { return with_numbers(text, {nullptr, nullptr, &scene}); };
  EXPECT_EQ(put("Half is {{abs(scene.a)}}, $e^{{scene.a}}$, $e^{{{scene.a}}}$."),
            "Half is 0.5, $e^{-0.5}$, $e^{{-0.5}}$.");
  EXPECT_EQ(put("`{{x}}` \\{{x}}\n\n    {{x}}\n"), "`{{x}}` \\{{x}}\n\n    {{x}}\n") << "not in code";
  const auto problem = [&](const char* text) { return message_of([&] { put(text); }); };
  EXPECT_NE(problem("{{delta}}").find("begin with \"scene.\""), std::string::npos) << problem("{{delta}}");
  EXPECT_NE(problem("{{scene.list}}").find("is 2 numbers"), std::string::npos);
  EXPECT_NE(problem("{{1 / 0}}").find("not finite"), std::string::npos);
  EXPECT_NE(problem("a {{1\n}}").find("same line"), std::string::npos);
}

TEST(Lesson, ItsWordsFollowTheStudentAndTheAnswer) {
  const LessonFolder folder;
  const Lesson lesson = read(
      front + "## One\n" + shown +
          "Every {{scene.experiment.delta}} s.\n```vary\nexperiment.delta 0.2 | 0.4\n```\n```cues\n"
          "0..1 experiment.delta 1 -> 2\n```\n```question\nkind: option\nask: At {{1 / scene.experiment.delta}} Hz?\n"
          "- {{scene.experiment.delta}} :: delta > 0\n- no :: delta < 0\nwhy: It is {{delta}} s.\n```\n",
      folder.path);
  LessonStep step = lesson.steps[0];
  step.cues.clear();
  EXPECT_EQ(with_numbers(step).prose, "Every 0.1 s.");
  for (int student = 0; student < 8; ++student) {
    const LessonSeed whose{"class", std::to_string(student)};
    const double delta = delta_of(scene_at(step, 0, whose));
    const LessonStep words = with_numbers(step, whose);
    EXPECT_EQ(words.prose, "Every " + number_text(delta, false) + " s.");
    EXPECT_EQ(words.question->ask, "At " + number_text(1 / delta, false) + " Hz?");
    EXPECT_EQ(words.question->options[0].text, number_text(delta, false));
    EXPECT_EQ(words.question->why, "It is {{delta}} s.") << "not before the answer";
  }
  Scene moved = parse_scene(spring, "spring");
  std::get<LtiScene>(moved).run.rule.delta = 0.03;
  EXPECT_EQ(truth_of(*step.question, moved, folder.path, test::assets).why, "It is 0.03 s.");
  EXPECT_EQ(with_numbers(lesson.steps[0]).prose, "Every 1 s.") << "the scene at second 0, cues and all";
}

TEST(Lesson, TheTemplateHasNoMistakes) {
  const LessonFolder folder;
  write_lesson_template(folder.path / "new");
  for (const LessonFinding& each : check_lesson(folder.path / "new", test::assets))
    ADD_FAILURE() << each.line << ": " << each.sentence;
  EXPECT_THROW(write_lesson_template(folder.path / "new"), Error) << "nothing is overwritten";
}

nlohmann::ordered_json result() {
  return {{"cursor", 2},
          {"h", 7},
          {"modes", {{{"damping", 0.5}, {"z", {3, 4}}}, {{"damping", -2}, {"z", {0, 1}}}}},
          {"arrays",
           {{{"name", "h"}, {"axes", {"t", "n"}}, {"shape", {3, 2}}, {"values", {1, 2, 3, 4, 5, 6}}},
            {{"name", "y"}, {"axes", {"t"}}, {"shape", {3}}, {"values", {7, nullptr, 9}}}}}};
}

TEST(LessonExpression, ReadsResultsAndComputes) {
  const auto names = result();
  const nlohmann::ordered_json against{{"cursor", 5}};
  const nlohmann::json scene{{"experiment", {{"delta", 0.25}}}};
  const auto value = [&](const char* text) { return evaluate(text, {&names, &against, &scene}); };
  using V = std::vector<double>;
  EXPECT_EQ(value("1 + 2 * 3 ^ 2 - -4 / 2"), V{21});
  EXPECT_EQ(value("-2 ^ 2"), V{-4});
  EXPECT_EQ(value("h[:, 1]"), (V{2, 4, 6}));
  EXPECT_EQ(value("h[-1]"), (V{5, 6}));
  EXPECT_EQ(value("h[cursor, 0]"), V{5});
  EXPECT_EQ(value("h[1, :] * 2"), (V{6, 8}));
  EXPECT_TRUE(std::isnan(value("y[1]")[0]));
  EXPECT_EQ(value("modes.damping"), (V{0.5, -2}));
  EXPECT_EQ(value("modulus(modes.z)"), (V{5, 1}));
  EXPECT_EQ(value("modes[0].z[1]"), V{4});
  EXPECT_EQ(value("argmax(h[:, 0])"), V{2});
  EXPECT_EQ(value("max(abs(modes.damping)) == 2 and not (cursor < 2)"), V{1});
  EXPECT_EQ(value("modes.damping < 0"), (V{0, 1}));
  EXPECT_EQ(value("argmax(h[:, 0] >= 0.5 * h[2, 0])"), V{1}) << "the first place at which it holds";
  EXPECT_EQ(value("sum(not (h > 2) or h == 1 and h == 2)"), V{2});
  EXPECT_EQ(value("against.cursor - cursor"), V{3});
  EXPECT_EQ(value("scene.experiment.delta"), V{0.25});
  EXPECT_EQ(value("min(cursor, 1)"), V{1});
  EXPECT_EQ(value("max(h)"), V{6}) << "the array, where a number has the same name";
  EXPECT_EQ(value("modes.0.z.1"), V{4});
  EXPECT_EQ(value("round(pi) + floor(-0.5)"), V{2});
  EXPECT_EQ(value("length(h[:, :])"), V{6});
}

TEST(LessonExpression, SaysWhatIsWrongAndWhere) {
  const auto names = result();
  const auto sentence = [&](const std::string& text) {
    return message_of([&] { evaluate(text, {&names, nullptr, nullptr}); });
  };
  EXPECT_NE(sentence("h[3, 0]").find("outside the 3"), std::string::npos);
  EXPECT_NE(sentence("nobody + 1").find("nobody"), std::string::npos);
  EXPECT_NE(sentence("1 +").find("column 4"), std::string::npos);
  EXPECT_NE(sentence("h[:, :] + y").find("6 and 3"), std::string::npos);
  EXPECT_NE(sentence("against.cursor").find("against"), std::string::npos);
  EXPECT_NE(sentence("1 2").find("column 3"), std::string::npos);
  EXPECT_NE(sentence(std::string(100000, '(')).find("nested"), std::string::npos);
  EXPECT_NE(sentence(std::string(100000, '-') + "1").find("nested"), std::string::npos);
}

LessonQuestion question_of(const std::string& lines, const LessonFolder& folder) {
  return *read(front + "## S\n" + shown + "```question\n" + lines + "\n```\n", folder.path).steps[0].question;
}

TEST(LessonQuestion, TheTruthFollowsThePresentParameters) {
  const LessonFolder folder;
  const LessonQuestion question = question_of(
      "kind: option\nask: a\nreveal: {\"experiment\": {\"method\": \"forward-euler\"}}\n"
      "- It stays :: max(modulus(modes.z)) < 1\n- It grows :: max(modulus(modes.z)) > 1",
      folder);
  Scene scene = parse_scene(spring, "spring");
  // |1 + Δλ|² = 1 − 0.4 Δ + 4 Δ² of the spring with c = 0.4, k = 4: below 1 while Δ < 0.1.
  std::get<LtiScene>(scene).run.rule.delta = 0.09;
  LessonTruth truth = truth_of(question, scene, folder.path, test::assets);
  EXPECT_EQ(truth.option, 0u);
  EXPECT_EQ(std::get<LtiScene>(truth.scene).run.rule.method, Method::forward_euler) << "what is shown with the answer";
  EXPECT_TRUE(mark(question, truth, std::size_t{0}).right);
  std::get<LtiScene>(scene).run.rule.delta = 0.11;
  truth = truth_of(question, scene, folder.path, test::assets);
  EXPECT_EQ(truth.option, 1u);
  EXPECT_FALSE(mark(question, truth, std::size_t{0}).right);
}

TEST(LessonQuestion, MarksEveryKind) {
  const LessonFolder folder;
  const Scene scene = parse_scene(spring, "spring");
  const auto truth = [&](const LessonQuestion& q) { return truth_of(q, scene, folder.path, test::assets); };
  const LessonQuestion value = question_of(
      "kind: value\nask: a\nfrom: 0\nto: 2\ntruth: delta\nagainst: {\"experiment\": {\"delta\": 1}}", folder);
  EXPECT_TRUE(mark(value, truth(value), 0.19).right) << "5 % of the range";
  EXPECT_FALSE(mark(value, truth(value), 0.21).right);
  EXPECT_NEAR(mark(value, truth(value), 0.4).distance, 0.3, 1e-12);

  const LessonQuestion token = question_of("kind: token\nask: a\ntruth: 0 * modes.damping + 4\ntolerance: 1", folder);
  EXPECT_TRUE(mark(token, truth(token), std::int64_t{5}).right);
  EXPECT_FALSE(mark(token, truth(token), std::int64_t{6}).right);

  const LessonQuestion curve = question_of("kind: curve\nask: a\nfrom: 0\nto: 1\ntruth: output_recurrence", folder);
  const std::vector<double> right = truth(curve).values;
  std::vector<double> coarse;  // every third of the 100 points, the last one, too
  for (std::size_t i = 0; i < right.size(); i += 3) coarse.push_back(right[i]);
  EXPECT_LT(mark(curve, truth(curve), coarse).distance, 1e-12);
  for (double& each : coarse) each += 0.2;
  EXPECT_NEAR(mark(curve, truth(curve), coarse).distance, 0.2, 1e-12);
  EXPECT_FALSE(mark(curve, truth(curve), coarse).right);
  EXPECT_THROW(mark(curve, truth(curve), 0.5), Error);

  for (const LessonQuestion& each : {value, token, curve}) {
    const LessonMark best = mark(each, truth(each), right_answer(each, truth(each)));
    EXPECT_TRUE(best.right);
    EXPECT_EQ(best.distance, 0);
  }
}

}  // namespace
}  // namespace statescope
