// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace statescope {

/// A column of a table in text: fields parted by commas, semicolons or tabs (what the first line has most of), in "…"
/// where they hold one; '.' is the decimal point. Lines that are empty or begin with '#' are left out, and the first
/// line is a header when its field is no number. `column` is a name in that header, or a number from 1; empty is the
/// first column whose first value is a number. Reads `count` numbers at most after leaving out `first`. Throws Error
/// naming `where` and the line for a field that is no finite number, a column that is not there, and a column without
/// numbers.
std::vector<double> csv_column(std::string_view text, const std::string& column, std::int64_t first, std::int64_t count,
                               const std::string& where);

/// What the columns of such a table may be called: the names of its header, or "1", "2" … where it has none. Of the
/// beginning of a text, too, if that holds the first line.
std::vector<std::string> csv_columns(std::string_view text);

}  // namespace statescope
