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

#if STATESCOPE_LANES == 16
// Vector J of the inputs of all rows of a tile, input by input. Number 16 J + i is of input (16 J + i) / tile_rows and
// row (16 J + i) % tile_rows. Rows go in pairs, because a permutation takes two vectors.
template <int J, int Pair, int... I>
inline Vec pair_of_rows(Vec even, Vec odd, LaneNumbers<I...>) {
  constexpr int R = tile_rows;
  return __builtin_shufflevector(even, odd,
                                 ((J * 16 + I) % R / 2 == Pair ? (J * 16 + I) % R % 2 * 16 + (J * 16 + I) / R : -1)...);
}
template <int J, int Pair, int... I>
inline Vec with_pair(Vec others, Vec pair, LaneNumbers<I...>) {
  return __builtin_shufflevector(others, pair, ((J * 16 + I) % tile_rows / 2 == Pair ? 16 + I : I)...);
}
template <int J>
inline Vec arranged(const Vec (&rows)[tile_rows]) {
  static_assert(tile_rows == 6);
  const AllLanes all{};
  Vec out = pair_of_rows<J, 0>(rows[0], rows[1], all);
  out = with_pair<J, 1>(out, pair_of_rows<J, 1>(rows[2], rows[3], all), all);
  return with_pair<J, 2>(out, pair_of_rows<J, 2>(rows[4], rows[5], all), all);
}
template <int J = 0>
inline void store_arranged(const Vec (&rows)[tile_rows], float* out) {
  if constexpr (J < tile_rows) {
    store(out + J * lanes, arranged<J>(rows));
    store_arranged<J + 1>(rows, out);
  }
}

// A tile of `count` numbers a row, vectors of which read(row, k) gives; rows that are missing are zeros.
template <class Read>
inline void arrange_tile(std::int64_t present, std::int64_t count, float* out, const Read& read) {
  for (std::int64_t k = 0; k < count; k += lanes, out += tile_rows * lanes) {
    Vec rows[tile_rows] = {};
#pragma GCC unroll 16
    for (int r = 0; r < tile_rows; ++r)
      if (r < present) rows[r] = read(r, k);
    if (count - k >= lanes) {
      store_arranged(rows, out);
    } else {
      float last[tile_rows * lanes];
      store_arranged(rows, last);
      __builtin_memcpy(out, last, static_cast<std::size_t>((count - k) * tile_rows) * sizeof(float));
    }
  }
}
inline void arrange_tile(MatrixView<const float> x, float* out) {
  arrange_tile(x.rows, x.cols, out, [&](std::int64_t r, std::int64_t k) { return load(x.row(r) + k, x.cols - k); });
}
#else
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
#endif

#if defined(STATESCOPE_BF16_PAIRS)
// Inputs k to k + 31 of a row as 16 pairs of bf16; what is missing is zero.
inline Vec pairs_of(const float* row, std::int64_t k, std::int64_t K) {
  const Vec low = load(row + k, K - k), high = K - k > lanes ? load(row + k + lanes, K - k - lanes) : Vec{};
  return reinterpret_cast<Vec>(_mm512_cvtne2ps_pbh(reinterpret_cast<__m512>(high), reinterpret_cast<__m512>(low)));
}

// As pairs of bf16, a tile of them or a single row; the last of an odd number of inputs meets a zero.
inline void arrange_pairs(MatrixView<const float> x, bool single, std::uint32_t* out) {
  const std::int64_t pairs = (x.cols + 1) / 2;
  float* const numbers = reinterpret_cast<float*>(out);
  const auto read = [&](std::int64_t r, std::int64_t pair) { return pairs_of(x.row(r), 2 * pair, x.cols); };
  if (!single) return arrange_tile(x.rows, pairs, numbers, read);
  for (std::int64_t k = 0; k < pairs; k += lanes) store(numbers + k, read(0, k), pairs - k);
}
#endif

void arrange_inputs(const LinearArgs& args, void* out, std::int64_t tile_begin, std::int64_t tile_end) {
  const std::int64_t rows = rows_of_tile(args), size = input_tile(args);
  for (std::int64_t tile = tile_begin; tile < tile_end; ++tile) {
    const MatrixView<const float> x = args.x.row_range(tile * rows, smaller(rows, args.x.rows - tile * rows));
#if defined(STATESCOPE_BF16_PAIRS)
    if (takes_pairs(args)) {
      arrange_pairs(x, rows == 1, static_cast<std::uint32_t*>(out) + tile * size);
      continue;
    }
#endif
    arrange_tile(x, static_cast<float*>(out) + tile * size);
  }
}
