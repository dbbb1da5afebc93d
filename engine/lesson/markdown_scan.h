// SPDX-License-Identifier: GPL-3.0-or-later
// A lesson's Markdown without its code.
#pragma once

#include <algorithm>
#include <functional>
#include <string_view>

namespace statescope {

/// Calls `at(i)` for every place of a Markdown text that lies neither in code (fenced, indented or between backticks)
/// nor after a backslash, from the front; it answers with the place to go on from, behind `i`.
void scan_markdown(std::string_view text, const std::function<std::size_t(std::size_t)>& at);

/// Where the paragraph that contains `at` ends: at a line of nothing but spaces.
std::size_t paragraph_end(std::string_view text, std::size_t at);

}  // namespace statescope
