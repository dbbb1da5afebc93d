// SPDX-License-Identifier: GPL-3.0-or-later
#include "formula_reader.h"

#include <utf8proc.h>

#include <algorithm>

#include "engine/error.h"
#include "engine/io/utf8.h"
#include "formula_symbols.h"

namespace statescope {

void FormulaReader::skip_spaces() {
  while (!at_end() && is_formula_space(front())) ++pos_;
}

std::string_view FormulaReader::command() const {
  if (at_end() || front() != '\\' || pos_ + 1 == tex_.size()) return {};
  std::size_t end = pos_ + 1;
  while (end < tex_.size() && is_formula_letter(tex_[end])) ++end;
  if (end == pos_ + 1) end += first_code_point_length(tex_.substr(end));
  return tex_.substr(pos_ + 1, end - pos_ - 1);
}

std::pair<char32_t, std::size_t> FormulaReader::code_point() const {
  utf8proc_int32_t point = 0;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(tex_.data() + pos_);
  const auto length = utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(tex_.size() - pos_), &point);
  return {static_cast<char32_t>(point), static_cast<std::size_t>(length)};
}

std::string FormulaReader::braced_text(std::size_t owner, const std::string& name) {
  skip_spaces();
  if (at_end() || front() != '{') fail(owner, "\\" + name + " at ", " lacks its words; write them in braces");
  const std::size_t open = pos_++;
  constexpr std::string_view escapable = "{}%&#_$";
  std::string text;
  for (int depth = 1; !at_end(); ++pos_) {
    const char c = front();
    if (c == '\\' && pos_ + 1 < tex_.size() && escapable.find(tex_[pos_ + 1]) != escapable.npos) {
      text += tex_[++pos_];
      continue;
    }
    if (c == '{') ++depth;
    if (c == '}' && --depth == 0) {
      ++pos_;
      return text;
    }
    if (c == '\\') fail(pos_, "\\ at ", " cannot stand in words; end \\" + name + "{…} before it");
    if (c != '{' && c != '}') text += is_formula_space(c) ? ' ' : c;
  }
  fail(open, "the { at ", " is never closed; add a }");
}

std::string FormulaReader::delimiter(std::size_t owner, const std::string& name) {
  constexpr std::string_view known[] = {".", "(", ")", "[", "]", "{", "}", "|", "‖", "/", "⟨", "⟩", "⌊", "⌋", "⌈", "⌉"};
  skip_spaces();
  const std::string_view sign = command();
  std::string_view text;
  if (!sign.empty()) {
    const auto symbols = formula_symbols();
    const auto found = std::ranges::find(symbols, sign, &FormulaSymbol::command);
    if (found != symbols.end()) text = found->text;
  } else if (!at_end() && front() != '{' && front() != '}') {
    text = rest().substr(0, first_code_point_length(rest()));
  }
  if (std::ranges::find(known, text) == std::end(known))
    fail(owner, "\\" + name + " at ", " needs a delimiter after it: ( ) [ ] \\{ \\} | or . for none");
  pos_ += sign.empty() ? text.size() : 1 + sign.size();
  return std::string(text == "." ? "" : text);
}

std::string FormulaReader::column(std::size_t offset) const {
  const auto before = tex_.substr(0, offset);
  const auto starts_character = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  return "column " + std::to_string(1 + std::count_if(before.begin(), before.end(), starts_character));
}

void FormulaReader::fail(std::size_t offset, const std::string& before, const std::string& after) const {
  throw Error(before + column(offset) + after);
}

}  // namespace statescope
