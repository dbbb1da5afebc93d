// SPDX-License-Identifier: GPL-3.0-or-later
#include "json_sax.h"

#include <iterator>

#include "engine/io/json_error.h"
#include "engine/io/utf8.h"

namespace statescope {
namespace {

// Walks the text and notes how far the parser has read, which nlohmann tells a handler only for its own errors.
struct CountingIterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* at;
  std::size_t* read;

  reference operator*() const { return *at; }
  CountingIterator& operator++() {
    ++at;
    ++*read;
    return *this;
  }
  CountingIterator operator++(int) {
    const CountingIterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const CountingIterator& a, const CountingIterator& b) { return a.at == b.at; }
};

// nlohmann's message without its own numbering: what stands between " - " and the first ';'.
std::string short_reason(std::string_view message) {
  if (const auto dash = message.find(" - "); dash != std::string_view::npos) {
    message.remove_prefix(dash + 3);
  } else if (const auto bracket = message.find("] "); bracket != std::string_view::npos) {
    message.remove_prefix(bracket + 2);
  }
  message = message.substr(0, message.find(';'));
  return replace_invalid_utf8(message.substr(0, 100));
}

}  // namespace

void JsonSax::run(std::string_view text, std::size_t file_offset) {
  file_offset_ = file_offset;
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    position_ = nul;  // nlohmann would take it for the end of the text
    fail("holds a NUL byte");
  }
  nlohmann::json::sax_parse(CountingIterator{text.data(), &position_},
                            CountingIterator{text.data() + text.size(), &position_}, this);
}

bool JsonSax::parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& e) {
  position_ = position > 0 ? position - 1 : 0;
  fail("is not valid JSON (" + short_reason(e.what()) + ")");
}

void JsonSax::fail(const std::string& problem) const {
  throw JsonError(where_, problem, file_offset_ + position_);
}

bool JsonSax::enter() {
  if (++depth_ > max_depth_) fail("is nested deeper than " + std::to_string(max_depth_) + " levels");
  return true;
}

bool JsonSax::leave() {
  --depth_;
  return true;
}

}  // namespace statescope
