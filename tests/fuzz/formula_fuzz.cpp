// SPDX-License-Identifier: GPL-3.0-or-later
// Reads arbitrary text as a formula and as Markdown with formulas in it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "engine/error.h"
#include "engine/io/utf8.h"
#include "engine/lesson/formula.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace statescope;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::size_t after = 0;
  for (const auto& formula : find_formulas(text)) {
    if (formula.begin < after || formula.end > size || text[formula.begin] != '$') std::abort();
    after = formula.end;
  }
  try {
    const Formula formula = parse_formula(text);
    if (first_invalid_utf8(plain(formula)) || first_invalid_utf8(spoken(formula))) std::abort();
  } catch (const Error& error) {  // the only way to refuse input
    if (first_invalid_utf8(error.what())) std::abort();
  }
  return 0;
}
