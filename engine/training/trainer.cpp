// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/trainer.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/error.h"
#include "engine/io/file.h"
#include "engine/io/json.h"
#include "engine/io/memory.h"
#include "engine/io/safetensors.h"
#include "transposed.h"

namespace statescope {
namespace {

namespace fs = std::filesystem;

NetworkRecipe for_task(NetworkRecipe network, const Task& task) {
  network.vocab = task.vocab();
  network.length = task.length();
  return network;
}

// What a step keeps, roughly: a dozen rows of d_inner and a few of d_model for each layer and token, and the logits. In
// double, because sizes in a recipe may be anything.
void require_room(const Recipe& recipe, const Task& task) {
  const NetworkRecipe& n = recipe.network;
  const auto width = [](std::int64_t count) { return static_cast<double>(count); };
  const double inner = width(n.d_inner()), model = width(n.d_model), states = width(n.d_state);
  const double parameters =
      width(n.layers) * inner * (4 * model + 3 * states + 2 * width(n.dt_rank)) + width(task.vocab()) * model;
  const double row = width(n.layers) * (14 * inner + 6 * model + 4 * states) + 6 * model + width(task.vocab());
  const bool attends = n.inner == InnerKind::attention;
  const double more = attends ? width(n.layers) * 6 * inner : 0;  // queries, keys, values and their gradients
  const double weights = attends ? 2 * width(task.length()) * width(task.length()) : 0;  // of a head, for its gradient
  const double bytes = 4.0 * (6 * parameters + weights + width(recipe.batch) * width(task.length()) * (row + more));
  require_memory(static_cast<std::int64_t>(std::min(bytes, 1e18)), "training by this recipe");
}

nlohmann::ordered_json config_of(const Recipe& recipe, const Task& task) {
  const NetworkRecipe& n = recipe.network;
  nlohmann::ordered_json json{{"model_type", "mamba"},
                              {"architectures", {"MambaForCausalLM"}},
                              {"vocab_size", task.vocab()},
                              {"hidden_size", n.d_model},
                              {"num_hidden_layers", n.layers},
                              {"state_size", n.d_state},
                              {"conv_kernel", n.d_conv},
                              {"expand", n.expand},
                              {"intermediate_size", n.d_inner()},
                              {"time_step_rank", n.dt_rank},
                              {"layer_norm_epsilon", 1e-5},
                              {"use_bias", false},
                              {"use_conv_bias", true},
                              {"hidden_act", "silu"},
                              {"tie_word_embeddings", true},
                              {"torch_dtype", "float32"}};
  json["statescope"] = to_json(recipe)["model"];
  if (n.inner == InnerKind::hyena) json["statescope"]["length"] = task.length();  // that its filter is made for
  return json;
}

constexpr const char* moments_file = "training.safetensors";

}  // namespace

double learning_rate(const OptimiserRecipe& recipe, std::int64_t step) {
  if (step <= recipe.warmup)
    return recipe.learning_rate * static_cast<double>(step) / static_cast<double>(recipe.warmup);
  const double share = static_cast<double>(step - recipe.warmup) /
                       static_cast<double>(std::max<std::int64_t>(1, recipe.steps - recipe.warmup));
  const double cosine = (1 + std::cos(std::numbers::pi * std::min(share, 1.0))) / 2;
  return recipe.learning_rate * (recipe.last_rate + (1 - recipe.last_rate) * cosine);
}

struct Trainer::Impl {
  Recipe recipe;
  const TrainingOps<float>& ops;
  std::unique_ptr<Task> task;
  Network<float> network;
  std::shared_ptr<float[]> first, second;  // moments
  std::int64_t steps_done = 0;

  Impl(const Recipe& r, const TrainingOps<float>& o)
      : recipe(r),
        ops(o),
        task(task_that_fits(r, o)),
        network(for_task(r.network, *task), r.seed, o),
        first(o.allocate(network.parameters().count())),
        second(o.allocate(network.parameters().count())) {}

  static std::unique_ptr<Task> task_that_fits(const Recipe& recipe, const kernels::TrainingOps<float>& ops) {
    std::unique_ptr<Task> task = make_task(recipe.task);
    if (ops.on_host()) require_room(recipe, *task);
    return task;
  }

  MatrixView<float> flat(const std::shared_ptr<float[]>& values) const {
    return {values.get(), 1, network.parameters().count()};
  }
};

Trainer::Trainer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Trainer::Trainer(const Recipe& recipe, const TrainingOps<float>& ops) : impl_(std::make_unique<Impl>(recipe, ops)) {
  if (!recipe.start.empty()) impl_->network.load(SafetensorsFile((recipe.start / "model.safetensors").string()));
}
Trainer::~Trainer() = default;
Trainer::Trainer(Trainer&&) noexcept = default;

const Recipe& Trainer::recipe() const {
  return impl_->recipe;
}
const Task& Trainer::task() const {
  return *impl_->task;
}
Network<float>& Trainer::network() {
  return impl_->network;
}
std::int64_t Trainer::steps_done() const {
  return impl_->steps_done;
}
bool Trainer::finished() const {
  return impl_->steps_done >= impl_->recipe.optimiser.steps;
}

StepReport Trainer::step() {
  Impl& impl = *impl_;
  const OptimiserRecipe& optimiser = impl.recipe.optimiser;
  const Parameters<float>& parameters = impl.network.parameters();
  const Batch batch = impl.task->batch(impl.recipe.seed, Split::training, impl.steps_done, impl.recipe.batch);
  const auto done = static_cast<std::uint64_t>(impl.steps_done);
  const Dropout dropout{optimiser.dropout, kernels::mixed(kernels::mixed(impl.recipe.seed) + done)};
  const BatchResult result = impl.network.run(batch, true, dropout);

  StepReport report;
  report.step = ++impl.steps_done;
  report.loss = result.loss;
  report.accuracy = static_cast<double>(result.correct) / static_cast<double>(result.targets);
  report.rate = learning_rate(optimiser, report.step);
  report.gradient_norm = std::sqrt(impl.ops.squared_norm(parameters.gradients(), parameters.count()));
  if (!std::isfinite(report.loss) || !std::isfinite(report.gradient_norm))
    throw Error("training diverged at step " + std::to_string(report.step) +
                ": the loss is no longer a number; choose a smaller learning_rate or clip");
  kernels::AdamWArgs<float> args;
  args.gradient_scale = optimiser.clip > 0 ? std::min(1.0, optimiser.clip / std::max(report.gradient_norm, 1e-30)) : 1;
  args.rate = report.rate;
  args.beta1 = optimiser.beta1;
  args.beta2 = optimiser.beta2;
  args.epsilon = optimiser.epsilon;
  args.step = report.step;
  for (const ParameterInfo& info : parameters.infos()) {
    args.value = parameters.values() + info.offset;
    args.gradient = parameters.gradients() + info.offset;
    args.first = impl.first.get() + info.offset;
    args.second = impl.second.get() + info.offset;
    args.count = info.rows * info.cols;
    args.decay = info.decays ? optimiser.weight_decay : 0;
    impl.ops.adamw(args);
  }
  return report;
}

Evaluation Trainer::evaluate(std::int64_t sequences, std::stop_token stop) {
  Impl& impl = *impl_;
  return statescope::evaluate(impl.network, *impl.task, impl.recipe.seed,
                              sequences > 0 ? sequences : impl.recipe.evaluation_sequences, impl.recipe.batch, stop);
}

void Trainer::save(const fs::path& folder) const {
  const Impl& impl = *impl_;
  const Parameters<float>& parameters = impl.network.parameters();
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw Error(folder.string() + " cannot be created: " + error.message());

  // What resuming needs is written first: model.safetensors is there last, and then everything is.
  const MetadataMap metadata{{"format", "statescope-training"}, {"steps", std::to_string(impl.steps_done)}};
  const std::int64_t count = parameters.count();
  SafetensorsWriter moments(
      (folder / moments_file).string(),
      {{"values", Dtype::f32, {count}}, {"first", Dtype::f32, {count}}, {"second", Dtype::f32, {count}}}, metadata);
  moments.write("values", 0, impl.ops.download({parameters.values(), 1, count}));
  moments.write("first", 0, impl.ops.download(impl.flat(impl.first)));
  moments.write("second", 0, impl.ops.download(impl.flat(impl.second)));
  moments.commit();
  write_file(folder / "recipe.json", to_json(impl.recipe).dump(2) + "\n");
  write_file(folder / "config.json", config_of(impl.recipe, *impl.task).dump(2) + "\n");

  std::vector<TensorDeclaration> tensors;
  for (const ParameterInfo& info : parameters.infos()) tensors.push_back({info.name, Dtype::f32, info.shape});
  SafetensorsWriter model((folder / "model.safetensors").string(), tensors, {{"format", "pt"}});
  for (std::size_t i = 0; i < parameters.infos().size(); ++i) {
    const ParameterInfo& info = parameters.infos()[i];
    const std::vector<float> values = impl.ops.download(parameters.value(i));
    model.write(info.name, 0, info.transposed ? transposed(values, info.rows, info.cols) : values);
  }
  model.commit();
}

TrainedNetwork load_trained(const fs::path& folder, const TrainingOps<float>& ops) {
  TrainedNetwork trained{load_recipe(folder / "recipe.json"), nullptr};
  const SafetensorsFile file((folder / "model.safetensors").string());
  const std::vector<std::int64_t>& embedding = file.at("backbone.embedding.weight").shape;
  constexpr std::int64_t largest_vocab = 1 << 20;
  if (embedding.size() != 2 || embedding[0] < 1 || embedding[0] > largest_vocab)
    throw Error(file.path() + ": backbone.embedding.weight must be a matrix of at most " +
                std::to_string(largest_vocab) + " rows");
  NetworkRecipe network = trained.recipe.network;
  network.vocab = embedding[0];
  network.length = sequence_length(trained.recipe.task);
  trained.network = std::make_unique<Network<float>>(network, trained.recipe.seed, ops);
  trained.network->load(file);
  return trained;
}

Trainer Trainer::resume(const fs::path& folder, const TrainingOps<float>& ops) {
  auto impl = std::make_unique<Impl>(load_recipe(folder / "recipe.json"), ops);
  const SafetensorsFile moments((folder / moments_file).string());
  const auto steps = moments.metadata().find("steps");
  const std::int64_t count = impl->network.parameters().count();
  const auto restore = [&](const char* name, MatrixView<float> to) {
    const std::vector<float> values = moments.read_f32(name);
    if (std::ssize(values) != count)
      throw Error(moments.path() + ": " + name + " has " + std::to_string(values.size()) +
                  " numbers, and recipe.json " + "needs " + std::to_string(count) +
                  "; the two files belong to different runs");
    ops.upload(values, to);
  };
  restore("values", {impl->network.parameters().values(), 1, count});
  restore("first", impl->flat(impl->first));
  restore("second", impl->flat(impl->second));
  const nlohmann::json done =
      steps == moments.metadata().end() ? nlohmann::json() : parse_json(steps->second, moments.path() + ": steps");
  if (!done.is_number_unsigned() || done.get<std::uint64_t>() > std::uint64_t{1} << 40)
    throw Error(moments.path() + ": the metadata \"steps\" is missing or no count; save the run again");
  impl->steps_done = done.get<std::int64_t>();
  return Trainer(std::move(impl));
}

}  // namespace statescope
