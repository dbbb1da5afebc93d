// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace statescope {

inline bool is_formula_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
inline bool is_formula_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// A place in the TeX of a formula, which must be valid UTF-8, and what stands there.
class FormulaReader {
 public:
  explicit FormulaReader(std::string_view tex) : tex_(tex) {}

  bool at_end() const { return pos_ == tex_.size(); }
  char front() const { return tex_[pos_]; }
  bool starts(std::string_view text) const { return tex_.substr(pos_).starts_with(text); }
  std::string_view rest() const { return tex_.substr(pos_); }
  std::size_t place() const { return pos_; }
  void advance(std::size_t bytes) { pos_ += bytes; }
  void skip_spaces();

  /// The name of the command here, without moving: letters, or one other character. Empty when there is none.
  std::string_view command() const;
  /// The code point here and its bytes, without moving.
  std::pair<char32_t, std::size_t> code_point() const;

  /// The characters of {…} as they stand; braces in it must match. The command `name` at `owner` wants it.
  std::string braced_text(std::size_t owner, const std::string& name);
  /// The delimiter after \left or \right; empty for the dot.
  std::string delimiter(std::size_t owner, const std::string& name);

  /// "column 7" for a byte offset.
  std::string column(std::size_t offset) const;
  /// Throws Error: `before`, the column, `after`.
  [[noreturn]] void fail(std::size_t offset, const std::string& before, const std::string& after) const;

 private:
  std::string_view tex_;
  std::size_t pos_ = 0;
};

}  // namespace statescope
