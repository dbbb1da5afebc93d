// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/io/dtype.h"
#include "engine/io/mapped_file.h"

namespace statescope {

struct TensorInfo {
  Dtype dtype = Dtype::f32;
  std::vector<std::int64_t> shape;  // outermost first; empty for a scalar
  std::uint64_t begin = 0;          // bytes from the start of the data section
  std::uint64_t end = 0;            // one past the last byte

  std::uint64_t elements() const { return (end - begin) / dtype_size(dtype); }
};

using TensorMap = std::map<std::string, TensorInfo, std::less<>>;
using MetadataMap = std::map<std::string, std::string, std::less<>>;

/// A safetensors file, checked in full against the format when opened: every shape, dtype and offset can be trusted
/// afterwards. The data stays on disk until it is touched.
class SafetensorsFile {
 public:
  /// Maps the file. Throws Error naming the file, the tensor and the byte offset when anything is amiss.
  explicit SafetensorsFile(const std::string& path);

  /// The same over bytes in memory; `name` stands for the path in messages.
  static SafetensorsFile from_bytes(std::string bytes, std::string name);

  const std::string& path() const { return path_; }
  const TensorMap& tensors() const { return tensors_; }
  const MetadataMap& metadata() const { return metadata_; }

  /// The tensor of this name, or null.
  const TensorInfo* find(std::string_view name) const;
  /// The tensor of this name. Throws Error when the file has none.
  const TensorInfo& at(std::string_view name) const;

  /// The tensor's bytes, at any alignment; valid as long as this object. `info` is one of tensors().
  std::span<const std::byte> data(const TensorInfo& info) const;
  /// Gives the memory of `part` of data() back; it is read from disk again when touched.
  void release(std::span<const std::byte> part) const;

  /// A whole tensor of F32, F16, BF16 or F64, decoded. Throws Error naming file and tensor for other dtypes.
  std::vector<float> read_f32(std::string_view name) const;
  std::vector<double> read_f64(std::string_view name) const;
  /// A whole tensor of I32 or I64 as token ids. Throws Error for other dtypes and for values beyond 32 bits.
  std::vector<std::int32_t> read_ids(std::string_view name) const;

 private:
  SafetensorsFile(std::variant<MappedFile, std::string> storage, std::string path);
  std::span<const std::byte> bytes() const;
  void parse();

  std::string path_;
  std::variant<MappedFile, std::string> storage_;
  std::uint64_t data_offset_ = 0;  // of the data section in the file
  TensorMap tensors_;
  MetadataMap metadata_;
};

struct TensorDeclaration {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<std::int64_t> shape;
};

/// Writes a safetensors file whose tensors are known beforehand, in any order and in pieces, so that a trace larger
/// than memory can be recorded. The file appears under its name only with commit(); until then it is a temporary file
/// beside it, which the destructor removes. What is never written reads as zeros.
class SafetensorsWriter {
 public:
  /// Throws Error for duplicate names, impossible shapes, and when the folder cannot be written.
  SafetensorsWriter(std::string path, const std::vector<TensorDeclaration>& tensors, const MetadataMap& metadata);
  SafetensorsWriter(const SafetensorsWriter&) = delete;
  SafetensorsWriter& operator=(const SafetensorsWriter&) = delete;
  ~SafetensorsWriter();

  /// Elements of the tensor from `element_offset` on; its dtype must be F32 (floats) or I32 (ids). Throws Error for an
  /// unknown name, another dtype, a range past the tensor's end, and a full disk.
  void write(std::string_view name, std::uint64_t element_offset, std::span<const float> values);
  void write(std::string_view name, std::uint64_t element_offset, std::span<const std::int32_t> values);
  /// Raw little-endian bytes of any dtype.
  void write_bytes(std::string_view name, std::uint64_t byte_offset, std::span<const std::byte> bytes);

  /// Gives the file its name, replacing an older one. Nothing can be written afterwards.
  void commit();

 private:
  void write_elements(std::string_view name, std::uint64_t element_offset, Dtype dtype,
                      std::span<const std::byte> bytes);
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  void close_file();
  [[noreturn]] void fail(int error_number) const;

  std::string path_;
  std::string temporary_;
  int descriptor_ = -1;
  std::uint64_t data_offset_ = 0;
  TensorMap tensors_;
};

}  // namespace statescope
