// SPDX-License-Identifier: GPL-3.0-or-later
// The inputs of products with packed weights, arranged in tiles. Included by ops_impl.h after linear_impl.h.

inline bool takes_pairs(const LinearArgs& args) {
#if defined(STATESCOPE_BF16_PAIRS)
  return args.W->storage() == ElementType::bf16;
#else
  (void)args;
  return false;
#endif
}

inline std::int64_t rows_of_tile(const LinearArgs& args) {
  return args.x.rows == 1 ? 1 : tile_rows;
}

// Numbers of 32 bits in a tile of arranged inputs; 0 when they are used as they are.
std::int64_t input_tile(const LinearArgs& args) {
  if (args.x.rows == 1 && !takes_pairs(args)) return 0;
  return rows_of_tile(args) * (takes_pairs(args) ? (args.x.cols + 1) / 2 : args.x.cols);
}

std::int64_t input_tiles(const LinearArgs& args) {
  return args.x.rows == 1 ? 1 : tiles_of(args.x.rows);
}

// The rows of x as a tile; rows that are missing are zeros. A vector of inputs at a time is transposed, and what its
// columns write too much the next ones write over, while that stays inside the tile.
inline void arrange_tile(MatrixView<const float> x, float* out) {
  static_assert(tile_rows <= lanes);
  const float* rows[tile_rows];
  for (std::int64_t r = 0; r < tile_rows; ++r) rows[r] = x.row(smaller(r, x.rows - 1));
  std::int64_t k = 0;
  for (; (k + lanes - 1) * tile_rows + lanes <= x.cols * tile_rows; k += lanes) {
    Vec tile[STATESCOPE_LANES] = {};
#pragma GCC unroll 16
    for (int r = 0; r < tile_rows; ++r)
      if (r < x.rows) tile[r] = load(rows[r] + k);
    transpose(tile);
#pragma GCC unroll 16
    for (int i = 0; i < lanes; ++i, out += tile_rows) store(out, tile[i]);
  }
  for (; k < x.cols; ++k, out += tile_rows) {
#pragma GCC unroll 16
    for (int r = 0; r < tile_rows; ++r) out[r] = r < x.rows ? rows[r][k] : 0;
  }
}

#if defined(STATESCOPE_BF16_PAIRS)
// As pairs of bf16, `rows` of them in a tile; the last of an odd number of inputs meets a zero.
inline void arrange_tile(MatrixView<const float> x, std::int64_t rows, std::uint32_t* out) {
  const std::int64_t K = x.cols, pairs = (K + 1) / 2;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t k = 0; k < K; k += 2 * lanes) {
      Vec low{}, high{};
      if (r < x.rows) {
        low = load(x.row(r) + k, K - k);
        if (K - k > lanes) high = load(x.row(r) + k + lanes, K - k - lanes);
      }
      std::uint32_t both[lanes];
      _mm512_storeu_si512(both,
                          (__m512i)_mm512_cvtne2ps_pbh(reinterpret_cast<__m512>(high), reinterpret_cast<__m512>(low)));
      for (std::int64_t i = 0; i < smaller(lanes, pairs - k / 2); ++i) out[(k / 2 + i) * rows + r] = both[i];
    }
  }
}
#endif

void arrange_inputs(const LinearArgs& args, void* out, std::int64_t tile_begin, std::int64_t tile_end) {
  const std::int64_t rows = rows_of_tile(args), size = input_tile(args);
  for (std::int64_t tile = tile_begin; tile < tile_end; ++tile) {
    const MatrixView<const float> x = args.x.row_range(tile * rows, smaller(rows, args.x.rows - tile * rows));
#if defined(STATESCOPE_BF16_PAIRS)
    if (takes_pairs(args)) {
      arrange_tile(x, rows, static_cast<std::uint32_t*>(out) + tile * size);
      continue;
    }
#endif
    arrange_tile(x, static_cast<float*>(out) + tile * size);
  }
}
