// SPDX-License-Identifier: GPL-3.0-or-later
// Loops that do nothing but keep one part of the processor busy, to measure what it can do at most. Included once per
// instruction set by ops_impl.h, inside an anonymous namespace.

// Chains that do not wait for each other: latency times units, on the processors we know, with registers to spare.
constexpr int chains = 12;

// `rounds` times chains · lanes multiply-adds on `values` [chains · lanes].
void busy_multiply_adds(float* values, std::int64_t rounds) {
  Vec sums[chains];
  for (int c = 0; c < chains; ++c) sums[c] = load(values + c * lanes);
  const Vec factor = splat(0.999f), summand = splat(0.001f);
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (int c = 0; c < chains; ++c) sums[c] = fma(sums[c], factor, summand);
  }
  for (int c = 0; c < chains; ++c) store(values + c * lanes, sums[c]);
}

// `rounds` times chains · lanes products of bf16 pairs, two multiply-adds each.
#if defined(STATESCOPE_BF16_PAIRS)
void busy_pair_products(float* values, std::int64_t rounds) {
  __m512 sums[chains];
  for (int c = 0; c < chains; ++c) sums[c] = reinterpret_cast<__m512>(load(values + c * lanes));
  const __m512i half = _mm512_set1_epi32(0x3F003F00);  // two bf16 of 0.5
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (int c = 0; c < chains; ++c) sums[c] = _mm512_dpbf16_ps(sums[c], (__m512bh)half, (__m512bh)half);
  }
  for (int c = 0; c < chains; ++c) store(values + c * lanes, reinterpret_cast<Vec>(sums[c]));
}
#endif

// Reads `count` floats, a multiple of 8 · lanes · places, from as many places at a time; the sum keeps the compiler
// from leaving it out.
template <int places>
float busy_reading(const float* values, std::int64_t count) {
  constexpr int vectors = 8 / places;
  Vec sums[8] = {};
  for (std::int64_t i = 0; i < count / places; i += vectors * lanes) {
#pragma GCC unroll 8
    for (int c = 0; c < 8; ++c) sums[c] += load(values + c / vectors * (count / places) + i + c % vectors * lanes);
  }
  Vec total{};
  for (const Vec& part : sums) total += part;
  return sum(total);
}
