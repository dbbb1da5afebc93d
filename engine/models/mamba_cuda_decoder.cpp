// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cmath>
#include <functional>

#include "device_zones.h"
#include "engine/error.h"
#include "engine/models/decoder.h"
#include "engine/profile/work.h"
#include "mamba_cuda.h"

namespace statescope {

using kernels::bytes_of;
using kernels::ElementType;
using kernels::padded;

// One sequence goes through one kernel for many tokens where the device can do that. Elsewhere one token is a chain of
// four fused kernels a layer, three for large batches, kept as a graph; a greedy loop runs without the host, several
// tokens a graph.
class MambaCudaDecoder final : public Decoder {
 public:
  MambaCudaDecoder(std::shared_ptr<const MambaCuda> model, const ModelState& state, std::int64_t batch)
      : model_(std::move(model)), cuda_(*model_->cuda_), batch_(batch), drawable_(sizes().vocab) {
    const ModelSizes& s = sizes();
    const ElementType type = model_->type_;
    const std::scoped_lock lock(model_->mutex_);
    const auto matrix = [&](std::int64_t cols, ElementType of) { return model_->matrix(buffers_, batch, cols, of); };
    const auto floats = [&](std::int64_t count) {
      buffers_.push_back(cuda_.allocate(count * 4));
      return buffers_.back().as<float>();
    };
    stream_ = {matrix(s.d_model, ElementType::f32).as<float>(), floats(batch * kernels::squares_slots(s.d_model)),
               batch, s.d_model};
    u_ = matrix(s.d_inner, type);
    z_ = matrix(s.d_inner, type);
    y_ = matrix(s.d_inner, type);
    const std::int64_t projected = s.dt_rank + 2 * s.d_state;
    if (model_->weight_type_ == type &&
        cuda_.decodes_together({type, batch, s.d_model, s.d_inner, s.d_state, s.d_conv, s.dt_rank})) {
      stream_.scaled = matrix(s.d_model, type);
      parts_ = floats(kernels::decode_parts(s.d_inner) * batch * kernels::decode_part_stride(projected));
    } else {
      projected_ = matrix(projected, type);
    }
    if (batch > 1) normed_ = matrix(s.d_model, type);
    logits_ = floats(batch * s.vocab);
    buffers_.push_back(
        cuda_.allocate(batch * kernels::best_slots(s.vocab) * static_cast<std::int64_t>(sizeof(kernels::BestLogit))));
    best_ = buffers_.back().as<kernels::BestLogit>();
    for (std::int32_t** integers : {&ids_, &counters_, &chosen_}) {
      buffers_.push_back(cuda_.allocate(batch * (integers == &chosen_ ? capacity : 1) * 4));
      *integers = buffers_.back().as<std::int32_t>();
    }
    const std::int64_t history = (s.d_conv - 1) * s.d_inner;
    history_ = cuda_.allocate(s.layers * batch * history * bytes_of(type));
    h_ = cuda_.allocate(s.layers * batch * s.d_state * s.d_inner * 4);
    host_logits_ = cuda_.allocate_pinned(batch * s.vocab * 4);
    host_ids_ = cuda_.allocate_pinned(batch * std::max<std::int64_t>(capacity, 1) * 4);
    if (batch == 1 && model_->weight_type_ == type) prepare_loop();  // which reads no 8-bit weights

    model_->upload(state);
    for (std::int64_t n = 0; n < batch; ++n) move(n, Direction::into_decoder);
    cuda_.wait();
    if (loop_.memory) prove_loop();
  }
  ~MambaCudaDecoder() override {
    const std::scoped_lock lock(model_->mutex_);
    one_.reset();
    many_.reset();
    buffers_.clear();
  }

  std::int64_t batch() const override { return batch_; }

  void read(std::span<const std::int32_t> ids) override {
    check_ids(ids, sizes().vocab);
    if (ids.empty()) return;
    const std::scoped_lock lock(model_->mutex_);
    model_->ensure_state();
    DeviceZones zones(cuda_);
    for (std::int64_t n = 0; n < batch_; ++n) {
      move(n, Direction::out_of_decoder);
      const std::int64_t last = model_->enqueue_prompt(ids, zones, {});
      model_->enqueue_logits(last, 1, logits_ + n * sizes().vocab, zones);
      move(n, Direction::into_decoder);
    }
    fetch_logits();
    zones.resolve();
  }

  void step(std::span<const std::int32_t> ids) override {
    const std::scoped_lock lock(model_->mutex_);
    upload_ids(ids);
    cuda_.clear(counters_, batch_ * 4);
    run(1);
    fetch_logits();
    check_loop();
  }

  std::span<const float> logits(std::int64_t sequence) override {
    const std::int64_t V = sizes().vocab;
    if (!logits_there_) {
      const std::scoped_lock lock(model_->mutex_);
      fetch_logits();
    }
    return {host_logits_.as<const float>(sequence * V * 4), static_cast<std::size_t>(V)};
  }

  std::vector<std::int32_t> greedy(std::span<const std::int32_t> ids, std::int64_t count,
                                   std::int64_t drawable) override {
    const std::scoped_lock lock(model_->mutex_);
    drawable = std::clamp<std::int64_t>(drawable, 1, sizes().vocab);
    if (drawable != drawable_) {
      drawable_ = drawable;
      one_.reset();
      many_.reset();
    }
    if (count > 0) upload_ids(ids);
    std::vector<std::int32_t> chosen;
    for (std::int64_t done = 0; done < count; done += capacity) {
      const std::int64_t now = std::min(capacity, count - done);
      cuda_.clear(counters_, batch_ * 4);
      run(now);
      cuda_.copy_to_host(host_ids_.data(), chosen_, now * batch_ * 4);
      cuda_.wait();
      const auto* from = host_ids_.as<const std::int32_t>();
      chosen.insert(chosen.end(), from, from + now * batch_);
      check_loop();
    }
    logits_there_ = false;
    return chosen;
  }

  ModelState state(std::int64_t sequence) override {
    ModelState state = model_->initial_state();
    const std::scoped_lock lock(model_->mutex_);
    model_->ensure_state();
    move(sequence, Direction::out_of_decoder);
    model_->download(state);
    return state;
  }

 private:
  static constexpr std::int64_t capacity = 1024;      // tokens between two looks of the host
  static constexpr std::int64_t tokens_a_graph = 16;  // a graph's start then hides behind the one before
  static constexpr std::int64_t tokens_a_loop = 64;   // a kernel has the device for itself; others wait so long

  const ModelSizes& sizes() const { return model_->info().sizes; }
  float* h(std::int64_t layer, std::int64_t n) const {
    return h_.as<float>() + (layer * batch_ + n) * sizes().d_state * sizes().d_inner;
  }
  const float* norm_of(std::int64_t layer) const {  // the last one's is the head's
    return layer < sizes().layers ? model_->layers_[static_cast<std::size_t>(layer)].norm : model_->final_norm_;
  }
  DeviceMatrix history_of(std::int64_t layer, std::int64_t n) const {
    const std::int64_t rows = sizes().d_conv - 1, E = sizes().d_inner;
    const ElementType type = model_->type_;
    return {history_.data((layer * batch_ + n) * rows * E * bytes_of(type)), type, (batch_ - n) * rows, E, E};
  }

  void prepare_loop() {
    const ModelSizes& s = sizes();
    std::vector<kernels::DecodeLayer> layers;
    for (std::int64_t i = 0; i < s.layers; ++i) {
      const MambaCuda::Layer& l = model_->layers_[static_cast<std::size_t>(i)];
      layers.push_back({l.norm, l.in_proj.data, l.in_bias, l.conv_weight, l.conv_bias, l.x_proj.data, l.dt_proj.data,
                        l.dt_bias, l.A, l.D, l.out_proj.data, l.out_bias, history_of(i, 0).data, h(i, 0)});
    }
    loop_ = {model_->type_,
             s.d_model,
             s.d_inner,
             s.d_state,
             s.d_conv,
             s.dt_rank,
             s.vocab,
             nullptr,
             s.layers,
             model_->embedding_.data,
             model_->head_.data,
             model_->final_norm_,
             static_cast<float>(model_->layout_.norm_epsilon),
             drawable_,
             logits_,
             ids_,
             chosen_,
             counters_,
             capacity,
             nullptr};
    const std::int64_t bytes = cuda_.decode_loop_memory(loop_);
    if (bytes == 0) return;
    const auto table_bytes = static_cast<std::int64_t>(layers.size() * sizeof(layers[0]));
    buffers_.push_back(cuda_.allocate(table_bytes));
    cuda_.copy_to_device(buffers_.back().data(), layers.data(), table_bytes);
    cuda_.wait();
    loop_.layers = buffers_.back().as<const kernels::DecodeLayer>();
    buffers_.push_back(cuda_.allocate(bytes));
    loop_.memory = buffers_.back().data();
  }

  // The loop is used only after its first token agrees with that of the chain, on this device and these weights.
  void prove_loop() {
    const std::vector<float> expected = trial([&] {
      DeviceZones zones(cuda_);
      enqueue_token(zones);
    });
    const std::vector<float> found = trial([&] { cuda_.decode_loop(loop_, 1); });
    // What holds a whole device and waits for itself must not be the first to find out that it cannot.
    if (loop_failed() || !agree(found, expected)) loop_.memory = nullptr;
  }
  // Logits of the one sequence after a token, from the state that the model holds; the state is then there again.
  std::vector<float> trial(const std::function<void()>& one_token) {
    constexpr std::int32_t ids[] = {0};
    upload_ids(ids);
    cuda_.clear(counters_, 4);
    one_token();
    fetch_logits();
    move(0, Direction::into_decoder);
    cuda_.wait();
    logits_there_ = false;
    const auto* logits = host_logits_.as<const float>();
    return {logits, logits + sizes().vocab};
  }
  bool agree(const std::vector<float>& found, const std::vector<float>& expected) const {
    // 16-bit activations are rounded in other places: a few hundredths of the largest logit, over many layers.
    const double tolerance = model_->type_ == ElementType::f32 ? 1e-3 : 0.05;
    double largest = 0, off = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const double difference = std::abs(static_cast<double>(found[i]) - expected[i]);
      if (!std::isfinite(difference)) return false;
      largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
      off = std::max(off, difference);
    }
    return off <= tolerance * largest;
  }
  bool loop_failed() {
    if (!loop_.memory) return false;
    auto* words = host_ids_.as<std::uint32_t>();
    cuda_.copy_to_host(words, loop_.memory, 2 * sizeof(words[0]));
    cuda_.wait();
    return words[1] != 0;
  }
  void check_loop() {
    if (loop_failed())
      throw Error(
          "generating on the CUDA device came to a halt because a part of it did not answer; open the model "
          "again, or run it on the CPU");
  }

  // One sequence's state between here and the model's own, where prompts are read.
  enum class Direction { into_decoder, out_of_decoder };
  void move(std::int64_t n, Direction direction) {
    const ModelSizes& s = sizes();
    const std::int64_t conv = (s.d_conv - 1) * s.d_inner * bytes_of(model_->type_), states = s.d_state * s.d_inner * 4;
    const auto blocks = [&](void* here, void* there, std::int64_t bytes) {
      if (direction == Direction::into_decoder)
        cuda_.copy_blocks(here, batch_ * bytes, there, bytes, bytes, s.layers);
      else
        cuda_.copy_blocks(there, bytes, here, batch_ * bytes, bytes, s.layers);
    };
    blocks(history_of(0, n).data, model_->history(0, model_->state_.current).data, conv);
    blocks(h(0, n), model_->h(0), states);
  }

  void upload_ids(std::span<const std::int32_t> ids) {
    check_ids(ids, sizes().vocab);
    if (std::ssize(ids) != batch_)
      throw Error(std::to_string(ids.size()) + " token ids were given to a batch of " + std::to_string(batch_));
    std::copy(ids.begin(), ids.end(), host_ids_.as<std::int32_t>());
    cuda_.copy_to_device(ids_, host_ids_.data(), batch_ * 4);
  }

  void fetch_logits() {
    cuda_.copy_to_host(host_logits_.data(), logits_, batch_ * sizes().vocab * 4);
    cuda_.wait();
    logits_there_ = true;
  }

  void run(std::int64_t tokens) {
    if (ProfileRecorder::current()) {
      DeviceZones zones(cuda_);
      for (std::int64_t i = 0; i < tokens; ++i) enqueue_token(zones);
      cuda_.wait();
      zones.resolve();
      return;
    }
    if (loop_.memory) {
      loop_.drawable = drawable_;
      for (; tokens > 0; tokens -= tokens_a_loop) cuda_.decode_loop(loop_, std::min(tokens, tokens_a_loop));
      return;
    }
    for (; tokens >= tokens_a_graph; tokens -= tokens_a_graph) launch(many_, tokens_a_graph);
    for (; tokens > 0; --tokens) launch(one_, 1);
  }
  void launch(kernels::CudaBackend::Graph& graph, std::int64_t tokens) {
    if (!graph)
      graph = cuda_.capture([&] {
        DeviceZones zones(cuda_);
        for (std::int64_t i = 0; i < tokens; ++i) enqueue_token(zones);
      });
    cuda_.launch(graph);
  }

  // The fused kernels are zones by the stage that gives them their name and their bytes.
  void enqueue_token(DeviceZones& zones) {
    const ModelSizes& s = sizes();
    const std::int64_t value_bytes = bytes_of(model_->type_);
    const auto epsilon = static_cast<float>(model_->layout_.norm_epsilon);
    const auto work = [&](Stage stage, const DeviceMatrix& weights = {}) {
      return stage_work(stage, s, batch_, model_->stored_bytes(weights), value_bytes);
    };
    zones.begin(Stage::embedding, -1, batch_, [&] { return work(Stage::embedding); });
    cuda_.decode_embed({ids_, model_->embedding_, stream_, norm_of(0)});
    for (std::int64_t i = 0; i < s.layers; ++i) {
      const MambaCuda::Layer& layer = model_->layers_[static_cast<std::size_t>(i)];
      zones.begin(Stage::in_projection, i, batch_, [&] {
        Work in = work(Stage::norm) + work(Stage::in_projection, layer.in_proj) + work(Stage::convolution);
        if (parts_) in += work(Stage::x_projection, layer.x_proj);
        return in;
      });
      cuda_.decode_in({stream_, layer.norm, epsilon, layer.in_proj, layer.in_bias, layer.conv_weight, layer.conv_bias,
                       s.d_conv, history_of(i, 0), u_, z_, layer.x_proj, parts_});
      if (!parts_) {
        zones.begin(Stage::x_projection, i, batch_, [&] { return work(Stage::x_projection, layer.x_proj); });
        cuda_.decode_project({u_, layer.x_proj, projected_});
      }
      zones.begin(Stage::scan, i, batch_, [&] {
        // A state of each sequence goes in and out.
        Work one = stage_work(Stage::scan, s, 1, 0, value_bytes) + stage_work(Stage::gate, s, 1, 0, value_bytes);
        Work all = work(Stage::dt_projection, layer.dt_proj);
        for (std::int64_t n = 0; n < batch_; ++n) all += one;
        return all;
      });
      cuda_.decode_state({batch_, s.d_inner, s.d_state, s.dt_rank, projected_, parts_, layer.dt_proj,
                          layer.dt_transposed, layer.dt_bias, layer.A, layer.D, u_, z_, h(i, 0), y_});
      zones.begin(Stage::out_projection, i, batch_, [&] { return work(Stage::out_projection, layer.out_proj); });
      cuda_.decode_out({y_, layer.out_proj, layer.out_bias, stream_, norm_of(i + 1)});
    }
    zones.begin(Stage::head, -1, batch_, [&] { return work(Stage::norm) + work(Stage::head, model_->head_); });
    cuda_.decode_head({stream_, model_->final_norm_, epsilon, model_->head_, logits_, best_, drawable_, normed_});
    zones.begin(Stage::sampling, -1, batch_, [] { return Work{}; });
    cuda_.decode_choose({best_, batch_, s.vocab, ids_, chosen_, counters_, capacity});
    zones.end();
  }

  std::shared_ptr<const MambaCuda> model_;
  kernels::CudaBackend& cuda_;
  std::int64_t batch_, drawable_;
  std::vector<DeviceBuffer> buffers_;
  kernels::DecodeStream stream_;
  DeviceMatrix u_, z_, y_, projected_, normed_;
  float *logits_ = nullptr, *parts_ = nullptr;
  kernels::BestLogit* best_ = nullptr;
  std::int32_t *ids_ = nullptr, *counters_ = nullptr, *chosen_ = nullptr;
  DeviceBuffer history_, h_;  // [layers, batch, K-1, E], [layers, batch, N, E]
  PinnedBuffer host_logits_, host_ids_;
  bool logits_there_ = false;
  kernels::CudaBackend::Graph one_, many_;
  kernels::DecodeLoopArgs loop_;  // with memory where it is used
};

std::unique_ptr<Decoder> MambaCuda::device_decoder(const ModelState& state, std::int64_t batch) const {
  return std::make_unique<MambaCudaDecoder>(shared_from_this(), state, batch);
}

}  // namespace statescope
