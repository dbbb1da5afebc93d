// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/io/tokenizer.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>

#include "added_tokens.h"
#include "bpe.h"
#include "engine/error.h"
#include "engine/io/json.h"
#include "engine/io/utf8.h"
#include "pre_tokenizer.h"

namespace statescope {
namespace {

using nlohmann::json;

constexpr std::size_t max_file_bytes = 128UL << 20;
constexpr std::size_t max_text_bytes = std::numeric_limits<std::int32_t>::max();
constexpr std::size_t max_added_token_bytes = 1024;  // bounds the time to look for one at every byte of a text

// The member, or null when it is absent.
const json& member_or_null(const json& object, const char* key) {
  static const json null;
  const auto member = object.find(key);
  return member == object.end() ? null : *member;
}

const json& member_array(const json& object, const char* key, const std::string& where) {
  const json& member = member_or_null(object, key);
  if (!member.is_array()) throw Error(where + ": " + in_quotes(key) + " must be an array; correct it");
  return member;
}

[[noreturn]] void unsupported(const std::string& type, const std::string& supported, const std::string& where) {
  throw Error(where + ": the type " + in_quotes(type) + " is not supported, only " + supported);
}

// Whether the text is to be normalised to NFC; all other normalisers are refused.
bool read_normalizer(const json& description, const std::string& where) {
  if (description.is_null()) return false;
  const std::string type = get_string(description, "type", where);
  if (type == "NFC") return true;
  if (type != "Sequence") unsupported(type, "NFC and none", where);
  bool nfc = false;
  for (const json& step : member_array(description, "normalizers", where)) nfc |= read_normalizer(step, where);
  return nfc;
}

void check_decoder(const json& description, const std::string& where) {
  if (description.is_null()) return;
  const std::string type = get_string(description, "type", where);
  if (type != "ByteLevel") unsupported(type, "ByteLevel and none", where);
}

// Ids that the file's template puts around a single sequence.
struct Template {
  std::vector<std::int32_t> before;
  std::vector<std::int32_t> after;
};

std::vector<std::int32_t> special_token_ids(const json& processor, const std::string& name, const std::string& where) {
  const json& tokens = member_or_null(processor, "special_tokens");
  const json& token = tokens.is_object() ? member_or_null(tokens, name.c_str()) : tokens;
  if (!token.is_object()) throw Error(where + ": the special token " + in_quotes(name) + " is not defined; correct it");
  std::vector<std::int32_t> ids;
  for (const json& id : member_array(token, "ids", where)) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() > max_text_bytes) {
      throw Error(where + ": the special token " + in_quotes(name) + " has an id that is none; correct it");
    }
    ids.push_back(id.get<std::int32_t>());
  }
  return ids;
}

void apply_template(const json& processor, const std::string& where, Template& around) {
  std::vector<std::int32_t> before;
  std::vector<std::int32_t> after;
  int sequences = 0;
  for (const json& piece : member_array(processor, "single", where)) {
    if (piece.is_object() && piece.contains("Sequence")) {
      ++sequences;
    } else if (piece.is_object() && piece.contains("SpecialToken")) {
      const auto ids = special_token_ids(processor, get_string(piece["SpecialToken"], "id", where), where);
      auto& side = sequences == 0 ? before : after;
      side.insert(side.end(), ids.begin(), ids.end());
    } else {
      throw Error(where + ": a piece of \"single\" is neither a Sequence nor a SpecialToken; correct it");
    }
  }
  if (sequences != 1) throw Error(where + ": \"single\" must have the sequence exactly once; use another tokenizer");
  around.before.insert(around.before.begin(), before.begin(), before.end());
  around.after.insert(around.after.end(), after.begin(), after.end());
}

void read_post_processor(const json& description, const std::string& where, Template& around) {
  if (description.is_null()) return;
  const std::string type = get_string(description, "type", where);
  if (type == "TemplateProcessing") {
    apply_template(description, where, around);
  } else if (type == "Sequence") {
    for (const json& step : member_array(description, "processors", where)) read_post_processor(step, where, around);
  } else if (type != "ByteLevel") {  // which only trims offsets
    unsupported(type, "ByteLevel, TemplateProcessing, Sequence and none", where);
  }
}

std::vector<AddedToken> read_added_tokens(const json& description, const std::string& where) {
  std::vector<AddedToken> tokens;
  if (description.is_null()) return tokens;
  if (!description.is_array()) throw Error(where + ": must be an array; correct it");
  for (const json& entry : description) {
    AddedToken token;
    const std::int64_t id = get_int(entry, "id", where);
    token.content = get_string(entry, "content", where);
    token.single_word = get_bool_or(entry, "single_word", false, where);
    token.lstrip = get_bool_or(entry, "lstrip", false, where);
    token.rstrip = get_bool_or(entry, "rstrip", false, where);
    token.special = get_bool_or(entry, "special", false, where);
    token.normalized = get_bool_or(entry, "normalized", !token.special, where);
    if (id < 0 || id >= std::numeric_limits<std::int32_t>::max()) {
      throw Error(where + ": " + in_quotes(token.content) + " has the id " + std::to_string(id) +
                  ", which is not between 0 and 2147483646; correct it");
    }
    if (token.content.size() > max_added_token_bytes) {
      throw Error(where + ": " + in_quotes(token.content) + " is longer than " + std::to_string(max_added_token_bytes) +
                  " bytes; shorten it");
    }
    token.id = static_cast<std::int32_t>(id);
    if (!token.content.empty()) tokens.push_back(std::move(token));
  }
  return tokens;
}

}  // namespace

struct Tokenizer::Parts {
  Parts(const json& root, const std::string& name)
      : nfc(read_normalizer(member_or_null(root, "normalizer"), name + " (normalizer)")),
        pre_tokenizer(member_or_null(root, "pre_tokenizer"), name + " (pre_tokenizer)"),
        model(member_or_null(root, "model"), name + " (model)") {
    check_decoder(member_or_null(root, "decoder"), name + " (decoder)");
    read_post_processor(member_or_null(root, "post_processor"), name + " (post_processor)", around);
    for (const auto& [id, bytes] : model.tokens()) size = std::max(size, id + 1);

    auto tokens = read_added_tokens(member_or_null(root, "added_tokens"), name + " (added_tokens)");
    for (const AddedToken& token : tokens) add(token, root["model"]["vocab"], name + " (added_tokens)");
    // Of tokens that look the same once normalised, special ones count first.
    std::stable_partition(tokens.begin(), tokens.end(), [](const AddedToken& token) { return token.special; });
    for (const AddedToken& token : tokens) {
      if (token.normalized) {
        in_normalized_text.add(token, normalize(token.content));
      } else {
        in_raw_text.add(token, token.content);
      }
    }
  }

  // An added token may repeat an entry of the vocabulary, but not contradict one.
  void add(const AddedToken& token, const json& vocabulary, const std::string& where) {
    const auto entry = vocabulary.find(token.content);
    const auto same_content = added_ids.emplace(token.content, token.id).first;
    if (same_content->second != token.id || (entry != vocabulary.end() && *entry != token.id)) {
      throw Error(where + ": " + in_quotes(token.content) + " has the id " + std::to_string(token.id) +
                  " and another one as well; correct it");
    }
    const auto same_id = added.emplace(token.id, token).first;
    if (same_id->second.content != token.content || (entry == vocabulary.end() && model.tokens().contains(token.id))) {
      throw Error(where + ": " + in_quotes(token.content) + " has the id " + std::to_string(token.id) +
                  ", which is also another token's; correct it");
    }
    size = std::max(size, token.id + 1);
  }

  std::string normalize(std::string_view text) const { return nfc ? to_nfc(text) : std::string(text); }

  bool nfc;
  PreTokenizer pre_tokenizer;
  BpeModel model;
  Template around;
  std::unordered_map<std::int32_t, AddedToken> added;
  std::unordered_map<std::string, std::int32_t> added_ids;
  AddedTokenMatcher in_raw_text;
  AddedTokenMatcher in_normalized_text;
  std::int32_t size = 0;
};

Tokenizer::Tokenizer(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}

Tokenizer Tokenizer::load(const std::string& path) {
  return from_json(read_text_file(path, max_file_bytes), path);
}

Tokenizer Tokenizer::from_json(std::string_view json_text, const std::string& name) {
  const json root = parse_json(json_text, name);
  const std::string version = get_string_or(root, "version", "1.0", name);
  if (version != "1.0") throw Error(name + ": has the version " + in_quotes(version) + ", only \"1.0\" is supported");
  return Tokenizer(std::make_shared<const Parts>(root, name));
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view utf8) const {
  if (const auto offset = first_invalid_utf8(utf8)) {
    throw Error("the text is not valid UTF-8 at byte " + std::to_string(*offset) + "; correct or remove that byte");
  }
  if (utf8.size() > max_text_bytes) throw Error("the text has more than 2 GiB; shorten it");
  std::vector<std::int32_t> ids = parts_->around.before;
  const auto on_token = [&](std::int32_t id) { ids.push_back(id); };
  const auto on_word = [&](std::string_view word) { parts_->model.encode_word(word, ids); };
  const auto on_normalized = [&](std::string_view text) { parts_->pre_tokenizer.split(text, on_word); };
  const auto on_raw = [&](std::string_view text) {
    parts_->in_normalized_text.split(parts_->normalize(text), on_normalized, on_token);
  };
  parts_->in_raw_text.split(utf8, on_raw, on_token);
  ids.insert(ids.end(), parts_->around.after.begin(), parts_->around.after.end());
  return ids;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids) const {
  std::string bytes;
  for (const std::int32_t id : ids) bytes.append(token_bytes(id));
  return replace_invalid_utf8(bytes);
}

std::string_view Tokenizer::token_bytes(std::int32_t id) const {
  if (const auto token = parts_->added.find(id); token != parts_->added.end()) return token->second.content;
  const auto token = parts_->model.tokens().find(id);
  return token != parts_->model.tokens().end() ? std::string_view(token->second) : std::string_view();
}

std::string Tokenizer::token_text(std::int32_t id) const {
  const std::string_view bytes = token_bytes(id);
  return bytes.empty() ? "[" + std::to_string(id) + "]" : replace_invalid_utf8(bytes);
}

std::int32_t Tokenizer::vocab_size() const {
  return parts_->size;
}

bool Tokenizer::is_special(std::int32_t id) const {
  const auto token = parts_->added.find(id);
  return token != parts_->added.end() && token->second.special;
}

std::optional<std::int32_t> Tokenizer::find(std::string_view content) const {
  if (const auto token = parts_->added_ids.find(std::string(content)); token != parts_->added_ids.end()) {
    return token->second;
  }
  return parts_->model.find(content);
}

}  // namespace statescope
