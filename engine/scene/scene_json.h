// SPDX-License-Identifier: GPL-3.0-or-later
// What the kinds of scenes share when they are read.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

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

inline std::uint64_t get_seed(const nlohmann::json& object, std::uint64_t fallback, const std::string& where) {
  const auto found = object.find("seed");
  if (found == object.end() || found->is_null()) return fallback;
  if (!found->is_number_unsigned()) throw Error(where + ": \"seed\" must be an integer from 0 to 18446744073709551615");
  return found->get<std::uint64_t>();
}

inline const nlohmann::json& list_at(const nlohmann::json& object, const std::string& key, std::size_t most,
                                     const std::string& where) {
  static const nlohmann::json none = nlohmann::json::array();
  const auto found = object.find(key);
  if (found == object.end()) return none;
  if (!found->is_array() || found->size() > most)
    throw Error(where + ": \"" + key + "\" must be a list of at most " + std::to_string(most));
  return *found;
}

inline double real_of(const nlohmann::json& number, const std::string& key, const std::string& where) {
  if (!number.is_number()) throw Error(where + ": \"" + key + "\" holds something that is not a number");
  return number.get<double>();
}

inline std::vector<double> get_reals(const nlohmann::json& object, const std::string& key, std::size_t most,
                                     const std::string& where) {
  std::vector<double> values;
  for (const nlohmann::json& number : list_at(object, key, most, where)) values.push_back(real_of(number, key, where));
  return values;
}

/// [real, imaginary], or a plain number.
inline Complex complex_of(const nlohmann::json& number, const std::string& key, const std::string& where) {
  if (number.is_number()) return number.get<double>();
  if (!number.is_array() || number.size() != 2 || !number[0].is_number() || !number[1].is_number())
    throw Error(where + ": \"" + key + "\" holds something that is neither a number nor [real, imaginary]");
  return {number[0].get<double>(), number[1].get<double>()};
}

inline std::vector<Complex> get_complexes(const nlohmann::json& object, const std::string& key, std::size_t most,
                                          const std::string& where) {
  std::vector<Complex> values;
  for (const nlohmann::json& number : list_at(object, key, most, where))
    values.push_back(complex_of(number, key, where));
  return values;
}

inline nlohmann::ordered_json complex_json(Complex value) {
  if (value.imag() == 0) return value.real();
  return nlohmann::ordered_json::array({value.real(), value.imag()});
}

/// Token ids, at most 1,048,576; an empty list when the key is not there.
std::vector<std::int32_t> get_ids(const nlohmann::json& object, const std::string& key, const std::string& where);

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
LtiScene parse_lti_scene(const nlohmann::json& root, const std::string& where);
HippoScene parse_hippo_scene(const nlohmann::json& root, const std::string& where);
S4Scene parse_s4_scene(const nlohmann::json& root, const std::string& where);
SelectivityScene parse_selectivity_scene(const nlohmann::json& root, const std::string& where);
TrainingScene parse_training_scene(const nlohmann::json& root, const std::string& where);
GatedScene parse_gated_scene(const nlohmann::json& root, const std::string& where);

/// The keys "experiment", "view" and "cursor" of a scene.
nlohmann::ordered_json scene_json(const ModelScene& scene);
nlohmann::ordered_json scene_json(const TheatreScene& scene);
nlohmann::ordered_json scene_json(const ProfileScene& scene);
nlohmann::ordered_json scene_json(const LtiScene& scene);
nlohmann::ordered_json scene_json(const HippoScene& scene);
nlohmann::ordered_json scene_json(const S4Scene& scene);
nlohmann::ordered_json scene_json(const SelectivityScene& scene);
nlohmann::ordered_json scene_json(const TrainingScene& scene);
nlohmann::ordered_json scene_json(const GatedScene& scene);

/// An input signal, the object "input" of an experiment. Parameters that its kind does not read are not written.
Signal parse_signal(const nlohmann::json& object, const std::string& where);
nlohmann::ordered_json signal_json(const Signal& signal);

}  // namespace statescope
