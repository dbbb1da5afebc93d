// SPDX-License-Identifier: GPL-3.0-or-later
// The CPU operations, written once over vectors of STATESCOPE_LANES floats and compiled once per instruction set.
#include <cstdint>

#include "cpu/ops.h"

namespace statescope::kernels {
namespace {

#include "cpu/vector_math.h"

constexpr std::int64_t panel_width = PackedMatrix::panel_width;

// Channels that one thread carries through time together in the scan.
constexpr std::int64_t channel_block = 4 * lanes;

inline std::int64_t smaller(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}

// Rows × (Vectors · lanes) outputs. `w` points at the first column of the tile inside its panel.
template <int Rows, int Vectors>
inline void linear_tile(const LinearArgs& args, const float* w, std::int64_t row, std::int64_t column) {
  const std::int64_t K = args.x.cols;
  Vec sums[Rows][Vectors] = {};
  const float* x = args.x.row(row);
  const std::int64_t x_stride = args.x.stride;
  for (std::int64_t k = 0; k < K; ++k, w += panel_width) {
    Vec weights[Vectors];
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) weights[v] = load(w + v * lanes);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      const Vec input = splat(x[r * x_stride + k]);
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) sums[r][v] += input * weights[v];
    }
  }
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) {
      const std::int64_t first = column + v * lanes;
      const std::int64_t count = smaller(lanes, args.y.cols - first);
      if (count <= 0) break;
      Vec out = sums[r][v];
      if (args.bias) out += load(args.bias + first, count);
      if (args.residual) out += load(args.residual.row(row + r) + first, count);
      store(args.y.row(row + r) + first, out, count);
    }
  }
}

template <int Rows>
inline void linear_rows(const LinearArgs& args, std::int64_t panel, std::int64_t row) {
  constexpr int tile_width = STATESCOPE_TILE_VECTORS * STATESCOPE_LANES;
  for (std::int64_t offset = 0; offset < panel_width; offset += tile_width) {
    const std::int64_t column = panel * panel_width + offset;
    if (column >= args.y.cols) return;
    linear_tile<Rows, STATESCOPE_TILE_VECTORS>(args, args.W->panel(panel) + offset, row, column);
  }
}

// The last rows, fewer than a tile has.
template <int Rows>
inline void linear_rest(const LinearArgs& args, std::int64_t panel, std::int64_t row) {
  if constexpr (Rows > 0) {
    if (args.x.rows - row == Rows)
      linear_rows<Rows>(args, panel, row);
    else
      linear_rest<Rows - 1>(args, panel, row);
  }
}

void linear(const LinearArgs& args, std::int64_t panel_begin, std::int64_t panel_end) {
  constexpr std::int64_t tile_rows = STATESCOPE_TILE_ROWS;
  const std::int64_t T = args.x.rows;
  for (std::int64_t panel = panel_begin; panel < panel_end; ++panel) {
    std::int64_t row = 0;
    for (; row + tile_rows <= T; row += tile_rows) linear_rows<tile_rows>(args, panel, row);
    linear_rest<STATESCOPE_TILE_ROWS - 1>(args, panel, row);
  }
}

void rms_norm(const RmsNormArgs<float>& args, std::int64_t row_begin, std::int64_t row_end) {
  const std::int64_t D = args.x.cols;
  for (std::int64_t t = row_begin; t < row_end; ++t) {
    const float* x = args.x.row(t);
    Vec squares{};
    for (std::int64_t d = 0; d < D; d += lanes) {
      const Vec v = load(x + d, D - d);
      squares += v * v;
    }
    const float scale = 1.0f / __builtin_sqrtf(sum(squares) / static_cast<float>(D) + args.epsilon);
    for (std::int64_t d = 0; d < D; d += lanes)
      store(args.y.row(t) + d, load(x + d, D - d) * scale * load(args.weight + d, D - d), D - d);
  }
}

void causal_conv(const CausalConvArgs<float>& args, std::int64_t block_begin, std::int64_t block_end) {
  const std::int64_t T = args.x.rows, E = args.x.cols, K = args.weight.rows;
  for (std::int64_t block = block_begin; block < block_end; ++block) {
    const std::int64_t e = block * lanes, count = smaller(lanes, E - e);
    // Input at time t, which is negative for what came before this call.
    const auto input = [&](std::int64_t t) {
      return t >= 0 ? load(args.x.row(t) + e, count) : load(args.history.row(t + K - 1) + e, count);
    };
    const Vec bias = args.bias ? load(args.bias + e, count) : Vec{};
    for (std::int64_t t = 0; t < T; ++t) {
      Vec total = bias;
      for (std::int64_t j = 0; j < K; ++j) total += load(args.weight.row(j) + e, count) * input(t - K + 1 + j);
      store(args.y.row(t) + e, silu_of(total), count);
    }
    // Row j of the new history is the input at time T-K+1+j; rising j never reads a row already overwritten.
    for (std::int64_t j = 0; j < K - 1; ++j) store(args.history.row(j) + e, input(T - K + 1 + j), count);
  }
}

void softplus(const SoftplusArgs<float>& args, std::int64_t row_begin, std::int64_t row_end) {
  const std::int64_t E = args.x.cols;
  for (std::int64_t t = row_begin; t < row_end; ++t) {
    float* x = args.x.row(t);
    for (std::int64_t e = 0; e < E; e += lanes) {
      Vec v = load(x + e, E - e);
      if (args.bias) v += load(args.bias + e, E - e);
      store(x + e, softplus_of(v), E - e);
    }
  }
}

void gate(const GateArgs<float>& args, std::int64_t row_begin, std::int64_t row_end) {
  const std::int64_t E = args.y.cols;
  for (std::int64_t t = row_begin; t < row_end; ++t) {
    for (std::int64_t e = 0; e < E; e += lanes) {
      const Vec opening = silu_of(load(args.z.row(t) + e, E - e));
      const Vec out = load(args.y.row(t) + e, E - e) * opening;
      if (args.gate) store(args.gate.row(t) + e, opening, E - e);
      store(args.out.row(t) + e, out, E - e);
    }
  }
}

// The states [N, count] of a block of channels, transposed, to `out` [count, N].
inline void store_states(const SelectiveScanArgs<float>& args, std::int64_t e, std::int64_t count, float* out) {
  const std::int64_t N = args.A.rows;
  for (std::int64_t n = 0; n < N; n += lanes) {
    const std::int64_t states = smaller(lanes, N - n);
    Vec tile[STATESCOPE_LANES] = {};
    for (std::int64_t i = 0; i < states; ++i) tile[i] = load(args.h.row(n + i) + e, count);
    transpose(tile);
    for (std::int64_t i = 0; i < count; ++i) store(out + i * N + n, tile[i], states);
  }
}

// Time runs inside a block of channels: the block's states stay in the first-level cache from token to token, and its
// inputs are a few neighbouring cache lines, not one per page.
void selective_scan(const SelectiveScanArgs<float>& args, std::int64_t block_begin, std::int64_t block_end) {
  const std::int64_t T = args.x.rows, E = args.x.cols, N = args.A.rows;
  for (std::int64_t block = block_begin; block < block_end; ++block) {
    const std::int64_t block_end_channel = smaller((block + 1) * channel_block, E);
    for (std::int64_t t = 0; t < T; ++t) {
      const float *B = args.B.row(t), *C = args.C.row(t);
      for (std::int64_t e = block * channel_block; e < block_end_channel; e += lanes) {
        const std::int64_t count = smaller(lanes, E - e);
        const Vec x = load(args.x.row(t) + e, count), delta = load(args.delta.row(t) + e, count);
        const Vec write = delta * x;
        Vec y = load(args.D + e, count) * x;
        for (std::int64_t n = 0; n < N; ++n) {
          float* state = args.h.row(n) + e;
          const Vec h = exp(delta * load(args.A.row(n) + e, count)) * load(state, count) + write * B[n];
          y += h * C[n];
          store(state, h, count);
        }
        store(args.y.row(t) + e, y, count);
        if (args.h_all) store_states(args, e, count, args.h_all + (t * E + e) * N);
      }
    }
  }
}

}  // namespace

extern const CpuOps STATESCOPE_OPS;
const CpuOps STATESCOPE_OPS = {lanes, channel_block, linear, rms_norm, causal_conv, softplus, gate, selective_scan};

}  // namespace statescope::kernels
