// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/run/session.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/error.h"
#include "engine/io/memory.h"

namespace statescope {
namespace {

// Also the most tokens read at once: a slice never crosses a checkpoint.
constexpr std::int64_t shortest_interval = 64;
// Longer would make scrubbing slow: every h_t is one scan from the checkpoint before it.
constexpr std::int64_t longest_interval = 1024;

// Σ f(v) in double; several sums side by side, so that one addition does not wait for the last.
template <class Function>
double sum_of(std::span<const float> values, const Function& f) {
  constexpr std::size_t lanes = 8;
  double sums[lanes] = {};
  std::size_t i = 0;
  for (; i + lanes <= values.size(); i += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += f(static_cast<double>(values[i + lane]));
  for (; i < values.size(); ++i) sums[0] += f(static_cast<double>(values[i]));
  return std::accumulate(std::begin(sums), std::end(sums), 0.0);
}

float norm(std::span<const float> values) {
  return static_cast<float>(std::sqrt(sum_of(values, [](double v) { return v * v; })));
}

float mean(std::span<const float> values) {
  return static_cast<float>(sum_of(values, [](double v) { return v; }) / static_cast<double>(values.size()));
}

// Turns what a run computes for a slice of tokens into their records.
class SliceRecorder final : public Recorder {
 public:
  SliceRecorder(std::span<const std::int32_t> ids, bool generated, const ModelSizes& sizes,
                std::span<const float> logits_before)
      : sizes_(sizes), logits_(logits_before.begin(), logits_before.end()) {
    if (!logits_.empty()) log_total_ = log_sum_exp(logits_);
    for (const std::int32_t id : ids) {
      auto token = std::make_shared<TokenRecord>();
      token->id = id;
      token->generated = generated;
      token->hidden.resize(static_cast<std::size_t>((sizes.layers + 1) * sizes.d_model));
      token->layers.resize(static_cast<std::size_t>(sizes.layers));
      tokens.push_back(std::move(token));
    }
  }

  bool wants(Quantity quantity, std::int64_t) const override {
    return quantity == Quantity::hidden || quantity == Quantity::delta || quantity == Quantity::h ||
           quantity == Quantity::logits;
  }

  void record(Quantity quantity, std::int64_t layer, std::int64_t first, std::int64_t count,
              std::span<const float> values) override {
    const std::size_t width = values.size() / static_cast<std::size_t>(count);
    for (std::int64_t i = 0; i < count; ++i) {
      TokenRecord& token = *tokens[static_cast<std::size_t>(first + i)];
      const std::span<const float> row = values.subspan(static_cast<std::size_t>(i) * width, width);
      switch (quantity) {
        case Quantity::hidden:
          std::copy(row.begin(), row.end(), token.hidden.begin() + layer * sizes_.d_model);
          break;
        case Quantity::delta:
          token.layers[static_cast<std::size_t>(layer)][Summary::mean_delta] = mean(row);
          break;
        case Quantity::h:
          token.layers[static_cast<std::size_t>(layer)][Summary::state_norm] = norm(row);
          break;
        case Quantity::logits:
          if (!logits_.empty())
            token.log_probability = static_cast<float>(logits_[static_cast<std::size_t>(token.id)] - log_total_);
          log_total_ = log_sum_exp(row);
          token.next = top_candidates(row, Session::candidates_kept, log_total_);
          logits_.assign(row.begin(), row.end());
          break;
        default:
          break;
      }
    }
  }

  // The summaries that compare the stream before and after a layer.
  void finish() {
    const auto D = static_cast<std::size_t>(sizes_.d_model);
    std::vector<float> update(D);
    for (const auto& token : tokens) {
      for (std::size_t layer = 0; layer < token->layers.size(); ++layer) {
        const float* before = token->hidden.data() + layer * D;
        for (std::size_t d = 0; d < D; ++d) update[d] = before[D + d] - before[d];
        token->layers[layer][Summary::residual_norm] = norm({before, D});
        token->layers[layer][Summary::update_norm] = norm(update);
      }
    }
  }

  std::vector<std::shared_ptr<TokenRecord>> tokens;
  std::vector<float> take_logits() { return std::move(logits_); }

 private:
  ModelSizes sizes_;
  std::vector<float> logits_;  // after the token before the one being recorded
  double log_total_ = 0;       // their log_sum_exp
};

}  // namespace

Session::Session(std::shared_ptr<const Model> model, std::int64_t memory_limit)
    : model_(std::move(model)), memory_limit_(memory_limit), state_(model_->initial_state()) {
  trace_.interval = shortest_interval;
}

std::int64_t Session::trace_bytes(const ModelInfo& info, std::int64_t tokens, std::int64_t interval) {
  const ModelSizes& s = info.sizes;
  const auto record = static_cast<std::int64_t>(sizeof(TokenRecord) + sizeof(Candidate) * candidates_kept) +
                      (s.layers + 1) * s.d_model * static_cast<std::int64_t>(sizeof(float)) +
                      s.layers * static_cast<std::int64_t>(sizeof(LayerSummary));
  return tokens * record + (tokens / interval + 1) * info.state_bytes;
}

// Thins the checkpoints out until `tokens` more fit.
void Session::make_room(std::int64_t tokens) {
  const std::int64_t total = length() + tokens;
  std::int64_t interval = trace_.interval;
  while (trace_bytes(model_->info(), total, interval) > memory_limit_ && interval < longest_interval) interval *= 2;
  const std::int64_t bytes = trace_bytes(model_->info(), total, interval);
  if (bytes > memory_limit_)
    throw Error("the trace of " + std::to_string(total) + " tokens of " + model_->info().name + " needs " +
                format_bytes(bytes) + ", over the limit of " + format_bytes(memory_limit_) + "; shorten the prompt");
  const std::int64_t step = interval / trace_.interval;
  std::vector<std::shared_ptr<const ModelState>> kept;
  for (std::size_t j = 0; j < trace_.checkpoints.size(); j += static_cast<std::size_t>(step))
    kept.push_back(trace_.checkpoints[j]);
  trace_.checkpoints = std::move(kept);
  trace_.interval = interval;
}

void Session::append(std::span<const std::int32_t> ids, bool generated, std::stop_token stop,
                     const std::function<void(std::int64_t)>& progress) {
  check_ids(ids, model_->info().sizes.vocab);
  make_room(static_cast<std::int64_t>(ids.size()));
  const auto total = static_cast<std::int64_t>(ids.size());
  for (std::int64_t done = 0; done < total;) {
    const std::int64_t into = length() % shortest_interval;
    const std::int64_t count = std::min(shortest_interval - into, total - done);
    const std::span<const std::int32_t> slice =
        ids.subspan(static_cast<std::size_t>(done), static_cast<std::size_t>(count));
    SliceRecorder recorder(slice, generated, model_->info().sizes, logits_);
    ModelState next = state_;  // so that a run stopped half way leaves this session as it was
    run(*model_, slice, next, &recorder, stop);
    recorder.finish();
    if (length() % trace_.interval == 0)
      trace_.checkpoints.push_back(std::make_shared<const ModelState>(std::move(state_)));
    state_ = std::move(next);
    trace_.tokens.insert(trace_.tokens.end(), recorder.tokens.begin(), recorder.tokens.end());
    logits_ = recorder.take_logits();
    done += count;
    if (progress) progress(done);
  }
}

std::int32_t Session::draw(const Sampling& sampling, std::int64_t vocab) const {
  if (logits_.empty()) throw Error("there is nothing to continue: read a prompt of at least one token first");
  const auto drawable = std::clamp<std::int64_t>(vocab, 0, std::ssize(logits_));
  return sample(logits().first(static_cast<std::size_t>(drawable)), sampling, length());
}

void Session::rewind(std::int64_t length) {
  length = std::clamp<std::int64_t>(length, 0, this->length());
  if (length == this->length()) return;
  // The state before the last kept token's checkpoint, then those tokens again: same operations, same bits.
  const std::int64_t from = std::max<std::int64_t>(length - 1, 0) / trace_.interval;
  state_ = *trace_.checkpoints[static_cast<std::size_t>(from)];
  trace_.tokens.resize(static_cast<std::size_t>(length));
  trace_.checkpoints.resize(static_cast<std::size_t>((length + trace_.interval - 1) / trace_.interval));
  const std::vector<std::int32_t> ids = trace_.ids();
  const std::span<const std::int32_t> again = std::span(ids).subspan(static_cast<std::size_t>(from * trace_.interval));
  logits_ = again.empty() ? std::vector<float>() : read_for_logits(*model_, again, state_);
}

Session::Snapshot Session::snapshot() const {
  return {trace_, std::make_shared<const ModelState>(state_), logits_};
}

void Session::restore(const Snapshot& snapshot) {
  trace_ = snapshot.trace;
  state_ = *snapshot.state;
  logits_ = snapshot.logits;
}

}  // namespace statescope
