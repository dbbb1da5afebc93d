// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "kernels/element_type.h"

namespace statescope::kernels {

/// Bytes that a backend handed out and that go back when this goes. Moves, never copies.
class OwnedMemory {
 public:
  using Release = void (*)(void*);
  OwnedMemory() = default;
  OwnedMemory(void* data, std::int64_t bytes, Release release) : data_(data, release), bytes_(bytes) {}

  std::int64_t bytes() const { return bytes_; }
  /// The address `offset` bytes from the start.
  std::byte* data(std::int64_t offset = 0) const { return static_cast<std::byte*>(data_.get()) + offset; }
  template <class T>
  T* as(std::int64_t offset = 0) const {
    return reinterpret_cast<T*>(data(offset));
  }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  std::unique_ptr<void, Release> data_{nullptr, [](void*) {}};
  std::int64_t bytes_ = 0;
};

/// Memory of a device, 256-byte aligned. The host must not follow its address.
class DeviceBuffer : public OwnedMemory {
  using OwnedMemory::OwnedMemory;
};
/// Memory of the host that a device copies from and to on its own, while both go on.
class PinnedBuffer : public OwnedMemory {
  using OwnedMemory::OwnedMemory;
};

/// A row-major matrix in device memory that somebody else owns.
struct DeviceMatrix {
  void* data = nullptr;
  ElementType type = ElementType::f32;
  std::int64_t rows = 0, cols = 0;
  std::int64_t stride = 0;  // elements from one row to the next

  explicit operator bool() const { return data != nullptr; }
  DeviceMatrix columns(std::int64_t first, std::int64_t count) const { return at(first, rows, count); }
  DeviceMatrix row_range(std::int64_t first, std::int64_t count) const { return at(first * stride, count, cols); }
  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }

 private:
  DeviceMatrix at(std::int64_t offset, std::int64_t rows_, std::int64_t cols_) const {
    return {static_cast<std::byte*>(data) + offset * bytes_of(type), type, rows_, cols_, stride};
  }
};

}  // namespace statescope::kernels
