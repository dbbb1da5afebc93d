// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/lesson/numbers.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "engine/error.h"
#include "engine/lesson/formula.h"
#include "markdown_scan.h"

namespace statescope {
namespace {

constexpr int digits_that_count = 3;
constexpr double least_plain = 1e-4, most_plain = 1e15;  // between them without a power of ten

std::string printed(const char* format, int digits, double value) {
  char text[400];
  std::snprintf(text, sizeof text, format, digits, value);
  std::string number = text;
  if (number.find('.') == std::string::npos) return number;
  number.erase(number.find_last_not_of('0') + 1);
  if (number.back() == '.') number.pop_back();
  return number;
}

std::string superscript(const std::string& digits) {
  static constexpr const char* raised[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text;
  for (const char digit : digits) text += digit == '-' ? "⁻" : raised[digit - '0'];
  return text;
}

}  // namespace

std::vector<EmbeddedNumber> find_numbers(std::string_view markdown) {
  std::vector<EmbeddedNumber> found;
  std::size_t line_end = 0;  // once known
  scan_markdown(markdown, [&](std::size_t i) {
    if (markdown.substr(i, 2) != "{{") return i + 1;
    if (markdown.substr(i, 3) == "{{{") return i + 1;  // the inner two: $e^{{{x}}}$
    if (line_end <= i) line_end = std::min(markdown.find('\n', i), markdown.size());
    const std::size_t close = std::min(markdown.substr(0, line_end).find("}}", i), line_end);
    const std::size_t end = std::min(close + 2, line_end);
    found.push_back({i, end, markdown.substr(i + 2, close - i - 2)});
    return end;
  });
  return found;
}

std::string number_text(double value, bool in_formula) {
  const double size = std::abs(value);
  std::string text;
  if (size == 0) {
    text = "0";
  } else if (size == std::floor(size) && size < most_plain) {
    text = printed("%.*f", 0, size);
  } else if (size >= least_plain && size < most_plain) {
    const int before = static_cast<int>(std::floor(std::log10(size))) + 1;
    text = printed("%.*f", std::max(0, digits_that_count - before), size);
  } else {
    char parts[40];
    std::snprintf(parts, sizeof parts, "%.*e", digits_that_count - 1, size);
    const std::string whole = parts;
    const auto e = whole.find('e');
    const std::string factor = printed("%.*f", digits_that_count - 1, std::stod(whole.substr(0, e)));
    const std::string power = std::to_string(std::stoi(whole.substr(e + 1)));
    text = in_formula ? factor + " \\times 10^{" + power + "}" : factor + " × 10" + superscript(power);
  }
  if (value < 0) text.insert(0, in_formula ? "-" : "−");
  return text;
}

std::string with_numbers(std::string_view markdown, const ExpressionNames& names) {
  const auto numbers = find_numbers(markdown);
  if (numbers.empty()) return std::string(markdown);
  const auto formulas = find_formulas(markdown);
  auto formula = formulas.begin();
  std::string text;
  std::size_t after = 0;
  for (const EmbeddedNumber& number : numbers) {
    while (formula != formulas.end() && formula->end <= number.begin) ++formula;
    const bool in_formula = formula != formulas.end() && formula->begin < number.begin;
    if (markdown.substr(number.end - 2, 2) != "}}" || number.end == number.begin + 2)
      throw Error("\"{{\" begins a number, which \"}}\" has to end in the same line");
    const std::vector<double> values = evaluate(number.expression, names);
    if (values.size() != 1)
      throw Error("the number {{" + std::string(number.expression) + "}} is " + std::to_string(values.size()) +
                  " numbers; say which, as in states[0, 1]");
    if (!std::isfinite(values[0])) throw Error("the number {{" + std::string(number.expression) + "}} is not finite");
    text += markdown.substr(after, number.begin - after);
    text += in_formula ? "{" + number_text(values[0], true) + "}" : number_text(values[0], false);
    after = number.end;
  }
  text += markdown.substr(after);
  return text;
}

LessonStep with_numbers(LessonStep step, const LessonSeed& whose) {
  std::vector<std::string*> texts{&step.prose, &step.alt, &step.notes};
  if (step.question) {
    texts.push_back(&step.question->ask);
    for (LessonOption& option : step.question->options) texts.push_back(&option.text);
  }
  std::erase_if(texts, [](const std::string* text) { return find_numbers(*text).empty(); });
  if (texts.empty()) return step;
  const nlohmann::json scene = nlohmann::json::parse(to_text(scene_at(step, 0, whose)));
  for (std::string* text : texts) *text = with_numbers(*text, {nullptr, nullptr, &scene});
  return step;
}

}  // namespace statescope
