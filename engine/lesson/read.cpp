// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "engine/lesson/lesson.h"
#include "read_parts.h"

namespace statescope {
namespace {

using nlohmann::json;

constexpr std::size_t max_scene_bytes = 1 << 20;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

// Whether a change to a scene (a merge patch) says something about the place.
bool touches(const json& change, const json::json_pointer& at) {
  const json* node = &change;
  json::json_pointer rest = at;
  std::vector<std::string> parts;
  while (!rest.empty()) {
    parts.push_back(rest.back());
    rest.pop_back();
  }
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (!node->is_object()) return true;  // replaced whole
    const auto found = node->find(*part);
    if (found == node->end()) return false;
    node = &*found;
  }
  return true;
}

// The line of a byte that cannot stand in a lesson; none: 0.
int bad_line(std::string_view text) {
  std::size_t bad = first_invalid_utf8(text).value_or(text.size());
  const auto control = [](char c) { return (c >= 0 && c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 127; };
  bad = std::min(bad, static_cast<std::size_t>(std::find_if(text.begin(), text.end(), control) - text.begin()));
  if (bad == text.size()) return 0;
  return 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(bad), '\n'));
}

class Reader {
 public:
  Reader(const std::filesystem::path& folder, std::vector<LessonFinding>& findings) : findings_(findings) {
    lesson_.folder = folder;
  }

  Lesson read(std::string_view text) {
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    if (const int line = bad_line(text)) {
      findings_.add(line, "this line is not UTF-8 text; save the lesson as UTF-8, without control characters");
      return std::move(lesson_);
    }
    const std::vector<LessonLine> lines = lines_of(text);
    const std::size_t at = read_front(lines, lesson_, findings_);
    for (const LessonSection& section : sections_of(lines, at, findings_)) read_step(section);
    return std::move(lesson_);
  }

 private:
  // The blocks in the order in which they depend on each other.
  void read_step(const LessonSection& section) {
    LessonStep step;
    if (!lesson_.steps.empty()) {
      const LessonStep& before = lesson_.steps.back();
      step.scene = before.scene;
      step.file_line = before.file_line;
      step.alt = before.alt;
      step.alt_line = before.alt_line;
      step.variations = before.variations;
    }
    step.line = step.scene_line = section.line;
    step.title = section.title;
    findings_.in_line(section.line, [&] { require_plain(section.title); });
    step.prose = trimmed_text(section.prose);
    const std::size_t blank = std::min(section.prose.find_first_not_of(" \t\r\n"), section.prose.size());
    step.prose_line = section.prose_line +
                      static_cast<int>(std::count(section.prose.begin(),
                                                  section.prose.begin() + static_cast<std::ptrdiff_t>(blank), '\n'));
    if (const LessonBlock* scene = section.block("scene")) {
      read_scene(*scene, step);
      if (!section.block("alt")) findings_.add(scene->line, "the scene has no alt block; say what the picture shows");
    } else if (step.scene.is_null() && !scene_unknown_) {
      findings_.add(section.line, "the first step shows nothing; give it a scene block");
      scene_unknown_ = true;
    }
    if (const LessonBlock* alt = section.block("alt")) read_alt(*alt, step);
    if (const LessonBlock* notes = section.block("notes")) {
      step.notes = notes->text();
      step.notes_line = notes->line + 1;
    }
    if (const LessonBlock* vary = section.block("vary")) read_variations(*vary, step);
    if (const LessonBlock* cues = section.block("cues")) read_cues(*cues, step);
    if (const LessonBlock* question = section.block("question"))
      step.question = read_question(*question, lesson_.folder, findings_);
    lesson_.steps.push_back(std::move(step));
  }

  // A scene that cannot be read stays unknown, also for the steps that go on with it: one finding is enough.
  void read_scene(const LessonBlock& block, LessonStep& step) {
    step.scene_line = block.line;
    step.alt.clear();
    bool known = !scene_unknown_;
    if (!block.rest.empty()) known = findings_.in_line(block.line, [&] { read_file(block, step); });
    if (const std::string body = block.text(); !trimmed_text(body).empty())
      known = read_change(block, body, step) && known;
    else if (block.rest.empty())
      findings_.add(block.line, "the scene block names no file and changes nothing");
    if (!known) step.scene = nullptr;
    scene_unknown_ = !known;
  }

  void read_file(const LessonBlock& block, LessonStep& step) {
    const std::filesystem::path name = std::string(block.rest);
    if (name.is_absolute() || name.lexically_normal().string().rfind("..", 0) == 0)
      throw Error("a scene's file lies in the lesson's folder");
    require_inside(name.string(), lesson_.folder);
    step.scene = parse_json(read_text_file((lesson_.folder / name).string(), max_scene_bytes), name.string());
    require_inside(step.scene, lesson_.folder);
    step.variations.clear();
    step.file_line = block.line;
  }

  bool read_change(const LessonBlock& block, const std::string& body, LessonStep& step) {
    json change;
    try {
      change = parse_json(body, "the scene");
    } catch (const JsonError& error) {
      findings_.add(block.line_at(error.byte), "the change to the scene " + error.problem);
      return false;
    }
    return findings_.in_line(block.lines.front().number, [&] {
      if (!change.is_object()) throw Error("changes to a scene are a JSON object");
      require_inside(change, lesson_.folder);
      if (step.scene.is_null()) {
        step.scene = json::object();
        step.file_line = block.line;
      }
      step.scene.merge_patch(change);
      std::erase_if(step.variations, [&](const LessonVariation& each) { return touches(change, each.at); });
    });
  }

  void read_alt(const LessonBlock& block, LessonStep& step) {
    const std::string text = block.text();
    step.alt = trimmed_text(text);
    step.alt_line = block.line_at(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    if (step.alt.empty()) findings_.add(block.line, "the alt block is empty; say what the picture shows");
    for (const LessonLine& line : block.lines) findings_.in_line(line.number, [&] { require_plain(line.text); });
  }

  // The lines of a block that are not empty, one at a time; a mistake is a finding of its line.
  template <class Read>
  void each_line(const LessonBlock& block, Read read) {
    for (const LessonLine& line : block.lines)
      if (!trimmed(line.text).empty()) findings_.in_line(line.number, [&] { read(line); });
  }

  void read_variations(const LessonBlock& block, LessonStep& step) {
    each_line(block, [&](const LessonLine& line) {
      LessonVariation variation = variation_of(line.text);
      variation.line = line.number;
      for (const json& value : variation.values) require_inside(value, lesson_.folder);
      for (const LessonVariation& other : step.variations)
        if (other.at == variation.at && other.line > block.line)
          throw Error("this path varies in line " + std::to_string(other.line) + " already");
      std::erase_if(step.variations, [&](const LessonVariation& other) { return other.at == variation.at; });
      step.variations.push_back(std::move(variation));
    });
  }

  void read_cues(const LessonBlock& block, LessonStep& step) {
    each_line(block, [&](const LessonLine& line) {
      LessonCue cue = cue_of(line.text);
      cue.line = line.number;
      require_inside(cue.first, lesson_.folder);
      for (const LessonCue& other : step.cues)
        if (other.from == cue.from && other.at == cue.at && !cue.at.empty())
          throw Error("at this time, line " + std::to_string(other.line) + " begins with the same path already");
      step.cues.push_back(std::move(cue));
    });
    std::stable_sort(step.cues.begin(), step.cues.end(),
                     [](const LessonCue& a, const LessonCue& b) { return a.from < b.from; });
  }

  LessonFindings findings_;
  Lesson lesson_;
  bool scene_unknown_ = false;  // what the step before shows
};

}  // namespace

Lesson read_lesson(std::string_view text, const std::filesystem::path& folder, std::vector<LessonFinding>& findings) {
  Lesson lesson = Reader(folder, findings).read(text);
  std::stable_sort(findings.begin(), findings.end(),
                   [](const LessonFinding& a, const LessonFinding& b) { return a.line < b.line; });
  return lesson;
}

Lesson load_lesson(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "lesson.md";
  std::vector<LessonFinding> findings;
  Lesson lesson = read_lesson(read_text_file(file.string(), max_lesson_bytes), folder, findings);
  if (!findings.empty())
    throw Error(file.string() + ":" + std::to_string(findings.front().line) + ": " + findings.front().sentence);
  return lesson;
}

}  // namespace statescope
