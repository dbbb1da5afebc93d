// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/io/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "engine/error.h"
#include "engine/io/utf8.h"

namespace statescope {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// The line's fields as views; quotes around a field are taken off.
std::vector<std::string_view> split(std::string_view line, char separator) {
  std::vector<std::string_view> fields;
  std::size_t begin = 0;
  bool quoted = false;
  for (std::size_t i = 0; i <= line.size(); ++i) {
    if (i < line.size() && line[i] == '"') quoted = !quoted;
    if (i < line.size() && (quoted || line[i] != separator)) continue;
    std::string_view field = trimmed(line.substr(begin, i - begin));
    if (field.size() >= 2 && field.front() == '"' && field.back() == '"') field = field.substr(1, field.size() - 2);
    fields.push_back(field);
    begin = i + 1;
  }
  return fields;
}

std::optional<double> number_of(std::string_view field) {
  if (!field.empty() && field.front() == '+') field.remove_prefix(1);
  double value = 0;
  const auto [end, problem] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (problem != std::errc() || end != field.data() + field.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

char separator_of(std::string_view line) {
  const auto count = [&](char c) { return std::count(line.begin(), line.end(), c); };
  char best = ',';
  for (const char c : {';', '\t'})
    if (count(c) > count(best)) best = c;
  return best;
}

// Lines that hold something, with their number from 1.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {
    if (rest_.substr(0, 3) == "\xEF\xBB\xBF") rest_.remove_prefix(3);  // byte order mark
  }
  std::optional<std::string_view> next() {
    while (!rest_.empty()) {
      const std::size_t end = std::min(rest_.find('\n'), rest_.size());
      const std::string_view line = trimmed(rest_.substr(0, end));
      rest_.remove_prefix(std::min(end + 1, rest_.size()));
      ++number_;
      if (!line.empty() && line.front() != '#') return line;
    }
    return std::nullopt;
  }
  std::int64_t number() const { return number_; }

 private:
  std::string_view rest_;
  std::int64_t number_ = 0;
};

bool is_header(const std::vector<std::string_view>& fields) {
  return std::none_of(fields.begin(), fields.end(), [](std::string_view f) { return number_of(f).has_value(); });
}

std::size_t find_column(const std::vector<std::string_view>& header, const std::vector<std::string_view>& values,
                        const std::string& column, const std::string& where) {
  if (column.empty()) {
    for (std::size_t i = 0; i < values.size(); ++i)
      if (number_of(values[i])) return i;
    throw Error(where + ": no column begins with a number; name one that does");
  }
  if (const auto found = std::find(header.begin(), header.end(), column); found != header.end())
    return static_cast<std::size_t>(found - header.begin());
  std::size_t index = 0;
  const auto [end, problem] = std::from_chars(column.data(), column.data() + column.size(), index);
  if (problem != std::errc() || end != column.data() + column.size() || index < 1 || index > values.size())
    throw Error(where + ": there is no column " + in_quotes(column) +
                "; take a name of the first row or a number from 1 to " + std::to_string(values.size()));
  return index - 1;
}

}  // namespace

std::vector<double> csv_column(std::string_view text, const std::string& column, std::int64_t first, std::int64_t count,
                               const std::string& where) {
  Lines lines(text);
  std::optional<std::string_view> line = lines.next();
  if (!line) throw Error(where + ": the table is empty; it needs at least one number");
  const char separator = separator_of(*line);
  const std::vector<std::string_view> top = split(*line, separator);
  const bool has_header = is_header(top);
  if (has_header) line = lines.next();
  if (!line) throw Error(where + ": the table has a header and no rows; it needs at least one number");
  const std::size_t wanted =
      find_column(has_header ? top : std::vector<std::string_view>(), split(*line, separator), column, where);
  std::vector<double> values;
  for (std::int64_t row = 0; line && row < first + count; ++row, line = lines.next()) {
    if (row < first) continue;
    const std::vector<std::string_view> fields = split(*line, separator);
    const std::string place = where + ": line " + std::to_string(lines.number());
    if (wanted >= fields.size()) throw Error(place + " has no field " + std::to_string(wanted + 1) + "; add it");
    const std::optional<double> value = number_of(fields[wanted]);
    if (!value) throw Error(place + ": " + in_quotes(fields[wanted]) + " is not a finite number; correct it");
    values.push_back(*value);
  }
  if (values.empty())
    throw Error(where + ": no rows are left after the first " + std::to_string(first) + "; leave out fewer");
  return values;
}

std::vector<std::string> csv_columns(std::string_view text) {
  const std::optional<std::string_view> line = Lines(text).next();
  if (!line) return {};
  const std::vector<std::string_view> top = split(*line, separator_of(*line));
  std::vector<std::string> names;
  for (std::size_t i = 0; i < top.size(); ++i)
    names.push_back(is_header(top) ? std::string(top[i]) : std::to_string(i + 1));
  return names;
}

}  // namespace statescope
