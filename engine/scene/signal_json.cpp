// SPDX-License-Identifier: GPL-3.0-or-later
// Input signals, as the scenes of Dynamics and Memory have them.
#include "scene_json.h"

namespace statescope {

using nlohmann::json;
using nlohmann::ordered_json;

Signal parse_signal(const json& object, const std::string& where) {
  refuse_unknown_keys(object,
                      {"kind", "length", "amplitude", "start", "frequency", "frequency_end", "phase", "seed", "values",
                       "file", "channel", "column", "first"},
                      where);
  Signal s;
  const std::string kind = get_string_or(object, "kind", signal_kind_id(s.kind), where);
  s.kind = named([&] { return parse_signal_kind(kind); }, where + ": kind");
  s.length = get_int_or(object, "length", s.length, where);
  s.amplitude = get_number_or(object, "amplitude", s.amplitude, where);
  s.start = get_number_or(object, "start", s.start, where);
  s.frequency = get_number_or(object, "frequency", s.frequency, where);
  s.frequency_end = get_number_or(object, "frequency_end", s.frequency_end, where);
  s.phase = get_number_or(object, "phase", s.phase, where);
  s.seed = get_seed(object, s.seed, where);
  s.values = get_reals(object, "values", max_drawn_points, where);
  s.file = get_string_or(object, "file", "", where);
  s.channel = get_index(object, "channel", 0, where);
  s.column = get_string_or(object, "column", "", where);
  s.first = get_index(object, "first", 0, where);
  named([&] { check(s); }, where);
  return s;
}

ordered_json signal_json(const Signal& s) {
  ordered_json object{{"kind", signal_kind_id(s.kind)}, {"length", s.length}, {"amplitude", s.amplitude}};
  switch (s.kind) {
    case SignalKind::impulse:
    case SignalKind::step:
    case SignalKind::ramp:
      object["start"] = s.start;
      break;
    case SignalKind::chirp:
      object["frequency"] = s.frequency;
      object["frequency_end"] = s.frequency_end;
      object["phase"] = s.phase;
      break;
    case SignalKind::sine:
    case SignalKind::square:
      object["frequency"] = s.frequency;
      object["phase"] = s.phase;
      break;
    case SignalKind::white_noise:
      object["seed"] = s.seed;
      break;
    case SignalKind::band_noise:
      object["frequency"] = s.frequency;
      object["frequency_end"] = s.frequency_end;
      object["seed"] = s.seed;
      break;
    case SignalKind::drawn:
      object["values"] = s.values;
      break;
    case SignalKind::wav:
      object["file"] = s.file;
      object["channel"] = s.channel;
      object["first"] = s.first;
      break;
    case SignalKind::csv:
      object["file"] = s.file;
      object["column"] = s.column;
      object["first"] = s.first;
      break;
  }
  return object;
}

}  // namespace statescope
