// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/lesson/question.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "engine/error.h"
#include "engine/experiments/compute.h"
#include "engine/io/utf8.h"
#include "engine/lesson/expression.h"
#include "engine/lesson/numbers.h"

namespace statescope {
namespace {

using nlohmann::json;
using Kind = LessonQuestion::Kind;

constexpr std::size_t max_curve = 1 << 20;

// `change` is null where there is none.
json changed(json scene, const json& change) {
  if (change.is_object()) scene.merge_patch(change);
  return scene;
}

std::string count_of(std::size_t number) {
  return number == 0 ? "none" : std::to_string(number);
}

// What `read` throws has its place in this line; the question's own line where there is none.
template <class Read>
auto in_line(int line, const LessonQuestion& question, Read read) {
  try {
    return read();
  } catch (const Error& error) {
    throw QuestionError(line > 0 ? line : question.line, error.what());
  }
}

// How many places the cursor can stand at; nothing where the result does not say.
std::optional<std::size_t> places_of(const nlohmann::ordered_json& result) {
  if (const auto tokens = result.find("tokens"); tokens != result.end() && tokens->is_array()) return tokens->size();
  if (const auto length = result.find("length"); length != result.end() && length->is_number_integer())
    return length->get<std::size_t>();
  return {};
}

std::vector<double> truth_values(const LessonQuestion& question, const ExpressionNames& names) {
  std::vector<double> values = evaluate(question.truth, names);
  const auto bad = [&](const std::string& sentence) { return Error("the truth of this question " + sentence); };
  if (std::any_of(values.begin(), values.end(), [](double v) { return !std::isfinite(v); })) throw bad("is not finite");
  if (question.kind == Kind::value) {
    if (values.size() != 1) throw bad("has " + std::to_string(values.size()) + " numbers; it must have one");
    if (values[0] < question.from || values[0] > question.to)
      throw bad("is " + std::to_string(values[0]) + ", outside the range to answer in");
  } else if (question.kind == Kind::token) {
    if (values.empty() ||
        std::any_of(values.begin(), values.end(), [](double v) { return v < 0 || v != std::floor(v); }))
      throw bad("must be places, whole numbers from 0");
    const auto places = places_of(*names.result);
    if (const double last = *std::max_element(values.begin(), values.end());
        places && !(last < static_cast<double>(*places)))
      throw bad("is the place " + std::to_string(std::llround(last)) + "; there are " + std::to_string(*places) +
                ", counted from 0");
  } else if (values.size() < 2) {
    throw bad("is one number; a curve needs a list, such as output_recurrence");
  } else if (values.size() > max_curve) {
    throw bad("has " + std::to_string(values.size()) + " points; a curve has at most 1,048,576");
  }
  return values;
}

bool holds(const std::string& condition, const ExpressionNames& names) {
  const std::vector<double> values = evaluate(condition, names);
  if (values.empty() || std::any_of(values.begin(), values.end(), [](double v) { return v != 0 && v != 1; }))
    throw Error("the condition " + in_quotes(condition) + " is neither true nor false; compare, as in mean(x) > 0.5");
  return std::all_of(values.begin(), values.end(), [](double v) { return v == 1; });
}

// An answer is not lost because of a number that explains it.
void explain(const LessonQuestion& question, const ExpressionNames& names, LessonTruth& truth) {
  truth.why = question.why;
  try {
    truth.why = with_numbers(question.why, names);
  } catch (const Error& error) {
    truth.why_problem = error.what();
  }
  const auto tokens = names.result->find("tokens");
  if (question.kind != Kind::token || tokens == names.result->end() || !tokens->is_array()) return;
  for (const auto& token : *tokens)
    if (token.is_object() && token.contains("text")) truth.tokens.push_back(token.at("text").get<std::string>());
}

}  // namespace

LessonTruth truth_of(const LessonQuestion& question, const Scene& shown, const std::filesystem::path& folder,
                     const std::filesystem::path& assets, std::stop_token stop) {
  const json scene = changed(json::parse(to_text(shown)), question.reveal);
  LessonTruth truth;
  const nlohmann::ordered_json result = in_line(question.reveal_line, question, [&] {
    truth.scene = parse_scene(scene.dump(), "the scene of the answer");
    return compute(truth.scene, folder, assets, stop);
  });
  nlohmann::ordered_json against;
  if (!question.against.is_null())
    against = in_line(question.against_line, question, [&] {
      const json other = changed(scene, question.against);
      return compute(parse_scene(other.dump(), "the scene to compare with"), folder, assets, stop);
    });
  const ExpressionNames names{&result, question.against.is_null() ? nullptr : &against, &scene};
  explain(question, names, truth);
  if (question.kind != Kind::option) {
    truth.values = in_line(question.truth_line, question, [&] { return truth_values(question, names); });
    return truth;
  }
  std::size_t holding = 0;
  for (std::size_t i = 0; i < question.options.size(); ++i) {
    if (!in_line(question.options[i].line, question, [&] { return holds(question.options[i].condition, names); }))
      continue;
    truth.option = i;
    ++holding;
  }
  if (holding != 1) throw QuestionError(question.line, "exactly one option must hold; " + count_of(holding) + " did");
  return truth;
}

double tolerance_of(const LessonQuestion& question) {
  if (question.tolerance >= 0) return question.tolerance;
  if (question.kind == Kind::token) return 0;
  return (question.kind == Kind::value ? 0.05 : 0.15) * (question.to - question.from);
}

LessonAnswer right_answer(const LessonQuestion& question, const LessonTruth& truth) {
  switch (question.kind) {
    case Kind::option:
      return truth.option;
    case Kind::value:
      return truth.values.at(0);
    case Kind::token:
      return static_cast<std::int64_t>(truth.values.at(0));
    case Kind::curve:
      break;
  }
  return truth.values;
}

LessonMark mark(const LessonQuestion& question, const LessonTruth& truth, const LessonAnswer& answer) {
  LessonMark mark;
  if (const auto* option = std::get_if<std::size_t>(&answer); option && question.kind == Kind::option) {
    mark.right = *option == truth.option;
    return mark;
  }
  if (const auto* value = std::get_if<double>(&answer); value && question.kind == Kind::value) {
    mark.distance = std::abs(*value - truth.values.at(0));
  } else if (const auto* place = std::get_if<std::int64_t>(&answer); place && question.kind == Kind::token) {
    mark.distance = std::numeric_limits<double>::infinity();
    for (const double right : truth.values)
      mark.distance = std::min(mark.distance, std::abs(static_cast<double>(*place) - right));
  } else if (const auto* curve = std::get_if<std::vector<double>>(&answer);
             curve && curve->size() > 1 && question.kind == Kind::curve) {
    // The truth is read between its points where the answer has its own.
    double squares = 0;
    const auto last = static_cast<double>(truth.values.size() - 1);
    for (std::size_t i = 0; i < curve->size(); ++i) {
      const double at = last * static_cast<double>(i) / static_cast<double>(curve->size() - 1);
      const auto before = std::min(static_cast<std::size_t>(at), truth.values.size() - 2);
      const double share = at - static_cast<double>(before);
      const double right = truth.values[before] * (1 - share) + truth.values[before + 1] * share;
      squares += ((*curve)[i] - right) * ((*curve)[i] - right);
    }
    mark.distance = std::sqrt(squares / static_cast<double>(curve->size()));
  } else {
    throw Error("this answer belongs to another kind of question");
  }
  mark.right = mark.distance <= tolerance_of(question);
  return mark;
}

}  // namespace statescope
