// SPDX-License-Identifier: GPL-3.0-or-later
// Products with packed weights. Included once per instruction set, inside an anonymous namespace.
#include "cpu/linear_weights_impl.h"

#include "cpu/linear_row_impl.h"
#include "cpu/linear_rows_impl.h"

std::int64_t linear_units(const LinearArgs& args) {
  return args.x.rows == 1 ? units_of_row(*args.W) : strips_of(*args.W) * parts_of_rows(args);
}

template <ElementType storage>
void linear_from(const LinearArgs& args, const void* x, std::int64_t begin, std::int64_t end) {
  if (args.x.rows == 1)
    product_of_row<storage>(args, begin, end);
  else
    product_of_rows<storage>(args, x, begin, end);
}

void linear(const LinearArgs& args, const void* x, std::int64_t begin, std::int64_t end) {
  switch (args.W->storage()) {
    case ElementType::f32:
      return linear_from<ElementType::f32>(args, x, begin, end);
    case ElementType::f16:
      return linear_from<ElementType::f16>(args, x, begin, end);
    case ElementType::i8:
      return linear_from<ElementType::i8>(args, x, begin, end);
    case ElementType::bf16:
      break;
  }
#if defined(STATESCOPE_BF16_PAIRS)
  if (args.x.rows == 1)
    pair_product_of_row(args, static_cast<const std::uint32_t*>(x), begin, end);
  else
    pair_product_of_rows(args, x, begin, end);
#else
  linear_from<ElementType::bf16>(args, x, begin, end);
#endif
}
