// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "engine/error.h"
#include "engine/io/json.h"
#include "engine/io/utf8.h"
#include "engine/lesson/lesson.h"
#include "lesson_text.h"

namespace statescope {
namespace {

using nlohmann::json;

constexpr std::size_t max_scene_bytes = 1 << 20;
constexpr std::size_t max_steps = 200, max_lines_of_block = 1000;

// A fenced block of a step.
struct Block {
  int line = 0;
  std::string_view word, rest;  // after the backticks
  std::vector<LessonLine> lines;
  std::string text() const {
    std::string all;
    for (const LessonLine& each : lines) all += std::string(each.text) + "\n";
    return all;
  }
};

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

class Reader {
 public:
  Reader(const std::filesystem::path& folder, std::vector<LessonFinding>& findings)
      : folder_(folder), findings_(findings) {
    lesson_.folder = folder;
  }

  Lesson read(std::string_view text) {
    if (const auto invalid = first_invalid_utf8(text)) {
      const auto end = text.begin() + static_cast<std::ptrdiff_t>(*invalid);
      found(static_cast<int>(std::count(text.begin(), end, '\n')) + 1,
            "this line is not UTF-8; save the text as UTF-8");
      return std::move(lesson_);
    }
    const std::vector<LessonLine> lines = lines_of(text);
    std::size_t at = read_front(lines);
    for (; at < lines.size(); ++at) {
      const std::string_view line = lines[at].text;
      if (line.rfind("## ", 0) == 0) {
        finish_step();
        begin_step(lines[at]);
      } else if (line.rfind("```", 0) == 0) {
        at = read_block(lines, at);
      } else if (step_) {
        if (trimmed(step_->prose).empty()) {
          step_->prose.clear();
          step_->prose_line = lines[at].number;
        }
        step_->prose += std::string(line) + "\n";
      } else if (!trimmed(line).empty()) {
        found(lines[at].number, "this stands before the first step; a step begins with \"## \" and its title");
      }
    }
    finish_step();
    if (lesson_.steps.empty()) found(1, "the lesson has no steps; a step begins with \"## \" and its title");
    std::stable_sort(findings_.begin(), findings_.end(),
                     [](const LessonFinding& a, const LessonFinding& b) { return a.line < b.line; });
    return std::move(lesson_);
  }

 private:
  void found(int line, std::string sentence) { findings_.push_back({line, std::move(sentence)}); }

  // What `read` throws is a finding of that line. Other exceptions than Error are the JSON library's.
  template <class Read>
  void try_line(int line, Read read) {
    try {
      read();
    } catch (const Error& error) {
      found(line, error.what());
    } catch (const json::exception&) {
      found(line, "this place does not exist in the scene; a path goes through objects and places of lists");
    }
  }

  std::size_t read_front(const std::vector<LessonLine>& lines) {
    if (lines.empty() || trimmed(lines[0].text) != "---") {
      found(1, "a lesson begins with its front matter between two lines \"---\"");
      return 0;
    }
    std::vector<std::string>* list = nullptr;
    std::set<std::string> seen;
    std::size_t at = 1;
    for (; at < lines.size() && trimmed(lines[at].text) != "---"; ++at)
      if (const std::string_view line = trimmed(lines[at].text); !line.empty())
        try_line(lines[at].number, [&] { read_front_line(line, list, seen); });
    if (at == lines.size()) found(1, "the front matter does not end; it ends with a line \"---\"");
    for (const char* key : {"title", "level", "minutes", "outcomes"})
      if (!seen.contains(key)) found(1, "the front matter has no " + std::string(key));
    return std::min(at + 1, lines.size());
  }

  void read_front_line(std::string_view line, std::vector<std::string>*& list, std::set<std::string>& seen) {
    if (line.rfind("- ", 0) == 0) {
      if (!list) throw Error("this item belongs to no list; outcomes: and sources: begin one");
      list->emplace_back(trimmed(line.substr(2)));
      return;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) throw Error("a line of the front matter is \"key: value\"");
    const std::string key(trimmed(line.substr(0, colon))), value(trimmed(line.substr(colon + 1)));
    if (!seen.insert(key).second) throw Error(key + " stands here for the second time");
    list = key == "outcomes" ? &lesson_.outcomes : key == "sources" ? &lesson_.sources : nullptr;
    if (list) {
      if (!value.empty()) throw Error(key + " is a list; its items follow, each on a line that begins with \"- \"");
    } else if (key == "title") {
      lesson_.title = value;
    } else if (key == "prerequisites") {
      lesson_.prerequisites = value;
    } else if (key == "level") {
      if (value != "beginner" && value != "intermediate" && value != "advanced")
        throw Error("level must be beginner, intermediate or advanced");
      lesson_.level = value;
    } else if (key == "minutes") {
      const double minutes = number_of(value);
      if (minutes < 1 || minutes > 600 || minutes != std::floor(minutes))
        throw Error("minutes must be a whole number in 1 … 600");
      lesson_.minutes = static_cast<int>(minutes);
    } else {
      throw Error("the front matter knows no " + in_quotes(key) +
                  "; it knows title, level, minutes, prerequisites, outcomes and sources");
    }
    if (!list && value.empty()) throw Error(key + " is empty");
  }

  void begin_step(const LessonLine& line) {
    if (lesson_.steps.size() == max_steps) {
      if (!too_many_) found(line.number, "a lesson has at most 200 steps");
      too_many_ = true;
      return;
    }
    LessonStep& step = step_.emplace();
    step.line = line.number;
    step.title = trimmed(line.text.substr(3));
    if (step.title.empty()) found(line.number, "the step has no title");
    if (!lesson_.steps.empty()) {
      const LessonStep& before = lesson_.steps.back();
      step.scene = before.scene;
      step.alt = before.alt;
      step.alt_line = before.alt_line;
      step.variations = before.variations;
    }
    blocks_.clear();
  }

  // Answers with the place of the line that ends the block.
  std::size_t read_block(const std::vector<LessonLine>& lines, std::size_t at) {
    Block block;
    block.line = lines[at].number;
    std::tie(block.word, block.rest) = split_word(lines[at].text.substr(3));
    std::size_t end = at + 1;
    while (end < lines.size() && trimmed(lines[end].text) != "```") block.lines.push_back(lines[end++]);
    if (end == lines.size()) found(block.line, "this block does not end; it ends with three backticks");
    constexpr std::string_view listings[] = {"text", "python", "cpp", "json"};
    if (!step_) {
      found(block.line, "a block stands in a step; a step begins with \"## \" and its title");
    } else if (std::find(std::begin(listings), std::end(listings), block.word) != std::end(listings)) {
      step_->prose += "```\n" + block.text() + "```\n";
    } else if (block.word != "scene" && block.word != "alt" && block.word != "cues" && block.word != "vary" &&
               block.word != "question" && block.word != "notes") {
      found(block.line,
            "there is no block " + in_quotes(std::string(block.word)) +
                "; there are scene, alt, cues, vary, question and notes, and text, python, cpp and json for "
                "what is shown as it is");
    } else if (block.lines.size() > max_lines_of_block) {
      found(block.line, "a block has at most 1,000 lines");
    } else if (!blocks_.emplace(block.word, block).second) {
      found(block.line, "a step has one block " + in_quotes(std::string(block.word)) + " at most");
    }
    return end;
  }

  const Block* block(const char* word) const {
    const auto place = blocks_.find(word);
    return place == blocks_.end() ? nullptr : &place->second;
  }

  // The blocks in the order in which they depend on each other.
  void finish_step() {
    if (!step_) return;
    LessonStep& step = *step_;
    step.scene_line = step.line;
    if (const Block* scene = block("scene")) {
      step.scene_line = scene->line;
      step.alt.clear();
      try_line(scene->line, [&] { read_scene(*scene); });
      if (!block("alt")) found(scene->line, "the scene has no alt block; say what the picture shows");
    } else if (step.scene.is_null()) {
      found(step.line, "the first step shows nothing; give it a scene block");
    }
    if (const Block* alt = block("alt")) {
      step.alt = trimmed_text(alt->text());
      step.alt_line = alt->line;
    }
    if (const Block* alt = block("alt"); alt && step.alt.empty())
      found(alt->line, "the alt block is empty; say what the picture shows");
    if (const Block* notes = block("notes")) {
      step.notes = notes->text();
      step.notes_line = notes->line + 1;
    }
    if (const Block* vary = block("vary"))
      for (const LessonLine& line : vary->lines)
        if (!trimmed(line.text).empty())
          try_line(line.number, [&] {
            step.variations.push_back(variation_of(line.text));
            step.variations.back().line = line.number;
          });
    if (const Block* cues = block("cues"))
      for (const LessonLine& line : cues->lines)
        if (!trimmed(line.text).empty())
          try_line(line.number, [&] {
            step.cues.push_back(cue_of(line.text));
            step.cues.back().line = line.number;
          });
    std::stable_sort(step.cues.begin(), step.cues.end(),
                     [](const LessonCue& a, const LessonCue& b) { return a.from < b.from; });
    if (const Block* question = block("question")) read_question(*question);
    step.prose = trimmed_text(step.prose);
    lesson_.steps.push_back(std::move(step));
    step_.reset();
  }

  void read_scene(const Block& block) {
    LessonStep& step = *step_;
    if (!block.rest.empty()) {
      const std::filesystem::path name = std::string(block.rest);
      if (name.is_absolute() || name.lexically_normal().string().rfind("..", 0) == 0)
        throw Error("a scene's file lies in the lesson's folder");
      const std::filesystem::path path = folder_ / name;
      step.scene = parse_json(read_text_file(path.string(), max_scene_bytes), path.string());
      step.variations.clear();
    }
    const std::string body = block.text();
    if (trimmed_text(body).empty()) {
      if (block.rest.empty()) throw Error("the scene block names no file and changes nothing");
      return;
    }
    const json change = parse_json(body, "the scene");
    if (!change.is_object()) throw Error("changes to a scene are a JSON object");
    if (step.scene.is_null()) step.scene = json::object();
    step.scene.merge_patch(change);
    std::erase_if(step.variations, [&](const LessonVariation& each) { return touches(change, each.at); });
  }

  void read_question(const Block& block) {
    LessonQuestion question;
    question.line = block.line;
    std::set<std::string> seen;
    for (const LessonLine& line : block.lines)
      if (const std::string_view text = trimmed(line.text); !text.empty())
        try_line(line.number, [&] { read_question_line(text, line.number, question, seen); });
    const auto lacks = [&](const char* key) {
      if (!seen.contains(key)) found(block.line, "the question has no " + std::string(key));
    };
    using Kind = LessonQuestion::Kind;
    const bool options = question.kind == Kind::option;
    for (const char* key : {"kind", "ask"}) lacks(key);
    if (!options) lacks("truth");
    if (question.kind == Kind::value || question.kind == Kind::curve) {
      for (const char* key : {"from", "to"}) lacks(key);
      if (!(question.to > question.from)) found(block.line, "the question's range must go up from its from to its to");
    }
    if (options && (question.options.size() < 2 || question.options.size() > 6))
      found(block.line, "a question of the kind option has two to six lines \"- SENTENCE :: CONDITION\"");
    // A key that another kind of question has would be overlooked here.
    const std::map<std::string, std::set<Kind>> belongs{{"truth", {Kind::value, Kind::token, Kind::curve}},
                                                        {"from", {Kind::value, Kind::curve}},
                                                        {"to", {Kind::value, Kind::curve}},
                                                        {"unit", {Kind::value}},
                                                        {"tolerance", {Kind::value, Kind::token, Kind::curve}},
                                                        {"-", {Kind::option}}};
    for (const std::string& key : seen)
      if (const auto kinds = belongs.find(key); kinds != belongs.end() && !kinds->second.contains(question.kind))
        found(block.line, "this kind of question has no " + (key == "-" ? std::string("options") : key));
    step_->question = std::move(question);
  }

  void read_question_line(std::string_view line, int number, LessonQuestion& question, std::set<std::string>& seen) {
    if (line.rfind("- ", 0) == 0) {
      const auto colons = line.rfind("::");
      if (colons == std::string_view::npos) throw Error("an option is \"- SENTENCE :: CONDITION\"");
      LessonOption option{std::string(trimmed(line.substr(2, colons - 2))),
                          std::string(trimmed(line.substr(colons + 2))), number};
      if (option.text.empty() || option.condition.empty()) throw Error("an option is \"- SENTENCE :: CONDITION\"");
      question.options.push_back(std::move(option));
      seen.insert("-");
      return;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) throw Error("a line of a question is \"key: value\"");
    const std::string key(trimmed(line.substr(0, colon))), value(trimmed(line.substr(colon + 1)));
    if (value.empty()) throw Error(key + " is empty");
    if (!seen.insert(key).second) throw Error(key + " stands here for the second time");
    using Kind = LessonQuestion::Kind;
    const std::map<std::string, Kind> kinds{
        {"option", Kind::option}, {"value", Kind::value}, {"token", Kind::token}, {"curve", Kind::curve}};
    const auto changes = [&](json& into) {
      into = parse_json(value, key);
      if (!into.is_object()) throw Error(key + " is changes to a scene, a JSON object");
    };
    if (key == "kind") {
      if (!kinds.contains(value)) throw Error("kind must be option, value, token or curve");
      question.kind = kinds.at(value);
    } else if (key == "ask") {
      question.ask = value;
      question.ask_line = number;
    } else if (key == "why") {
      question.why = value;
      question.why_line = number;
    } else if (key == "reveal") {
      changes(question.reveal);
    } else if (key == "against") {
      changes(question.against);
    } else if (key == "truth") {
      question.truth = value;
      question.truth_line = number;
    } else if (key == "unit") {
      question.unit = value;
    } else if (key == "from" || key == "to" || key == "tolerance") {
      (key == "from" ? question.from : key == "to" ? question.to : question.tolerance) = number_of(value);
      if (key == "tolerance" && question.tolerance < 0) throw Error("tolerance must not be negative");
    } else {
      throw Error("a question knows no " + in_quotes(key));
    }
  }

  std::filesystem::path folder_;
  std::vector<LessonFinding>& findings_;
  Lesson lesson_;
  std::optional<LessonStep> step_;
  std::map<std::string, Block, std::less<>> blocks_;  // of that step
  bool too_many_ = false;
};

}  // namespace

Lesson read_lesson(std::string_view text, const std::filesystem::path& folder, std::vector<LessonFinding>& findings) {
  return Reader(folder, findings).read(text);
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
