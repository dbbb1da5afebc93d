// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct pcre2_real_code_8;
struct pcre2_real_match_data_8;
struct pcre2_real_match_context_8;
struct pcre2_real_jit_stack_8;

namespace statescope {

/// A part of a text between byte offsets, which a pattern matched or not.
struct Slice {
  std::size_t begin;
  std::size_t end;
  bool is_match;
};

/// A compiled pattern over valid UTF-8, with the meaning it has in Oniguruma as Hugging Face uses it: Unicode classes,
/// \s as the property White_Space, ^ and $ at line ends.
class Pattern {
 public:
  /// Throws Error beginning with `where` when the expression is malformed or uses what PCRE2 lacks.
  static Pattern regex(std::string_view expression, const std::string& where);
  static Pattern literal(std::string_view text, const std::string& where);

 private:
  friend class PatternMatcher;
  Pattern(std::string_view expression, unsigned options, const std::string& where);

  std::shared_ptr<const pcre2_real_code_8> code_;
  bool has_jit_ = false;
};

/// Runs one pattern over many texts with reused memory. Not for sharing between threads.
class PatternMatcher {
 public:
  explicit PatternMatcher(const Pattern& pattern);

  /// The text cut into matches and what lies between them, in order and without gaps; empty matches included. Throws
  /// Error when the pattern needs unreasonable time or memory on the text.
  std::vector<Slice> slices(std::string_view text);

  /// Whether the pattern matches at the text's beginning.
  bool matches_front(std::string_view text);

 private:
  struct Free {
    void operator()(pcre2_real_match_data_8* data) const;
    void operator()(pcre2_real_match_context_8* context) const;
    void operator()(pcre2_real_jit_stack_8* stack) const;
  };
  bool match_at(std::string_view text, std::size_t offset, Slice& match);

  Pattern pattern_;
  std::unique_ptr<pcre2_real_match_data_8, Free> data_;
  std::unique_ptr<pcre2_real_jit_stack_8, Free> stack_;
  std::unique_ptr<pcre2_real_match_context_8, Free> context_;
};

}  // namespace statescope
