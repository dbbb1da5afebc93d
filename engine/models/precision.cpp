// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/models/precision.h"

#include "engine/error.h"
#include "kernels/half.h"

namespace statescope {

using kernels::ElementType;

Precision parse_precision(const std::string& text) {
  for (const Precision p : {Precision::f64, Precision::f32, Precision::bf16, Precision::f16, Precision::i8})
    if (precision_name(p) == text) return p;
  throw Error("unknown dtype \"" + text + "\"; use f32, bf16, f16, i8 or f64");
}

std::string precision_name(Precision precision) {
  switch (precision) {
    case Precision::f64:
      return "f64";
    case Precision::f32:
      return "f32";
    case Precision::bf16:
      return "bf16";
    case Precision::f16:
      return "f16";
    case Precision::i8:
      break;
  }
  return "i8";
}

void round_to(Precision precision, std::span<float> values) {
  if (precision == Precision::bf16)
    for (float& x : values) x = kernels::from_bf16(kernels::to_bf16(x));
  else if (precision == Precision::f16)
    for (float& x : values) x = kernels::from_f16(kernels::to_f16(x));
}

ElementType weight_storage(Precision precision) {
  return precision == Precision::i8 ? ElementType::i8 : activation_type(precision);
}

ElementType activation_type(Precision precision) {
  switch (precision) {
    case Precision::bf16:
      return ElementType::bf16;
    case Precision::f16:
      return ElementType::f16;
    default:
      return ElementType::f32;
  }
}

}  // namespace statescope
