// SPDX-License-Identifier: GPL-3.0-or-later
// Products of one token, included by linear_impl.h: the weights stream from memory, all 64 columns of a panel at once,
// and are converted in registers, so that memory is what a product waits for.

// `full_panel` tells the compiler the width, so that what is read ahead has its place in the instruction.
template <ElementType storage, int Vectors, bool full_panel>
inline void product_of_row(const LinearArgs& args, const Byte* panel, std::int64_t width, std::int64_t offset,
                           std::int64_t column) {
  if constexpr (full_panel) width = panel_width;
  const float* x = args.x.data;
  Vec sums[Vectors] = {};
  for_each_input<storage, Vectors, ahead_of<storage>>(
      panel, width, offset, 0, args.x.cols,
      [&](std::int64_t k, int v, Vec weights) { sums[v] = fma(splat(x[k]), weights, sums[v]); });
  for (int v = 0; v < Vectors; ++v) finish(args, 0, column + offset + v * lanes, sums[v]);
}

// A unit is a panel; of a matrix with very few of them half a panel, or one thread would wait for the other.
inline std::int64_t parts_of_panel(const PackedMatrix& W) {
  return W.panels() < 4 ? 2 : 1;
}

// Calls f(panel, width, first offset, last offset) for units of one token.
template <class F>
inline void for_each_unit_of_row(const PackedMatrix& W, std::int64_t begin, std::int64_t end, const F& f) {
  const std::int64_t parts = parts_of_panel(W), columns = panel_width / parts;
  for (std::int64_t unit = begin; unit < end; ++unit) {
    const std::int64_t p = unit / parts, offset = unit % parts * columns;
    f(p, W.width(p), offset, smaller(offset + columns, W.width(p)));
  }
}

template <ElementType storage>
void product_of_row(const LinearArgs& args, std::int64_t unit_begin, std::int64_t unit_end) {
  for_each_unit_of_row(*args.W, unit_begin, unit_end,
                       [&](std::int64_t p, std::int64_t width, std::int64_t offset, std::int64_t end) {
                         const Byte* const panel = reinterpret_cast<const Byte*>(args.W->panel(p));
                         const std::int64_t column = p * panel_width;
                         constexpr int half = row_vectors / 2;
                         for (; offset + row_vectors * lanes <= end; offset += row_vectors * lanes) {
                           if (width == panel_width)
                             product_of_row<storage, row_vectors, true>(args, panel, width, offset, column);
                           else
                             product_of_row<storage, row_vectors, false>(args, panel, width, offset, column);
                         }
                         for (; offset + half * lanes <= end; offset += half * lanes)
                           product_of_row<storage, half, false>(args, panel, width, offset, column);
                         for (; offset < end; offset += step_vectors * lanes)
                           product_of_row<storage, step_vectors, false>(args, panel, width, offset, column);
                       });
}

#if defined(STATESCOPE_BF16_PAIRS)
// With bf16 weights, two inputs at a time.
template <int Vectors>
inline void pair_product_of_row(const LinearArgs& args, const std::uint32_t* x, const Byte* panel, std::int64_t width,
                                std::int64_t offset, std::int64_t column) {
  const std::int64_t count = (args.x.cols + 1) / 2;
  const Byte* w = panel + offset * 4;
  Vec sums[Vectors] = {};
#pragma GCC unroll 4
  for (std::int64_t k = 0; k < count; ++k, w += width * 4) {
    const __m512i input = _mm512_set1_epi32(static_cast<int>(x[k]));
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      __builtin_prefetch(w + prefetch_distance + v * cache_line);
      sums[v] = reinterpret_cast<Vec>(_mm512_dpbf16_ps(reinterpret_cast<__m512>(sums[v]), (__m512bh)input,
                                                       (__m512bh)_mm512_loadu_si512(w + v * cache_line)));
    }
  }
  for (int v = 0; v < Vectors; ++v) finish(args, 0, column + offset + v * lanes, sums[v]);
}

void pair_product_of_row(const LinearArgs& args, const std::uint32_t* x, std::int64_t unit_begin,
                         std::int64_t unit_end) {
  for_each_unit_of_row(*args.W, unit_begin, unit_end,
                       [&](std::int64_t p, std::int64_t width, std::int64_t offset, std::int64_t end) {
                         const Byte* const panel = reinterpret_cast<const Byte*>(args.W->panel(p));
                         if (end - offset == panel_width)
                           pair_product_of_row<4>(args, x, panel, width, 0, p * panel_width);
                         else
                           for (; offset < end; offset += lanes)
                             pair_product_of_row<1>(args, x, panel, width, offset, p * panel_width);
                       });
}
#endif
