// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace statescope {

/// Byte offset of the first sequence that is not valid UTF-8 (overlong, surrogate, above U+10FFFF, truncated), or
/// nothing when the whole text is valid.
std::optional<std::size_t> first_invalid_utf8(std::string_view text);

/// The text with every maximal invalid subpart (Unicode 3.9, the W3C's practice) replaced by one U+FFFD.
std::string replace_invalid_utf8(std::string_view bytes);

/// Bytes of the first code point of `text`, which must be valid and not empty: 1 to 4.
std::size_t first_code_point_length(std::string_view text);

/// The text in Normalization Form C. Precondition: valid UTF-8. Takes O(n log n), whatever the marks.
std::string to_nfc(std::string_view text);

/// A name out of a file, made fit for an error message: in double quotes, control characters and invalid bytes
/// replaced by U+FFFD, cut after about `max_bytes`.
std::string in_quotes(std::string_view name, std::size_t max_bytes = 80);

/// Turns bytes that arrive piecewise, such as the tokens of a running generation, into valid UTF-8: a sequence is
/// held back until it is complete, and invalid bytes become U+FFFD.
class Utf8Stream {
 public:
  /// What is complete after these bytes.
  std::string push(std::string_view bytes);
  /// The end of the stream: what is still held back can no longer become valid.
  std::string flush();

 private:
  std::string held_;  // the valid beginning of one sequence, at most 3 bytes
};

}  // namespace statescope
