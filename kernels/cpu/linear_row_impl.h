// SPDX-License-Identifier: GPL-3.0-or-later
// Products of one token, included by linear_impl.h: the weights stream from memory, the panels of a strip side by side,
// and are converted in registers, so that memory is what a product waits for.

// Towards the end of the panels it asks for the weights of those that come after the strip.
template <ElementType storage, int Vectors>
inline void product_of_row(const LinearArgs& args, std::int64_t p) {
  const float* x = args.x.data;
  Vec sums[Vectors] = {};
  const std::int64_t pitch = args.W->bytes_of_panel(), K = args.x.cols;
  std::int64_t ahead = bytes_ahead<storage>, end = (K - inputs_ahead<storage>) / scale_inputs * scale_inputs;
  if (storage == ElementType::f32) end = K;
  for (std::int64_t begin = 0; begin < K; begin = end, end = K, ahead += (strip_panels - 1) * pitch)
    for_each_input<storage, Vectors>(
        panel_of(args, p), pitch, begin, end - begin, ahead,
        [&](std::int64_t k, int v, Vec weights) { sums[v] = fma(splat(x[k]), weights, sums[v]); });
  for (int v = 0; v < Vectors; ++v) finish(args, 0, p * panel_width + v * lanes, sums[v]);
}

// A unit is a strip; of a matrix with very few of them half a strip, or one thread would wait for the other.
inline std::int64_t panels_of_unit(const PackedMatrix& W) {
  return W.panels() < strip_panels * 4 ? strip_panels / 2 : strip_panels;
}
inline std::int64_t units_of_row(const PackedMatrix& W) {
  return (W.panels() + panels_of_unit(W) - 1) / panels_of_unit(W);
}

// Calls f(Panels, p) for the panels of some units, from p on: as many at once as the registers have room for.
template <int N>
struct Panels {
  static constexpr int vectors = N * panel_vectors;
};
template <class F>
inline void for_each_panels(const PackedMatrix& W, std::int64_t unit_begin, std::int64_t unit_end, const F& f) {
  constexpr int most = row_vectors / panel_vectors;
  for (std::int64_t unit = unit_begin; unit < unit_end; ++unit) {
    std::int64_t p = unit * panels_of_unit(W);
    const std::int64_t end = smaller(p + panels_of_unit(W), W.panels());
    for (; p + most <= end; p += most) f(Panels<most>{}, p);
    if (most > 2 && p + 2 <= end) {
      f(Panels<2>{}, p);
      p += 2;
    }
    for (; p < end; ++p) f(Panels<1>{}, p);
  }
}

template <ElementType storage>
void product_of_row(const LinearArgs& args, std::int64_t unit_begin, std::int64_t unit_end) {
  for_each_panels(*args.W, unit_begin, unit_end,
                  [&](auto panels, std::int64_t p) { product_of_row<storage, decltype(panels)::vectors>(args, p); });
}

#if defined(STATESCOPE_BF16_PAIRS)
// With bf16 weights, two inputs at a time. As with float32, loads run far enough ahead by themselves.
template <int Vectors>
inline void pair_product_of_row(const LinearArgs& args, const std::uint32_t* x, std::int64_t p) {
  const std::int64_t count = (args.x.cols + 1) / 2, pitch = args.W->bytes_of_panel();
  const Byte* w = panel_of(args, p);
  Vec sums[Vectors] = {};
#pragma GCC unroll 4
  for (std::int64_t k = 0; k < count; ++k, w += panel_width * 4) {
    const __m512i input = _mm512_set1_epi32(static_cast<int>(x[k]));
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v)
      sums[v] = reinterpret_cast<Vec>(_mm512_dpbf16_ps(reinterpret_cast<__m512>(sums[v]), (__m512bh)input,
                                                       (__m512bh)_mm512_loadu_si512(w + v * pitch)));
  }
  for (int v = 0; v < Vectors; ++v) finish(args, 0, (p + v) * panel_width, sums[v]);
}

void pair_product_of_row(const LinearArgs& args, const std::uint32_t* x, std::int64_t unit_begin,
                         std::int64_t unit_end) {
  for_each_panels(*args.W, unit_begin, unit_end,
                  [&](auto panels, std::int64_t p) { pair_product_of_row<decltype(panels)::vectors>(args, x, p); });
}
#endif
