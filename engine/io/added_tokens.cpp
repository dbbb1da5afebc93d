// SPDX-License-Identifier: GPL-3.0-or-later
#include "added_tokens.h"

#include <algorithm>

#include "engine/io/utf8.h"

namespace statescope {
namespace {

// \w of the Rust regex crate.
constexpr std::string_view word_character = R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}])";
constexpr std::string_view white_space = R"(\s)";

std::uint64_t edge_key(std::uint32_t node, char byte) {
  return (static_cast<std::uint64_t>(node) << 8) | static_cast<unsigned char>(byte);
}

// Where the code point that ends before `offset` > 0 begins.
std::size_t previous_code_point(std::string_view text, std::size_t offset) {
  do {
    --offset;
  } while ((static_cast<unsigned char>(text[offset]) & 0xC0) == 0x80);
  return offset;
}

// What the options of added tokens ask about the text around a match.
class Surroundings {
 public:
  explicit Surroundings(std::string_view text)
      : text_(text), word_(Pattern::regex(word_character, "")), space_(Pattern::regex(white_space, "")) {}

  bool stands_alone(std::size_t begin, std::size_t end) {
    const bool left = begin == 0 || !word_.matches_front(text_.substr(previous_code_point(text_, begin)));
    return left && (end == text_.size() || !word_.matches_front(text_.substr(end)));
  }

  std::size_t before_space(std::size_t begin, std::size_t lowest) {
    while (begin > lowest) {
      const std::size_t previous = previous_code_point(text_, begin);
      if (!space_.matches_front(text_.substr(previous))) break;
      begin = previous;
    }
    return std::max(begin, lowest);
  }

  std::size_t after_space(std::size_t end) {
    // The same run of white space may be asked for from each of its characters, when a token is white space itself.
    if (end >= run_begin_ && end < run_end_) return run_end_;
    run_begin_ = end;
    while (end < text_.size() && space_.matches_front(text_.substr(end))) {
      end += first_code_point_length(text_.substr(end));
    }
    run_end_ = end;
    return end;
  }

 private:
  std::string_view text_;
  PatternMatcher word_;
  PatternMatcher space_;
  std::size_t run_begin_ = 0;
  std::size_t run_end_ = 0;
};

}  // namespace

void AddedTokenMatcher::add(const AddedToken& token, std::string_view content) {
  std::uint32_t node = 0;
  for (const char byte : content) {
    const auto [edge, is_new] =
        edges_.try_emplace(edge_key(node, byte), static_cast<std::uint32_t>(token_at_node_.size()));
    if (is_new) token_at_node_.push_back(-1);
    node = edge->second;
  }
  if (node == 0 || token_at_node_[node] >= 0) return;
  token_at_node_[node] = static_cast<std::int32_t>(tokens_.size());
  tokens_.push_back(token);
  starts_[static_cast<unsigned char>(content.front())] = true;
}

std::optional<AddedTokenMatcher::Match> AddedTokenMatcher::longest_at(std::string_view text, std::size_t offset) const {
  std::optional<Match> longest;
  std::uint32_t node = 0;
  while (offset < text.size()) {
    const auto edge = edges_.find(edge_key(node, text[offset]));
    if (edge == edges_.end()) break;
    node = edge->second;
    ++offset;
    if (const std::int32_t token = token_at_node_[node]; token >= 0) {
      longest = Match{offset, &tokens_[static_cast<std::size_t>(token)]};
    }
  }
  return longest;
}

void AddedTokenMatcher::split(std::string_view text, const std::function<void(std::string_view)>& on_text,
                              const std::function<void(std::int32_t)>& on_token) const {
  std::optional<Surroundings> surroundings;
  std::size_t done = 0;  // end of the last part handed out
  std::size_t position = 0;
  while (position < text.size()) {
    if (!starts_[static_cast<unsigned char>(text[position])]) {
      ++position;
      continue;
    }
    const auto match = longest_at(text, position);
    if (!match) {
      ++position;
      continue;
    }
    const AddedToken& token = *match->token;
    std::size_t begin = position;
    std::size_t end = match->end;
    position = end;
    if (token.single_word || token.lstrip || token.rstrip) {
      if (!surroundings) surroundings.emplace(text);
      if (token.single_word && !surroundings->stands_alone(begin, end)) continue;
      if (token.lstrip) begin = surroundings->before_space(begin, done);
      if (token.rstrip) end = surroundings->after_space(end);
    }
    if (done < begin) on_text(text.substr(done, begin - done));
    on_token(token.id);
    done = end;
  }
  if (done < text.size()) on_text(text.substr(done));
}

}  // namespace statescope
