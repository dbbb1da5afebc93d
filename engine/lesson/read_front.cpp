// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <charconv>
#include <set>

#include "read_parts.h"

namespace statescope {
namespace {

constexpr std::string_view keys = "title, level, minutes, prerequisites, outcomes and sources";

class FrontReader {
 public:
  explicit FrontReader(Lesson& lesson) : lesson_(lesson) {}

  void read(std::string_view line) {
    if (line.rfind("- ", 0) == 0) {
      if (!list_) throw Error("this item belongs to no list; outcomes: and sources: begin one");
      list_->emplace_back(trimmed(line.substr(2)));
      return require_plain(line);
    }
    const auto colon = line.find(':');
    if (colon == line.npos) throw Error("a line of the front matter is \"key: value\"");
    const std::string key(trimmed(line.substr(0, colon))), value(trimmed(line.substr(colon + 1)));
    if (!seen_.insert(key).second) throw Error(key + " stands here for the second time");
    list_ = key == "outcomes" ? &lesson_.outcomes : key == "sources" ? &lesson_.sources : nullptr;
    if (list_ && !value.empty())
      throw Error(key + " is a list; its items follow, each on a line that begins with \"- \"");
    if (!list_) read_value(key, value);
  }

  bool seen(const char* key) const { return seen_.contains(key); }

 private:
  void read_value(const std::string& key, const std::string& value) {
    require_plain(value);
    if (key == "title") {
      lesson_.title = value;
    } else if (key == "prerequisites") {
      lesson_.prerequisites = value;
    } else if (key == "level") {
      if (value != "beginner" && value != "intermediate" && value != "advanced")
        throw Error("level must be beginner, intermediate or advanced");
      lesson_.level = value;
    } else if (key == "minutes") {
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), lesson_.minutes);
      if (error != std::errc() || end != value.data() + value.size() || lesson_.minutes < 1 || lesson_.minutes > 600)
        throw Error("minutes must be a whole number in 1 … 600");
    } else {
      throw Error("the front matter knows no " + in_quotes(key) + "; it knows " + std::string(keys));
    }
    if (value.empty()) throw Error(key + " is empty");
  }

  Lesson& lesson_;
  std::vector<std::string>* list_ = nullptr;
  std::set<std::string> seen_;
};

}  // namespace

std::size_t read_front(const std::vector<LessonLine>& lines, Lesson& lesson, LessonFindings& findings) {
  const auto ends = [](const LessonLine& line) { return trimmed(line.text) == "---" || is_title(line.text); };
  if (lines.empty() || trimmed(lines[0].text) != "---") {
    findings.add(1, "a lesson begins with its front matter between two lines \"---\"");
    return static_cast<std::size_t>(
        std::find_if(lines.begin(), lines.end(), [](const LessonLine& line) { return is_title(line.text); }) -
        lines.begin());
  }
  FrontReader reader(lesson);
  const std::size_t before = findings.size();
  std::size_t at = 1;
  for (; at < lines.size() && !ends(lines[at]); ++at)
    if (const std::string_view line = trimmed(lines[at].text); !line.empty())
      findings.in_line(lines[at].number, [&] { reader.read(line); });
  const bool ended = at < lines.size() && !is_title(lines[at].text);
  if (!ended) findings.add(1, "the front matter does not end; it ends with a line \"---\"");
  for (const char* key : {"title", "level", "minutes", "outcomes"})
    if (!reader.seen(key)) findings.add(1, "the front matter has no " + std::string(key));
  if (lesson.outcomes.empty() && findings.size() == before)
    findings.add(1, "outcomes has no items; each stands on a line that begins with \"- \"");
  return ended ? at + 1 : at;
}

}  // namespace statescope
