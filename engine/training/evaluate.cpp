// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/evaluate.h"

#include <algorithm>
#include <cmath>

#include "engine/error.h"

namespace statescope {
namespace {

// Adds up answers, sequence by sequence.
class Count {
 public:
  void answer(bool is_right) {
    if (answer_ == right_.size()) right_.push_back(0);
    right_[answer_++] += is_right ? 1 : 0;
    correct_ += is_right ? 1 : 0;
    ++targets_;
  }
  void end_of_sequence() {
    if (sequences_++ > 0 && answer_ != answers_) regular_ = false;
    answers_ = answer_;
    answer_ = 0;
  }
  std::int64_t sequences() const { return sequences_; }

  Evaluation evaluation(double loss_sum) const {
    Evaluation result;
    result.sequences = sequences_;
    result.targets = targets_;
    result.loss = loss_sum / static_cast<double>(targets_);
    result.accuracy = correct_ / static_cast<double>(targets_);
    constexpr std::size_t many = 4096;
    for (std::size_t i = 0; regular_ && answers_ <= many && i < answers_; ++i)
      result.accuracy_of_answer.push_back(right_[i] / static_cast<double>(sequences_));
    return result;
  }

 private:
  std::vector<double> right_;  // of the answers, by their place in the sequence
  std::size_t answer_ = 0, answers_ = 0;
  bool regular_ = true;
  double correct_ = 0;
  std::int64_t sequences_ = 0, targets_ = 0;
};

// −log softmax(logits)[target].
double loss_of(const std::vector<float>& logits, std::int32_t target) {
  const auto largest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
  return std::log(sum) + largest - static_cast<double>(logits[static_cast<std::size_t>(target)]);
}

}  // namespace

Evaluation evaluate(Network<float>& network, const Task& task, std::uint64_t seed, std::int64_t sequences,
                    std::int64_t batch, std::stop_token stop) {
  Count count;
  double loss = 0;
  for (std::int64_t index = 0; count.sequences() < sequences; ++index) {
    if (stop.stop_requested()) throw Cancelled();
    const Batch fresh = task.batch(seed, Split::evaluation, index, batch);
    const BatchResult result = network.run(fresh, false);
    loss += result.loss * static_cast<double>(result.targets);
    auto is_right = result.is_right.begin();
    for (std::size_t i = 0; i < fresh.targets.size(); ++i) {
      if (fresh.targets[i] != kernels::ignored_target) count.answer(*is_right++);
      if ((i + 1) % static_cast<std::size_t>(fresh.length) == 0) count.end_of_sequence();
    }
  }
  return count.evaluation(loss);
}

Evaluation evaluate(const Model& model, const Task& task, std::uint64_t seed, std::int64_t sequences,
                    std::stop_token stop) {
  Count count;
  double loss = 0;
  std::int64_t state_bytes = 0;
  for (std::int64_t index = 0; index < sequences; ++index) {
    const Batch fresh = task.batch(seed, Split::evaluation, index, 1);
    ModelState state = model.initial_state();
    std::size_t read = 0;
    for (std::size_t t = 0; t < fresh.targets.size(); ++t) {
      if (fresh.targets[t] == kernels::ignored_target) continue;
      const std::vector<float> logits =
          read_for_logits(model, std::span(fresh.tokens).subspan(read, t + 1 - read), state, stop);
      read = t + 1;
      loss += loss_of(logits, fresh.targets[t]);
      count.answer(std::max_element(logits.begin(), logits.end()) - logits.begin() == fresh.targets[t]);
    }
    count.end_of_sequence();
    state_bytes = std::max(state_bytes, state.bytes());
  }
  Evaluation result = count.evaluation(loss);
  result.state_bytes = state_bytes;
  return result;
}

}  // namespace statescope
