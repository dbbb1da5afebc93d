// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/run/session.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "engine/error.h"
#include "engine/io/memory.h"
#include "kernels/large_pages.h"

namespace statescope {
namespace {

constexpr std::int64_t shortest_interval = 64;
// A device reads so fast that each interruption shows: it is asked for a state, and for tokens, less often.
constexpr std::int64_t device_interval = 1024, device_slice = 4096;
// Tokens read at once. Weights that do not fit the caches are read from memory once per slice, so slices are long then;
// short ones are told of, and can be stopped, more often.
constexpr std::int64_t short_slice = 64, long_slice = 256;
constexpr std::int64_t fits_caches = std::int64_t{16} << 20;  // bytes
// Longer would make scrubbing slow: every h_t is one scan from the checkpoint before it.
constexpr std::int64_t longest_interval = 1024;

// The residual stream in memory of our own.
class HostStream final : public ResidualStream {
 public:
  HostStream(const ModelSizes& sizes, std::int64_t tokens)
      : tokens_(tokens),
        width_(sizes.d_model),
        values_(std::make_unique_for_overwrite<float[]>(
            static_cast<std::size_t>((sizes.layers + 1) * tokens * sizes.d_model))) {
    kernels::ask_for_large_pages(values_.get(), static_cast<std::size_t>(at(sizes.layers + 1, 0)) * sizeof(float));
  }

  MatrixView<float> rows(std::int64_t layer, std::int64_t first, std::int64_t count) {
    return {values_.get() + at(layer, first), count, width_};
  }
  void copy(std::int64_t layer, std::int64_t first, std::int64_t count, float* out) const override {
    std::copy_n(values_.get() + at(layer, first), count * width_, out);
  }

 private:
  std::int64_t at(std::int64_t layer, std::int64_t token) const { return (layer * tokens_ + token) * width_; }
  std::int64_t tokens_, width_;
  std::unique_ptr<float[]> values_;
};

// Turns what a run computes for a slice of tokens into their records.
class SliceRecorder final : public Recorder {
 public:
  /// `last`: the slice is the last one.
  SliceRecorder(const kernels::CpuBackend& backend, std::span<const std::int32_t> ids, bool generated,
                const ModelSizes& sizes, std::int64_t interval, bool last)
      : backend_(backend), ids_(ids), generated_(generated), sizes_(sizes), interval_(interval), last_(last) {}

  void prepare() override {
    if (!tokens.empty()) return;
    tokens.reserve(ids_.size());
    for (const std::int32_t id : ids_) {
      auto token = std::make_shared<TokenRecord>();
      token->id = id;
      token->generated = generated_;
      token->layers.resize(static_cast<std::size_t>(sizes_.layers));
      tokens.push_back(std::move(token));
    }
  }

  bool wants(Quantity quantity, std::int64_t) const override {
    return quantity == Quantity::hidden || quantity == Quantity::delta || quantity == Quantity::state_squares;
  }

  void record(Quantity quantity, std::int64_t layer, std::int64_t first, MatrixView<const float> rows) override {
    prepare();
    switch (quantity) {
      case Quantity::hidden: {
        if (!stream_) make_stream();
        backend_.copy(rows, stream_->rows(layer, first, rows.rows));
        if (layer < sizes_.layers) summarise(Summary::residual_norm, layer, first, {rows, {}, true});
        if (layer > 0)
          summarise(Summary::update_norm, layer - 1, first, {rows, stream_->rows(layer - 1, first, rows.rows), true});
        return;
      }
      case Quantity::delta:
        return summarise(Summary::mean_delta, layer, first, {rows});
      default:  // state_squares
        return summarise(Summary::state_norm, layer, first, {rows});
    }
  }

  bool accepts_kept() const override { return true; }
  void record_kept(std::int64_t first, std::int64_t count, std::shared_ptr<const ResidualStream> stream,
                   std::span<const LayerSummary> summaries) override {
    prepare();
    for (std::int64_t i = 0; i < count; ++i) {
      TokenRecord& token = *tokens[static_cast<std::size_t>(first + i)];
      token.stream = stream;
      token.row = first + i;
      std::copy_n(summaries.data() + i * sizes_.layers, sizes_.layers, token.layers.begin());
    }
  }

  bool wants_last_logits() const override { return last_; }
  void record_last_logits(std::vector<float> logits) override { last_logits = std::move(logits); }

  std::int64_t snapshot_interval() const override { return interval_; }
  void record_snapshot(std::int64_t layer, std::int64_t after, LayerState state) override {
    const auto index = static_cast<std::size_t>(after / interval_ - 1);
    if (index >= snapshots.size()) snapshots.resize(index + 1);
    if (!snapshots[index]) snapshots[index] = std::make_shared<ModelState>();
    snapshots[index]->layers.resize(static_cast<std::size_t>(sizes_.layers));
    snapshots[index]->layers[static_cast<std::size_t>(layer)] = std::move(state);
  }

  std::vector<std::shared_ptr<TokenRecord>> tokens;
  std::vector<std::shared_ptr<ModelState>> snapshots;  // after interval, 2 · interval, ... tokens of the slice
  std::vector<float> last_logits;

 private:
  void make_stream() {
    stream_ = std::make_shared<HostStream>(sizes_, std::ssize(ids_));
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      tokens[t]->stream = stream_;
      tokens[t]->row = static_cast<std::int64_t>(t);
    }
  }

  // From the sum over each row: the mean, or the norm.
  void summarise(Summary summary, std::int64_t layer, std::int64_t first, kernels::RowSumsArgs<float> args) {
    sums_.resize(static_cast<std::size_t>(args.x.rows));
    args.sums = sums_.data();
    backend_.row_sums(args);
    for (std::size_t t = 0; t < sums_.size(); ++t) {
      const double value =
          summary == Summary::mean_delta ? sums_[t] / static_cast<double>(args.x.cols) : std::sqrt(sums_[t]);
      tokens[static_cast<std::size_t>(first) + t]->layers[static_cast<std::size_t>(layer)][summary] =
          static_cast<float>(value);
    }
  }

  const kernels::CpuBackend& backend_;
  std::span<const std::int32_t> ids_;
  bool generated_;
  ModelSizes sizes_;
  std::int64_t interval_;
  bool last_;
  std::shared_ptr<HostStream> stream_;
  std::vector<double> sums_;  // of the rows of one summary
};

}  // namespace

Session::Session(std::shared_ptr<const Model> model, std::int64_t memory_limit)
    : model_(std::move(model)), memory_limit_(memory_limit), state_(model_->initial_state()) {
  trace_.interval = on_device() ? device_interval : shortest_interval;
}

std::int64_t Session::trace_bytes(const ModelInfo& info, std::int64_t tokens, std::int64_t interval) {
  const ModelSizes& s = info.sizes;
  const auto record = static_cast<std::int64_t>(sizeof(TokenRecord)) +
                      (s.layers + 1) * s.d_model * static_cast<std::int64_t>(sizeof(float)) +
                      s.layers * static_cast<std::int64_t>(sizeof(LayerSummary));
  const std::int64_t checkpoints = tokens / interval + 1;
  return tokens * record + checkpoints * (info.state_bytes + info.cache_bytes * tokens / 2);  // a cache grows evenly
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
  std::int64_t done = 0;
  try {
    while (done < total) {
      const std::int64_t count = std::min(slice_length(), total - done);
      const std::span<const std::int32_t> slice =
          ids.subspan(static_cast<std::size_t>(done), static_cast<std::size_t>(count));
      const bool at_checkpoint = length() % trace_.interval == 0;
      SliceRecorder recorder(model_->backend(), slice, generated, model_->info().sizes,
                             at_checkpoint ? trace_.interval : 0, done + count == total);
      // From a state that stays, so that a run stopped half way leaves this session as it was.
      ModelState next = run_from(*model_, state_, slice, &recorder, stop);
      if (at_checkpoint) trace_.checkpoints.push_back(std::make_shared<const ModelState>(std::move(state_)));
      trace_.checkpoints.insert(trace_.checkpoints.end(), recorder.snapshots.begin(), recorder.snapshots.end());
      state_ = std::move(next);
      trace_.tokens.insert(trace_.tokens.end(), std::make_move_iterator(recorder.tokens.begin()),
                           std::make_move_iterator(recorder.tokens.end()));
      done += count;
      if (done == total) logits_ = std::move(recorder.last_logits);
      if (progress) progress(done);
    }
  } catch (...) {
    if (done > 0 && done < total) logits_ = logits_of(*model_, trace_, length() - 1, length());
    throw;
  }
}

// From a checkpoint a slice may go past others, whose states it keeps; from anywhere else to the next at most.
std::int64_t Session::slice_length() const {
  const std::int64_t most = on_device()                            ? device_slice
                            : model_->weight_bytes() > fits_caches ? long_slice
                                                                   : short_slice;
  const std::int64_t past = length() % trace_.interval;
  return past == 0 ? most : std::min(most, trace_.interval - past);
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
