// SPDX-License-Identifier: GPL-3.0-or-later
// Packed weights as vectors of floats, and what happens to the sums of products with them. Included once per
// instruction set by linear_impl.h.

using Byte = unsigned char;
constexpr std::int64_t panel_width = PackedMatrix::panel_width;
// Panels read side by side, and their columns.
constexpr std::int64_t strip_panels = 4;
constexpr std::int64_t strip_width = strip_panels * panel_width;
constexpr std::int64_t scale_inputs = PackedMatrix::scale_inputs;
constexpr std::int64_t cache_line = 64;
// Vectors side by side where weights are streamed: a whole strip, or as many sums as leave registers for the weights of
// the 16 that vectors of 4 and 8 lanes have. And those of a panel.
constexpr int row_vectors = STATESCOPE_LANES == 16 ? 4 : 8;
constexpr int panel_vectors = PackedMatrix::panel_width / STATESCOPE_LANES;
// How far ahead of their use weights are asked for, in each panel. Loads of float32 run far enough ahead by themselves;
// conversion keeps the processor from seeing so far.
template <ElementType storage>
constexpr std::int64_t inputs_ahead = storage == ElementType::f32  ? 0
                                      : storage == ElementType::i8 ? scale_inputs
                                                                   : 16;
template <ElementType storage>
constexpr std::int64_t bytes_ahead =
    (inputs_ahead<storage> * bytes_of(storage) + (storage == ElementType::i8 ? 2 : 0)) * panel_width;

inline const Byte* panel_of(const LinearArgs& args, std::int64_t p) {
  return reinterpret_cast<const Byte*>(args.W->panel(p));
}
inline std::int64_t strips_of(const PackedMatrix& W) {
  return (W.panels() + strip_panels - 1) / strip_panels;
}

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
// outputs from a panel on; the next panel is `pitch` bytes further. `begin` is a multiple of scale_inputs. Asks for
// weights `ahead` bytes before their use. One vector at a time, because all of an input's and all sums together would
// not fit the registers.
template <ElementType storage, int Vectors, class Use>
inline void for_each_input(const Byte* panel, std::int64_t pitch, std::int64_t begin, std::int64_t count,
                           std::int64_t ahead, const Use& use) {
  static_assert(Vectors % panel_vectors == 0);
  // Vector v of the numbers of `size` bytes from p on, in the first panel.
  const auto at = [pitch](const Byte* p, int v, std::int64_t size) {
    return p + v / panel_vectors * pitch + v % panel_vectors * lanes * size;
  };
  const auto fetch = [&](const Byte* p) {
    if constexpr (storage != ElementType::f32) {
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; v += panel_vectors) __builtin_prefetch(at(p, v, 0) + ahead);
    }
  };
  const std::int64_t end = begin + count;
  if constexpr (storage == ElementType::f32 || storage == ElementType::f16) {
    constexpr std::int64_t size = storage == ElementType::f32 ? 4 : 2;
    const Byte* w = panel + begin * panel_width * size;
#pragma GCC unroll 4
    for (std::int64_t k = begin; k < end; ++k, w += panel_width * size) {
      if (storage == ElementType::f16 && k % 2 == 0) fetch(w);
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; ++v) {
        if constexpr (storage == ElementType::f32)
          use(k, v, reinterpret_cast<Vec>(load_ints(at(w, v, size))));
        else
          use(k, v, load_f16(at(w, v, size)));
      }
    }
  } else if constexpr (storage == ElementType::bf16) {
    const Byte* w = panel + begin / 2 * panel_width * 4;
#pragma GCC unroll 2
    for (std::int64_t k = begin; k < end - 1; k += 2, w += panel_width * 4) {
      fetch(w);
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; ++v) {
        const IntVec pairs = load_ints(at(w, v, 4));
        use(k, v, reinterpret_cast<Vec>(pairs << 16));
        use(k + 1, v, reinterpret_cast<Vec>(pairs & static_cast<int>(0xFFFF0000u)));
      }
    }
    if (count % 2 != 0) {
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; ++v) use(end - 1, v, reinterpret_cast<Vec>(load_ints(at(w, v, 4)) << 16));
    }
  } else {
    for (std::int64_t k = begin; k < end; k += scale_inputs) {
      const Byte* const block = panel + k / scale_inputs * panel_width * (scale_inputs + 2);
      Vec scales[Vectors];
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; ++v) scales[v] = load_bf16(at(block, v, 2));
      const Byte* w = block + 2 * panel_width;
      const std::int64_t block_end = smaller(k + scale_inputs, end);
#pragma GCC unroll 4
      for (std::int64_t i = k; i < block_end; ++i, w += panel_width) {
        if (i % 4 == 0) fetch(w);
#pragma GCC unroll 16
        for (int v = 0; v < Vectors; ++v) use(i, v, load_i8(at(w, v, 1)) * scales[v]);
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
