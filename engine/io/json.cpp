// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/io/json.h"

#include <limits>
#include <vector>

#include "engine/error.h"
#include "engine/io/mapped_file.h"
#include "engine/io/utf8.h"
#include "json_sax.h"

namespace statescope {
namespace {

using nlohmann::json;

// Builds the document; nlohmann's own builder keeps the last of two equal keys in silence.
class DocumentBuilder final : public JsonSax {
 public:
  using JsonSax::JsonSax;
  json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }

  bool start_object(std::size_t count) override {
    JsonSax::start_object(count);
    return open(json::object());
  }
  bool start_array(std::size_t count) override {
    JsonSax::start_array(count);
    return open(json::array());
  }
  bool end_object() override {
    open_.pop_back();
    return JsonSax::end_object();
  }
  bool end_array() override {
    open_.pop_back();
    return JsonSax::end_array();
  }
  bool key(string_t& name) override {
    const auto [member, is_new] = open_.back()->get_ref<json::object_t&>().emplace(std::move(name), nullptr);
    if (!is_new) fail("has the key " + in_quotes(member->first) + " twice");
    member_ = &member->second;
    return true;
  }

 private:
  json* place(json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (open_.back()->is_array()) return &open_.back()->get_ref<json::array_t&>().emplace_back(std::move(value));
    *member_ = std::move(value);
    return member_;
  }
  bool add(json value) {
    place(std::move(value));
    return true;
  }
  bool open(json container) {
    open_.push_back(place(std::move(container)));
    return true;
  }

  json root_;
  json* member_ = nullptr;   // the value of the key just read
  std::vector<json*> open_;  // innermost last; only the last one grows, so the pointers stay good
};

const json* find_member(const json& object, const std::string& key, const std::string& where) {
  if (!object.is_object()) throw Error(where + ": a JSON object is needed where a " + object.type_name() + " stands");
  const auto member = object.find(key);
  return member == object.end() || member->is_null() ? nullptr : &*member;
}

const json& require_member(const json& object, const std::string& key, const std::string& where) {
  const json* member = find_member(object, key, where);
  if (member == nullptr) throw Error(where + ": the key " + in_quotes(key) + " is missing; add it");
  return *member;
}

[[noreturn]] void wrong_type(const json& value, const std::string& key, const char* wanted, const std::string& where) {
  throw Error(where + ": " + in_quotes(key) + " must be " + wanted + ", not " + value.type_name() + "; correct it");
}

std::int64_t to_int(const json& value, const std::string& key, const std::string& where) {
  constexpr auto max_value = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (!value.is_number_integer()) wrong_type(value, key, "an integer", where);
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > max_value) {
    throw Error(where + ": " + in_quotes(key) + " is larger than " + std::to_string(max_value) + "; correct it");
  }
  return value.get<std::int64_t>();
}

double to_number(const json& value, const std::string& key, const std::string& where) {
  if (!value.is_number()) wrong_type(value, key, "a number", where);
  return value.get<double>();
}

bool to_bool(const json& value, const std::string& key, const std::string& where) {
  if (!value.is_boolean()) wrong_type(value, key, "true or false", where);
  return value.get<bool>();
}

std::string to_text(const json& value, const std::string& key, const std::string& where) {
  if (!value.is_string()) wrong_type(value, key, "a string", where);
  return value.get<std::string>();
}

}  // namespace

std::string read_text_file(const std::string& path, std::size_t max_bytes) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  if (bytes.size() > max_bytes) {
    throw Error(path + ": has " + std::to_string(bytes.size()) + " bytes where at most " + std::to_string(max_bytes) +
                " are read; choose a smaller file");
  }
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

json parse_json(std::string_view text, const std::string& where, int max_depth) {
  DocumentBuilder builder(where, max_depth);
  builder.run(text);
  return builder.take();
}

std::int64_t get_int(const json& object, const std::string& key, const std::string& where) {
  return to_int(require_member(object, key, where), key, where);
}

double get_number(const json& object, const std::string& key, const std::string& where) {
  return to_number(require_member(object, key, where), key, where);
}

bool get_bool(const json& object, const std::string& key, const std::string& where) {
  return to_bool(require_member(object, key, where), key, where);
}

std::string get_string(const json& object, const std::string& key, const std::string& where) {
  return to_text(require_member(object, key, where), key, where);
}

std::int64_t get_int_or(const json& object, const std::string& key, std::int64_t fallback, const std::string& where) {
  const json* member = find_member(object, key, where);
  return member != nullptr ? to_int(*member, key, where) : fallback;
}

double get_number_or(const json& object, const std::string& key, double fallback, const std::string& where) {
  const json* member = find_member(object, key, where);
  return member != nullptr ? to_number(*member, key, where) : fallback;
}

bool get_bool_or(const json& object, const std::string& key, bool fallback, const std::string& where) {
  const json* member = find_member(object, key, where);
  return member != nullptr ? to_bool(*member, key, where) : fallback;
}

std::string get_string_or(const json& object, const std::string& key, const std::string& fallback,
                          const std::string& where) {
  const json* member = find_member(object, key, where);
  return member != nullptr ? to_text(*member, key, where) : fallback;
}

}  // namespace statescope
