// SPDX-License-Identifier: GPL-3.0-or-later
// Vectors of STATESCOPE_LANES floats and the functions the operations need of them. Included once per instruction set,
// inside an anonymous namespace.

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

// e^x to about 1 ulp: x = n ln 2 + r, |r| <= ln2/2, polynomial of e^r from the Cephes library (expf). Inputs are
// clamped to the range where 2^n is a normal float; NaN stays NaN because both comparisons are false.
inline Vec exp(Vec x) {
  const Vec low = splat(-87.33654f), high = splat(88.02969f);
  x = select(x < low, low, x);
  x = select(x > high, high, x);
  const Vec shift = splat(12582912.0f);  // 1.5 · 2²³: adding it rounds to an integer, kept in the low mantissa bits
  const Vec shifted = x * 1.44269504088896341f + shift;
  const Vec n = shifted - shift;
  const Vec r = x - n * 0.693359375f - n * -2.12194440e-4f;
  Vec p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  const IntVec exponent = (reinterpret_cast<IntVec>(shifted) - 0x4B400000 + 127) << 23;
  return p * reinterpret_cast<Vec>(exponent);
}

// log(1 + u) for u in [0, 1], relative error about 2 ulp also for tiny u: log of the rounded w = 1 + u (Cephes logf)
// plus the first-order correction for what rounding lost.
inline Vec log1p_unit(Vec u) {
  const Vec w = u + 1.0f;
  const IntVec big = w > 1.41421356f;
  const Vec f = select(big, w * 0.5f, w) - 1.0f;
  const Vec f2 = f * f;
  Vec p = splat(7.0376836292e-2f);
  p = p * f - 1.1514610310e-1f;
  p = p * f + 1.1676998740e-1f;
  p = p * f - 1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f - 1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f - 2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  const Vec log_w = select(big, splat(0.693359375f), Vec{}) +
                    (f + (f2 * (f * p - 0.5f) + select(big, splat(-2.12194440e-4f), Vec{})));
  return log_w + (u - (w - 1.0f)) / w;
}

// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|): never overflows.
inline Vec softplus_of(Vec x) {
  const IntVec negative = x < 0.0f;
  const Vec magnitude = select(negative, -x, x);
  return select(negative, Vec{}, x) + log1p_unit(exp(-magnitude));
}

// Below -88 the exp stops growing, so x has to stop too; what is left is -5e-37.
inline Vec silu_of(Vec x) {
  x = select(x < -88.0f, splat(-88.0f), x);
  return x / (exp(-x) + 1.0f);
}
