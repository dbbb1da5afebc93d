// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace statescope {

/// Byte pair encoding over raw bytes. The file spells each byte as a printable character; that spelling is undone when
/// the model is read and does not appear anywhere else.
class BpeModel {
 public:
  /// From the "model" of a tokenizer.json. Throws Error for other kinds of model, for options that are not supported,
  /// and for merges of tokens that the vocabulary lacks.
  BpeModel(const nlohmann::json& description, const std::string& where);

  /// Appends the tokens of one word. A byte that the vocabulary lacks becomes the unknown token or, in a file without
  /// one, nothing. O(n log n).
  void encode_word(std::string_view word, std::vector<std::int32_t>& ids) const;

  /// The token that stands for exactly these bytes.
  std::optional<std::int32_t> find(std::string_view bytes) const;
  /// Bytes of each token by id.
  const std::unordered_map<std::int32_t, std::string>& tokens() const { return tokens_; }

 private:
  struct Merge {
    std::uint32_t rank;  // lower ranks merge first
    std::int32_t id;     // of the merged token
  };
  struct StringHash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  struct Symbol {
    std::int32_t id;
    std::int32_t previous;  // index of the neighbours, -1 at the ends
    std::int32_t next;
  };

  void read_vocabulary(const nlohmann::json& vocabulary, const std::string& where);
  void read_merges(const nlohmann::json& merges, const nlohmann::json& vocabulary, const std::string& where);
  std::vector<Symbol> symbols_of(std::string_view word) const;
  const Merge* merge_of(std::int32_t left, std::int32_t right) const;
  std::int32_t unknown_id() const;

  std::unordered_map<std::int32_t, std::string> tokens_;
  std::unordered_map<std::string, std::int32_t, StringHash, std::equal_to<>> ids_;  // by bytes
  std::array<std::int32_t, 256> byte_ids_{};                                        // -1: not in the vocabulary
  std::unordered_map<std::uint64_t, Merge> merges_;                                 // by (left << 32 | right)
  std::string where_;
  std::string unknown_token_;  // empty: none
  std::optional<std::int32_t> unknown_id_;
  bool fuse_unknown_ = false;
  bool ignore_merges_ = false;
};

}  // namespace statescope
