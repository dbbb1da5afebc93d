// SPDX-License-Identifier: GPL-3.0-or-later
#include "bpe.h"

#include <limits>
#include <queue>

#include "engine/error.h"
#include "engine/io/json.h"
#include "engine/io/utf8.h"

namespace statescope {
namespace {

// The code point that spells a byte in the file: itself when printable in Latin-1, else the next free one from U+0100.
std::array<std::uint16_t, 256> byte_spellings() {
  std::array<std::uint16_t, 256> spelling{};
  std::uint16_t next = 256;
  for (std::uint16_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    spelling[byte] = printable ? byte : next++;
  }
  return spelling;
}

// The bytes a token of the file stands for, or nothing when a character spells no byte.
std::optional<std::string> bytes_of_spelling(std::string_view spelled) {
  static const auto byte_of_point = [] {
    std::array<std::int16_t, 0x200> byte_of{};
    byte_of.fill(-1);
    const auto spelling = byte_spellings();
    for (std::size_t byte = 0; byte < spelling.size(); ++byte) {
      byte_of[spelling[byte]] = static_cast<std::int16_t>(byte);
    }
    return byte_of;
  }();
  std::string bytes;
  for (std::size_t i = 0; i < spelled.size();) {
    const std::size_t length = first_code_point_length(spelled.substr(i));
    if (length > 2) return std::nullopt;  // spellings end below U+0800
    std::uint32_t point = static_cast<unsigned char>(spelled[i]);
    if (length == 2) point = ((point & 0x1FU) << 6) | (static_cast<unsigned char>(spelled[i + 1]) & 0x3FU);
    if (point >= byte_of_point.size() || byte_of_point[point] < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(byte_of_point[point]));
    i += length;
  }
  return bytes;
}

std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) | static_cast<std::uint32_t>(right);
}

void refuse_text_option(const nlohmann::json& model, const char* key, const std::string& where) {
  if (!get_string_or(model, key, "", where).empty()) {
    throw Error(where + ": the option " + in_quotes(key) + " is not supported; use a byte-level tokenizer");
  }
}

}  // namespace

BpeModel::BpeModel(const nlohmann::json& description, const std::string& where) : where_(where) {
  const std::string type = get_string_or(description, "type", "BPE", where);
  if (type != "BPE") throw Error(where + ": the type " + in_quotes(type) + " is not supported, only byte-level BPE is");
  refuse_text_option(description, "continuing_subword_prefix", where);
  refuse_text_option(description, "end_of_word_suffix", where);
  if (get_bool_or(description, "byte_fallback", false, where)) {
    throw Error(where + ": byte_fallback is not supported; use a byte-level tokenizer");
  }
  if (get_number_or(description, "dropout", 0.0, where) != 0.0) {
    throw Error(where + ": a dropout other than 0 makes ids random and is not supported; set it to null");
  }
  fuse_unknown_ = get_bool_or(description, "fuse_unk", false, where);
  ignore_merges_ = get_bool_or(description, "ignore_merges", false, where);

  const auto vocabulary = description.find("vocab");
  if (vocabulary == description.end() || !vocabulary->is_object()) {
    throw Error(where + ": \"vocab\" must be an object that gives each token its id; correct it");
  }
  const auto merges = description.find("merges");
  if (merges == description.end() || !merges->is_array()) {
    throw Error(where + ": \"merges\" must be an array of token pairs; correct it");
  }
  read_vocabulary(*vocabulary, where);
  read_merges(*merges, *vocabulary, where);

  unknown_token_ = get_string_or(description, "unk_token", "", where);
  if (const auto unknown = vocabulary->find(unknown_token_); unknown != vocabulary->end()) {
    unknown_id_ = unknown->get<std::int32_t>();
  }
}

void BpeModel::read_vocabulary(const nlohmann::json& vocabulary, const std::string& where) {
  for (const auto& member : vocabulary.items()) {
    const std::string& spelled = member.key();
    const std::int64_t id = get_int(vocabulary, spelled, where);
    if (id < 0 || id >= std::numeric_limits<std::int32_t>::max()) {
      throw Error(where + ": the token " + in_quotes(spelled) + " has the id " + std::to_string(id) +
                  ", which is not between 0 and 2147483646; correct it");
    }
    const auto token_id = static_cast<std::int32_t>(id);
    const auto bytes = bytes_of_spelling(spelled);
    if (!tokens_.emplace(token_id, bytes.value_or(spelled)).second) {
      throw Error(where + ": the id " + std::to_string(id) + " belongs to two tokens, one of them " +
                  in_quotes(spelled) + "; correct it");
    }
    if (bytes) ids_.emplace(*bytes, token_id);
  }
  for (std::size_t byte = 0; byte < byte_ids_.size(); ++byte) {
    byte_ids_[byte] = find(std::string(1, static_cast<char>(byte))).value_or(-1);
  }
}

void BpeModel::read_merges(const nlohmann::json& merges, const nlohmann::json& vocabulary, const std::string& where) {
  std::unordered_map<std::string_view, std::int32_t> ids;  // by spelling; faster than the document's sorted keys
  for (const auto& [spelled, id] : vocabulary.get_ref<const nlohmann::json::object_t&>()) {
    ids.emplace(spelled, id.get<std::int32_t>());
  }
  const auto bad_merge = [&](std::size_t index, const std::string& problem) {
    throw Error(where + ": merge " + std::to_string(index) + " " + problem + "; correct it");
  };
  const auto id_of = [&](const std::string& spelled, std::size_t index) {
    const auto token = ids.find(spelled);
    if (token == ids.end()) bad_merge(index, "needs the token " + in_quotes(spelled) + ", which is not in the vocab");
    return token->second;
  };
  merges_.reserve(merges.size());
  for (std::size_t index = 0; index < merges.size(); ++index) {
    const nlohmann::json& merge = merges[index];
    std::string left;
    std::string right;
    if (merge.is_string()) {  // "left right", the older form
      const auto& text = merge.get_ref<const std::string&>();
      if (text.starts_with("#version")) continue;
      const std::size_t space = text.find(' ');
      if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos) {
        bad_merge(index, "is not two tokens with one space between them");
      }
      left = text.substr(0, space);
      right = text.substr(space + 1);
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      left = merge[0].get<std::string>();
      right = merge[1].get<std::string>();
    } else {
      bad_merge(index, "is neither a string nor a pair of strings");
    }
    const Merge merged{static_cast<std::uint32_t>(index), id_of(left + right, index)};
    merges_.insert_or_assign(pair_key(id_of(left, index), id_of(right, index)), merged);
  }
}

std::optional<std::int32_t> BpeModel::find(std::string_view bytes) const {
  const auto token = ids_.find(bytes);
  if (token == ids_.end()) return std::nullopt;
  return token->second;
}

const BpeModel::Merge* BpeModel::merge_of(std::int32_t left, std::int32_t right) const {
  const auto merge = merges_.find(pair_key(left, right));
  return merge == merges_.end() ? nullptr : &merge->second;
}

std::int32_t BpeModel::unknown_id() const {
  if (!unknown_id_) {
    throw Error(where_ + ": the text needs the unknown token " + in_quotes(unknown_token_) +
                ", which is not in the vocab; use another tokenizer");
  }
  return *unknown_id_;
}

std::vector<BpeModel::Symbol> BpeModel::symbols_of(std::string_view word) const {
  std::vector<Symbol> symbols;
  symbols.reserve(word.size());
  bool after_unknown = false;
  for (const char byte : word) {
    std::int32_t id = byte_ids_[static_cast<unsigned char>(byte)];
    const bool known = id >= 0;
    if (!known) {
      if (unknown_token_.empty() || (fuse_unknown_ && after_unknown)) continue;
      id = unknown_id();
    }
    after_unknown = !known;
    const auto index = static_cast<std::int32_t>(symbols.size());
    symbols.push_back({id, index - 1, index + 1});
  }
  if (!symbols.empty()) symbols.back().next = -1;
  return symbols;
}

void BpeModel::encode_word(std::string_view word, std::vector<std::int32_t>& ids) const {
  if (ignore_merges_) {
    if (const auto whole = find(word)) {
      ids.push_back(*whole);
      return;
    }
  }
  std::vector<Symbol> symbols = symbols_of(word);
  const auto at = [&](std::int32_t index) -> Symbol& { return symbols[static_cast<std::size_t>(index)]; };

  struct Candidate {
    Merge merge;
    std::int32_t left;  // index of the left symbol
  };
  // The lowest rank first, then the leftmost.
  const auto later = [](const Candidate& a, const Candidate& b) {
    return a.merge.rank != b.merge.rank ? a.merge.rank > b.merge.rank : a.left > b.left;
  };
  std::priority_queue<Candidate, std::vector<Candidate>, decltype(later)> queue(later);
  const auto propose = [&](std::int32_t left) {
    const std::int32_t right = left >= 0 ? at(left).next : -1;
    if (right < 0) return;
    if (const Merge* merge = merge_of(at(left).id, at(right).id)) queue.push({*merge, left});
  };

  constexpr std::int32_t merged_away = -1;
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(symbols.size()); ++i) propose(i);
  while (!queue.empty()) {
    const Candidate top = queue.top();
    queue.pop();
    Symbol& left = at(top.left);
    if (left.id == merged_away || left.next < 0) continue;
    Symbol& right = at(left.next);
    const Merge* merge = merge_of(left.id, right.id);
    if (merge == nullptr || merge->id != top.merge.id) continue;  // a neighbour changed since this was proposed
    left.id = merge->id;
    left.next = right.next;
    right.id = merged_away;
    if (left.next >= 0) at(left.next).previous = top.left;
    propose(left.previous);
    propose(top.left);
  }
  for (const Symbol& symbol : symbols) {
    if (symbol.id != merged_away) ids.push_back(symbol.id);
  }
}

}  // namespace statescope
