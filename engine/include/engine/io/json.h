// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace statescope {

/// The whole regular file as bytes. Throws Error when it cannot be read or is larger than `max_bytes`.
std::string read_text_file(const std::string& path, std::size_t max_bytes);

/// Strict JSON: refuses duplicate keys, nesting deeper than `max_depth`, invalid UTF-8, NUL bytes, NaN and infinities,
/// numbers that overflow a double, and anything after the value. `where` (a file name) begins the Error's sentence,
/// which also says the byte offset.
nlohmann::json parse_json(std::string_view text, const std::string& where, int max_depth = 64);

/// Members of an object, with a sentence instead of an nlohmann exception when the key is missing or the type is
/// another. `where` names the file, or the file and the object inside it.
std::int64_t get_int(const nlohmann::json& object, const std::string& key, const std::string& where);
double get_number(const nlohmann::json& object, const std::string& key, const std::string& where);
bool get_bool(const nlohmann::json& object, const std::string& key, const std::string& where);
std::string get_string(const nlohmann::json& object, const std::string& key, const std::string& where);

/// The same, with a value for a key that is absent or null. Another type is still an Error.
std::int64_t get_int_or(const nlohmann::json& object, const std::string& key, std::int64_t fallback,
                        const std::string& where);
double get_number_or(const nlohmann::json& object, const std::string& key, double fallback, const std::string& where);
bool get_bool_or(const nlohmann::json& object, const std::string& key, bool fallback, const std::string& where);
std::string get_string_or(const nlohmann::json& object, const std::string& key, const std::string& fallback,
                          const std::string& where);

}  // namespace statescope
