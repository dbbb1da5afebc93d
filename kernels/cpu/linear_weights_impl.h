// SPDX-License-Identifier: GPL-3.0-or-later
// Packed weights as vectors of floats, and what happens to the sums of products with them. Included once per
// instruction set by linear_impl.h.

using Byte = unsigned char;
constexpr std::int64_t panel_width = PackedMatrix::panel_width;
constexpr std::int64_t scale_inputs = PackedMatrix::scale_inputs;
constexpr std::int64_t cache_line = 64;
// Vectors side by side where weights are streamed: a whole panel, or as many sums as leave registers for the weights of
// the 16 that vectors of 4 and 8 lanes have.
constexpr int row_vectors = STATESCOPE_LANES == 16 ? 4 : 8;
constexpr int step_vectors = PackedMatrix::width_step / STATESCOPE_LANES;
// How weights are asked for ahead of use, the distance a page of memory, where the hardware stops looking. Loads of
// float32 run far enough ahead by themselves, and requests beside them would cost a tenth of the bandwidth. What has to
// be converted keeps the processor from seeing so far: line by line, or, where it sees least, a page at a time, which
// memory answers faster.
constexpr std::int64_t prefetch_distance = 4096;
enum class Ahead { none, lines, pages };
template <ElementType storage>
constexpr Ahead ahead_of = storage == ElementType::f32                            ? Ahead::none
                           : storage == ElementType::i8 || STATESCOPE_LANES == 16 ? Ahead::lines
                                                                                  : Ahead::pages;
constexpr std::int64_t page_inputs = 32;  // inputs whose 16-bit weights fill a page

inline IntVec load_ints(const void* p) {
  IntVec v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

// `lanes` numbers of 16 bits, each in the low half of an integer.
inline IntVec load_halves(const Byte* p) {
#if STATESCOPE_LANES == 16
  return reinterpret_cast<IntVec>(
      _mm512_maskz_cvtepu16_epi32(every_lane, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))));
#elif STATESCOPE_LANES == 8
  return reinterpret_cast<IntVec>(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
#else
  std::uint16_t bits[lanes];
  __builtin_memcpy(bits, p, sizeof bits);
  IntVec v;
  for (int i = 0; i < lanes; ++i) v[i] = bits[i];
  return v;
#endif
}

inline Vec load_bf16(const Byte* p) {
  return reinterpret_cast<Vec>(load_halves(p) << 16);
}

inline Vec load_f16(const Byte* p) {
#if STATESCOPE_LANES == 16
  return reinterpret_cast<Vec>(
      _mm512_maskz_cvtph_ps(every_lane, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))));
#elif STATESCOPE_LANES == 8
  return reinterpret_cast<Vec>(_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
#else
  // from_f16 of kernels/half.h, in vectors.
  const IntVec bits = load_halves(p), magnitude = bits & 0x7FFF;
  const Vec scaled = reinterpret_cast<Vec>(magnitude << 13) * 0x1p112f;
  const IntVec special = (magnitude > 0x7BFF) & 0x7F800000;
  return reinterpret_cast<Vec>(reinterpret_cast<IntVec>(scaled) | special | (bits & 0x8000) << 16);
#endif
}

inline Vec load_i8(const Byte* p) {
#if STATESCOPE_LANES == 16
  return reinterpret_cast<Vec>(_mm512_maskz_cvtepi32_ps(
      every_lane, _mm512_maskz_cvtepi8_epi32(every_lane, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))));
#elif STATESCOPE_LANES == 8
  return reinterpret_cast<Vec>(
      _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)))));
#else
  Vec v;
  for (int i = 0; i < lanes; ++i) v[i] = static_cast<float>(static_cast<signed char>(p[i]));
  return v;
#endif
}

// Calls use(k, v, weights) for the inputs k of [begin, begin + count), in order for every vector v of the Vectors of
// outputs from `column` on. `begin` is a multiple of scale_inputs. Reads ahead of itself as `ahead` says. One vector at
// a time, because all of an input's and all sums together would not fit the registers.
template <ElementType storage, int Vectors, Ahead ahead, class Use>
inline void for_each_input(const Byte* panel, std::int64_t width, std::int64_t column, std::int64_t begin,
                           std::int64_t count, const Use& use) {
  const auto fetch = [](const Byte* p, std::int64_t bytes) {
#pragma GCC unroll 8
    for (std::int64_t i = 0; i < bytes; i += cache_line) __builtin_prefetch(p + prefetch_distance + i);
  };
  const auto fetch_line = [&](const Byte* p, std::int64_t bytes) {
    if constexpr (ahead == Ahead::lines) fetch(p, bytes);
  };
  // `count` rows of weights, a page further on.
  const auto fetch_page = [&](const Byte* p, std::int64_t rows, std::int64_t row_bytes, std::int64_t bytes) {
    if constexpr (ahead == Ahead::pages) {
      for (std::int64_t i = 0; i < rows; ++i) fetch(p + i * row_bytes, bytes);
    }
  };
  const std::int64_t end = begin + count;
  if constexpr (storage == ElementType::f32 || storage == ElementType::f16) {
    constexpr std::int64_t size = storage == ElementType::f32 ? 4 : 2;
    const Byte* w = panel + (begin * width + column) * size;
    for (std::int64_t page = begin; page < end; page += page_inputs) {
      fetch_page(w, page_inputs, width * size, Vectors * lanes * size);
      const std::int64_t page_end = smaller(page + page_inputs, end);
#pragma GCC unroll 4
      for (std::int64_t k = page; k < page_end; ++k, w += width * size) {
        fetch_line(w, Vectors * lanes * size);
#pragma GCC unroll 16
        for (int v = 0; v < Vectors; ++v) {
          if constexpr (storage == ElementType::f32)
            use(k, v, reinterpret_cast<Vec>(load_ints(w + v * lanes * size)));
          else
            use(k, v, load_f16(w + v * lanes * size));
        }
      }
    }
  } else if constexpr (storage == ElementType::bf16) {
    const Byte* w = panel + (begin / 2 * width + column) * 4;
    for (std::int64_t page = begin; page < end; page += page_inputs) {
      fetch_page(w, page_inputs / 2, width * 4, Vectors * lanes * 4);
      const std::int64_t page_end = smaller(page + page_inputs, end);
#pragma GCC unroll 2
      for (std::int64_t k = page; k < page_end; k += 2, w += width * 4) {
        fetch_line(w, Vectors * lanes * 4);
        if (k + 1 == end) {
#pragma GCC unroll 16
          for (int v = 0; v < Vectors; ++v) use(k, v, reinterpret_cast<Vec>(load_ints(w + v * lanes * 4) << 16));
          break;
        }
#pragma GCC unroll 16
        for (int v = 0; v < Vectors; ++v) {
          const IntVec pairs = load_ints(w + v * lanes * 4);
          use(k, v, reinterpret_cast<Vec>(pairs << 16));
          use(k + 1, v, reinterpret_cast<Vec>(pairs & static_cast<int>(0xFFFF0000u)));
        }
      }
    }
  } else {
    for (std::int64_t k = begin; k < end; k += scale_inputs) {
      const Byte* const block = panel + k / scale_inputs * width * (scale_inputs + 2);
      fetch_line(block + 2 * column, 2 * Vectors * lanes);
      Vec scales[Vectors];
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; ++v) scales[v] = load_bf16(block + 2 * (column + v * lanes));
      const Byte* w = block + 2 * width + column;
      const std::int64_t block_end = smaller(k + scale_inputs, end);
#pragma GCC unroll 4
      for (std::int64_t i = k; i < block_end; ++i, w += width) {
        fetch_line(w, Vectors * lanes);
#pragma GCC unroll 16
        for (int v = 0; v < Vectors; ++v) use(i, v, load_i8(w + v * lanes) * scales[v]);
      }
    }
  }
}

// y = sums + bias + residual for `count` outputs of one token, at most `lanes`.
__attribute__((noinline)) void finish_some(const LinearArgs& args, std::int64_t row, std::int64_t column, Vec sums,
                                           std::int64_t count) {
  if (args.bias) sums += load(args.bias + column, count);
  if (args.residual) sums += load(args.residual.row(row) + column, count);
  store(args.y.row(row) + column, sums, count);
}

inline void finish(const LinearArgs& args, std::int64_t row, std::int64_t column, Vec sums) {
  const std::int64_t count = args.y.cols - column;
  if (count < lanes) return count > 0 ? finish_some(args, row, column, sums, count) : void();
  if (args.bias) sums += load(args.bias + column);
  if (args.residual) sums += load(args.residual.row(row) + column);
  store(args.y.row(row) + column, sums);
}
