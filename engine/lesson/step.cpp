// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "engine/lesson/lesson.h"
#include "engine/random.h"
#include "lesson_text.h"

namespace statescope {
namespace {

using nlohmann::json;

// FNV-1a, 64 bits: the same on every machine, which std::hash is not.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const char byte : text) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3u;
  return hash;
}

// By seed, name and place: a second variation in a lesson does not change the first.
const json& chosen(const LessonVariation& variation, const LessonSeed& whose) {
  Uniform uniform(hash_of(whose.seed + "\n" + whose.name + "\n" + variation.at.to_string()));
  return variation.values[static_cast<std::size_t>(uniform() * static_cast<double>(variation.values.size()))];
}

json swept(const LessonCue& cue, double seconds) {
  const double share = std::min((seconds - cue.from) / (cue.to - cue.from), 1.0);
  if (share == 1) return cue.last;
  const auto first = cue.first.get<double>(), last = cue.last.get<double>();
  const double value = cue.logarithmic ? first * std::pow(last / first, share) : first + (last - first) * share;
  if (cue.first.is_number_integer() && cue.last.is_number_integer())
    return static_cast<std::int64_t>(std::llround(value));
  return value;
}

}  // namespace

double LessonStep::duration() const {
  double end = 0;
  for (const LessonCue& cue : cues) end = std::max(end, cue.to);
  return end;
}

Scene scene_at(const LessonStep& step, double seconds, const LessonSeed& whose) {
  json scene = step.scene;
  // A place whose parent is a number or a text is not in the scene; the library's sentence does not name it.
  const auto set = [&](const json::json_pointer& at, const json& value) {
    try {
      scene[at] = value;
    } catch (const json::exception&) {
      throw Error("the scene has no place " + dotted(at));
    }
  };
  if (!whose.seed.empty() || !whose.name.empty())
    for (const LessonVariation& variation : step.variations) set(variation.at, chosen(variation, whose));
  for (const LessonCue& cue : step.cues)
    if (seconds >= cue.from) {
      if (cue.kind == LessonCue::Kind::set) set(cue.at, cue.first);
      if (cue.kind == LessonCue::Kind::sweep) set(cue.at, swept(cue, seconds));
    }
  return parse_scene(scene.dump(), "the scene");
}

std::string highlight_at(const LessonStep& step, double seconds) {
  std::string symbol;
  for (const LessonCue& cue : step.cues)
    if (cue.kind == LessonCue::Kind::highlight && seconds >= cue.from) symbol = cue.symbol;
  return symbol;
}

double next_stop(const LessonStep& step, double seconds) {
  for (const LessonCue& cue : step.cues)
    if (cue.kind == LessonCue::Kind::pause && cue.from > seconds) return cue.from;
  return step.duration();
}

}  // namespace statescope
