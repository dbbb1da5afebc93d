// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/lesson/expression.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <list>
#include <map>
#include <numbers>
#include <numeric>
#include <optional>
#include <string>

#include "engine/error.h"
#include "engine/io/utf8.h"

namespace statescope {
namespace {

using nlohmann::ordered_json;
using Numbers = std::vector<double>;

constexpr int max_depth = 64;

const ordered_json nothing;

// What a name stands for while its path is followed: a JSON value, which may be large and stays where it is, or a block
// of numbers with axes.
struct Node {
  const ordered_json* value = &nothing;
  std::optional<Numbers> numbers;
  std::vector<std::int64_t> shape;  // of the numbers
};

void collect(const ordered_json& value, Numbers& into, const std::string& name) {
  if (value.is_number())
    into.push_back(value.get<double>());
  else if (value.is_boolean())
    into.push_back(value.get<bool>() ? 1 : 0);
  else if (value.is_null())
    into.push_back(std::numeric_limits<double>::quiet_NaN());
  else if (value.is_array())
    for (const ordered_json& each : value) collect(each, into, name);
  else
    throw Error(in_quotes(name) + " is not a number");
}

const std::map<std::string, double (*)(double), std::less<>> elementwise{{"abs", std::fabs},    {"sqrt", std::sqrt},
                                                                         {"exp", std::exp},     {"log", std::log},
                                                                         {"floor", std::floor}, {"round", std::round}};

double mean(const Numbers& x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}
double rms(const Numbers& x) {
  return std::sqrt(std::inner_product(x.begin(), x.end(), x.begin(), 0.0) / static_cast<double>(x.size()));
}
const std::map<std::string, std::function<double(const Numbers&)>, std::less<>> reductions{
    {"sum", [](const Numbers& x) { return std::accumulate(x.begin(), x.end(), 0.0); }},
    {"mean", mean},
    {"rms", rms},
    {"max", [](const Numbers& x) { return *std::max_element(x.begin(), x.end()); }},
    {"min", [](const Numbers& x) { return *std::min_element(x.begin(), x.end()); }},
    {"argmax", [](const Numbers& x) { return static_cast<double>(std::max_element(x.begin(), x.end()) - x.begin()); }},
    {"argmin", [](const Numbers& x) { return static_cast<double>(std::min_element(x.begin(), x.end()) - x.begin()); }},
    {"first", [](const Numbers& x) { return x.front(); }},
    {"last", [](const Numbers& x) { return x.back(); }}};

// Reads and evaluates in one go, a function for each rank of operators.
class Evaluation {
 public:
  Evaluation(std::string_view text, const ExpressionNames& names) : text_(text), names_(names) {}

  Numbers run() {
    const Numbers value = either();
    if (at_ != text_.size()) fail("is not expected here");
    return value;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    const std::string_view here = text_.substr(at_, 20);
    throw Error("the expression \"" + std::string(text_.substr(0, 200)) + "\": at column " + std::to_string(at_ + 1) +
                ", " + (here.empty() ? "its end" : in_quotes(std::string(here))) + " " + what);
  }

  void skip_blanks() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool take(std::string_view token) {
    skip_blanks();
    if (text_.substr(at_, token.size()) != token) return false;
    const bool word = std::isalpha(static_cast<unsigned char>(token[0])) != 0;
    if (word && at_ + token.size() < text_.size() && is_name(text_[at_ + token.size()])) return false;
    at_ += token.size();
    skip_blanks();
    return true;
  }
  void expect(std::string_view token) {
    if (!take(token)) fail("stands where \"" + std::string(token) + "\" should");
  }
  static bool is_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

  template <class Operation>
  Numbers combine(const Numbers& a, const Numbers& b, Operation operation) const {
    if (a.size() != b.size() && a.size() != 1 && b.size() != 1)
      fail("is preceded by lists of " + std::to_string(a.size()) + " and " + std::to_string(b.size()) + " numbers");
    Numbers result(std::max(a.size(), b.size()));
    if (a.empty() || b.empty()) result.clear();
    for (std::size_t i = 0; i < result.size(); ++i)
      result[i] = operation(a[a.size() == 1 ? 0 : i], b[b.size() == 1 ? 0 : i]);
    return result;
  }
  Numbers either() {
    Numbers value = both();
    while (take("or")) {
      const Numbers right = both();
      value = combine(value, right, [](double a, double b) { return a != 0 || b != 0 ? 1.0 : 0.0; });
    }
    return value;
  }
  Numbers both() {
    Numbers value = negation();
    while (take("and")) {
      const Numbers right = negation();
      value = combine(value, right, [](double a, double b) { return a != 0 && b != 0 ? 1.0 : 0.0; });
    }
    return value;
  }
  Numbers negation() {
    if (!take("not")) return comparison();
    const Deeper deeper(*this);
    return combine(negation(), {0}, [](double a, double b) { return a == b ? 1.0 : 0.0; });
  }
  Numbers comparison() {
    const Numbers value = terms();
    const auto compare = [&](auto operation) {
      return combine(value, terms(), [&](double a, double b) { return static_cast<double>(operation(a, b)); });
    };
    if (take("<=")) return compare(std::less_equal<>());
    if (take(">=")) return compare(std::greater_equal<>());
    if (take("==")) return compare(std::equal_to<>());
    if (take("!=")) return compare(std::not_equal_to<>());
    if (take("<")) return compare(std::less<>());
    if (take(">")) return compare(std::greater<>());
    return value;
  }
  Numbers terms() {
    Numbers value = factors();
    while (true) {
      if (take("+"))
        value = combine(value, factors(), std::plus<>());
      else if (take("-"))
        value = combine(value, factors(), std::minus<>());
      else
        return value;
    }
  }
  Numbers factors() {
    Numbers value = signed_power();
    while (true) {
      if (take("*"))
        value = combine(value, signed_power(), std::multiplies<>());
      else if (take("/"))
        value = combine(value, signed_power(), std::divides<>());
      else
        return value;
    }
  }
  Numbers signed_power() {
    const Deeper deeper(*this);
    if (take("-")) return combine({-1}, signed_power(), std::multiplies<>());
    const Numbers base = operand();
    return take("^") ? combine(base, signed_power(), [](double a, double b) { return std::pow(a, b); }) : base;
  }

  Numbers operand() {
    skip_blanks();
    if (take("(")) {
      Numbers value = either();
      expect(")");
      return value;
    }
    if (at_ < text_.size() && (std::isdigit(static_cast<unsigned char>(text_[at_])) || text_[at_] == '.')) {
      double value = 0;
      const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
      if (error != std::errc()) fail("is not a number");
      at_ = static_cast<std::size_t>(end - text_.data());
      return {value};
    }
    const std::string name = read_name();
    if (name == "pi") return {std::numbers::pi};
    return take("(") ? function(name) : path(name);
  }

  std::string read_name() {
    const std::size_t start = at_;
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    if (at_ == start) fail("stands where a number or a name should");
    return std::string(text_.substr(start, at_ - start));
  }

  Numbers function(const std::string& name) {
    const Numbers value = either();
    if ((name == "max" || name == "min") && take(",")) {
      const Numbers other = either();
      expect(")");
      return combine(value, other, [&](double a, double b) { return name == "max" ? std::max(a, b) : std::min(a, b); });
    }
    expect(")");
    if (const auto found = elementwise.find(name); found != elementwise.end()) {
      Numbers result = value;
      std::transform(result.begin(), result.end(), result.begin(), found->second);
      return result;
    }
    if (name == "length") return {static_cast<double>(value.size())};
    if (name == "modulus") {
      if (value.size() % 2 != 0) fail("follows a modulus of an odd number of parts");
      Numbers result(value.size() / 2);
      for (std::size_t i = 0; i < result.size(); ++i) result[i] = std::hypot(value[2 * i], value[2 * i + 1]);
      return result;
    }
    const auto found = reductions.find(name);
    if (found == reductions.end()) fail("follows the unknown function " + name);
    if (value.empty()) fail("follows the " + name + " of nothing");
    return {found->second(value)};
  }

  // name, .member, [places] in any order.
  Numbers path(std::string name) {
    Node node;
    if (name == "scene" && names_.scene) {
      node.value = &made_.emplace_back(*names_.scene);
    } else if (name == "against") {
      if (!names_.against) fail("follows \"against\", but the question has no line against");
      node.value = names_.against;
    } else if (!names_.result) {
      fail("follows a name of a result, which only an answer has; here names begin with \"scene.\"");
    } else {
      node.value = names_.result;
      node = member(node, name);
    }
    while (true) {
      if (at_ < text_.size() && text_[at_] == '.') {
        ++at_;
        name = read_name();
        const bool is_place = std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
        node = is_place && name.size() < 16 ? element(node, std::stod(name)) : member(node, name);
      } else if (take("[")) {
        node = node.numbers ? slice(node) : element(node);
      } else {
        break;
      }
    }
    skip_blanks();
    if (node.numbers) return std::move(*node.numbers);
    Numbers numbers;
    collect(*node.value, numbers, name);
    return numbers;
  }

  Node member(const Node& node, const std::string& name) {
    if (node.value->is_array()) {  // of every element
      ordered_json all = ordered_json::array();
      for (const ordered_json& each : *node.value) {
        if (!each.is_object() || !each.contains(name)) fail("follows the unknown name " + name);
        all.push_back(each.at(name));
      }
      return {&made_.emplace_back(std::move(all)), {}, {}};
    }
    if (node.value->is_object()) {
      // A number of a result and one of its arrays may have the same name: the array is meant.
      if (const auto arrays = node.value->find("arrays"); arrays != node.value->end())
        for (const ordered_json& each : *arrays)
          if (each.at("name") == name) {
            Node array;
            array.shape = each.at("shape").get<std::vector<std::int64_t>>();
            collect(each.at("values"), array.numbers.emplace(), name);
            return array;
          }
      if (const auto found = node.value->find(name); found != node.value->end()) return {&*found, {}, {}};
    }
    fail("follows the unknown name " + name);
  }

  // A place inside [0, size), counted from the end when negative; nothing for ":".
  std::optional<std::int64_t> place(std::int64_t size) {
    if (take(":")) return {};
    const Numbers value = terms();
    if (value.size() != 1 || value[0] != std::floor(value[0])) fail("follows a place that is not one whole number");
    return inside(value[0], size);
  }
  std::int64_t inside(double place, std::int64_t size) const {
    const double from_start = place < 0 ? place + static_cast<double>(size) : place;
    if (!(from_start >= 0 && from_start < static_cast<double>(size)))
      fail("follows a place outside the " + std::to_string(size) + " there are");
    return static_cast<std::int64_t>(from_start);
  }

  Node element(const Node& node) {
    if (!node.value->is_array()) fail("follows a place in what is not a list");
    const auto at = place(static_cast<std::int64_t>(node.value->size()));
    expect("]");
    return at ? element(node, static_cast<double>(*at)) : node;
  }
  Node element(const Node& node, double at) const {
    if (!node.value->is_array()) fail("follows a place in what is not a list");
    const std::int64_t place = inside(at, static_cast<std::int64_t>(node.value->size()));
    return {&node.value->at(static_cast<std::size_t>(place)), {}, {}};
  }

  Node slice(const Node& node) {
    std::vector<std::optional<std::int64_t>> places;
    do {
      if (places.size() == node.shape.size()) fail("follows more places than there are axes");
      places.push_back(place(node.shape[places.size()]));
    } while (take(","));
    expect("]");
    places.resize(node.shape.size());
    Node result;
    Numbers numbers = *node.numbers;
    // Axis by axis, from the last, so that the strides before it stay true.
    for (std::size_t axis = places.size(); axis-- > 0;) {
      const std::int64_t size = node.shape[axis];
      if (!places[axis]) {
        result.shape.insert(result.shape.begin(), size);
        continue;
      }
      const std::int64_t inner =
          std::accumulate(result.shape.begin(), result.shape.end(), std::int64_t{1}, std::multiplies<>());
      Numbers kept;
      for (std::size_t start = static_cast<std::size_t>(*places[axis] * inner); start < numbers.size();
           start += static_cast<std::size_t>(size * inner))
        kept.insert(kept.end(), numbers.begin() + static_cast<std::ptrdiff_t>(start),
                    numbers.begin() + static_cast<std::ptrdiff_t>(start) + inner);
      numbers = std::move(kept);
    }
    result.numbers = std::move(numbers);
    return result;
  }

  // Keeps a chain of signs or parentheses from filling the stack.
  struct Deeper {
    explicit Deeper(Evaluation& of) : evaluation(of) {
      if (++evaluation.depth_ > max_depth) evaluation.fail("is nested too deeply");
    }
    ~Deeper() { --evaluation.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
    Evaluation& evaluation;
  };

  std::string_view text_;
  const ExpressionNames& names_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::list<ordered_json> made_;  // values on the way that no result holds
};

}  // namespace

std::vector<double> evaluate(std::string_view expression, const ExpressionNames& names) {
  return Evaluation(expression, names).run();
}

}  // namespace statescope
