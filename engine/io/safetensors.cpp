// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/io/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "engine/error.h"
#include "engine/io/utf8.h"
#include "json_sax.h"

namespace statescope {
namespace {

constexpr std::uint64_t max_header_bytes = 100'000'000;  // the format's own limit
constexpr std::size_t max_dimensions = 32;
constexpr std::uint64_t prefix_bytes = 8;

// Reads the header {"name": {"dtype": ..., "shape": [...], "data_offsets": [a, b]}, "__metadata__": {...}} without a
// document in between: memory stays proportional to what is kept.
class HeaderReader final : public JsonSax {
 public:
  HeaderReader(const std::string& where, TensorMap& tensors, MetadataMap& metadata)
      : JsonSax(where, 3), tensors_(tensors), metadata_(metadata) {}

  bool key(string_t& name) override {
    if (depth() == 1) {
      in_metadata_ = name == "__metadata__";
      if (in_metadata_ ? std::exchange(seen_metadata_, true) : tensors_.contains(name)) {
        fail("has the key " + in_quotes(name) + " twice");
      }
      tensor_name_ = std::move(name);
    } else if (in_metadata_) {
      if (metadata_.contains(name)) fail("has the metadata key " + in_quotes(name) + " twice");
      field_ = std::move(name);
    } else {
      start_field(name);
    }
    return true;
  }

  bool start_object(std::size_t count) override {
    if (depth() == 2) fail_misplaced("an object");
    JsonSax::start_object(count);
    if (depth() == 2 && !in_metadata_) {
      dtype_.reset();
      shape_.reset();
      offsets_.reset();
    }
    return true;
  }

  bool end_object() override {
    if (depth() == 2 && !in_metadata_) {
      if (!dtype_ || !shape_ || !offsets_) fail(subject() + " lacks its dtype, shape or data_offsets");
      if (offsets_->size() != 2) fail(subject() + " must have two data_offsets");
      tensors_.emplace(std::move(tensor_name_),
                       TensorInfo{*dtype_, std::move(*shape_), (*offsets_)[0], (*offsets_)[1]});
    }
    return JsonSax::end_object();
  }

  bool start_array(std::size_t count) override {
    if (depth() != 2 || in_metadata_ || field_ == "dtype") fail_misplaced("an array");
    if (field_ == "shape") {
      shape_.emplace();
    } else {
      offsets_.emplace();
    }
    return JsonSax::start_array(count);
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (depth() != 3) fail_misplaced("a number");
    if (field_ == "shape") {
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) fail_number();
      if (shape_->size() == max_dimensions) {
        fail(subject() + " has more than " + std::to_string(max_dimensions) + " dimensions");
      }
      shape_->push_back(static_cast<std::int64_t>(value));
    } else {
      if (offsets_->size() == 2) fail(subject() + " must have two data_offsets");
      offsets_->push_back(value);
    }
    return true;
  }

  bool string(string_t& value) override {
    if (depth() == 2 && in_metadata_) {
      metadata_.emplace(std::move(field_), std::move(value));
      return true;
    }
    if (depth() != 2 || field_ != "dtype") fail_misplaced("a string");
    dtype_ = dtype_from_name(value);
    if (!dtype_) fail(subject() + " has the unknown dtype " + in_quotes(value));
    return true;
  }

  bool null() override { fail_misplaced("null"); }
  bool boolean(bool) override { fail_misplaced("a boolean"); }
  bool number_integer(number_integer_t) override { fail_number(); }
  bool number_float(number_float_t, const string_t&) override { fail_number(); }

 private:
  void start_field(string_t& name) {
    const bool repeated =
        (name == "dtype" && dtype_) || (name == "shape" && shape_) || (name == "data_offsets" && offsets_);
    if (repeated) fail(subject() + " has the key " + in_quotes(name) + " twice");
    if (name != "dtype" && name != "shape" && name != "data_offsets") {
      fail(subject() + " has the unknown key " + in_quotes(name));
    }
    field_ = std::move(name);
  }

  std::string subject() const { return "tensor " + in_quotes(tensor_name_); }
  [[noreturn]] void fail_misplaced(const std::string& what) const {
    if (depth() == 0) fail("the header is " + what + " instead of an object");
    if (in_metadata_) fail("the metadata has " + what + " where only strings may stand");
    fail(subject() + " has " + what + (depth() > 1 ? " for its " + in_quotes(field_) : std::string()));
  }
  [[noreturn]] void fail_number() const {
    if (depth() != 3) fail_misplaced("a number");
    fail(subject() + " has a number in its " + field_ + " that is negative, fractional or too large");
  }

  TensorMap& tensors_;
  MetadataMap& metadata_;
  std::string tensor_name_;
  std::string field_;
  bool in_metadata_ = false;
  bool seen_metadata_ = false;
  std::optional<Dtype> dtype_;
  std::optional<std::vector<std::int64_t>> shape_;
  std::optional<std::vector<std::uint64_t>> offsets_;
};

// Bytes that the shape needs, or nothing when they do not fit into 64 bits.
std::optional<std::uint64_t> bytes_needed(const TensorInfo& info) {
  std::uint64_t total = dtype_size(info.dtype);
  for (const std::int64_t extent : info.shape) {
    if (__builtin_mul_overflow(total, static_cast<std::uint64_t>(extent), &total)) return std::nullopt;
  }
  return total;
}

[[noreturn]] void refuse(const std::string& path, const std::string& name, const std::string& problem) {
  throw Error(path + ": tensor " + in_quotes(name) + " " + problem + "; get an undamaged copy of the file");
}

// Every tensor lies inside the data section, and together they cover it without overlap, hole or rest.
void check_layout(const std::string& path, const TensorMap& tensors, std::uint64_t data_bytes) {
  std::vector<const TensorMap::value_type*> by_offset;
  by_offset.reserve(tensors.size());
  for (const auto& entry : tensors) {
    const auto& [name, info] = entry;
    const std::string offsets = "data_offsets [" + std::to_string(info.begin) + ", " + std::to_string(info.end) + "]";
    if (info.begin > info.end) refuse(path, name, "has reversed " + offsets);
    if (info.end > data_bytes) {
      refuse(path, name, "has " + offsets + " past the end of the " + std::to_string(data_bytes) + " bytes of data");
    }
    const auto needed = bytes_needed(info);
    if (!needed) refuse(path, name, "has a shape whose size overflows 64 bits");
    if (*needed != info.end - info.begin) {
      refuse(path, name, "needs " + std::to_string(*needed) + " bytes for its shape and dtype but has " + offsets);
    }
    by_offset.push_back(&entry);
  }
  std::sort(by_offset.begin(), by_offset.end(), [](const auto* a, const auto* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  std::uint64_t covered = 0;
  for (const auto* entry : by_offset) {
    const auto& [name, info] = *entry;
    if (info.begin < covered) refuse(path, name, "overlaps another at data offset " + std::to_string(info.begin));
    if (info.begin > covered) refuse(path, name, "leaves a hole in the data at offset " + std::to_string(covered));
    covered = info.end;
  }
  if (covered != data_bytes) {
    throw Error(path + ": " + std::to_string(data_bytes - covered) + " bytes after data offset " +
                std::to_string(covered) + " belong to no tensor; get an undamaged copy of the file");
  }
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::string& path) : SafetensorsFile(MappedFile(path), path) {}

SafetensorsFile::SafetensorsFile(std::variant<MappedFile, std::string> storage, std::string path)
    : path_(std::move(path)), storage_(std::move(storage)) {
  parse();
}

SafetensorsFile SafetensorsFile::from_bytes(std::string bytes, std::string name) {
  return {std::move(bytes), std::move(name)};
}

std::span<const std::byte> SafetensorsFile::bytes() const {
  if (const auto* file = std::get_if<MappedFile>(&storage_)) return file->bytes();
  return std::as_bytes(std::span(std::get<std::string>(storage_)));
}

void SafetensorsFile::parse() {
  const std::span<const std::byte> file = bytes();
  if (file.size() < prefix_bytes) {
    throw Error(path_ + ": has " + std::to_string(file.size()) +
                " bytes, too few for the header length of a safetensors file; get an undamaged copy of the file");
  }
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, file.data(), prefix_bytes);
  const std::uint64_t available = file.size() - prefix_bytes;
  if (header_bytes > std::min(available, max_header_bytes)) {
    throw Error(path_ + ": the header length at byte 0 says " + std::to_string(header_bytes) + " bytes where " +
                std::to_string(available) + " follow and at most " + std::to_string(max_header_bytes) +
                " are allowed; check that it is a complete safetensors file");
  }
  const std::string_view header(reinterpret_cast<const char*>(file.data()) + prefix_bytes, header_bytes);
  HeaderReader(path_, tensors_, metadata_).run(header, prefix_bytes);
  data_offset_ = prefix_bytes + header_bytes;
  check_layout(path_, tensors_, available - header_bytes);
}

const TensorInfo* SafetensorsFile::find(std::string_view name) const {
  const auto entry = tensors_.find(name);
  return entry == tensors_.end() ? nullptr : &entry->second;
}

const TensorInfo& SafetensorsFile::at(std::string_view name) const {
  const TensorInfo* info = find(name);
  if (info == nullptr) throw Error(path_ + ": has no tensor " + in_quotes(name) + "; check that it is the right file");
  return *info;
}

void SafetensorsFile::release(std::span<const std::byte> part) const {
  if (const auto* file = std::get_if<MappedFile>(&storage_)) file->release(part);
}

std::span<const std::byte> SafetensorsFile::data(const TensorInfo& info) const {
  return bytes().subspan(data_offset_ + info.begin, info.end - info.begin);
}

std::vector<float> SafetensorsFile::read_f32(std::string_view name) const {
  const TensorInfo& info = at(name);
  std::vector<float> values(info.elements());
  try {
    decode_f32(info.dtype, data(info), values.data());
  } catch (const Error& error) {
    throw Error(path_ + ": tensor " + in_quotes(name) + ": " + error.what());
  }
  return values;
}

std::vector<double> SafetensorsFile::read_f64(std::string_view name) const {
  const TensorInfo& info = at(name);
  std::vector<double> values(info.elements());
  try {
    decode_f64(info.dtype, data(info), values.data());
  } catch (const Error& error) {
    throw Error(path_ + ": tensor " + in_quotes(name) + ": " + error.what());
  }
  return values;
}

std::vector<std::int32_t> SafetensorsFile::read_ids(std::string_view name) const {
  const TensorInfo& info = at(name);
  const std::span<const std::byte> stored = data(info);
  std::vector<std::int32_t> ids(info.elements());
  if (info.dtype == Dtype::i32) {
    if (!ids.empty()) std::memcpy(ids.data(), stored.data(), stored.size());
    return ids;
  }
  if (info.dtype != Dtype::i64) {
    throw Error(path_ + ": tensor " + in_quotes(name) + " has dtype " + std::string(dtype_name(info.dtype)) +
                " where ids need I32 or I64; convert it");
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    std::int64_t id = 0;
    std::memcpy(&id, stored.data() + i * sizeof(id), sizeof(id));
    if (!std::in_range<std::int32_t>(id)) {
      throw Error(path_ + ": tensor " + in_quotes(name) + " has the id " + std::to_string(id) + " at element " +
                  std::to_string(i) + ", which does not fit into 32 bits; correct it");
    }
    ids[i] = static_cast<std::int32_t>(id);
  }
  return ids;
}

}  // namespace statescope
