// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/io/dtype.h"

#include <array>
#include <bit>
#include <cstring>
#include <string>

#include "engine/error.h"

namespace statescope {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data is little-endian and read as it lies");

struct DtypeFacts {
  Dtype dtype;
  std::string_view name;
  std::size_t size;
};

constexpr std::array<DtypeFacts, 15> dtypes{{{Dtype::boolean, "BOOL", 1},
                                             {Dtype::u8, "U8", 1},
                                             {Dtype::i8, "I8", 1},
                                             {Dtype::i16, "I16", 2},
                                             {Dtype::u16, "U16", 2},
                                             {Dtype::i32, "I32", 4},
                                             {Dtype::u32, "U32", 4},
                                             {Dtype::i64, "I64", 8},
                                             {Dtype::u64, "U64", 8},
                                             {Dtype::f16, "F16", 2},
                                             {Dtype::bf16, "BF16", 2},
                                             {Dtype::f32, "F32", 4},
                                             {Dtype::f64, "F64", 8},
                                             {Dtype::f8_e4m3, "F8_E4M3", 1},
                                             {Dtype::f8_e5m2, "F8_E5M2", 1}}};

float float_from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

float float_from_f16(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1FU;
  const std::uint32_t fraction = bits & 0x3FFU;
  if (exponent == 0) {  // zero or subnormal: fraction * 2^-24, a normal float
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | sign);
  }
  const std::uint32_t wide_exponent = exponent == 0x1F ? 0xFFU : exponent + (127 - 15);
  return std::bit_cast<float>(sign | (wide_exponent << 23) | (fraction << 13));
}

template <typename Stored, typename Out, typename Convert>
void decode_each(std::span<const std::byte> bytes, Out* out, Convert convert) {
  const std::size_t count = bytes.size() / sizeof(Stored);
  for (std::size_t i = 0; i < count; ++i) {
    Stored stored;
    std::memcpy(&stored, bytes.data() + i * sizeof(Stored), sizeof(Stored));
    out[i] = static_cast<Out>(convert(stored));
  }
}

template <typename Out>
void decode(Dtype dtype, std::span<const std::byte> bytes, Out* out) {
  const auto same = [](auto value) { return value; };
  switch (dtype) {
    case Dtype::f32:
      return decode_each<float>(bytes, out, same);
    case Dtype::f64:
      return decode_each<double>(bytes, out, same);
    case Dtype::bf16:
      return decode_each<std::uint16_t>(bytes, out, float_from_bf16);
    case Dtype::f16:
      return decode_each<std::uint16_t>(bytes, out, float_from_f16);
    default:
      throw Error("elements of type " + std::string(dtype_name(dtype)) +
                  " cannot be read as real numbers; convert the tensor to F32, F16, BF16 or F64");
  }
}

}  // namespace

std::string_view dtype_name(Dtype dtype) {
  return dtypes[static_cast<std::size_t>(dtype)].name;
}

std::optional<Dtype> dtype_from_name(std::string_view name) {
  for (const DtypeFacts& facts : dtypes) {
    if (facts.name == name) return facts.dtype;
  }
  return std::nullopt;
}

std::size_t dtype_size(Dtype dtype) {
  return dtypes[static_cast<std::size_t>(dtype)].size;
}

void decode_f32(Dtype dtype, std::span<const std::byte> bytes, float* out) {
  decode(dtype, bytes, out);
}

void decode_f64(Dtype dtype, std::span<const std::byte> bytes, double* out) {
  decode(dtype, bytes, out);
}

}  // namespace statescope
