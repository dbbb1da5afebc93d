// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/network.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "engine/error.h"
#include "engine/io/utf8.h"
#include "layers.h"
#include "transposed.h"

namespace statescope {
namespace {

constexpr double norm_epsilon = 1e-5;

}  // namespace

template <class Real>
struct Network<Real>::Impl {
  struct Layer {
    std::size_t norm;
    std::unique_ptr<TrainingLayer<Real>> block;
    MatrixView<Real> residual;  // what comes in
  };

  const TrainingOps<Real>& ops;
  const Parameters<Real>& parameters;
  Tape<Real> tape;
  std::size_t embedding = 0, final_norm = 0;
  std::vector<Layer> layers;
  MatrixView<Real> stream;  // after the last layer

  Impl(const TrainingOps<Real>& o, const Parameters<Real>& p) : ops(o), parameters(p), tape(o) {}

  kernels::RmsNormArgs<Real> norm(MatrixView<const Real> x, std::size_t weight, MatrixView<Real> y) const {
    return {x, parameters.value(weight).data, static_cast<Real>(norm_epsilon), y};
  }

  // In place where nothing else needs x.
  void drop_out(const Dropout& dropout, std::size_t layer, MatrixView<const Real> x, MatrixView<Real> y) const {
    ops.dropout({x, dropout.rate, kernels::mixed(dropout.key + layer), y});
  }

  // The rows whose logits matter, normed. Most tasks ask for an answer at a few places only.
  MatrixView<Real> forward(TrainingStep<Real> step, std::span<const std::int32_t> tokens,
                           const std::vector<std::int32_t>& asked, const Dropout& dropout, Probe* probe = nullptr) {
    const std::int64_t rows = std::ssize(tokens);
    const MatrixView<Real> table = parameters.value(embedding);
    MatrixView<Real> h = tape.matrix(rows, table.cols);
    ops.embedding({tokens.data(), table, h});
    for (std::size_t i = 0; i < layers.size(); ++i) {
      Layer& layer = layers[i];
      layer.residual = h;
      const MatrixView<Real> normed = tape.matrix(rows, table.cols);
      ops.rms_norm(norm(h, layer.norm, normed));
      if (probe) step.probe = &probe->layers.emplace_back();
      h = layer.block->forward(step, normed);
      if (dropout.rate > 0) drop_out(dropout, i, h, h);
      ops.add(layer.residual, h);
    }
    stream = tape.matrix(std::ssize(asked), table.cols);
    ops.embedding({asked.data(), h, stream});
    const MatrixView<Real> normed = tape.matrix(stream.rows, stream.cols);
    ops.rms_norm(norm(stream, final_norm, normed));
    return normed;
  }

  kernels::RmsNormBackwardArgs<Real> norm_backward(MatrixView<const Real> s, std::size_t weight,
                                                   MatrixView<const Real> dy, MatrixView<Real> ds) const {
    return {s,  parameters.value(weight).data,   static_cast<Real>(norm_epsilon), dy,
            ds, parameters.gradient(weight).data};
  }

  void backward(const TrainingStep<Real>& step, const Batch& batch, const std::vector<std::int32_t>& asked,
                MatrixView<const Real> normed, MatrixView<const Real> dlogits, const Dropout& dropout) {
    const std::int64_t rows = batch.sequences * batch.length;
    const MatrixView<Real> table = parameters.value(embedding), dtable = parameters.gradient(embedding);
    const MatrixView<Real> dnormed = tape.matrix(normed.rows, normed.cols);
    ops.linear_backward({normed, table, dlogits, dnormed, dtable});
    const MatrixView<Real> dstream = tape.matrix(stream.rows, stream.cols);
    ops.rms_norm_backward(norm_backward(stream, final_norm, dnormed, dstream));
    const MatrixView<Real> dh = tape.matrix(rows, table.cols);
    ops.fill(dh, 0);
    ops.embedding_backward({asked.data(), dstream, dh});
    const MatrixView<Real> dropped = dropout.rate > 0 ? tape.matrix(rows, table.cols) : dh;
    for (std::size_t i = layers.size(); i-- > 0;) {
      const Layer& layer = layers[i];
      if (dropout.rate > 0) drop_out(dropout, i, dh, dropped);
      auto args = norm_backward(layer.residual, layer.norm, layer.block->backward(step, dropped), dh);
      args.dsum = dh;
      ops.rms_norm_backward(args);
    }
    ops.embedding_backward({batch.tokens.data(), dh, dtable});
  }
};

template <class Real>
Network<Real>::Network(const NetworkRecipe& recipe, std::uint64_t seed, const TrainingOps<Real>& ops)
    : impl_(std::make_unique<Impl>(ops, parameters_)) {
  const ParameterBuilder<Real> backbone(parameters_, "backbone.");
  const auto ones = ParameterBuilder<Real>::constant(1);
  impl_->embedding =
      backbone.add({.name = "embedding.weight",
                    .shape = {recipe.vocab, recipe.d_model},
                    .rows = recipe.vocab,
                    .cols = recipe.d_model,
                    .initial = [](Uniform& uniform, std::int64_t, std::int64_t) { return 0.02 * uniform.normal(); }});
  for (std::int64_t i = 0; i < recipe.layers; ++i) {
    const std::string layer = "backbone.layers." + std::to_string(i) + ".";
    const std::size_t norm = ParameterBuilder<Real>(parameters_, layer).vector("norm.weight", recipe.d_model, ones);
    impl_->layers.push_back(
        {norm, make_block<Real>(recipe, ParameterBuilder<Real>(parameters_, layer + "mixer.")), {}});
  }
  impl_->final_norm = backbone.vector("norm_f.weight", recipe.d_model, ones);
  parameters_.initialise(ops, seed);
}

template <class Real>
Network<Real>::~Network() = default;

template <class Real>
BatchResult Network<Real>::run(const Batch& batch, bool learn, const Dropout& dropout) {
  Impl& impl = *impl_;
  std::vector<std::int32_t> asked, targets;
  for (std::size_t i = 0; i < batch.targets.size(); ++i) {
    if (batch.targets[i] == kernels::ignored_target) continue;
    asked.push_back(static_cast<std::int32_t>(i));
    targets.push_back(batch.targets[i]);
  }
  impl.tape.rewind();
  const TrainingStep<Real> step{impl.ops, parameters_, impl.tape, batch.length};
  const MatrixView<Real> normed = impl.forward(step, batch.tokens, asked, dropout);
  const MatrixView<Real> table = parameters_.value(impl.embedding);
  const MatrixView<Real> logits = impl.tape.matrix(normed.rows, table.rows);
  impl.ops.linear(normed, table, nullptr, logits);

  BatchResult result;
  result.targets = std::ssize(targets);
  const std::vector<std::int32_t> likeliest = impl.ops.likeliest(logits);
  for (std::size_t i = 0; i < targets.size(); ++i) result.is_right.push_back(likeliest[i] == targets[i]);
  result.correct = std::count(result.is_right.begin(), result.is_right.end(), true);
  Real loss = 0;
  impl.ops.cross_entropy(
      {.logits = logits, .targets = targets.data(), .loss = &loss, .dlogits = learn ? logits : MatrixView<Real>()});
  result.loss = static_cast<double>(loss);
  if (learn) impl.backward(step, batch, asked, normed, logits, dropout);
  return result;
}

template <class Real>
Probe Network<Real>::probe(std::span<const std::int32_t> tokens, const Knobs& knobs) {
  Impl& impl = *impl_;
  Probe probe;
  probe.tokens = std::ssize(tokens);
  std::vector<std::int32_t> all(tokens.size());
  std::iota(all.begin(), all.end(), 0);
  impl.tape.rewind();
  TrainingStep<Real> step{impl.ops, parameters_, impl.tape, probe.tokens};
  step.knobs = knobs;
  const MatrixView<Real> normed = impl.forward(step, tokens, all, {}, &probe),
                         table = parameters_.value(impl.embedding);
  const MatrixView<Real> logits = impl.tape.matrix(normed.rows, table.rows);
  impl.ops.linear(normed, table, nullptr, logits);
  probe.vocab = table.rows;
  const std::vector<Real> host = impl.ops.download(logits);
  probe.logits.assign(host.begin(), host.end());
  return probe;
}

template <class Real>
void Network<Real>::load(const SafetensorsFile& file) {
  for (std::size_t i = 0; i < parameters_.infos().size(); ++i) {
    const ParameterInfo& info = parameters_.infos()[i];
    if (file.at(info.name).shape != info.shape)
      throw Error(file.path() + ": " + in_quotes(info.name) + " has another shape than recipe.json beside it says");
    std::vector<float> values = file.read_f32(info.name);
    if (info.transposed) values = transposed(values, info.cols, info.rows);
    impl_->ops.upload(std::vector<Real>(values.begin(), values.end()), parameters_.value(i));
  }
}

template class Network<float>;
template class Network<double>;

}  // namespace statescope
