// SPDX-License-Identifier: GPL-3.0-or-later
#include "pre_tokenizer.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/io/json.h"
#include "engine/io/utf8.h"

namespace statescope {
namespace {

// GPT-2's words: contractions, letters, digits and other signs with one space in front, runs of white space, of which
// the last one goes to the word that follows.
constexpr std::string_view gpt2_words = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// Joins each match that follows a part which is no match, in the direction of iteration, to that part.
template <typename Iterator, typename Join>
std::vector<Slice> merged_with_neighbour(Iterator first, Iterator last, Join join) {
  std::vector<Slice> merged;
  bool previous_matched = false;
  for (; first != last; ++first) {
    if (first->is_match && !previous_matched && !merged.empty()) {
      join(merged.back(), *first);
    } else {
      merged.push_back(*first);
    }
    previous_matched = first->is_match;
  }
  return merged;
}

std::vector<Slice> contiguous(const std::vector<Slice>& slices) {
  std::vector<Slice> joined;
  for (const Slice& slice : slices) {
    if (!joined.empty() && joined.back().is_match == slice.is_match) {
      joined.back().end = slice.end;
    } else {
      joined.push_back(slice);
    }
  }
  return joined;
}

}  // namespace

PreTokenizer::PreTokenizer(const nlohmann::json& description, const std::string& where) {
  add_step(description, where);
  if (!has_byte_level_) {
    throw Error(where + ": no ByteLevel step, but only byte-level tokenizers are supported; use another tokenizer");
  }
}

void PreTokenizer::add_step(const nlohmann::json& description, const std::string& where) {
  if (description.is_null()) return;
  const std::string type = get_string(description, "type", where);
  if (type == "Sequence") {
    const auto steps = description.find("pretokenizers");
    if (steps == description.end() || !steps->is_array()) {
      throw Error(where + ": the Sequence must have an array of \"pretokenizers\"; correct it");
    }
    for (const nlohmann::json& step : *steps) add_step(step, where);
    return;
  }
  if (has_byte_level_) {
    throw Error(where + ": " + in_quotes(type) +
                " follows ByteLevel, which must be the last step; use another tokenizer");
  }
  if (type == "ByteLevel") {
    has_byte_level_ = true;
    add_prefix_space_ = get_bool_or(description, "add_prefix_space", true, where);
    if (get_bool_or(description, "use_regex", true, where)) words_ = Pattern::regex(gpt2_words, where);
  } else if (type == "Split") {
    add_split(description, where);
  } else if (type == "Digits") {
    const bool individual = get_bool_or(description, "individual_digits", false, where);
    steps_.push_back(
        {Pattern::regex(R"(\p{N})", where), individual ? Behavior::isolated : Behavior::contiguous, false});
  } else {
    throw Error(where + ": the type " + in_quotes(type) +
                " is not supported, only ByteLevel, Split, Digits and Sequence");
  }
}

void PreTokenizer::add_split(const nlohmann::json& description, const std::string& where) {
  const std::string name = get_string(description, "behavior", where);
  const auto behavior = [&] {
    if (name == "Isolated") return Behavior::isolated;
    if (name == "Removed") return Behavior::removed;
    if (name == "MergedWithPrevious") return Behavior::merged_with_previous;
    if (name == "MergedWithNext") return Behavior::merged_with_next;
    if (name == "Contiguous") return Behavior::contiguous;
    throw Error(where + ": the Split behavior " + in_quotes(name) + " is not supported; use another tokenizer");
  }();
  const bool invert = get_bool_or(description, "invert", false, where);
  const nlohmann::json pattern = description.value("pattern", nlohmann::json::object());
  if (pattern.is_object() && pattern.contains("Regex")) {
    steps_.push_back({Pattern::regex(get_string(pattern, "Regex", where), where), behavior, invert});
  } else {
    steps_.push_back({Pattern::literal(get_string(pattern, "String", where), where), behavior, invert});
  }
}

std::vector<Slice> PreTokenizer::apply(const Step& step, PatternMatcher& matcher, std::string_view text) {
  std::vector<Slice> slices = matcher.slices(text);
  if (step.invert) {
    for (Slice& slice : slices) slice.is_match = !slice.is_match;
  }
  switch (step.behavior) {
    case Behavior::isolated:
      break;
    case Behavior::removed:
      std::erase_if(slices, [](const Slice& slice) { return slice.is_match; });
      break;
    case Behavior::contiguous:
      slices = contiguous(slices);
      break;
    case Behavior::merged_with_previous:
      slices = merged_with_neighbour(slices.begin(), slices.end(),
                                     [](Slice& kept, const Slice& next) { kept.end = next.end; });
      break;
    case Behavior::merged_with_next:
      slices = merged_with_neighbour(slices.rbegin(), slices.rend(),
                                     [](Slice& kept, const Slice& previous) { kept.begin = previous.begin; });
      std::reverse(slices.begin(), slices.end());
      break;
  }
  std::erase_if(slices, [](const Slice& slice) { return slice.begin == slice.end; });
  return slices;
}

void PreTokenizer::split(std::string_view text, const std::function<void(std::string_view)>& on_word) const {
  std::vector<std::string_view> parts;
  if (!text.empty()) parts.push_back(text);
  for (const Step& step : steps_) {
    PatternMatcher matcher(step.pattern);
    std::vector<std::string_view> finer;
    for (const std::string_view part : parts) {
      for (const Slice& slice : apply(step, matcher, part))
        finer.push_back(part.substr(slice.begin, slice.end - slice.begin));
    }
    parts = std::move(finer);
  }

  std::optional<PatternMatcher> words;
  if (words_) words.emplace(*words_);
  std::string prefixed;
  for (std::string_view part : parts) {
    if (add_prefix_space_ && part.front() != ' ') {
      prefixed = ' ' + std::string(part);
      part = prefixed;
    }
    if (!words) {
      on_word(part);
      continue;
    }
    for (const Slice& slice : words->slices(part)) on_word(part.substr(slice.begin, slice.end - slice.begin));
  }
}

}  // namespace statescope
