// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>

#include "kernels/half.h"
#include "kernels/large_pages.h"
#include "kernels/linear.h"

namespace statescope::kernels {
namespace {

constexpr std::uintptr_t alignment = 64;
constexpr std::int64_t block_bytes = std::int64_t{32} << 20;  // of WeightMemory; what is not used is never touched

std::byte* aligned_up(void* p, std::uintptr_t to) {
  return reinterpret_cast<std::byte*>((reinterpret_cast<std::uintptr_t>(p) + to - 1) / to * to);
}

std::shared_ptr<std::byte> zeros(std::int64_t bytes, std::uintptr_t aligned_to) {
  const auto size = static_cast<std::size_t>(bytes);
  void* block = std::calloc(size + aligned_to, 1);  // large blocks come as zero pages that nobody has touched
  if (!block) throw std::bad_alloc();
  const std::shared_ptr<void> owner(block, std::free);
  std::byte* const begin = aligned_up(block, aligned_to);
  ask_for_large_pages(begin, size);
  return {owner, begin};
}

template <class T>
void put(std::byte* to, T value) {
  std::memcpy(to, &value, sizeof value);
}
template <class T>
T read(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

// The scale of 32 weights, the largest of which is `largest`: never so small that an integer would pass 127.
std::uint16_t scale_for(float largest) {
  return static_cast<std::uint16_t>((std::bit_cast<std::uint32_t>(largest / 127) + 0xFFFF) >> 16);
}

std::int64_t bytes_of_output(std::int64_t inputs, ElementType storage) {
  switch (storage) {
    case ElementType::bf16:
      return (inputs + 1) / 2 * 4;
    case ElementType::i8:
      return inputs + (inputs + PackedMatrix::scale_inputs - 1) / PackedMatrix::scale_inputs * 2;
    default:
      return inputs * bytes_of(storage);
  }
}

// Bytes from the start of a panel to the 32 inputs that `block` counts: first their scales, then their integers.
std::int64_t block_offset(std::int64_t block) {
  return block * PackedMatrix::panel_width * (PackedMatrix::scale_inputs + 2);
}

}  // namespace

std::shared_ptr<std::byte> WeightMemory::take(std::int64_t bytes) {
  if (used_ + bytes > size_) {
    const auto page = static_cast<std::int64_t>(large_page);
    size_ = (std::max(bytes, block_bytes) + page - 1) / page * page;
    block_ = zeros(size_, large_page);
    used_ = 0;
  }
  std::shared_ptr<std::byte> taken(block_, block_.get() + used_);
  constexpr auto step = static_cast<std::int64_t>(alignment);
  used_ += (bytes + step - 1) / step * step;
  return taken;
}

PackedMatrix::PackedMatrix(std::int64_t outputs, std::int64_t inputs, ElementType storage, WeightMemory* memory)
    : outputs_(outputs), inputs_(inputs), storage_(storage), bytes_per_output_(bytes_of_output(inputs, storage)) {
  data_ = memory ? memory->take(bytes()) : zeros(bytes(), alignment);
}

PackedMatrix PackedMatrix::pack(const float* W, std::int64_t outputs, std::int64_t inputs, ElementType storage) {
  PackedMatrix packed(outputs, inputs, storage);
  packed.set_rows(0, outputs, W);
  return packed;
}

std::byte* PackedMatrix::panel_of(std::int64_t output) const {
  return data_.get() + output / panel_width * bytes_of_panel();
}

template <ElementType storage>
void PackedMatrix::set(std::int64_t output, const float* row) {
  std::byte* const panel = panel_of(output);
  constexpr std::int64_t w = panel_width;
  const std::int64_t column = output % panel_width;
  if constexpr (storage == ElementType::i8) {
    for (std::int64_t k = 0; k < inputs_; k += scale_inputs) {
      const std::int64_t count = std::min(scale_inputs, inputs_ - k);
      std::byte* const block = panel + block_offset(k / scale_inputs);
      float largest = 0;
      for (std::int64_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(row[k + i]));
      const std::uint16_t scale = scale_for(largest);
      put(block + 2 * column, scale);
      const float divisor = scale == 0 ? 1 : from_bf16(scale);
      for (std::int64_t i = 0; i < count; ++i)
        put(block + 2 * w + i * w + column, static_cast<std::int8_t>(std::lrint(row[k + i] / divisor)));
    }
  } else {
    for (std::int64_t k = 0; k < inputs_; ++k) {
      if constexpr (storage == ElementType::f32) put(panel + (k * w + column) * 4, row[k]);
      if constexpr (storage == ElementType::f16) put(panel + (k * w + column) * 2, to_f16(row[k]));
      if constexpr (storage == ElementType::bf16) put(panel + (k / 2 * w + column) * 4 + k % 2 * 2, to_bf16(row[k]));
    }
  }
}

template <ElementType storage>
float PackedMatrix::get(std::int64_t output, std::int64_t input) const {
  const std::byte* const panel = panel_of(output);
  constexpr std::int64_t w = panel_width;
  const std::int64_t column = output % panel_width, k = input;
  if constexpr (storage == ElementType::f32) return read<float>(panel + (k * w + column) * 4);
  if constexpr (storage == ElementType::f16) return from_f16(read<std::uint16_t>(panel + (k * w + column) * 2));
  if constexpr (storage == ElementType::bf16)
    return from_bf16(read<std::uint16_t>(panel + (k / 2 * w + column) * 4 + k % 2 * 2));
  const std::byte* const block = panel + block_offset(k / scale_inputs);
  return from_bf16(read<std::uint16_t>(block + 2 * column)) *
         static_cast<float>(read<std::int8_t>(block + 2 * w + k % scale_inputs * w + column));
}

void PackedMatrix::set_rows(std::int64_t first, std::int64_t count, const float* rows) {
  const auto set_all = [&]<ElementType storage>() {
    for (std::int64_t i = 0; i < count; ++i) set<storage>(first + i, rows + i * inputs_);
  };
  switch (storage_) {
    case ElementType::f32:
      return set_all.operator()<ElementType::f32>();
    case ElementType::bf16:
      return set_all.operator()<ElementType::bf16>();
    case ElementType::f16:
      return set_all.operator()<ElementType::f16>();
    case ElementType::i8:
      return set_all.operator()<ElementType::i8>();
  }
}

float PackedMatrix::at(std::int64_t output, std::int64_t input) const {
  switch (storage_) {
    case ElementType::f32:
      return get<ElementType::f32>(output, input);
    case ElementType::bf16:
      return get<ElementType::bf16>(output, input);
    case ElementType::f16:
      return get<ElementType::f16>(output, input);
    case ElementType::i8:
      break;
  }
  return get<ElementType::i8>(output, input);
}

void PackedMatrix::unpack_row(std::int64_t output, float* out) const {
  const auto get_all = [&]<ElementType storage>() {
    for (std::int64_t k = 0; k < inputs_; ++k) out[k] = get<storage>(output, k);
  };
  switch (storage_) {
    case ElementType::f32:
      return get_all.operator()<ElementType::f32>();
    case ElementType::bf16:
      return get_all.operator()<ElementType::bf16>();
    case ElementType::f16:
      return get_all.operator()<ElementType::f16>();
    case ElementType::i8:
      return get_all.operator()<ElementType::i8>();
  }
}

}  // namespace statescope::kernels
