// SPDX-License-Identifier: GPL-3.0-or-later
// Rounding to 16 bits. Included by ops_impl.h after linear_impl.h.

inline Vec round_bf16(Vec x) {
  const IntVec bits = reinterpret_cast<IntVec>(x), magnitude = bits & 0x7FFFFFFF;
  const IntVec rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & static_cast<int>(0xFFFF0000u);
  return select(magnitude > 0x7F800000, x, reinterpret_cast<Vec>(rounded));
}

inline Vec round_f16(Vec x) {
#if STATESCOPE_LANES == 16
  const auto v = reinterpret_cast<__m512>(x);
  return reinterpret_cast<Vec>(
      _mm512_maskz_cvtph_ps(every_lane, _mm512_maskz_cvtps_ph(every_lane, v, _MM_FROUND_TO_NEAREST_INT)));
#elif STATESCOPE_LANES == 8
  const auto v = reinterpret_cast<__m256>(x);
  return reinterpret_cast<Vec>(_mm256_cvtph_ps(_mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT)));
#else
  const IntVec bits = reinterpret_cast<IntVec>(x), magnitude = bits & 0x7FFFFFFF, sign = bits ^ magnitude;
  // Adding 0.5, whose last bit is worth 2^-24, rounds what is below 2^-14 to the spacing of subnormals.
  const Vec small = (reinterpret_cast<Vec>(magnitude) + 0.5f) - 0.5f;
  const IntVec normal = (magnitude + 0xFFF + ((magnitude >> 13) & 1)) & ~0x1FFF;
  const Vec finite = select(magnitude < 0x38800000, small, reinterpret_cast<Vec>(normal));
  const Vec rounded = select(magnitude > 0x477FEFFF, reinterpret_cast<Vec>(IntVec{} + 0x7F800000), finite);
  const Vec result = select(magnitude > 0x7F800000, reinterpret_cast<Vec>(magnitude), rounded);
  return reinterpret_cast<Vec>(reinterpret_cast<IntVec>(result) | sign);
#endif
}

void round_to(const RoundArgs& args, std::int64_t row_begin, std::int64_t row_end) {
  const std::int64_t cols = args.x.cols;
  for (std::int64_t t = row_begin; t < row_end; ++t) {
    float* x = args.x.row(t);
    for (std::int64_t e = 0; e < cols; e += lanes) {
      const Vec v = load(x + e, cols - e);
      store(x + e, args.type == ElementType::bf16 ? round_bf16(v) : round_f16(v), cols - e);
    }
  }
}
