// SPDX-License-Identifier: GPL-3.0-or-later
// Plain matrix products. Included by ops_impl.h after vector_math.h.
//
// Every element of c is one chain of multiply-adds over rising depth, whatever tile, strip or thread it falls into.

// Rows × vectors of accumulators that fit the registers.
#if STATESCOPE_LANES == 16
constexpr int product_rows = 12;
#else
constexpr int product_rows = 6;
#endif
constexpr int product_vectors = 2;
constexpr std::int64_t product_strip = product_vectors * lanes;
constexpr std::int64_t product_depth = 256;  // so that a packed block of a strip fits the first-level cache

// Vector v of a strip that has `cols` columns left.
inline Vec load_of_strip(const float* p, int v, std::int64_t cols) {
  if (cols >= product_strip) return load(p + v * lanes);
  return v * lanes < cols ? load(p + v * lanes, cols - v * lanes) : Vec{};
}
inline void store_of_strip(float* p, int v, std::int64_t cols, Vec value) {
  if (cols >= product_strip)
    store(p + v * lanes, value);
  else if (v * lanes < cols)
    store(p + v * lanes, value, cols - v * lanes);
}

// Loops over the sums are unrolled, which keeps them in registers.
template <int Rows>
inline void product_tile(const Product& p, const float* a, const float* b, float* c, std::int64_t depth,
                         std::int64_t cols, bool add) {
  Vec sums[Rows][product_vectors];
#pragma GCC unroll 12
  for (int r = 0; r < Rows; ++r) {
    sums[r][0] = add ? load_of_strip(c + r * p.c_row, 0, cols) : Vec{};
    sums[r][1] = add ? load_of_strip(c + r * p.c_row, 1, cols) : Vec{};
  }
  for (std::int64_t k = 0; k < depth; ++k, b += product_strip) {
    const Vec b0 = load(b), b1 = load(b + lanes);
#pragma GCC unroll 12
    for (int r = 0; r < Rows; ++r) {
      const Vec factor = splat(a[r * p.a_row + k * p.a_depth]);
      sums[r][0] = fma(factor, b0, sums[r][0]);
      sums[r][1] = fma(factor, b1, sums[r][1]);
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < Rows; ++r) {
    store_of_strip(c + r * p.c_row, 0, cols, sums[r][0]);
    store_of_strip(c + r * p.c_row, 1, cols, sums[r][1]);
  }
}

// The last rows, fewer than a tile has.
template <int Rows>
inline void product_rest(const Product& p, std::int64_t rows, const float* a, const float* b, float* c,
                         std::int64_t depth, std::int64_t cols, bool add) {
  if constexpr (Rows > 0) {
    if (rows == Rows)
      product_tile<Rows>(p, a, b, c, depth, cols, add);
    else
      product_rest<Rows - 1>(p, rows, a, b, c, depth, cols, add);
  }
}

void product(const Product& p, std::int64_t strip_begin, std::int64_t strip_end) {
  alignas(64) float packed[product_depth * product_strip];
  for (std::int64_t strip = strip_begin; strip < strip_end; ++strip) {
    const std::int64_t column = strip * product_strip, cols = smaller(product_strip, p.cols - column);
    std::int64_t begin = 0;
    do {  // once even when there is no depth: c becomes 0 then
      const std::int64_t depth = smaller(product_depth, p.depth - begin);
      for (std::int64_t k = 0; k < depth; ++k)
        for (int v = 0; v < product_vectors; ++v)
          store(packed + k * product_strip + v * lanes, load_of_strip(p.b + (begin + k) * p.b_row + column, v, cols));
      const bool add = p.add || begin > 0;
      for (std::int64_t row = 0; row < p.rows; row += product_rows) {
        const float* a = p.a + row * p.a_row + begin * p.a_depth;
        float* c = p.c + row * p.c_row + column;
        if (p.rows - row >= product_rows)
          product_tile<product_rows>(p, a, packed, c, depth, cols, add);
        else
          product_rest<product_rows - 1>(p, p.rows - row, a, packed, c, depth, cols, add);
      }
      begin += product_depth;
    } while (begin < p.depth);
  }
}

inline void product(const Product& p) {
  product(p, 0, (p.cols + product_strip - 1) / product_strip);
}
