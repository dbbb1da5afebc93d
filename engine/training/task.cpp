// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/task.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/error.h"
#include "engine/io/json.h"
#include "engine/io/tokenizer.h"
#include "engine/io/utf8.h"
#include "engine/random.h"

namespace statescope {
namespace {

constexpr std::int32_t noise = 0;
constexpr std::int32_t nothing = kernels::ignored_target;

// In [first, last).
std::int32_t between(Uniform& uniform, std::int64_t first, std::int64_t last) {
  return static_cast<std::int32_t>(first + static_cast<std::int64_t>(uniform() * static_cast<double>(last - first)));
}

// A generator that shares nothing with those of other batches: splitmix64 is seeded with what it makes of each number.
Uniform generator(std::uint64_t seed, Split split, std::int64_t index) {
  const auto scrambled = [](std::uint64_t a, std::uint64_t b) {
    return static_cast<std::uint64_t>(Uniform(a ^ (b * 0xD1342543DE82EF95u))() * 0x1p53) * 0x2545F4914F6CDD1Du;
  };
  return Uniform(scrambled(scrambled(seed, split == Split::training ? 1 : 2), static_cast<std::uint64_t>(index) + 1));
}

// One sequence into tokens and targets of `length`; targets are `nothing` before.
class SyntheticTask : public Task {
 public:
  explicit SyntheticTask(const TaskRecipe& recipe) : recipe_(recipe) {}
  std::int64_t vocab() const override { return recipe_.vocab; }
  std::int64_t length() const override { return sequence_length(recipe_); }
  Batch batch(std::uint64_t seed, Split split, std::int64_t index, std::int64_t sequences) const override {
    Uniform uniform = generator(seed, split, index);
    Batch batch{sequences, length(), {}, {}};
    batch.tokens.assign(static_cast<std::size_t>(sequences * length()), noise);
    batch.targets.assign(batch.tokens.size(), nothing);
    for (std::int64_t s = 0; s < sequences; ++s)
      fill(uniform, batch.tokens.data() + s * length(), batch.targets.data() + s * length());
    return batch;
  }

 protected:
  virtual void fill(Uniform& uniform, std::int32_t* tokens, std::int32_t* targets) const = 0;
  std::int32_t asking() const { return static_cast<std::int32_t>(recipe_.vocab - 1); }

  TaskRecipe recipe_;
};

class Copying final : public SyntheticTask {
 public:
  Copying(const TaskRecipe& recipe, bool selective) : SyntheticTask(recipe), selective_(selective) {}

 private:
  void fill(Uniform& uniform, std::int32_t* tokens, std::int32_t* targets) const override {
    const std::int64_t M = recipe_.memorise;
    std::int64_t placed = 0;
    for (std::int64_t t = 0; t < recipe_.length && placed < M; ++t) {
      // Selection sampling: every choice of places is as likely (Knuth, volume 2, algorithm S).
      const auto places = static_cast<double>(recipe_.length - t);
      if (selective_ && uniform() * places >= static_cast<double>(M - placed)) continue;
      tokens[t] = between(uniform, 1, recipe_.vocab - 1);
      targets[recipe_.length + placed++] = tokens[t];
    }
    std::fill_n(tokens + recipe_.length, M, asking());
  }

  bool selective_;
};

class InductionHeads final : public SyntheticTask {
 public:
  using SyntheticTask::SyntheticTask;

 private:
  void fill(Uniform& uniform, std::int32_t* tokens, std::int32_t* targets) const override {
    const std::int64_t L = recipe_.length;
    for (std::int64_t t = 0; t < L; ++t) tokens[t] = between(uniform, 0, recipe_.vocab - 1);
    const std::int32_t asked = between(uniform, 0, L - 2);
    tokens[asked] = tokens[L - 1] = asking();
    targets[L - 1] = tokens[asked + 1];
  }
};

class AssociativeRecall final : public SyntheticTask {
 public:
  using SyntheticTask::SyntheticTask;

 private:
  // `count` different numbers of [first, last), in random order.
  static std::vector<std::int32_t> different(Uniform& uniform, std::int64_t first, std::int64_t last,
                                             std::int64_t count) {
    std::vector<std::int32_t> all(static_cast<std::size_t>(last - first));
    std::iota(all.begin(), all.end(), static_cast<std::int32_t>(first));
    for (std::int64_t i = 0; i < count; ++i)
      std::swap(all[static_cast<std::size_t>(i)], all[static_cast<std::size_t>(between(uniform, i, last - first))]);
    all.resize(static_cast<std::size_t>(count));
    return all;
  }

  void fill(Uniform& uniform, std::int32_t* tokens, std::int32_t* targets) const override {
    constexpr double power = 0.01;
    const std::int64_t pairs = recipe_.memorise, half = recipe_.vocab / 2, context = 2 * pairs,
                       space = (recipe_.length - context) / 2;
    const std::vector<std::int32_t> keys = different(uniform, 1, half, pairs),
                                    values = different(uniform, half, recipe_.vocab, pairs);
    for (std::int64_t t = context; t < recipe_.length; ++t) tokens[t] = between(uniform, 0, recipe_.vocab);
    // Places without replacement in proportion to place^(power − 1): the smallest of exponentially distributed waits.
    std::vector<std::pair<double, std::int64_t>> waits;
    for (std::int64_t place = 0; place < space; ++place)
      waits.emplace_back(-std::log1p(-uniform()) * std::pow(static_cast<double>(place + 1), 1 - power), place);
    std::partial_sort(waits.begin(), waits.begin() + pairs, waits.end());
    for (std::int64_t i = 0; i < pairs; ++i) {
      const auto pair = static_cast<std::size_t>(i);
      const std::int64_t question = context + 2 * waits[pair].second;
      tokens[2 * i] = tokens[question] = keys[pair];
      tokens[2 * i + 1] = targets[question] = values[pair];
    }
  }
};

class TextTask final : public Task {
 public:
  explicit TextTask(const TaskRecipe& recipe) : length_(recipe.length) {
    constexpr std::size_t largest = std::size_t{1} << 30;
    const std::string text = read_text_file(recipe.text.string(), largest);
    if (recipe.tokenizer.empty()) {
      vocab_ = 256;
      for (const char c : text) ids_.push_back(static_cast<unsigned char>(c));
    } else {
      const Tokenizer tokenizer = Tokenizer::load(recipe.tokenizer.string());
      ids_ = documents(text, tokenizer);
      vocab_ = std::max<std::int64_t>(recipe.vocab, tokenizer.vocab_size());
    }
    held_out_ = std::ssize(ids_) - std::ssize(ids_) / 20;
    if (held_out_ + length_ >= std::ssize(ids_))
      throw Error(recipe.text.string() + ": " + std::to_string(ids_.size()) +
                  " tokens are too few, the last twentieth must hold a sequence of " + std::to_string(length_) +
                  "; take a longer text or a shorter length");
  }
  std::int64_t vocab() const override { return vocab_; }
  std::int64_t length() const override { return length_; }

  Batch batch(std::uint64_t seed, Split split, std::int64_t index, std::int64_t sequences) const override {
    Uniform uniform = generator(seed, split, index);
    Batch batch{sequences, length_, {}, {}};
    const std::int64_t windows = (std::ssize(ids_) - held_out_ - 1) / length_;
    for (std::int64_t s = 0; s < sequences; ++s) {
      // Evaluation goes through the held-out text in order, whatever the seed.
      const std::int64_t first = split == Split::training ? between(uniform, 0, held_out_ - length_)
                                                          : held_out_ + (index * sequences + s) % windows * length_;
      const auto begin = ids_.begin() + first;
      batch.tokens.insert(batch.tokens.end(), begin, begin + length_);
      batch.targets.insert(batch.targets.end(), begin + 1, begin + length_ + 1);
    }
    return batch;
  }

 private:
  // Documents that byte 3 (end of text) separates, each followed by the tokenizer's token for that, if it has one.
  static std::vector<std::int32_t> documents(const std::string& text, const Tokenizer& tokenizer) {
    const auto end = tokenizer.find("<|endoftext|>");
    if (!end) return tokenizer.encode(text);
    std::vector<std::int32_t> ids;
    for (std::size_t first = 0; first < text.size();) {
      const std::size_t next = std::min(text.find('\3', first), text.size());
      const std::vector<std::int32_t> document = tokenizer.encode(std::string_view(text).substr(first, next - first));
      ids.insert(ids.end(), document.begin(), document.end());
      if (next < text.size()) ids.push_back(*end);
      first = next + 1;
    }
    return ids;
  }

  std::int64_t length_, vocab_ = 0, held_out_ = 0;
  std::vector<std::int32_t> ids_;
};

void check(bool fits, const TaskRecipe& recipe, const std::string& rule) {
  if (!fits) throw Error("the task " + recipe.kind + " needs " + rule);
}

}  // namespace

std::int64_t sequence_length(const TaskRecipe& recipe) {
  const bool copying = recipe.kind == "copying" || recipe.kind == "selective-copying";
  return recipe.length + (copying ? recipe.memorise : 0);
}

std::unique_ptr<Task> make_task(const TaskRecipe& recipe) {
  const TaskRecipe& r = recipe;
  constexpr std::int64_t longest = std::int64_t{1} << 20, largest_vocab = 1 << 17;
  check(r.length >= 2 && r.length <= longest, r, "a length of 2 to " + std::to_string(longest) + " tokens");
  if (r.kind == "text") return std::make_unique<TextTask>(r);
  check(r.vocab >= 3 && r.vocab <= largest_vocab, r, "a vocabulary of 3 to " + std::to_string(largest_vocab));
  if (r.kind == "copying" || r.kind == "selective-copying") {
    check(r.memorise >= 1 && r.memorise <= r.length, r, "1 to `length` tokens to memorise");
    return std::make_unique<Copying>(r, r.kind == "selective-copying");
  }
  if (r.kind == "induction-heads") {
    check(r.length >= 3, r, "a length of at least 3 tokens");
    return std::make_unique<InductionHeads>(r);
  }
  if (r.kind == "associative-recall") {
    check(r.memorise >= 1 && 4 * r.memorise <= r.length && r.memorise < r.vocab / 2, r,
          "4 tokens of length a pair, and a vocabulary above twice the pairs");
    return std::make_unique<AssociativeRecall>(r);
  }
  throw Error("there is no task " + in_quotes(r.kind) +
              "; the known ones are selective-copying, copying, induction-heads, associative-recall and text");
}

}  // namespace statescope
