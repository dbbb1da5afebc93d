// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pattern.h"

namespace statescope {

/// A token that is found in the text as it stands, before any other stage.
struct AddedToken {
  std::int32_t id = 0;
  std::string content;
  bool single_word = false;  // only where no word character touches it
  bool lstrip = false;       // takes the white space before it along
  bool rstrip = false;       // takes the white space after it along
  bool normalized = true;    // matched, normalised, in the normalised text
  bool special = false;
};

/// A set of added tokens that are matched together: leftmost first, the longest there, without overlap.
class AddedTokenMatcher {
 public:
  /// `content` is the token's content as it appears in the text. Of two equal contents the first one counts.
  void add(const AddedToken& token, std::string_view content);

  /// Calls exactly one of the two for each part of the text, in order.
  void split(std::string_view text, const std::function<void(std::string_view)>& on_text,
             const std::function<void(std::int32_t)>& on_token) const;

 private:
  struct Match {
    std::size_t end;
    const AddedToken* token;
  };
  std::optional<Match> longest_at(std::string_view text, std::size_t offset) const;

  std::vector<AddedToken> tokens_;
  // A trie over bytes: node 0 is the root, an edge's key is (node << 8 | byte).
  std::unordered_map<std::uint64_t, std::uint32_t> edges_;
  std::vector<std::int32_t> token_at_node_{-1};  // index into tokens_, or -1
  std::array<bool, 256> starts_{};               // bytes that begin some token
};

}  // namespace statescope
