// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/training/network.h"
#include "engine/training/recipe.h"

namespace statescope {

/// Sequences that nobody has seen: learnt from, or evaluated on.
enum class Split { training, evaluation };

/// Something to learn. Batches are a function of seed, split and index alone, on every machine.
class Task {
 public:
  virtual ~Task() = default;
  virtual std::int64_t vocab() const = 0;
  virtual std::int64_t length() const = 0;  // sequence_length
  virtual Batch batch(std::uint64_t seed, Split split, std::int64_t index, std::int64_t sequences) const = 0;
};

/// Tokens of a sequence, answers included.
std::int64_t sequence_length(const TaskRecipe& recipe);

/// Token 0 is noise and the last token of the vocabulary asks; the tokens between them are what is remembered.
///
/// - "selective-copying" (Gu & Dao 2023, section 4.1.1; Jing et al. 2019): `memorise` tokens at random places among
///   `length`, the others noise; then as many questions, each answered by the next of the tokens in their order.
/// - "copying" (Arjovsky et al. 2016): the same with the tokens at the beginning, so that the delay is fixed.
/// - "induction-heads" (section 4.1.2): `length` random tokens, among them once the token that asks and a token after
///   it; at the end it asks again, and the answer is what followed it before.
/// - "associative-recall" (Arora et al. 2023, zoology's multiquery_ar): `memorise` pairs of a key and a value, then
/// keys
///   at distances of a power law among random tokens, each answered by its value. Keys are the lower half of the
///   vocabulary.
/// - "text": windows of `length` tokens of a file, each token answered by the next. The last twentieth of the file is
///   kept for evaluation.
///
/// Throws Error when the sizes do not fit, or the text cannot be read.
std::unique_ptr<Task> make_task(const TaskRecipe& recipe);

/// What the rule of a task makes of a sequence, also of one that somebody has edited.
struct TaskRule {
  std::vector<std::int32_t> targets;  // [T] the right answer after each token, or kernels::ignored_target
  std::vector<bool> needed;           // [T] whether an answer depends on what stands here
};
/// Of the sequences that `make_task` makes it gives back the targets; of associative recall also those of questions
/// that chance put among the random tokens. Throws Error for "text", whose tokens are all answers.
TaskRule task_rule(const TaskRecipe& recipe, std::span<const std::int32_t> tokens);

}  // namespace statescope
