// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace statescope {

/// A byte-level BPE tokenizer read from a Hugging Face tokenizer.json: the same ids as their `tokenizers` library gives
/// for a single sequence, special tokens of the file's template included. The file's truncation and padding are
/// settings for batches and are not applied. Cheap to copy; const use from several threads is safe.
class Tokenizer {
 public:
  /// Throws Error naming what is broken in the file, or which of its components is of another kind than supported.
  static Tokenizer load(const std::string& path);
  /// The same from memory; `name` stands for the path in messages.
  static Tokenizer from_json(std::string_view json_text, const std::string& name);

  /// Throws Error naming the byte offset when the text is not valid UTF-8.
  std::vector<std::int32_t> encode(std::string_view utf8) const;

  /// The text of the tokens, always valid UTF-8: bytes that are no complete sequence become U+FFFD. Special tokens are
  /// spelled out; ids without a token, such as the padding of an embedding matrix, contribute nothing.
  std::string decode(std::span<const std::int32_t> ids) const;

  /// The raw bytes of a token, which need not be valid UTF-8; empty for an id without a token.
  std::string_view token_bytes(std::int32_t id) const;
  /// The token for display, valid UTF-8: "[id]" for an id without a token.
  std::string token_text(std::int32_t id) const;

  /// One more than the highest id.
  std::int32_t vocab_size() const;
  bool is_special(std::int32_t id) const;
  /// The id of the added token, or else of the vocabulary's token, that stands for exactly this text.
  std::optional<std::int32_t> find(std::string_view content) const;

 private:
  struct Parts;
  explicit Tokenizer(std::shared_ptr<const Parts> parts);

  std::shared_ptr<const Parts> parts_;
};

}  // namespace statescope
