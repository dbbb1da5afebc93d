// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace statescope {

/// What stands at a byte of a lesson's Markdown and is not shown as it was meant.
struct MarkdownMistake {
  std::size_t at;
  std::string sentence;
};

/// Formulas that do not parse or have no end, images and tables, from the front.
std::vector<MarkdownMistake> markdown_mistakes(std::string_view markdown);

}  // namespace statescope
