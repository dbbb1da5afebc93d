// SPDX-License-Identifier: GPL-3.0-or-later
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/error.h"
#include "engine/io/safetensors.h"
#include "engine/io/utf8.h"
#include "replacing.h"

namespace statescope {
namespace {

constexpr std::size_t alignment = 8;  // of the data section in the file

std::string name_of_temporary(const std::string& path) {
  static std::atomic<unsigned> counter{0};
  return path + "." + std::to_string(getpid()) + "-" + std::to_string(counter++) + ".part";
}

// Bytes of the tensor, so that `begin` plus it stays within the offsets of a file.
std::uint64_t checked_bytes(const std::string& path, const TensorDeclaration& tensor, std::uint64_t begin) {
  std::uint64_t total = dtype_size(tensor.dtype);
  bool possible = true;
  for (const std::int64_t extent : tensor.shape) {
    possible = possible && extent >= 0 && !__builtin_mul_overflow(total, static_cast<std::uint64_t>(extent), &total);
  }
  constexpr auto max_offset = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max()) / 2;
  if (!possible || total > max_offset - begin) {
    throw Error(path + ": tensor " + in_quotes(tensor.name) + " cannot be written, its shape is negative or too large");
  }
  return total;
}

// Wider elements first keeps every tensor aligned to its own element size.
TensorMap lay_out(const std::string& path, std::vector<TensorDeclaration> declarations) {
  std::stable_sort(declarations.begin(), declarations.end(),
                   [](const auto& a, const auto& b) { return dtype_size(a.dtype) > dtype_size(b.dtype); });
  TensorMap tensors;
  std::uint64_t offset = 0;
  for (const TensorDeclaration& tensor : declarations) {
    const std::uint64_t end = offset + checked_bytes(path, tensor, offset);
    const TensorInfo info{tensor.dtype, tensor.shape, offset, end};
    if (tensor.name == "__metadata__" || !tensors.emplace(tensor.name, info).second) {
      throw Error(path + ": the tensor name " + in_quotes(tensor.name) +
                  " is reserved or used twice; rename the tensor");
    }
    offset = end;
  }
  return tensors;
}

std::string header_text(const TensorMap& tensors, const MetadataMap& metadata) {
  auto header = nlohmann::json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  for (const auto& [name, info] : tensors) {
    header[name] = {{"dtype", dtype_name(info.dtype)}, {"shape", info.shape}, {"data_offsets", {info.begin, info.end}}};
  }
  std::string text = header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  text.resize((text.size() + alignment - 1) / alignment * alignment, ' ');
  return text;
}

}  // namespace

SafetensorsWriter::SafetensorsWriter(std::string path, const std::vector<TensorDeclaration>& tensors,
                                     const MetadataMap& metadata)
    : path_(file_behind(path).string()), temporary_(name_of_temporary(path_)), tensors_(lay_out(path_, tensors)) {
  const std::string header = header_text(tensors_, metadata);
  const std::uint64_t header_bytes = header.size();
  data_offset_ = sizeof(header_bytes) + header_bytes;
  std::uint64_t data_bytes = 0;
  for (const auto& [name, info] : tensors_) data_bytes = std::max(data_bytes, info.end);

  if (is_device_or_pipe(path_)) throw Error(path_ + ": tensors cannot be written to a device or a pipe; name a file");
  descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(errno);
  try {
    if (ftruncate(descriptor_, static_cast<off_t>(data_offset_ + data_bytes)) != 0) fail(errno);
    write_at(0, std::as_bytes(std::span(&header_bytes, 1)));
    write_at(sizeof(header_bytes), std::as_bytes(std::span(header)));
  } catch (...) {
    close_file();
    unlink(temporary_.c_str());
    throw;
  }
}

SafetensorsWriter::~SafetensorsWriter() {
  if (descriptor_ < 0) return;
  close_file();
  unlink(temporary_.c_str());
}

void SafetensorsWriter::write(std::string_view name, std::uint64_t element_offset, std::span<const float> values) {
  write_elements(name, element_offset, Dtype::f32, std::as_bytes(values));
}

void SafetensorsWriter::write(std::string_view name, std::uint64_t element_offset,
                              std::span<const std::int32_t> values) {
  write_elements(name, element_offset, Dtype::i32, std::as_bytes(values));
}

void SafetensorsWriter::write_elements(std::string_view name, std::uint64_t element_offset, Dtype dtype,
                                       std::span<const std::byte> bytes) {
  const auto tensor = tensors_.find(name);
  if (tensor != tensors_.end() && tensor->second.dtype != dtype) {
    throw Error(path_ + ": tensor " + in_quotes(name) + " is declared as " +
                std::string(dtype_name(tensor->second.dtype)) + " but written as " + std::string(dtype_name(dtype)));
  }
  constexpr std::uint64_t max_value = std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t size = dtype_size(dtype);
  write_bytes(name, element_offset > max_value / size ? max_value : element_offset * size, bytes);
}

void SafetensorsWriter::write_bytes(std::string_view name, std::uint64_t byte_offset,
                                    std::span<const std::byte> bytes) {
  const auto tensor = tensors_.find(name);
  if (tensor == tensors_.end()) throw Error(path_ + ": tensor " + in_quotes(name) + " was not declared");
  const TensorInfo& info = tensor->second;
  const std::uint64_t size = info.end - info.begin;
  if (byte_offset > size || bytes.size() > size - byte_offset) {
    throw Error(path_ + ": tensor " + in_quotes(name) + " has " + std::to_string(size) + " bytes, too few for " +
                std::to_string(bytes.size()) + " at its byte " + std::to_string(byte_offset));
  }
  write_at(data_offset_ + info.begin + byte_offset, bytes);
}

void SafetensorsWriter::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (descriptor_ < 0) throw Error(path_ + ": cannot be written any more, it is already complete");
  while (!bytes.empty()) {
    const ssize_t written = pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
}

void SafetensorsWriter::commit() {
  if (descriptor_ < 0) throw Error(path_ + ": cannot be completed twice");
  const int closed = close(std::exchange(descriptor_, -1));  // reports a delayed write error on network disks
  if (closed != 0 || std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int error_number = errno;
    unlink(temporary_.c_str());
    fail(error_number);
  }
}

void SafetensorsWriter::close_file() {
  close(std::exchange(descriptor_, -1));
}

void SafetensorsWriter::fail(int error_number) const {
  throw Error(path_ + ": cannot be written (" + std::strerror(error_number) +
              "); check the folder, its permissions and the free space");
}

}  // namespace statescope
