// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace statescope {

/// Element types of a safetensors file. The two F8 types are listed and measured but not decoded.
enum class Dtype { boolean, u8, i8, i16, u16, i32, u32, i64, u64, f16, bf16, f32, f64, f8_e4m3, f8_e5m2 };

/// The name in the file, such as "BF16".
std::string_view dtype_name(Dtype dtype);
std::optional<Dtype> dtype_from_name(std::string_view name);

/// Bytes of one element.
std::size_t dtype_size(Dtype dtype);

/// Little-endian elements, at any alignment, to float: exact for F32, F16 and BF16 (subnormals, infinities and NaN
/// included), rounded once for F64. `out` has room for bytes.size() / dtype_size(dtype) elements. Throws Error for
/// dtypes that are not floating point, and for F8.
void decode_f32(Dtype dtype, std::span<const std::byte> bytes, float* out);

/// The same to double, exact for all four.
void decode_f64(Dtype dtype, std::span<const std::byte> bytes, double* out);

}  // namespace statescope
