// SPDX-License-Identifier: GPL-3.0-or-later
// Vectors of STATESCOPE_LANES floats and the functions the operations need of them. Included once per instruction set,
// inside an anonymous namespace.
//
// Products meet their sums in a written fma(). What compilers would fuse by themselves differs from place to place and
// from compiler to compiler; as it is written, an element has the same bits in any company: alone or beside others, in
// any tile, on any thread.

#if STATESCOPE_LANES == 16
// GCC 12 takes the unmasked forms of some intrinsics for uses of something uninitialised (GCC bug 105593); a full mask
// compiles to the same instructions.
constexpr __mmask16 every_lane = 0xFFFF;
#endif

using Vec = float __attribute__((vector_size(STATESCOPE_LANES * 4)));
using IntVec = std::int32_t __attribute__((vector_size(STATESCOPE_LANES * 4)));
constexpr std::int64_t lanes = STATESCOPE_LANES;

template <int... I>
struct LaneNumbers {};
#if STATESCOPE_LANES == 16
using AllLanes = LaneNumbers<0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15>;
#elif STATESCOPE_LANES == 8
using AllLanes = LaneNumbers<0, 1, 2, 3, 4, 5, 6, 7>;
#else
using AllLanes = LaneNumbers<0, 1, 2, 3>;
#endif

inline Vec load(const float* p) {
  Vec v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, Vec v) {
  __builtin_memcpy(p, &v, sizeof v);
}

// The first `count` floats, the rest 0; so a last partial block runs through the same arithmetic as a full one.
inline Vec load(const float* p, std::int64_t count) {
  if (count >= lanes) return load(p);
  float buffer[lanes] = {};
  for (std::int64_t i = 0; i < count; ++i) buffer[i] = p[i];
  return load(buffer);
}
inline void store(float* p, Vec v, std::int64_t count) {
  if (count >= lanes) return store(p, v);
  float buffer[lanes];
  store(buffer, v);
  for (std::int64_t i = 0; i < count; ++i) p[i] = buffer[i];
}

inline Vec splat(float x) {
  return x - Vec{};  // not plus: -0 + 0 is 0, so that would be an instruction
}
inline Vec select(IntVec mask, Vec yes, Vec no) {
  return reinterpret_cast<Vec>((mask & reinterpret_cast<IntVec>(yes)) | (~mask & reinterpret_cast<IntVec>(no)));
}
// or 0
inline Vec select(IntVec mask, float yes) {
  return reinterpret_cast<Vec>(mask & reinterpret_cast<IntVec>(splat(yes)));
}

// Lanes of a and b whose number has the bit `Stage` swap places across the two vectors: one step of a transposition.
template <int Stage, int... I>
inline void swap_lanes(Vec& a, Vec& b, LaneNumbers<I...>) {
  const Vec low = __builtin_shufflevector(a, b, ((I & Stage) ? STATESCOPE_LANES + I - Stage : I)...);
  b = __builtin_shufflevector(a, b, ((I & Stage) ? STATESCOPE_LANES + I : I + Stage)...);
  a = low;
}

template <int Stage = 1>
__attribute__((always_inline)) inline void transpose(Vec (&tile)[STATESCOPE_LANES]) {
  if constexpr (Stage < STATESCOPE_LANES) {
#pragma GCC unroll 16
    for (int i = 0; i < STATESCOPE_LANES; ++i)
      if (!(i & Stage)) swap_lanes<Stage>(tile[i], tile[i + Stage], AllLanes{});
    transpose<Stage * 2>(tile);
  }
}

inline float sum(Vec v) {
  float buffer[lanes];
  store(buffer, v);
  for (std::int64_t width = lanes / 2; width > 0; width /= 2)
    for (std::int64_t i = 0; i < width; ++i) buffer[i] += buffer[i + width];
  return buffer[0];
}

// a b + c rounded once, where the processor can.
inline Vec fma(Vec a, Vec b, Vec c) {
#if STATESCOPE_LANES == 16
  return _mm512_fmadd_ps(a, b, c);
#elif STATESCOPE_LANES == 8
  return _mm256_fmadd_ps(a, b, c);
#elif defined(__FP_FAST_FMAF)
  for (int i = 0; i < STATESCOPE_LANES; ++i) c[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return c;
#else
  return a * b + c;
#endif
}
inline Vec fma(Vec a, float b, Vec c) {
  return fma(a, splat(b), c);
}
inline Vec fma(Vec a, Vec b, float c) {
  return fma(a, b, splat(c));
}
inline Vec fma(Vec a, float b, float c) {
  return fma(a, splat(b), splat(c));
}

// The larger and the smaller one; NaN when b is.
inline Vec max_of(Vec a, Vec b) {
#if STATESCOPE_LANES == 16
  return _mm512_maskz_max_ps(every_lane, a, b);
#elif STATESCOPE_LANES == 8
  return _mm256_max_ps(a, b);
#elif defined(__x86_64__)
  return _mm_max_ps(a, b);
#else
  return select(a > b, a, b);
#endif
}
inline Vec min_of(Vec a, Vec b) {
#if STATESCOPE_LANES == 16
  return _mm512_maskz_min_ps(every_lane, a, b);
#elif STATESCOPE_LANES == 8
  return _mm256_min_ps(a, b);
#elif defined(__x86_64__)
  return _mm_min_ps(a, b);
#else
  return select(a < b, a, b);
#endif
}
inline Vec max_of(float a, Vec b) {
  return max_of(splat(a), b);
}
inline Vec min_of(float a, Vec b) {
  return min_of(splat(a), b);
}
inline Vec magnitude_of(Vec a) {
  return reinterpret_cast<Vec>(reinterpret_cast<IntVec>(a) & 0x7FFFFFFF);
}

// Adding this rounds to an integer, kept in the low mantissa bits: 1.5 · 2²³. Then 2 to the power of it.
constexpr float to_integer = 12582912.0f;
inline Vec power_of_two(Vec shifted) {
  return reinterpret_cast<Vec>((reinterpret_cast<IntVec>(shifted) - 0x4B400000 + 127) << 23);
}

#include "cpu/vector_functions.h"
