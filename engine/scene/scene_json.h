// SPDX-License-Identifier: GPL-3.0-or-later
// What the kinds of scenes share when they are read.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/error.h"
#include "engine/io/json.h"
#include "engine/io/utf8.h"
#include "engine/scene/scene.h"

namespace statescope {

inline const nlohmann::json& object_at(const nlohmann::json& parent, const std::string& key, const std::string& where) {
  static const nlohmann::json empty = nlohmann::json::object();
  const auto found = parent.find(key);
  if (found == parent.end()) return empty;
  if (!found->is_object()) throw Error(where + ": \"" + key + "\" must be an object");
  return *found;
}

// A key nobody reads is a typing error that would silently show something else.
inline void refuse_unknown_keys(const nlohmann::json& object, std::initializer_list<const char*> known,
                                const std::string& where) {
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end())
      throw Error(where + ": unknown key " + in_quotes(key));
  }
}

inline std::int64_t get_index(const nlohmann::json& object, const std::string& key, std::int64_t fallback,
                              const std::string& where) {
  const std::int64_t value = get_int_or(object, key, fallback, where);
  if (value < 0) throw Error(where + ": \"" + key + "\" must not be negative");
  return value;
}

// What `parse` says about the text, with the place in front.
template <class Parse>
auto named(const Parse& parse, const std::string& where) {
  try {
    return parse();
  } catch (const Error& error) {
    throw Error(where + ": " + error.what());
  }
}

// The kinds of experiments, each in its file.
ModelScene parse_model_scene(const nlohmann::json& root, const std::string& where);
TheatreScene parse_theatre_scene(const nlohmann::json& root, const std::string& where);
ProfileScene parse_profile_scene(const nlohmann::json& root, const std::string& where);

/// The keys "experiment", "view" and "cursor" of a scene.
nlohmann::ordered_json scene_json(const ModelScene& scene);
nlohmann::ordered_json scene_json(const TheatreScene& scene);
nlohmann::ordered_json scene_json(const ProfileScene& scene);

}  // namespace statescope
