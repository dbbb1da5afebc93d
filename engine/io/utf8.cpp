// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/io/utf8.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "engine/error.h"

namespace statescope {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

enum class SequenceState { valid, invalid, truncated };

struct Sequence {
  SequenceState state;
  std::size_t length;  // bytes of the code point, or of the maximal subpart to replace
};

// The sequence at the front of a text that is not empty, judged by table 3-7 of the Unicode standard.
Sequence front_sequence(std::string_view text) {
  const auto byte_at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte_at(0);
  if (lead < 0x80) return {SequenceState::valid, 1};
  if (lead < 0xC2 || lead > 0xF4) return {SequenceState::invalid, 1};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (lead == 0xE0) low = 0xA0;   // overlong
  if (lead == 0xED) high = 0x9F;  // surrogates
  if (lead == 0xF0) low = 0x90;   // overlong
  if (lead == 0xF4) high = 0x8F;  // above U+10FFFF
  for (std::size_t i = 1; i < length; ++i) {
    if (i == text.size()) return {SequenceState::truncated, i};
    if (byte_at(i) < low || byte_at(i) > high) return {SequenceState::invalid, i};
    low = 0x80;
    high = 0xBF;
  }
  return {SequenceState::valid, length};
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Moves the text's complete sequences to `out`, U+FFFD for invalid ones. Returns where a truncated sequence at the
// end starts, or the text's size.
std::size_t append_complete(std::string_view text, std::string& out) {
  std::size_t offset = 0;
  while (offset < text.size()) {
    const Sequence sequence = front_sequence(text.substr(offset));
    if (sequence.state == SequenceState::truncated) break;
    if (sequence.state == SequenceState::valid) {
      out.append(text.substr(offset, sequence.length));
    } else {
      out.append(replacement);
    }
    offset += sequence.length;
  }
  return offset;
}

}  // namespace

std::optional<std::size_t> first_invalid_utf8(std::string_view text) {
  std::size_t offset = 0;
  while (offset < text.size()) {
    const Sequence sequence = front_sequence(text.substr(offset));
    if (sequence.state != SequenceState::valid) return offset;
    offset += sequence.length;
  }
  return std::nullopt;
}

std::string replace_invalid_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  if (append_complete(bytes, out) < bytes.size()) out.append(replacement);
  return out;
}

std::size_t first_code_point_length(std::string_view text) {
  return front_sequence(text).length;
}

std::string to_nfc(std::string_view text) {
  if (is_ascii(text)) return std::string(text);
  const auto fail = [] { throw Error("the text could not be normalised to NFC; check that it is valid UTF-8"); };
  std::vector<utf8proc_int32_t> points;
  points.reserve(text.size());
  for (std::size_t offset = 0; offset < text.size();) {
    utf8proc_int32_t point = 0;
    const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data() + offset);
    const utf8proc_ssize_t length =
        utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size() - offset), &point);
    std::array<utf8proc_int32_t, 32> parts{};  // canonical decompositions have at most 4 code points
    int boundary_class = 0;
    const utf8proc_ssize_t count =
        length <= 0 ? -1
                    : utf8proc_decompose_char(point, parts.data(), parts.size(),
                                              static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE),
                                              &boundary_class);
    if (count < 0 || count > static_cast<utf8proc_ssize_t>(parts.size())) fail();
    points.insert(points.end(), parts.begin(), parts.begin() + count);
    offset += static_cast<std::size_t>(length);
  }

  // Canonical order. utf8proc_decompose() would do it too, but by insertion, in quadratic time on a long run of marks.
  const auto combining_class = [](utf8proc_int32_t point) { return utf8proc_get_property(point)->combining_class; };
  const auto is_mark = [&](utf8proc_int32_t point) { return combining_class(point) != 0; };
  for (auto run = points.begin(); run != points.end();) {
    const auto first = std::find_if(run, points.end(), is_mark);
    run = std::find_if_not(first, points.end(), is_mark);
    std::stable_sort(first, run, [&](auto a, auto b) { return combining_class(a) < combining_class(b); });
  }

  const utf8proc_ssize_t composed =
      utf8proc_normalize_utf32(points.data(), static_cast<utf8proc_ssize_t>(points.size()),
                               static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  if (composed < 0) fail();
  std::string out;
  out.reserve(text.size());
  for (utf8proc_ssize_t i = 0; i < composed; ++i) {
    std::array<utf8proc_uint8_t, 4> bytes{};
    const utf8proc_ssize_t length = utf8proc_encode_char(points[static_cast<std::size_t>(i)], bytes.data());
    out.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(length));
  }
  return out;
}

std::string in_quotes(std::string_view name, std::size_t max_bytes) {
  const bool cut = name.size() > max_bytes;
  std::size_t end = cut ? max_bytes : name.size();
  while (cut && end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;
  std::string out = "\"";
  for (const char c : replace_invalid_utf8(name.substr(0, end))) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out.append(replacement);
    } else {
      out.push_back(c);
    }
  }
  return out + (cut ? "…\"" : "\"");
}

std::string Utf8Stream::push(std::string_view bytes) {
  held_.append(bytes);
  std::string out;
  held_.erase(0, append_complete(held_, out));
  return out;
}

std::string Utf8Stream::flush() {
  std::string out = replace_invalid_utf8(held_);
  held_.clear();
  return out;
}

}  // namespace statescope
