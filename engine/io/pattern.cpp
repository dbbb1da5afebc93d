// SPDX-License-Identifier: GPL-3.0-or-later
#include "pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>
#include <chrono>
#include <new>
#include <optional>

#include "engine/error.h"
#include "engine/io/utf8.h"

namespace statescope {
namespace {

// Limits for one attempt at one position. The just-in-time code counts only re-entries of an item, each of which may
// walk the whole text; the interpreter counts every step.
constexpr std::uint32_t match_limit_jit = 100'000;
constexpr std::uint32_t match_limit_interpreter = 10'000'000;
constexpr std::uint32_t heap_limit_kib = 64 * 1024;
constexpr std::size_t jit_stack_min = 32UL << 10;
constexpr std::size_t jit_stack_max = 8UL << 20;

std::string pcre2_message(int code) {
  std::array<PCRE2_UCHAR, 128> buffer{};
  pcre2_get_error_message(code, buffer.data(), buffer.size());
  return reinterpret_cast<const char*>(buffer.data());
}

// PCRE2's \s also takes U+180E, which is no white space since Unicode 6.3.
std::string with_unicode_white_space(std::string_view expression) {
  std::string out;
  for (std::size_t i = 0; i < expression.size(); ++i) {
    const char next = expression[i] == '\\' && i + 1 < expression.size() ? expression[i + 1] : '\0';
    if (next == 's') {
      out += "\\p{White_Space}";
    } else if (next == 'S') {
      out += "\\P{White_Space}";
    } else {
      out += expression[i];
      if (next != '\0') out += next;
    }
    if (next != '\0') ++i;
  }
  return out;
}

}  // namespace

Pattern::Pattern(std::string_view expression, unsigned options, const std::string& where) {
  int code = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* compiled = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(),
                                       options | PCRE2_UTF | PCRE2_ANCHORED, &code, &offset, nullptr);
  if (compiled == nullptr) {
    throw Error(where + ": the pattern " + in_quotes(expression) + " cannot be used (" + pcre2_message(code) +
                " at byte " + std::to_string(offset) + "); correct it");
  }
  code_ = std::shared_ptr<const pcre2_code>(
      compiled, [](const pcre2_code* pattern) { pcre2_code_free(const_cast<pcre2_code*>(pattern)); });
  has_jit_ = pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE) == 0;
}

Pattern Pattern::regex(std::string_view expression, const std::string& where) {
  if (expression.find("&&") != std::string_view::npos) {
    throw Error(where + ": the pattern " + in_quotes(expression) +
                " intersects classes with &&, which is not supported");
  }
  return {with_unicode_white_space(expression), PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, where};
}

Pattern Pattern::literal(std::string_view text, const std::string& where) {
  return {text, PCRE2_LITERAL, where};
}

void PatternMatcher::Free::operator()(pcre2_match_data* data) const {
  pcre2_match_data_free(data);
}
void PatternMatcher::Free::operator()(pcre2_match_context* context) const {
  pcre2_match_context_free(context);
}
void PatternMatcher::Free::operator()(pcre2_jit_stack* stack) const {
  pcre2_jit_stack_free(stack);
}

PatternMatcher::PatternMatcher(const Pattern& pattern)
    : pattern_(pattern),
      data_(pcre2_match_data_create(1, nullptr)),
      stack_(pattern.has_jit_ ? pcre2_jit_stack_create(jit_stack_min, jit_stack_max, nullptr) : nullptr),
      context_(pcre2_match_context_create(nullptr)) {
  if (!data_ || !context_) throw std::bad_alloc();
  pcre2_set_match_limit(context_.get(), pattern.has_jit_ ? match_limit_jit : match_limit_interpreter);
  pcre2_set_heap_limit(context_.get(), heap_limit_kib);
  if (stack_) pcre2_jit_stack_assign(context_.get(), nullptr, stack_.get());
}

bool PatternMatcher::match_at(std::string_view text, std::size_t offset, Slice& match) {
  const int found = pcre2_match(pattern_.code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), offset,
                                PCRE2_NO_UTF_CHECK, data_.get(), context_.get());
  if (found == PCRE2_ERROR_NOMATCH) return false;
  if (found < 0) {
    throw Error("the tokenizer's pattern fails on the text at byte " + std::to_string(offset) + " (" +
                pcre2_message(found) + "); shorten the text there or use another tokenizer");
  }
  const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(data_.get());
  match = {bounds[0], bounds[1], true};
  return true;
}

bool PatternMatcher::matches_front(std::string_view text) {
  Slice match{};
  return match_at(text, 0, match);
}

std::vector<Slice> PatternMatcher::slices(std::string_view text) {
  // The position is advanced here and not inside PCRE2, so that time spent on a hostile pattern can be bounded.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10) +
                        std::chrono::microseconds(20) * static_cast<std::int64_t>(text.size());
  std::vector<Slice> slices;
  std::size_t position = 0;
  std::size_t covered = 0;  // end of the last slice
  std::optional<std::size_t> last_match_end;
  while (position <= text.size()) {
    Slice match{};
    const bool found = match_at(text, position, match) && match.begin >= covered && match.end >= match.begin;
    // An empty match right after another match does not count.
    if (found && (match.end > match.begin || last_match_end != match.end)) {
      if (covered < match.begin) slices.push_back({covered, match.begin, false});
      slices.push_back(match);
      covered = match.end;
      position = match.end;
      last_match_end = match.end;
    } else if (position < text.size()) {
      position += first_code_point_length(text.substr(position));
    } else {
      break;
    }
    if (std::chrono::steady_clock::now() > deadline) {
      throw Error("the tokenizer's pattern takes too long at byte " + std::to_string(position) +
                  " of the text; shorten the text or use another tokenizer");
    }
  }
  if (covered < text.size()) slices.push_back({covered, text.size(), false});
  return slices;
}

}  // namespace statescope
