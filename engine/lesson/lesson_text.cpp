// SPDX-License-Identifier: GPL-3.0-or-later
#include "lesson_text.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <tuple>

#include "engine/lesson/formula.h"

namespace statescope {
namespace {

using nlohmann::json;

constexpr double max_seconds = 600, max_values = 10000;
constexpr std::size_t max_path = 4096;

double seconds_of(std::string_view text) {
  const double seconds = number_of(text);
  if (seconds < 0 || seconds > max_seconds) throw Error("a cue's time must lie in 0 … 600 seconds");
  return seconds;
}

// The times of a cue and what follows them: "2 …", "0..3 …" or "0 .. 3 …".
struct CueTimes {
  std::string_view from, to, rest;
};
CueTimes times_of(std::string_view line) {
  auto [first, rest] = split_word(line);
  const auto dots = first.find("..");
  if (dots == first.npos && rest.rfind("..", 0) != 0) return {first, {}, rest};
  std::string_view to = dots == first.npos ? rest.substr(2) : first.substr(dots + 2);
  if (dots == first.npos || to.empty()) std::tie(to, rest) = split_word(dots == first.npos ? to : rest);
  return {first.substr(0, dots), to, rest};
}

// The value of a cue or a variation.
json value_of(std::string_view text) {
  try {
    return parse_json(text, "the value");
  } catch (const JsonError&) {
    if (text.find("->") != text.npos) throw Error("a change from A to B has two times, as in 0..3 PATH A -> B");
    if (!text.empty() && std::isalpha(static_cast<unsigned char>(text[0])))
      throw Error(in_quotes(text) + " is not a value; a text stands in quotes: \"" + std::string(text.substr(0, 80)) +
                  "\"");
    throw Error(in_quotes(text) + " is not a value; write a number, a \"text\", true, false or a list in brackets");
  }
}

// "experiment.methods.0.order" as /experiment/methods/0/order.
json::json_pointer pointer_of(std::string_view path) {
  std::string pointer;
  while (true) {
    const auto dot = std::min(path.find('.'), path.size());
    const std::string_view part = path.substr(0, dot);
    if (part.empty() || part.find_first_of("/~\"{}[]") != std::string_view::npos)
      throw Error("a path in a scene is member names joined by dots, such as experiment.delta");
    pointer += "/" + std::string(part);
    if (dot == path.size()) return json::json_pointer(pointer);
    path.remove_prefix(dot + 1);
  }
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::pair<std::string_view, std::string_view> split_word(std::string_view text) {
  const std::string_view all = trimmed(text);
  const auto end = all.find_first_of(" \t");
  if (end == std::string_view::npos) return {all, {}};
  return {all.substr(0, end), trimmed(all.substr(end))};
}

std::vector<LessonLine> lines_of(std::string_view text) {
  std::vector<LessonLine> lines;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    lines.push_back({number, line});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string trimmed_text(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

std::string dotted(const json::json_pointer& at) {
  std::string path = at.to_string();
  std::replace(path.begin(), path.end(), '/', '.');
  return path.substr(std::min<std::size_t>(1, path.size()));
}

void require_plain(std::string_view text) {
  if (const auto formulas = find_formulas(text); !formulas.empty())
    throw Error(in_quotes(text.substr(formulas[0].begin, formulas[0].end - formulas[0].begin)) +
                " is shown as it stands here; titles, outcomes and alt texts have no formulas, so write Δ or h itself");
}

void require_inside(const json& value, const std::filesystem::path& folder) {
  if (value.is_structured())
    for (const json& each : value) require_inside(each, folder);
  if (!value.is_string()) return;
  const std::string& name = value.get_ref<const std::string&>();
  std::error_code error;
  if (name.empty() || name.size() > max_path || name.find('\0') != name.npos) return;
  const auto root = std::filesystem::canonical(folder, error);
  if (error) return;
  const auto refuse_outside = [&](const std::filesystem::path& path) {
    const auto found = std::filesystem::canonical(path, error);
    if (!error && *found.lexically_relative(root).begin() == "..")
      throw Error(in_quotes(name) + " leads out of the lesson's folder; copy what it names into the folder");
  };
  refuse_outside(folder / name);
  for (auto each = std::filesystem::directory_iterator(folder / name, error); !error && each != decltype(each)();
       each.increment(error))
    if (each->is_symlink(error)) refuse_outside(each->path());
}

double number_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    throw Error(in_quotes(std::string(text)) + " is not a number");
  return value;
}

LessonCue cue_of(std::string_view line) {
  LessonCue cue;
  const auto [from, to, rest] = times_of(line);
  cue.from = cue.to = seconds_of(from);
  if (!to.empty()) {
    cue.kind = LessonCue::Kind::sweep;
    if (to[0] == '.') throw Error("between the times of a sweep stand two dots, as in 0..3");
    cue.to = seconds_of(to);
    if (!(cue.to > cue.from)) throw Error("a sweep must end after it begins");
  }
  const auto [what, value] = split_word(rest);
  if (cue.kind == LessonCue::Kind::sweep) {
    const auto arrow = value.find("->");
    if (arrow == std::string_view::npos) throw Error("a sweep is written A -> B");
    auto [last, scale] = split_word(value.substr(arrow + 2));
    if (!scale.empty() && scale != "log") throw Error("after a sweep only the word log may stand");
    cue.at = pointer_of(what);
    cue.logarithmic = scale == "log";
    for (const auto& [text, end] :
         {std::pair(trimmed(value.substr(0, arrow)), &cue.first), std::pair(last, &cue.last)}) {
      if (text.find('"') != text.npos)
        throw Error("a sweep goes between numbers; a text changes at once, as in 2 PATH \"TEXT\"");
      const double number = number_of(text);
      const bool whole = text.find_first_of(".eE") == std::string_view::npos && std::abs(number) < 1e15;
      *end = whole ? json(static_cast<std::int64_t>(number)) : json(number);
      if (cue.logarithmic && number <= 0) throw Error("a sweep by equal factors needs numbers above 0");
    }
  } else if (what == "pause") {
    if (!value.empty()) throw Error("nothing follows pause");
    cue.kind = LessonCue::Kind::pause;
  } else if (what == "highlight") {
    cue.kind = LessonCue::Kind::highlight;
    if (value != "none") cue.symbol = value == "\\Delta" ? "Δ" : value;
    if (value != "none" && std::find(lesson_symbols.begin(), lesson_symbols.end(), cue.symbol) == lesson_symbols.end())
      throw Error("there is no symbol " + in_quotes(value) +
                  "; there are Δ, A, B, C, D, x, z, h and y, and A stands for Ā, too");
  } else {
    cue.at = pointer_of(what);
    cue.first = value_of(value);
  }
  return cue;
}

LessonVariation variation_of(std::string_view line) {
  LessonVariation variation;
  const auto [path, rest] = split_word(line);
  variation.at = pointer_of(path);
  if (const auto dots = rest.find(".."); dots != std::string_view::npos) {
    const auto step_at = rest.find("step");
    if (step_at == std::string_view::npos || step_at < dots) throw Error("a range is written A .. B step S");
    const double from = number_of(trimmed(rest.substr(0, dots)));
    const double to = number_of(trimmed(rest.substr(dots + 2, step_at - dots - 2)));
    const std::string_view step_text = trimmed(rest.substr(step_at + 4));
    const double step = number_of(step_text);
    if (!(step > 0) || to < from || (to - from) / step > max_values)
      throw Error("a range must go up, in at most 10,000 steps");
    const bool whole = from == std::floor(from) && step == std::floor(step);
    for (int i = 0; from + i * step <= to * (1 + 1e-12); ++i) {
      const double value = from + i * step;
      variation.values.push_back(whole ? json(static_cast<std::int64_t>(value)) : json(value));
    }
  } else {
    std::string_view values = rest;
    while (true) {
      const auto bar = std::min(values.find('|'), values.size());
      variation.values.push_back(value_of(trimmed(values.substr(0, bar))));
      if (bar == values.size()) break;
      values.remove_prefix(bar + 1);
    }
  }
  return variation;
}

}  // namespace statescope
