// SPDX-License-Identifier: GPL-3.0-or-later
// The selective scan of a single token: part of scan_impl.h.
//
// There is little to compute, so what counts is that A and h come as fast as memory sends them: along rows, which
// mostly lie one after the other, in pieces as long as the first-level cache can hold what goes with them, and asked
// for a little before they are needed.

constexpr std::int64_t piece_channels = 1536;
constexpr std::int64_t channels_ahead = 256;  // 1 KiB

template <bool with_squares>
__attribute__((flatten)) void step_piece(const SelectiveScanArgs<float>& args, std::int64_t begin, std::int64_t end) {
  const std::int64_t N = args.A.rows;
  constexpr std::int64_t most = piece_channels / lanes;
  Vec exponents[most], writes[most], sums[most], squares[most];
  for_groups(begin, end, [&](auto size, std::int64_t e, std::int64_t count) {
    const std::int64_t i = (e - begin) / lanes;
    for_each_step<size.value>(args, 0, e, count, [&](int v, Vec, Vec, Vec exponent, Vec write, Vec y) {
      exponents[i + v] = exponent;
      writes[i + v] = write;
      sums[i + v] = y;
      if (with_squares) squares[i + v] = Vec{};
    });
  });
  for (std::int64_t n = 0; n < N; ++n) {
    const Vec B = splat(args.B(0, n)), C = splat(args.C(0, n));
    const float* const A_row = args.A.row(n);
    float* const h_row = args.h.row(n);
    for_groups(begin, end, [&](auto size, std::int64_t e, std::int64_t count) {
      const std::int64_t i = (e - begin) / lanes;
      for (std::int64_t c = e + channels_ahead; c < e + channels_ahead + count; c += line_floats) {
        __builtin_prefetch(A_row + c);
        __builtin_prefetch(h_row + c);
      }
      const Group<size.value> A = load_group<size.value>(A_row + e, count);
      Group<size.value> h = load_group<size.value>(h_row + e, count);
#pragma GCC unroll 8
      for (int v = 0; v < size.value; ++v) {
        h.v[v] = fma(decay(exponents[i + v], bounded_A(A.v[v])), h.v[v], writes[i + v] * B);
        sums[i + v] = fma(h.v[v], C, sums[i + v]);
        if (with_squares) squares[i + v] = fma(h.v[v], h.v[v], squares[i + v]);
      }
      store_group(h_row + e, h, count);
    });
  }
  for_groups(begin, end, [&](auto size, std::int64_t e, std::int64_t count) {
    const auto from = [&](const Vec* values) {
      return side_by_side<size.value>([&](int v) { return values[(e - begin) / lanes + v]; });
    };
    write_outputs(args, 0, e, count, from(sums));
    if (with_squares) store_group(args.state_squares.row(0) + e, from(squares), count);
  });
}

void step(const SelectiveScanArgs<float>& args, std::int64_t channel_begin, std::int64_t channel_end) {
  for (std::int64_t e = channel_begin; e < channel_end; e += piece_channels) {
    const std::int64_t end = smaller(e + piece_channels, channel_end);
    args.state_squares ? step_piece<true>(args, e, end) : step_piece<false>(args, e, end);
  }
}
