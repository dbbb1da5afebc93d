// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/io/dtype.h"
#include "engine/models/mamba.h"
#include "engine/models/model.h"
#include "message_of.h"

namespace statescope::test {

/// A new empty folder, removed with everything in it at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  bool empty() const { return std::filesystem::is_empty(path_); }

 private:
  std::filesystem::path path_;
};

void write_text(const std::filesystem::path& path, const std::string& text);
std::string read_text(const std::filesystem::path& path);

struct Tensor {
  Dtype dtype = Dtype::f32;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};
using Tensors = std::map<std::string, Tensor>;

/// What a random Mamba-1 checkpoint looks like.
struct MambaSpec {
  ModelSizes sizes{2, 12, 20, 5, 4, 3, 31};  // layers, d_model, d_inner, d_state, d_conv, dt_rank, vocab
  Dtype dtype = Dtype::f32;
  bool in_bias = false, conv_bias = true, dt_bias = true, out_bias = false;
  bool untied_head = false;
  std::string prefix = "backbone.";
  std::uint64_t seed = 1;
};
/// Weights of the usual magnitudes, so that states neither vanish nor blow up. The same spec gives the same weights.
Tensors random_mamba(const MambaSpec& spec);
/// The Hugging Face config.json that agrees with the tensors.
nlohmann::json config_of(const MambaSpec& spec);

void write_tensors(const std::filesystem::path& file, const Tensors& tensors);
void write_checkpoint(const std::filesystem::path& folder, const Tensors& tensors, const nlohmann::json& config);
void write_checkpoint(const std::filesystem::path& folder, const MambaSpec& spec);
/// The tensors dealt out to `shards` files, with their index.
void write_sharded(const std::filesystem::path& folder, const Tensors& tensors, int shards);
/// A file whose header fits its size although nothing is stored: holes that read as zeros.
void write_sparse(const std::filesystem::path& file, const Tensors& shapes);
/// A byte-level tokenizer without merges: one token per byte, the bytes of printable ASCII by their ids in order.
void write_tokenizer(const std::filesystem::path& folder);

/// Loads a random checkpoint; its files are gone afterwards.
std::shared_ptr<const Model> random_model(const MambaSpec& spec, Precision precision = Precision::f32, int threads = 1);
std::vector<std::int32_t> random_ids(std::int64_t count, std::int64_t vocab, std::uint64_t seed = 7);

/// Keeps everything a run hands out, each quantity and layer as one row-major array.
class Capture final : public Recorder {
 public:
  explicit Capture(std::int64_t tokens) : tokens_(tokens) {}
  bool wants(Quantity, std::int64_t) const override { return true; }
  void record(Quantity quantity, std::int64_t layer, std::int64_t first, MatrixView<const float> rows) override;
  const std::vector<float>& at(Quantity quantity, std::int64_t layer = 0) const { return all.at({quantity, layer}); }

  std::map<std::pair<Quantity, std::int64_t>, std::vector<float>> all;

 private:
  std::int64_t tokens_;
};
Capture captured(const Model& model, std::span<const std::int32_t> ids);
Capture captured(const MambaReference& reference, std::span<const std::int32_t> ids);

/// Largest difference over largest magnitude of `truth`; infinite when sizes differ or anything is not finite.
double relative_error(std::span<const float> values, std::span<const float> truth);

/// Bit for bit.
bool same(const ModelState& a, const ModelState& b);

}  // namespace statescope::test
