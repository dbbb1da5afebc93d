// SPDX-License-Identifier: GPL-3.0-or-later
// Reads arbitrary bytes as a tokenizer.json and, when they are one, encodes a nasty text and decodes it again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/error.h"
#include "engine/io/tokenizer.h"
#include "engine/io/utf8.h"

namespace {

// Contractions, digits, runs of spaces, rare white space, marks out of order, an emoji sequence, Hangul jamo, the
// highest code point, a special token.
constexpr std::string_view text =
    "I'll  say: '12 345'\r\n\t  caf\u0065\u0301 a\u0315\u0300\u0323\u0085\u180E\u2003x \U0001F469\u200D\U0001F680 "
    "\u1112\u1161\u11AB \u4E2D\u6587\U0010FFFF<|endoftext|> aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa   ";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto tokenizer = statescope::Tokenizer::from_json({reinterpret_cast<const char*>(data), size}, "fuzz");
    const auto ids = tokenizer.encode(text);
    if (statescope::first_invalid_utf8(tokenizer.decode(ids))) std::abort();
    for (const std::int32_t id : ids) {
      if (id < 0 || statescope::first_invalid_utf8(tokenizer.token_text(id))) std::abort();
    }
  } catch (const statescope::Error&) {  // the only way to refuse input
  }
  return 0;
}
