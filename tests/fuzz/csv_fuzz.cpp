// SPDX-License-Identifier: GPL-3.0-or-later
// Reads arbitrary text as a table: its first column of numbers, its second column, and the column "u".
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "engine/error.h"
#include "engine/io/csv.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace statescope;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const std::string& name : csv_columns(text))
    if (name.size() > text.size() + 20) std::abort();
  for (const char* column : {"", "2", "u"}) {
    try {
      const auto values = csv_column(text, column, 1, 1 << 20, "fuzz");
      if (values.empty()) std::abort();
      for (const double value : values)
        if (!std::isfinite(value)) std::abort();
    } catch (const Error&) {  // the only way to refuse input
    }
  }
  return 0;
}
