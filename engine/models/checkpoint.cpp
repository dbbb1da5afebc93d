// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/models/checkpoint.h"

#include <cmath>
#include <set>

#include "engine/error.h"
#include "engine/io/json.h"
#include "engine/io/utf8.h"

namespace statescope {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t max_config_bytes = 16 << 20;
constexpr std::int64_t max_index_bytes = 64 << 20;

// The shard files an index names. Only plain file names are followed: an index must not reach outside its folder.
std::set<std::string> shards_of(const fs::path& index) {
  const nlohmann::json json = parse_json(read_text_file(index.string(), max_index_bytes), index.string());
  const auto map = json.is_object() ? json.find("weight_map") : json.end();
  if (map == json.end() || !map->is_object() || map->empty())
    throw Error(index.string() + ": \"weight_map\" is missing or empty, so the shards are unknown");
  std::set<std::string> shards;
  for (const auto& [tensor, file] : map->items()) {
    if (!file.is_string())
      throw Error(index.string() + ": the file of tensor " + in_quotes(tensor) + " is not a string");
    const auto name = file.get<std::string>();
    if (name.empty() || fs::path(name).filename() != name || name == "." || name == "..")
      throw Error(index.string() + ": the file " + in_quotes(name) + " of tensor " + in_quotes(tensor) +
                  " is not a plain file name in the same folder");
    shards.insert(name);
  }
  return shards;
}

void decode(Dtype dtype, std::span<const std::byte> bytes, float* out) {
  decode_f32(dtype, bytes, out);
}
void decode(Dtype dtype, std::span<const std::byte> bytes, double* out) {
  decode_f64(dtype, bytes, out);
}

}  // namespace

Checkpoint Checkpoint::open(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error))
    throw Error(path.string() + (error ? " cannot be read: " + error.message() : " does not exist; check the path"));
  Checkpoint checkpoint;
  checkpoint.folder_ = fs::is_directory(path, error) ? path : path.parent_path();
  if (checkpoint.folder_.empty()) checkpoint.folder_ = ".";
  const fs::path& folder = checkpoint.folder_;

  const fs::path config = folder / "config.json";
  if (fs::exists(config, error)) {
    checkpoint.config_ = parse_json(read_text_file(config.string(), max_config_bytes), config.string());
    if (!checkpoint.config_.is_object())
      throw Error(config.string() + ": the top level is not an object; get an undamaged copy of the file");
  }

  const fs::path index = folder / "model.safetensors.index.json";
  std::set<std::string> names;
  if (fs::exists(folder / "model.safetensors", error))
    names.insert("model.safetensors");
  else if (fs::exists(index, error))
    names = shards_of(index);
  // A file of its own is opened for itself; a shard stands for its checkpoint.
  if (path.extension() == ".safetensors" && !fs::is_directory(path, error) && !names.count(path.filename().string()))
    names = {path.filename().string()};
  if (names.empty())
    throw Error(folder.string() +
                " holds neither model.safetensors nor model.safetensors.index.json; open the folder of a Hugging Face "
                "checkpoint");

  for (const std::string& name : names) {
    checkpoint.files_.push_back(SafetensorsFile((folder / name).string()));
    const MetadataMap& metadata = checkpoint.files_.back().metadata();
    if (const auto format = metadata.find("format"); format != metadata.end() && format->second == "statescope-trace")
      throw Error((folder / name).string() + " is a trace, not a model; open the model that it was recorded from");
    for (const auto& [tensor, info] : checkpoint.files_.back().tensors()) {
      if (!checkpoint.where_.emplace(tensor, checkpoint.files_.size() - 1).second)
        throw Error((folder / name).string() + ": tensor " + in_quotes(tensor) + " is also in another shard");
    }
  }
  return checkpoint;
}

std::vector<std::string> Checkpoint::names() const {
  std::vector<std::string> names;
  for (const auto& [name, file] : where_) names.push_back(name);
  return names;
}

const TensorInfo& Checkpoint::info(const std::string& tensor) const {
  const auto found = where_.find(tensor);
  if (found == where_.end()) throw Error(folder_.string() + ": tensor \"" + tensor + "\" is missing");
  return files_[found->second].tensors().at(tensor);
}

std::string Checkpoint::file_of(const std::string& tensor) const {
  const auto found = where_.find(tensor);
  return found == where_.end() ? folder_.string() : files_[found->second].path();
}

template <class Real>
void Checkpoint::read(const std::string& tensor, std::int64_t first, std::span<Real> out) const {
  const TensorInfo& tensor_info = info(tensor);
  const SafetensorsFile& file = files_[where_.at(tensor)];
  const std::size_t size = dtype_size(tensor_info.dtype);
  const auto bytes = file.data(tensor_info).subspan(static_cast<std::size_t>(first) * size, out.size() * size);
  try {
    decode(tensor_info.dtype, bytes, out.data());
  } catch (const Error& error) {
    throw Error(file_of(tensor) + ": tensor \"" + tensor + "\": " + error.what());
  }
  file.release(bytes);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!std::isfinite(out[i]))
      throw Error(file_of(tensor) + ": tensor \"" + tensor + "\" holds " + (std::isnan(out[i]) ? "NaN" : "infinity") +
                  " at element " + std::to_string(static_cast<std::size_t>(first) + i) + "; the checkpoint is damaged");
  }
}

template <class Real>
std::vector<Real> Checkpoint::read(const std::string& tensor) const {
  std::vector<Real> values(static_cast<std::size_t>(info(tensor).elements()));
  read(tensor, 0, std::span(values));
  return values;
}

void Checkpoint::read_f32(const std::string& tensor, std::int64_t first, std::span<float> out) const {
  read(tensor, first, out);
}
std::vector<float> Checkpoint::read_f32(const std::string& tensor) const {
  return read<float>(tensor);
}
std::vector<double> Checkpoint::read_f64(const std::string& tensor) const {
  return read<double>(tensor);
}

std::int64_t Checkpoint::parameters() const {
  std::int64_t total = 0;
  for (const SafetensorsFile& file : files_)
    for (const auto& [name, tensor_info] : file.tensors()) total += static_cast<std::int64_t>(tensor_info.elements());
  return total;
}

std::int64_t Checkpoint::stored_bytes() const {
  std::int64_t total = 0;
  for (const SafetensorsFile& file : files_)
    for (const auto& [name, tensor_info] : file.tensors())
      total += static_cast<std::int64_t>(tensor_info.end - tensor_info.begin);
  return total;
}

std::string Checkpoint::dtypes() const {
  std::set<std::string> names;
  for (const SafetensorsFile& file : files_)
    for (const auto& [name, tensor_info] : file.tensors()) names.emplace(dtype_name(tensor_info.dtype));
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace statescope
