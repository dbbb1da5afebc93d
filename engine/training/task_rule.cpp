// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <map>

#include "engine/error.h"
#include "engine/io/utf8.h"
#include "engine/training/task.h"

namespace statescope {
namespace {

constexpr std::int32_t noise = 0;

struct Reader {
  const TaskRecipe& recipe;
  std::span<const std::int32_t> tokens;
  TaskRule rule = {std::vector<std::int32_t>(tokens.size(), kernels::ignored_target),
                   std::vector<bool>(tokens.size(), false)};

  bool asks(std::size_t t) const { return tokens[t] == recipe.vocab - 1; }

  // The i-th question is answered by the i-th token that is neither noise nor a question.
  void copying() {
    std::vector<std::size_t> remembered;
    for (std::size_t t = 0; t < tokens.size(); ++t)
      if (tokens[t] != noise && !asks(t)) remembered.push_back(t);
    std::size_t answered = 0;
    for (std::size_t t = 0; t < tokens.size() && answered < remembered.size(); ++t) {
      if (!asks(t) || remembered[answered] > t) continue;
      rule.targets[t] = tokens[remembered[answered]];
      rule.needed[remembered[answered++]] = true;
    }
  }

  // A question is answered by what followed the one before.
  void induction_heads() {
    std::size_t last = tokens.size();
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      if (!asks(t)) continue;
      if (last < t && last + 1 < t) {
        rule.targets[t] = tokens[last + 1];
        rule.needed[last] = rule.needed[last + 1] = true;
      }
      last = t;
    }
  }

  // A key after the pairs is answered by the value of its pair.
  void associative_recall() {
    const std::size_t context = std::min(tokens.size(), 2 * static_cast<std::size_t>(recipe.memorise));
    std::map<std::int32_t, std::size_t> place_of;
    for (std::size_t t = 0; t + 1 < context; t += 2) place_of.try_emplace(tokens[t], t);
    for (std::size_t t = context; t < tokens.size(); ++t) {
      const auto found = place_of.find(tokens[t]);
      if (found == place_of.end()) continue;
      rule.targets[t] = tokens[found->second + 1];
      rule.needed[found->second] = rule.needed[found->second + 1] = true;
    }
  }
};

}  // namespace

TaskRule task_rule(const TaskRecipe& recipe, std::span<const std::int32_t> tokens) {
  Reader reader{recipe, tokens};
  if (recipe.kind == "copying" || recipe.kind == "selective-copying")
    reader.copying();
  else if (recipe.kind == "induction-heads")
    reader.induction_heads();
  else if (recipe.kind == "associative-recall")
    reader.associative_recall();
  else
    throw Error("the task " + in_quotes(recipe.kind) +
                " has no questions and answers; choose a model of copying, induction heads or associative recall");
  return std::move(reader.rule);
}

}  // namespace statescope
