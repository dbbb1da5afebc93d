// SPDX-License-Identifier: GPL-3.0-or-later
#include <charconv>

#include "cli/commands.h"
#include "engine/error.h"
#include "engine/io/utf8.h"

namespace statescope::cli {
namespace {

template <class Number>
Number parse_number(std::string_view text, const std::string& option) {
  Number value{};
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size())
    throw Error(option + ": " + in_quotes(text) + " is not a number in range");
  return value;
}

}  // namespace

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts{""};
  for (const char c : text) {
    if (c == separator)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

std::vector<std::int64_t> parse_ranges(const std::string& text, std::int64_t count, const std::string& option) {
  std::vector<std::int64_t> numbers;
  if (text == "all") {
    for (std::int64_t i = 0; i < count; ++i) numbers.push_back(i);
    return numbers;
  }
  for (const std::string& part : split(text, ',')) {
    const std::size_t dash = part.find('-', 1);
    const auto first = parse_number<std::int64_t>(part.substr(0, dash), option);
    const auto last = dash == std::string::npos ? first : parse_number<std::int64_t>(part.substr(dash + 1), option);
    if (first < 0 || last >= count || first > last)
      throw Error(option + ": " + part + " is outside 0 to " + std::to_string(count - 1));
    for (std::int64_t i = first; i <= last; ++i) numbers.push_back(i);
  }
  return numbers;
}

std::set<Quantity> parse_tensors(const std::string& text) {
  if (text == "all") return {std::begin(all_quantities), std::end(all_quantities)};
  std::set<Quantity> quantities;
  for (const std::string& part : split(text, ',')) quantities.insert(parse_quantity(part));
  return quantities;
}

std::vector<std::int32_t> parse_ids(const std::string& text) {
  std::vector<std::int32_t> ids;
  for (const std::string& part : split(text, ',')) ids.push_back(parse_number<std::int32_t>(part, "--ids"));
  return ids;
}

}  // namespace statescope::cli
