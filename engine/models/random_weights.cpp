// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/models/random_weights.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>

#include "engine/error.h"
#include "engine/io/file.h"
#include "engine/io/safetensors.h"
#include "engine/io/utf8.h"
#include "engine/random.h"

namespace statescope {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t vocab = 50280;  // GPT-NeoX's, padded to a multiple of 8
struct Published {
  const char* name;
  std::int64_t layers, d_model;
};
constexpr Published published[] = {{"mamba-130m", 24, 768},
                                   {"mamba-370m", 48, 1024},
                                   {"mamba-790m", 48, 1536},
                                   {"mamba-1.4b", 48, 2048},
                                   {"mamba-2.8b", 64, 2560}};

// A new folder of our own, removed with what is in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string path = (fs::temp_directory_path() / "statescope-XXXXXX").string();
    if (!mkdtemp(path.data()))
      throw Error(path + " cannot be created, and random weights need a file; set TMPDIR to a folder with room");
    path_ = path;
  }
  ~TemporaryFolder() {
    std::error_code error;
    fs::remove_all(path_, error);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

struct RandomTensor {
  TensorDeclaration declaration;
  std::function<double(std::int64_t element, double uniform)> value;
};

std::vector<RandomTensor> tensors_of(const ModelSizes& sizes) {
  const auto [layers, D, E, N, K, R, V] = sizes;
  std::vector<RandomTensor> tensors;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape,
                       std::function<double(std::int64_t, double)> value) {
    tensors.push_back({{name, Dtype::f32, std::move(shape)}, std::move(value)});
  };
  const auto within = [](double bound) { return [bound](std::int64_t, double u) { return (2 * u - 1) * bound; }; };
  const auto constant = [](double value) { return [value](std::int64_t, double) { return value; }; };
  const auto fan_in = [&](std::int64_t inputs) { return within(1 / std::sqrt(static_cast<double>(inputs))); };
  // mamba_simple.py: Δ between 0.001 and 0.1, evenly in its logarithm; the bias is the inverse of softplus.
  const auto step_bias = [](std::int64_t, double u) {
    const double delta = std::exp(std::log(0.001) + u * std::log(100.0));
    return delta + std::log(-std::expm1(-delta));
  };
  add("backbone.embedding.weight", {V, D}, within(0.02 * std::sqrt(3.0)));
  add("backbone.norm_f.weight", {D}, constant(1));
  for (std::int64_t i = 0; i < layers; ++i) {
    const std::string layer = "backbone.layers." + std::to_string(i) + ".", mixer = layer + "mixer.";
    add(layer + "norm.weight", {D}, constant(1));
    add(mixer + "in_proj.weight", {2 * E, D}, fan_in(D));
    add(mixer + "conv1d.weight", {E, 1, K}, fan_in(K));
    add(mixer + "conv1d.bias", {E}, fan_in(K));
    add(mixer + "x_proj.weight", {R + 2 * N, E}, fan_in(E));
    add(mixer + "dt_proj.weight", {E, R}, fan_in(R));
    add(mixer + "dt_proj.bias", {E}, step_bias);
    add(mixer + "A_log", {E, N},
        [states = N](std::int64_t element, double) { return std::log(static_cast<double>(element % states + 1)); });
    add(mixer + "D", {E}, constant(1));
    add(mixer + "out_proj.weight", {D, E}, fan_in(E));
  }
  return tensors;
}

}  // namespace

ModelSizes published_sizes(const std::string& name) {
  std::string known;
  for (const Published& model : published) {
    if (model.name == name)
      return {model.layers, model.d_model, 2 * model.d_model, 16, 4, (model.d_model + 15) / 16, vocab};
    known += (known.empty() ? "" : ", ") + std::string(model.name);
  }
  throw Error("there is no published shape " + in_quotes(name) + "; the known ones are " + known);
}

Checkpoint random_checkpoint(const ModelSizes& sizes, std::uint64_t seed, std::stop_token stop) {
  constexpr std::size_t piece = 1 << 20;
  const TemporaryFolder folder;
  const std::vector<RandomTensor> tensors = tensors_of(sizes);
  std::vector<TensorDeclaration> declarations;
  for (const RandomTensor& tensor : tensors) declarations.push_back(tensor.declaration);
  const fs::path checkpoint = folder.path() / "random weights";  // the model's name
  fs::create_directory(checkpoint);
  SafetensorsWriter writer((checkpoint / "model.safetensors").string(), declarations, {});
  Uniform uniform(seed);
  std::vector<float> values;
  for (const RandomTensor& tensor : tensors) {
    std::int64_t elements = 1;
    for (const std::int64_t size : tensor.declaration.shape) elements *= size;
    for (std::int64_t first = 0; first < elements; first += static_cast<std::int64_t>(piece)) {
      if (stop.stop_requested()) throw Cancelled();
      values.resize(std::min(piece, static_cast<std::size_t>(elements - first)));
      for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<float>(tensor.value(first + static_cast<std::int64_t>(i), uniform()));
      writer.write(tensor.declaration.name, static_cast<std::uint64_t>(first), std::span<const float>(values));
    }
  }
  writer.commit();
  write_file(checkpoint / "config.json", "{\"layer_norm_epsilon\": 1e-5}");
  return Checkpoint::open(checkpoint);
}

}  // namespace statescope
