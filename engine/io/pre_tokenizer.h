// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pattern.h"

namespace statescope {

/// The stage of a byte-level tokenizer that cuts text into the words within which tokens are merged: any number of
/// Split and Digits steps, then ByteLevel.
class PreTokenizer {
 public:
  /// From the "pre_tokenizer" of a tokenizer.json. Throws Error naming the type of an unsupported step.
  PreTokenizer(const nlohmann::json& description, const std::string& where);

  /// Calls `on_word` with each word of the text, never empty, in order. The view lives only during the call.
  void split(std::string_view text, const std::function<void(std::string_view)>& on_word) const;

 private:
  /// What becomes of a match: a word of its own, dropped, joined to a neighbour, or joined to adjacent matches.
  enum class Behavior { isolated, removed, merged_with_previous, merged_with_next, contiguous };
  struct Step {
    Pattern pattern;
    Behavior behavior;
    bool invert;  // what does not match counts as the match
  };

  void add_step(const nlohmann::json& description, const std::string& where);
  void add_split(const nlohmann::json& description, const std::string& where);
  static std::vector<Slice> apply(const Step& step, PatternMatcher& matcher, std::string_view text);

  std::vector<Step> steps_;
  bool has_byte_level_ = false;
  bool add_prefix_space_ = false;  // of the ByteLevel step; the two below likewise
  std::optional<Pattern> words_;
};

}  // namespace statescope
