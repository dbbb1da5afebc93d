// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "engine/error.h"
#include "engine/io/utf8.h"
#include "engine/models/mamba.h"

namespace statescope {
namespace {

using Shape = std::vector<std::int64_t>;

constexpr std::int64_t max_unused_listed = 8;
constexpr std::int64_t max_conv_taps = 64;  // real models have 2 to 4; the bound keeps a lying file from absurd loops

std::string text_of(const Shape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

std::string prefix_of(const Checkpoint& checkpoint) {
  const std::vector<std::string> names = checkpoint.names();
  const bool nested =
      std::any_of(names.begin(), names.end(), [](const auto& n) { return n.rfind("backbone.", 0) == 0; });
  return nested ? "backbone." : "";
}

// Reads shapes, remembers which tensors the architecture knows.
class Shapes {
 public:
  explicit Shapes(const Checkpoint& checkpoint) : checkpoint_(checkpoint) {}

  Shape get(const std::string& name, std::size_t rank) {
    known_.insert(name);
    const Shape& shape = checkpoint_.info(name).shape;
    if (shape.size() != rank)
      refuse(name, "has shape " + text_of(shape) + " where " + std::to_string(rank) + " dimensions belong");
    for (const std::int64_t size : shape)
      if (size == 0) refuse(name, "has shape " + text_of(shape) + ", which holds nothing");
    return shape;
  }
  void expect(const std::string& name, const Shape& expected) {
    const Shape shape = get(name, expected.size());
    if (shape != expected)
      refuse(name, "has shape " + text_of(shape) + " where the other tensors need " + text_of(expected));
  }
  bool expect_if_present(const std::string& name, const Shape& expected) {
    if (!checkpoint_.has(name)) return false;
    expect(name, expected);
    return true;
  }
  [[noreturn]] void refuse(const std::string& name, const std::string& what) const {
    throw Error(checkpoint_.file_of(name) + ": tensor " + in_quotes(name) + " " + what);
  }
  bool knows(const std::string& name) const { return known_.count(name) != 0; }

 private:
  const Checkpoint& checkpoint_;
  std::set<std::string> known_;
};

std::int64_t count_layers(const Checkpoint& checkpoint, const std::string& prefix) {
  const std::string start = prefix + "layers.";
  std::set<std::int64_t> layers;
  for (const std::string& name : checkpoint.names()) {
    if (name.rfind(start, 0) != 0) continue;
    std::int64_t layer = -1;
    const char* first = name.data() + start.size();
    const auto [end, status] = std::from_chars(first, name.data() + name.size(), layer);
    if (status == std::errc() && *end == '.' && layer >= 0) layers.insert(layer);
  }
  std::int64_t count = 0;
  for (const std::int64_t layer : layers) {
    if (layer != count)
      throw Error(checkpoint.folder().string() + ": layer " + std::to_string(count) + " is missing although layer " +
                  std::to_string(layer) + " is there");
    ++count;
  }
  return count;
}

// One sentence per key of config.json that says something else than the tensors.
class ConfigCheck {
 public:
  ConfigCheck(const nlohmann::json& config, std::vector<std::string>& conflicts)
      : config_(config), conflicts_(conflicts) {}

  void number(std::initializer_list<const char*> keys, std::int64_t truth) const {
    for (const char* key : keys) {
      const auto found = config_.find(key);
      if (found == config_.end() || found->is_null() || *found == "auto") continue;
      if (!found->is_number() || found->get<double>() != static_cast<double>(truth))
        add(key, *found, std::to_string(truth));
    }
  }
  void expand(const ModelSizes& sizes) const {  // may be a fraction
    const auto found = config_.find("expand");
    if (found == config_.end() || found->is_null()) return;
    const auto d_inner = static_cast<double>(sizes.d_inner), d_model = static_cast<double>(sizes.d_model);
    if (!found->is_number() || std::round(found->get<double>() * d_model) != d_inner)
      add("expand", *found,
          "d_inner " + std::to_string(sizes.d_inner) + " for d_model " + std::to_string(sizes.d_model));
  }
  void flag(const char* key, bool truth) const {
    const auto found = config_.find(key);
    if (found != config_.end() && *found != truth) add(key, *found, truth ? "true" : "false");
  }

 private:
  void add(const std::string& key, const nlohmann::json& said, const std::string& truth) const {
    std::string text = said.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    if (text.size() > 60) text = text.substr(0, 60) + "…";
    conflicts_.push_back("config.json says " + key + " = " + text + ", the tensors say " + truth);
  }

  const nlohmann::json& config_;
  std::vector<std::string>& conflicts_;
};

double norm_epsilon(const Checkpoint& checkpoint, std::vector<std::string>& conflicts) {
  for (const char* key : {"layer_norm_epsilon", "rms_norm_eps", "norm_epsilon"}) {
    const auto found = checkpoint.config().find(key);
    if (found == checkpoint.config().end()) continue;
    const double epsilon = found->is_number() ? found->get<double>() : -1;
    if (!(epsilon > 0 && epsilon < 1))
      throw Error((checkpoint.folder() / "config.json").string() + ": " + key + " must be a number between 0 and 1");
    return epsilon;
  }
  conflicts.push_back("config.json does not give layer_norm_epsilon; 1e-5 is assumed");
  return 1e-5;
}

}  // namespace

bool is_mamba(const Checkpoint& checkpoint) {
  // One such tensor is enough, so that a damaged checkpoint is told what it lacks. Mamba-2 layers have none.
  const std::string start = prefix_of(checkpoint) + "layers.", end = ".mixer.x_proj.weight";
  const std::vector<std::string> names = checkpoint.names();
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return name.rfind(start, 0) == 0 && name.size() >= start.size() + end.size() &&
           name.compare(name.size() - end.size(), end.size(), end) == 0;
  });
}

MambaLayout inspect_mamba(const Checkpoint& checkpoint) {
  const nlohmann::json& config = checkpoint.config();
  const std::string config_file = (checkpoint.folder() / "config.json").string();
  if (config.contains("model_type") && config["model_type"] == "falcon_mamba")
    throw Error(config_file +
                ": model_type falcon_mamba normalises Δ, B and C inside the layer, which is not supported");
  if (config.contains("hidden_act") && config["hidden_act"] != "silu" && config["hidden_act"] != "swish")
    throw Error(config_file + ": hidden_act must be \"silu\", other activations are not supported");

  MambaLayout layout;
  ModelInfo& info = layout.info;
  ModelSizes& sizes = info.sizes;
  const std::string& prefix = layout.prefix = prefix_of(checkpoint);
  Shapes shapes(checkpoint);

  layout.embedding = prefix + (checkpoint.has(prefix + "embedding.weight") ? "embedding.weight" : "embeddings.weight");
  const Shape embedding = shapes.get(layout.embedding, 2);
  sizes.vocab = embedding[0];
  sizes.d_model = embedding[1];
  info.tied_head = !shapes.expect_if_present("lm_head.weight", embedding);
  layout.head = info.tied_head ? layout.embedding : "lm_head.weight";
  shapes.expect(prefix + "norm_f.weight", {sizes.d_model});

  sizes.layers = count_layers(checkpoint, prefix);
  if (sizes.layers == 0)
    throw Error(checkpoint.folder().string() + ": there are no tensors named " + prefix + "layers.0.…");
  bool projection_bias = false, conv_bias = false;
  for (std::int64_t i = 0; i < sizes.layers; ++i) {
    const std::string layer = prefix + "layers." + std::to_string(i) + ".";
    const std::string mixer = layer + "mixer.";
    if (i == 0) {
      const Shape A_log = shapes.get(mixer + "A_log", 2);
      sizes.d_inner = A_log[0];
      sizes.d_state = A_log[1];
      sizes.d_conv = shapes.get(mixer + "conv1d.weight", 3)[2];
      sizes.dt_rank = shapes.get(mixer + "dt_proj.weight", 2)[1];
      if (sizes.d_conv > max_conv_taps)
        shapes.refuse(mixer + "conv1d.weight",
                      "has " + std::to_string(sizes.d_conv) + " taps; at most 64 are supported");
    }
    const auto [layers, D, E, N, K, R, V] = sizes;
    shapes.expect(layer + "norm.weight", {D});
    shapes.expect(mixer + "A_log", {E, N});
    shapes.expect(mixer + "D", {E});
    shapes.expect(mixer + "conv1d.weight", {E, 1, K});
    shapes.expect(mixer + "in_proj.weight", {2 * E, D});
    shapes.expect(mixer + "x_proj.weight", {R + 2 * N, E});
    shapes.expect(mixer + "dt_proj.weight", {E, R});
    shapes.expect(mixer + "out_proj.weight", {D, E});
    shapes.expect_if_present(mixer + "dt_proj.bias", {E});
    conv_bias |= shapes.expect_if_present(mixer + "conv1d.bias", {E});
    projection_bias |= shapes.expect_if_present(mixer + "in_proj.bias", {2 * E});
    projection_bias |= shapes.expect_if_present(mixer + "out_proj.bias", {D});
  }

  std::int64_t unused = 0;
  for (const std::string& name : checkpoint.names()) {
    if (shapes.knows(name)) continue;
    if (name.rfind(prefix + "layers.", 0) == 0)
      shapes.refuse(name, "does not belong to a Mamba-1 layer; running without it would give wrong results");
    if (++unused <= max_unused_listed) info.conflicts.push_back("tensor " + in_quotes(name) + " is not used");
  }
  if (unused > max_unused_listed)
    info.conflicts.push_back(std::to_string(unused - max_unused_listed) + " further tensors are not used");

  if (config.empty()) info.conflicts.push_back("config.json is missing; every size is read off the tensors");
  const ConfigCheck check(config, info.conflicts);
  check.number({"hidden_size", "d_model"}, sizes.d_model);
  check.number({"num_hidden_layers", "n_layer"}, sizes.layers);
  check.number({"intermediate_size", "d_inner"}, sizes.d_inner);
  check.number({"state_size", "d_state"}, sizes.d_state);
  check.number({"conv_kernel", "d_conv"}, sizes.d_conv);
  check.number({"time_step_rank", "dt_rank"}, sizes.dt_rank);
  check.number({"vocab_size"}, sizes.vocab);
  check.expand(sizes);
  check.flag("use_bias", projection_bias);
  check.flag("use_conv_bias", conv_bias);
  check.flag("tie_word_embeddings", info.tied_head);
  layout.norm_epsilon = norm_epsilon(checkpoint, info.conflicts);

  info.folder = checkpoint.folder();
  info.name = std::filesystem::absolute(info.folder).lexically_normal().filename().string();
  if (info.name.empty())
    info.name = std::filesystem::absolute(info.folder).lexically_normal().parent_path().filename().string();
  info.family = "Mamba-1";
  info.parameters = checkpoint.parameters();
  info.stored_bytes = checkpoint.stored_bytes();
  info.dtypes = checkpoint.dtypes();
  info.state_bytes =
      sizes.layers * sizes.d_inner * (sizes.d_state + sizes.d_conv - 1) * static_cast<std::int64_t>(sizeof(float));
  return layout;
}

}  // namespace statescope
