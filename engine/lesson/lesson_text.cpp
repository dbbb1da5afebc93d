// SPDX-License-Identifier: GPL-3.0-or-later
#include "lesson_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "engine/error.h"
#include "engine/io/json.h"
#include "engine/io/utf8.h"

namespace statescope {
namespace {

using nlohmann::json;

constexpr double max_seconds = 600, max_values = 10000;

double seconds_of(std::string_view text) {
  const double seconds = number_of(text);
  if (seconds < 0 || seconds > max_seconds) throw Error("a cue's time must lie in 0 … 600 seconds");
  return seconds;
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

double number_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    throw Error(in_quotes(std::string(text)) + " is not a number");
  return value;
}

LessonCue cue_of(std::string_view line) {
  LessonCue cue;
  const auto [times, rest] = split_word(line);
  if (const auto dots = times.find(".."); dots != std::string_view::npos) {
    cue.kind = LessonCue::Kind::sweep;
    cue.from = seconds_of(times.substr(0, dots));
    cue.to = seconds_of(times.substr(dots + 2));
    if (!(cue.to > cue.from)) throw Error("a sweep must end after it begins");
  } else {
    cue.from = cue.to = seconds_of(times);
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
    if (value != "none") cue.symbol = value;
    if (value != "none" && std::find(lesson_symbols.begin(), lesson_symbols.end(), value) == lesson_symbols.end())
      throw Error("there is no symbol " + in_quotes(std::string(value)) + "; there are Δ, A, B, C, D, x, z, h and y");
  } else {
    cue.at = pointer_of(what);
    cue.first = parse_json(value, "the value of a cue");
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
      variation.values.push_back(parse_json(trimmed(values.substr(0, bar)), "a value"));
      if (bar == values.size()) break;
      values.remove_prefix(bar + 1);
    }
  }
  return variation;
}

}  // namespace statescope
