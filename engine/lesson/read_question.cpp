// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <map>
#include <set>

#include "read_parts.h"

namespace statescope {
namespace {

using nlohmann::json;
using Kind = LessonQuestion::Kind;

const std::map<std::string, Kind> kinds{
    {"option", Kind::option}, {"value", Kind::value}, {"token", Kind::token}, {"curve", Kind::curve}};

// Of which kinds a key is; "-" are options.
const std::map<std::string, std::set<Kind>> kinds_of_key{{"truth", {Kind::value, Kind::token, Kind::curve}},
                                                         {"from", {Kind::value, Kind::curve}},
                                                         {"to", {Kind::value, Kind::curve}},
                                                         {"unit", {Kind::value}},
                                                         {"tolerance", {Kind::value, Kind::token, Kind::curve}},
                                                         {"-", {Kind::option}}};

class QuestionReader {
 public:
  QuestionReader(const LessonBlock& block, const std::filesystem::path& folder, LessonFindings& findings)
      : block_(block), folder_(folder), findings_(findings) {
    question_.line = block.line;
  }

  std::optional<LessonQuestion> read() {
    const std::size_t before = findings_.size();
    for (const LessonLine& line : block_.lines)
      if (const std::string_view text = trimmed(line.text); !text.empty())
        findings_.in_line(line.number, [&] { read_line(text, line.number); });
    for (const char* key : {"kind", "ask"}) require(key);
    if (kind_known_) check_kind();
    if (findings_.size() > before) return {};
    return std::move(question_);
  }

 private:
  void require(const char* key) {
    if (!lines_.contains(key)) findings_.add(block_.line, "the question has no " + std::string(key));
  }

  // What this kind needs, and what of another kind would be overlooked.
  void check_kind() {
    if (question_.kind != Kind::option) require("truth");
    if (question_.kind == Kind::value || question_.kind == Kind::curve) {
      for (const char* key : {"from", "to"}) require(key);
      if (lines_.contains("to") && !(question_.to > question_.from))
        findings_.add(lines_.at("to"), "the question's range must go up from its from to its to");
    }
    if (question_.kind == Kind::option && (options_ < 2 || options_ > 6))
      findings_.add(block_.line, "a question of the kind option has two to six lines \"- SENTENCE :: CONDITION\"");
    for (const auto& [key, line] : lines_)
      if (const auto of = kinds_of_key.find(key); of != kinds_of_key.end() && !of->second.contains(question_.kind))
        findings_.add(line, "this kind of question has no " + (key == "-" ? std::string("options") : key));
  }

  void read_option(std::string_view line, int number) {
    ++options_;
    lines_.emplace("-", number);
    const auto colons = line.rfind("::");
    if (colons == line.npos) throw Error("an option is \"- SENTENCE :: CONDITION\"");
    LessonOption option{std::string(trimmed(line.substr(2, colons - 2))), std::string(trimmed(line.substr(colons + 2))),
                        number};
    if (option.text.empty() || option.condition.empty()) throw Error("an option is \"- SENTENCE :: CONDITION\"");
    for (const LessonOption& other : question_.options)
      if (other.text == option.text)
        throw Error("this option says the same as that in line " + std::to_string(other.line));
    question_.options.push_back(std::move(option));
  }

  void read_line(std::string_view line, int number) {
    if (line.rfind("- ", 0) == 0) return read_option(line, number);
    const auto colon = line.find(':');
    if (colon == line.npos)
      throw Error("a line of a question is \"key: value\"; a value does not go on in the next line");
    const std::string key(trimmed(line.substr(0, colon))), value(trimmed(line.substr(colon + 1)));
    if (value.empty()) throw Error(key + " is empty");
    if (!lines_.emplace(key, number).second) throw Error(key + " stands here for the second time");
    const auto text = [&](std::string& into, int& line_of) {
      into = value;
      line_of = number;
    };
    const auto changes = [&](json& into, int& line_of) {
      into = parse_json(value, key);
      if (!into.is_object()) throw Error(key + " is changes to a scene, a JSON object");
      require_inside(into, folder_);
      line_of = number;
    };
    if (key == "kind") {
      if (!kinds.contains(value)) throw Error("kind must be option, value, token or curve");
      question_.kind = kinds.at(value);
      kind_known_ = true;
    } else if (key == "ask") {
      text(question_.ask, question_.ask_line);
    } else if (key == "why") {
      text(question_.why, question_.why_line);
    } else if (key == "truth") {
      text(question_.truth, question_.truth_line);
    } else if (key == "reveal") {
      changes(question_.reveal, question_.reveal_line);
    } else if (key == "against") {
      changes(question_.against, question_.against_line);
    } else if (key == "unit") {
      require_plain(value);
      question_.unit = value;
    } else if (key == "from" || key == "to" || key == "tolerance") {
      (key == "from" ? question_.from : key == "to" ? question_.to : question_.tolerance) = number_of(value);
      if (key == "tolerance" && question_.tolerance < 0) throw Error("tolerance must not be negative");
    } else {
      throw Error("a question knows no " + in_quotes(key));
    }
  }

  const LessonBlock& block_;
  const std::filesystem::path& folder_;
  LessonFindings& findings_;
  LessonQuestion question_;
  std::map<std::string, int> lines_;  // of the keys that were read
  int options_ = 0;                   // also those with a mistake
  bool kind_known_ = false;
};

}  // namespace

std::optional<LessonQuestion> read_question(const LessonBlock& block, const std::filesystem::path& folder,
                                            LessonFindings& findings) {
  return QuestionReader(block, folder, findings).read();
}

}  // namespace statescope
