// SPDX-License-Identifier: GPL-3.0-or-later
#include "test_checkpoint.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>

#include "engine/error.h"
#include "engine/io/safetensors.h"
#include "engine/models/precision.h"

namespace statescope::test {
namespace {

namespace fs = std::filesystem;

// Bits of a float that is exactly representable in the format.
std::uint16_t f16_bits(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000);
  const float magnitude = std::abs(x);
  if (magnitude < 0x1p-14F) return static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>(magnitude * 0x1p24F));
  return static_cast<std::uint16_t>(sign | (((bits >> 23 & 0xFF) - 112) << 10) | (bits >> 13 & 0x3FF));
}

std::vector<std::byte> encoded(const Tensor& tensor) {
  std::vector<std::byte> bytes(tensor.values.size() * dtype_size(tensor.dtype));
  const auto store = [&](auto convert) {
    for (std::size_t i = 0; i < tensor.values.size(); ++i) {
      const auto stored = convert(tensor.values[i]);
      std::memcpy(bytes.data() + i * sizeof(stored), &stored, sizeof(stored));
    }
  };
  switch (tensor.dtype) {
    case Dtype::f16:
      store(f16_bits);
      break;
    case Dtype::bf16:
      store([](float x) { return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(x) >> 16); });
      break;
    case Dtype::f64:
      store([](float x) { return static_cast<double>(x); });
      break;
    case Dtype::i32:
      store([](float x) { return static_cast<std::int32_t>(x); });
      break;
    default:
      store([](float x) { return x; });
  }
  return bytes;
}

std::vector<TensorDeclaration> declared(const Tensors& tensors) {
  std::vector<TensorDeclaration> declarations;
  for (const auto& [name, tensor] : tensors) declarations.push_back({name, tensor.dtype, tensor.shape});
  return declarations;
}

class WeightMaker {
 public:
  explicit WeightMaker(const MambaSpec& spec) : dtype_(spec.dtype), random_(spec.seed) {}

  // mean + spread · a standard normal number, exactly representable in the stored type.
  Tensor normal(std::vector<std::int64_t> shape, double mean, double spread) {
    std::size_t count = 1;
    for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
    Tensor tensor{dtype_, std::move(shape), std::vector<float>(count)};
    std::normal_distribution<double> distribution(mean, spread);
    for (float& x : tensor.values) x = static_cast<float>(distribution(random_));
    if (dtype_ == Dtype::f16) round_to(Precision::f16, std::span(tensor.values));
    if (dtype_ == Dtype::bf16) round_to(Precision::bf16, std::span(tensor.values));
    return tensor;
  }
  Tensor matrix(std::int64_t rows, std::int64_t cols) {
    return normal({rows, cols}, 0, 1 / std::sqrt(static_cast<double>(cols)));
  }

 private:
  Dtype dtype_;
  std::mt19937_64 random_;
};

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string name = testing::TempDir() + "statescope_XXXXXX";
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void write_text(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string read_text(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

Tensors random_mamba(const MambaSpec& spec) {
  const auto [layers, D, E, N, K, R, V] = spec.sizes;
  WeightMaker make(spec);
  Tensors tensors;
  tensors[spec.prefix + "embeddings.weight"] = make.normal({V, D}, 0, 1);
  tensors[spec.prefix + "norm_f.weight"] = make.normal({D}, 1, 0.2);
  if (spec.untied_head) tensors["lm_head.weight"] = make.matrix(V, D);
  for (std::int64_t i = 0; i < layers; ++i) {
    const std::string layer = spec.prefix + "layers." + std::to_string(i) + ".", mixer = layer + "mixer.";
    tensors[layer + "norm.weight"] = make.normal({D}, 1, 0.2);
    tensors[mixer + "in_proj.weight"] = make.matrix(2 * E, D);
    tensors[mixer + "conv1d.weight"] = make.normal({E, 1, K}, 0.2, 0.5);
    tensors[mixer + "x_proj.weight"] = make.matrix(R + 2 * N, E);
    tensors[mixer + "dt_proj.weight"] = make.matrix(E, R);
    tensors[mixer + "A_log"] = make.normal({E, N}, 0.5, 0.8);
    tensors[mixer + "D"] = make.normal({E}, 1, 0.2);
    tensors[mixer + "out_proj.weight"] = make.matrix(D, E);
    if (spec.in_bias) tensors[mixer + "in_proj.bias"] = make.normal({2 * E}, 0, 0.3);
    if (spec.conv_bias) tensors[mixer + "conv1d.bias"] = make.normal({E}, 0, 0.3);
    if (spec.dt_bias) tensors[mixer + "dt_proj.bias"] = make.normal({E}, -2, 1);
    if (spec.out_bias) tensors[mixer + "out_proj.bias"] = make.normal({D}, 0, 0.3);
  }
  return tensors;
}

nlohmann::json config_of(const MambaSpec& spec) {
  const ModelSizes& s = spec.sizes;
  return {{"model_type", "mamba"},
          {"hidden_act", "silu"},
          {"hidden_size", s.d_model},
          {"num_hidden_layers", s.layers},
          {"intermediate_size", s.d_inner},
          {"state_size", s.d_state},
          {"conv_kernel", s.d_conv},
          {"time_step_rank", s.dt_rank},
          {"vocab_size", s.vocab},
          {"expand", static_cast<double>(s.d_inner) / static_cast<double>(s.d_model)},
          {"use_bias", spec.in_bias || spec.out_bias},
          {"use_conv_bias", spec.conv_bias},
          {"tie_word_embeddings", !spec.untied_head},
          {"layer_norm_epsilon", 1e-5}};
}

void write_tensors(const fs::path& file, const Tensors& tensors) {
  SafetensorsWriter writer(file.string(), declared(tensors), {});
  for (const auto& [name, tensor] : tensors) writer.write_bytes(name, 0, encoded(tensor));
  writer.commit();
}

void write_checkpoint(const fs::path& folder, const Tensors& tensors, const nlohmann::json& config) {
  write_text(folder / "config.json", config.dump());
  write_tensors(folder / "model.safetensors", tensors);
}

void write_checkpoint(const fs::path& folder, const MambaSpec& spec) {
  write_checkpoint(folder, random_mamba(spec), config_of(spec));
}

void write_sharded(const fs::path& folder, const Tensors& tensors, int shards) {
  std::vector<Tensors> parts(static_cast<std::size_t>(shards));
  nlohmann::json map = nlohmann::json::object();
  std::size_t next = 0;
  for (const auto& [name, tensor] : tensors) {
    const std::size_t shard = next++ % parts.size();
    parts[shard][name] = tensor;
    map[name] = "model-" + std::to_string(shard) + ".safetensors";
  }
  for (std::size_t i = 0; i < parts.size(); ++i)
    write_tensors(folder / ("model-" + std::to_string(i) + ".safetensors"), parts[i]);
  write_text(folder / "model.safetensors.index.json", nlohmann::json{{"weight_map", map}}.dump());
}

void write_sparse(const fs::path& file, const Tensors& shapes) {
  SafetensorsWriter(file.string(), declared(shapes), {}).commit();
}

void write_tokenizer(const fs::path& folder) {
  nlohmann::json vocab = nlohmann::json::object();
  vocab["\u0120"] = 0;  // the space, as byte-level tokenizers spell it
  for (char c = '!'; c <= '~'; ++c) vocab[std::string(1, c)] = c - ' ';
  const nlohmann::json tokenizer{
      {"version", "1.0"},
      {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
      {"decoder", {{"type", "ByteLevel"}}},
      {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", nlohmann::json::array()}}}};
  write_text(folder / "tokenizer.json", tokenizer.dump());
}

std::shared_ptr<const Model> random_model(const MambaSpec& spec, Precision precision, int threads) {
  const TemporaryFolder folder;
  write_checkpoint(folder.path(), spec);
  return load_model(folder.path(), precision, threads);
}

std::vector<std::int32_t> random_ids(std::int64_t count, std::int64_t vocab, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < count; ++i)
    ids.push_back(static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(vocab)));
  return ids;
}

void Capture::record(Quantity quantity, std::int64_t layer, std::int64_t first, MatrixView<const float> rows) {
  std::vector<float>& array = all[{quantity, layer}];
  array.resize(static_cast<std::size_t>(tokens_ * rows.cols), std::numeric_limits<float>::quiet_NaN());
  for (std::int64_t t = 0; t < rows.rows; ++t)
    std::copy_n(rows.row(t), rows.cols, array.begin() + (first + t) * rows.cols);
}

Capture captured(const Model& model, std::span<const std::int32_t> ids) {
  Capture capture(std::ssize(ids));
  ModelState state = model.initial_state();
  run(model, ids, state, &capture);
  return capture;
}

Capture captured(const MambaReference& reference, std::span<const std::int32_t> ids) {
  Capture capture(std::ssize(ids));
  reference.run(ids, capture);
  return capture;
}

double relative_error(std::span<const float> values, std::span<const float> truth) {
  constexpr double infinite = std::numeric_limits<double>::infinity();
  if (values.size() != truth.size() || truth.empty()) return infinite;
  double largest = 0, difference = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (!std::isfinite(values[i]) || !std::isfinite(truth[i])) return infinite;
    largest = std::max(largest, std::abs(static_cast<double>(truth[i])));
    difference = std::max(difference, std::abs(static_cast<double>(values[i]) - truth[i]));
  }
  return largest > 0 ? difference / largest : infinite;
}

bool same(const ModelState& a, const ModelState& b) {
  return std::equal(a.layers.begin(), a.layers.end(), b.layers.begin(), b.layers.end(),
                    [](const LayerState& x, const LayerState& y) { return x.conv == y.conv && x.h == y.h; });
}

}  // namespace statescope::test
