// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/profile/files.h"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/io/file.h"
#include "engine/io/json.h"
#include "engine/io/utf8.h"

namespace statescope {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr int version = 1;
constexpr std::size_t max_file_bytes = std::size_t{1} << 30;
constexpr std::size_t zone_columns = 9;
const char* const column_names[zone_columns] = {"stage",  "layer", "device",     "begin",       "end",
                                                "tokens", "bytes", "operations", "exponentials"};

std::string quoted(const std::string& text) {
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

// Nanoseconds as microseconds with all digits: a double would lose them after a quarter of an hour.
std::string microseconds(std::int64_t nanoseconds) {
  char text[40];
  std::snprintf(text, sizeof text, "%lld.%03lld", static_cast<long long>(nanoseconds / 1000),
                static_cast<long long>(nanoseconds % 1000));
  return text;
}

std::string joined(const char* separator, std::initializer_list<std::int64_t> numbers) {
  std::string text;
  for (const std::int64_t number : numbers) text += (text.empty() ? "" : separator) + std::to_string(number);
  return text;
}

std::int64_t get_count(const json& value, const char* what, const std::string& where) {
  if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) ||
      value.get<std::int64_t>() < 0)
    throw Error(where + ": \"" + what + "\" must be an integer from 0 to 9223372036854775807");
  return value.get<std::int64_t>();
}

const json& member(const json& object, const std::string& key, json::value_t type, const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end() || found->type() != type)
    throw Error(where + ": \"" + key + "\" must be " + (type == json::value_t::array ? "a list" : "an object"));
  return *found;
}

std::int64_t count_member(const json& object, const char* key, const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end()) throw Error(where + ": \"" + key + "\" is missing");
  return get_count(*found, key, where);
}

double rate_member(const json& object, const char* key, const std::string& where) {
  const double rate = get_number(object, key, where);
  if (rate < 0) throw Error(where + ": \"" + key + "\" must not be negative");
  return rate;
}

ProfileZone parse_zone(const json& row, const std::vector<Stage>& stages, std::int64_t before,
                       const std::string& where) {
  if (!row.is_array() || row.size() != zone_columns)
    throw Error(where + ": a zone must be a list of " + std::to_string(zone_columns) + " integers");
  const auto number = [&](std::size_t column) { return get_count(row[column], column_names[column], where); };
  ProfileZone zone;
  const std::int64_t stage = number(0);
  if (stage >= std::ssize(stages)) throw Error(where + ": \"stage\" is not an index of \"stages\"");
  zone.stage = stages[static_cast<std::size_t>(stage)];
  if (row[1] != -1) {
    const std::int64_t layer = number(1);
    if (layer > INT32_MAX) throw Error(where + ": \"layer\" is too large");
    zone.layer = static_cast<std::int32_t>(layer);
  }
  const std::int64_t device = number(2);
  if (device > 1) throw Error(where + ": \"device\" must be 0 or 1");
  zone.on_device = device == 1;
  zone.begin = number(3);
  zone.end = number(4);
  if (zone.end < zone.begin) throw Error(where + ": \"end\" lies before \"begin\"");
  if (zone.begin < before) throw Error(where + ": zones must be in the order of \"begin\"");
  zone.tokens = number(5);
  zone.work = {number(6), number(7), number(8)};
  return zone;
}

}  // namespace

ordered_json to_json(const Ceilings& ceilings) {
  return {{"device", ceilings.device},
          {"read_bandwidth", ceilings.read_bandwidth},
          {"copy_bandwidth", ceilings.copy_bandwidth},
          {"multiply_add_rate", ceilings.multiply_add_rate},
          {"matrix_rate", ceilings.matrix_rate},
          {"exponential_rate", ceilings.exponential_rate}};
}

ordered_json to_json(const MemoryUse& memory) {
  return {{"weights", memory.weights},
          {"activations", memory.activations},
          {"recurrent_state", memory.recurrent_state},
          {"key_value_per_token", memory.key_value_per_token}};
}

std::string to_text(const Profile& profile) {
  ordered_json stages = ordered_json::array();
  for (const Stage stage : all_stages) stages.push_back(stage_name(stage));
  const ordered_json head{{"format", "statescope-profile"},
                          {"version", version},
                          {"title", profile.title},
                          {"model", profile.model},
                          {"device", profile.device},
                          {"precision", profile.precision},
                          {"tokens", profile.tokens},
                          {"generated", profile.generated},
                          {"dropped", profile.dropped},
                          {"ceilings", to_json(profile.ceilings)},
                          {"memory", to_json(profile.memory)},
                          {"stages", stages}};
  std::string text = head.dump(2, ' ', false, json::error_handler_t::replace);
  text.resize(text.size() - 2);  // "\n}"
  text += ",\n  \"zones\": [";
  const char* separator = "\n    [";
  for (const ProfileZone& zone : profile.zones) {
    text += separator;
    text += joined(", ", {static_cast<std::int64_t>(zone.stage), zone.layer, zone.on_device, zone.begin, zone.end,
                          zone.tokens, zone.work.bytes, zone.work.operations, zone.work.exponentials}) +
            "]";
    separator = ",\n    [";
  }
  return text + (profile.zones.empty() ? "]\n}\n" : "\n  ]\n}\n");
}

Profile parse_profile(std::string_view text, const std::string& where) {
  const json root = parse_json(text, where);
  if (!root.is_object() || root.value("format", json()) != "statescope-profile")
    throw Error(where + ": this is not a saved profile; \"format\" must be \"statescope-profile\"");
  if (const std::int64_t found = get_int(root, "version", where); found != version)
    throw Error(where + ": profile version " + std::to_string(found) + " is not known; this version reads 1");
  Profile profile;
  profile.title = get_string(root, "title", where);
  profile.model = get_string(root, "model", where);
  profile.device = get_string(root, "device", where);
  profile.precision = get_string(root, "precision", where);
  profile.tokens = count_member(root, "tokens", where);
  profile.generated = count_member(root, "generated", where);
  profile.dropped = count_member(root, "dropped", where);

  const json& limits = member(root, "ceilings", json::value_t::object, where);
  const std::string limits_where = where + ": ceilings";
  profile.ceilings.device = get_string(limits, "device", limits_where);
  profile.ceilings.read_bandwidth = rate_member(limits, "read_bandwidth", limits_where);
  profile.ceilings.copy_bandwidth = rate_member(limits, "copy_bandwidth", limits_where);
  profile.ceilings.multiply_add_rate = rate_member(limits, "multiply_add_rate", limits_where);
  profile.ceilings.matrix_rate = rate_member(limits, "matrix_rate", limits_where);
  profile.ceilings.exponential_rate = rate_member(limits, "exponential_rate", limits_where);

  const json& memory = member(root, "memory", json::value_t::object, where);
  const std::string memory_where = where + ": memory";
  profile.memory.weights = count_member(memory, "weights", memory_where);
  profile.memory.activations = count_member(memory, "activations", memory_where);
  profile.memory.recurrent_state = count_member(memory, "recurrent_state", memory_where);
  profile.memory.key_value_per_token = count_member(memory, "key_value_per_token", memory_where);

  std::vector<Stage> stages;
  for (const json& name : member(root, "stages", json::value_t::array, where)) {
    if (!name.is_string()) throw Error(where + ": \"stages\" must be a list of names");
    try {
      stages.push_back(parse_stage(name.get<std::string>()));
    } catch (const Error& error) {
      throw Error(where + ": stages: " + error.what());
    }
  }
  const json& zones = member(root, "zones", json::value_t::array, where);
  profile.zones.reserve(zones.size());
  for (const json& row : zones)
    profile.zones.push_back(parse_zone(row, stages, profile.zones.empty() ? 0 : profile.zones.back().begin,
                                       where + ": zone " + std::to_string(profile.zones.size())));
  return profile;
}

Profile load_profile(const std::filesystem::path& path) {
  return parse_profile(read_text_file(path.string(), max_file_bytes), path.string());
}

std::string to_trace_events(const Profile& profile) {
  constexpr int process = 1, cpu = 1, device = 2;
  const auto name = [](const char* what, int thread, const std::string& value) {
    return "{\"ph\": \"M\", \"name\": \"" + std::string(what) + "\", \"pid\": " + std::to_string(process) +
           ", \"tid\": " + std::to_string(thread) + ", \"args\": {\"name\": " + quoted(value) + "}}";
  };
  std::string text = "{\"displayTimeUnit\": \"ns\",\n \"otherData\": {\"model\": " + quoted(profile.model) +
                     ", \"device\": " + quoted(profile.device) + ", \"precision\": " + quoted(profile.precision) +
                     "},\n \"traceEvents\": [\n" + name("process_name", cpu, profile.title) + ",\n" +
                     name("thread_name", cpu, "CPU") + ",\n" + name("thread_name", device, "device");
  for (const ProfileZone& zone : profile.zones)
    text += ",\n{\"ph\": \"X\", \"name\": \"" + stage_name(zone.stage) + "\", \"cat\": \"" +
            (zone.layer < 0 ? std::string("model") : "layer " + std::to_string(zone.layer)) +
            "\", \"pid\": " + std::to_string(process) + ", \"tid\": " + std::to_string(zone.on_device ? device : cpu) +
            ", \"ts\": " + microseconds(zone.begin) + ", \"dur\": " + microseconds(zone.end - zone.begin) +
            ", \"args\": {\"layer\": " + std::to_string(zone.layer) + ", \"tokens\": " + std::to_string(zone.tokens) +
            ", \"bytes\": " + std::to_string(zone.work.bytes) +
            ", \"operations\": " + std::to_string(zone.work.operations) +
            ", \"exponentials\": " + std::to_string(zone.work.exponentials) + "}}";
  return text + "\n]}\n";
}

std::string to_csv(const Profile& profile) {
  std::string text = "stage,layer,lane,begin_ns,end_ns,duration_ns,tokens,bytes,operations,exponentials\n";
  for (const ProfileZone& zone : profile.zones)
    text += stage_name(zone.stage) + "," + std::to_string(zone.layer) + "," + (zone.on_device ? "device" : "cpu") +
            "," +
            joined(",", {zone.begin, zone.end, zone.end - zone.begin, zone.tokens, zone.work.bytes,
                         zone.work.operations, zone.work.exponentials}) +
            "\n";
  return text;
}

namespace {

enum class ProfileFile { trace_events, saved, table };
ProfileFile kind_of(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  if (name.ends_with(".trace.json")) return ProfileFile::trace_events;
  if (name.ends_with(".json")) return ProfileFile::saved;
  if (name.ends_with(".csv")) return ProfileFile::table;
  throw Error(path.string() + ": the ending must be .trace.json, .json or .csv");
}

}  // namespace

void check_profile_name(const std::filesystem::path& path) {
  kind_of(path);
}

void save_profile(const Profile& profile, const std::filesystem::path& path) {
  switch (kind_of(path)) {
    case ProfileFile::trace_events:
      return write_file(path, to_trace_events(profile));
    case ProfileFile::saved:
      return write_file(path, to_text(profile));
    case ProfileFile::table:
      return write_file(path, to_csv(profile));
  }
}

}  // namespace statescope
