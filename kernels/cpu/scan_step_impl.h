// SPDX-License-Identifier: GPL-3.0-or-later
// The selective scan of a single token: part of scan_impl.h.
//
// There is little to compute, so what counts is that A and h come as fast as memory sends them: along rows, in pieces
// as long as the first-level cache can hold what goes with them, and asked for some rows before they are needed.

constexpr std::int64_t piece_channels = 768;
constexpr std::int64_t rows_ahead = 4;

void step_piece(const SelectiveScanArgs<float>& args, std::int64_t begin, std::int64_t end) {
  const std::int64_t N = args.A.rows;
  const auto fetch = [&](std::int64_t n) {
    for (std::int64_t e = begin; n < N && e < end; e += line_floats) {
      __builtin_prefetch(args.A.row(n) + e);
      __builtin_prefetch(args.h.row(n) + e, 1);
    }
  };
  for (std::int64_t n = 0; n < rows_ahead; ++n) fetch(n);
  constexpr std::int64_t most = piece_channels / lanes;
  Vec exponent[most], write[most], y[most], squares[most];
  Tile tile;
  tile.t = 0;
  tile.tokens = 1;
  // Calls body(i, e, count) for vector i, which is `count` channels from e on.
  const auto for_vectors = [&](const auto& body) {
    const std::int64_t whole = (end - begin) / lanes, rest = (end - begin) % lanes;
    for (std::int64_t i = 0; i < whole; ++i) body(i, begin + i * lanes, lanes);
    if (rest > 0) body(whole, end - rest, rest);
  };
  for_vectors([&](std::int64_t i, std::int64_t e, std::int64_t count) {
    tile.e = e;
    tile.count = count;
    read_tile(args, tile);
    exponent[i] = tile.exponent[0];
    write[i] = tile.write[0];
    y[i] = tile.y[0];
    squares[i] = Vec{};
  });
  for (std::int64_t n = 0; n < N; ++n) {
    fetch(n + rows_ahead);
    const Vec B = splat(args.B(0, n)), C = splat(args.C(0, n));
    const float* const A = args.A.row(n);
    float* const h = args.h.row(n);
    for_vectors([&](std::int64_t i, std::int64_t e, std::int64_t count) {
      const Vec a = decay(exponent[i], bounded_A(load(A + e, count)));
      const Vec state = fma(a, load(h + e, count), write[i] * B);
      store(h + e, state, count);
      y[i] = fma(state, C, y[i]);
      squares[i] = fma(state, state, squares[i]);
    });
  }
  for_vectors([&](std::int64_t i, std::int64_t e, std::int64_t count) {
    tile.e = e;
    tile.count = count;
    tile.y[0] = y[i];
    write_tile(args, tile);
    if (args.state_squares) store(args.state_squares.row(0) + e, squares[i], count);
  });
}

void step(const SelectiveScanArgs<float>& args, std::int64_t channel_begin, std::int64_t channel_end) {
  for (std::int64_t e = channel_begin; e < channel_end; e += piece_channels)
    step_piece(args, e, smaller(e + piece_channels, channel_end));
}
