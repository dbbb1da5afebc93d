// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "engine/io/safetensors.h"

namespace statescope {

/// A checkpoint folder in the Hugging Face layout: config.json (may be absent) and model.safetensors, or the shards
/// that model.safetensors.index.json names. Files stay memory-mapped; nothing is decoded before it is asked for.
class Checkpoint {
 public:
  /// `path` is the folder or any file in it. Throws Error.
  static Checkpoint open(const std::filesystem::path& path);

  const std::filesystem::path& folder() const { return folder_; }
  /// What config.json says, an empty object without the file. Says nothing about shapes: the tensors win.
  const nlohmann::json& config() const { return config_; }

  bool has(const std::string& tensor) const { return where_.count(tensor) != 0; }
  std::vector<std::string> names() const;
  const TensorInfo& info(const std::string& tensor) const;  // throws Error when missing
  /// The file that holds the tensor, for messages.
  std::string file_of(const std::string& tensor) const;

  /// Decoded values in row-major order; throws Error when the tensor is missing, not floating point, or holds NaN or
  /// infinity (the message gives the element).
  std::vector<float> read_f32(const std::string& tensor) const;
  std::vector<double> read_f64(const std::string& tensor) const;
  /// The elements from `first` on, as many as `out` has; and the file's memory behind them is given back, so that a
  /// model larger than half the memory can be read piece by piece.
  void read_f32(const std::string& tensor, std::int64_t first, std::span<float> out) const;

  std::int64_t parameters() const;    // elements of all tensors
  std::int64_t stored_bytes() const;  // their size in the files
  std::string dtypes() const;         // "BF16, F32", as stored

 private:
  template <class Real>
  std::vector<Real> read(const std::string& tensor) const;
  template <class Real>
  void read(const std::string& tensor, std::int64_t first, std::span<Real> out) const;

  std::filesystem::path folder_;
  nlohmann::json config_ = nlohmann::json::object();
  std::vector<SafetensorsFile> files_;
  std::map<std::string, std::size_t> where_;  // tensor -> index in files_
};

}  // namespace statescope
