// SPDX-License-Identifier: GPL-3.0-or-later
// The gradients of the selective scan: part of scan_impl.h.

constexpr std::int64_t backward_tile = 8;  // tokens; their states and decays should fit the first cache
constexpr int backward_chunk = STATESCOPE_LANES >= 4 ? STATESCOPE_LANES / 2 : 2;  // states whose sums fit the registers

void checkpoints(const SelectiveScanArgs<float>& args, std::int64_t every, float* out, std::int64_t block_begin,
                 std::int64_t block_end) {
  const std::int64_t T = args.x.rows, E = args.x.cols, N = args.A.rows;
  Tile tile;
  for (tile.e = block_begin * channel_block; tile.e < smaller(block_end * channel_block, E); tile.e += lanes) {
    tile.count = smaller(lanes, E - tile.e);
    MatrixView<const float> before = args.h;
    for (std::int64_t begin = 0; begin < T; begin += every) {
      const MatrixView<float> now(out + begin / every * N * E, N, E);
      for (std::int64_t n = 0; n < N; ++n)
        store(now.row(n) + tile.e, load(before.row(n) + tile.e, tile.count), tile.count);
      if (begin + every >= T) break;
      const MatrixView<float> next(now.data + N * E, N, E);
      for (tile.t = begin; tile.t < begin + every; tile.t += tile.tokens) {
        tile.tokens = smaller(tile_tokens, begin + every - tile.t);
        read_tile(args, tile);
        for_state_chunks<state_chunk>(0, N, [&](auto chunk, std::int64_t n) {
          constexpr int S = chunk.size;
          Vec A[S], states[S];
          load_A(args, n, tile, A);
          load_states<S>(tile.t == begin ? now : next, n, tile, states);
          with_projections<S>(args, tile, n, [&](auto B, auto C) {
            advance<S, Keep::nothing>(tile, A, B, C, states, nullptr, nullptr);
          });
          store_states(next, n, tile, states);
        });
      }
      before = next;
    }
  }
}

// S states of a tile backwards. kept[0] are the states before the tile, kept[1 + i] those after its token i.
// Adds to dB and dC [tokens, N], dA [S] and the sums over states of g B and g h a A.
template <int S>
__attribute__((noinline)) void reverse(const Tile& tile, const Vec* dy, const Vec (&A)[S], Shared B, Shared C,
                                       const Vec* kept, const Vec* decays, Vec (&later)[S], Vec (&dA)[S], float* dB,
                                       float* dC, std::int64_t N, Vec* through_B, Vec* through_A) {
  Vec carried[S], sums[S];
#pragma GCC unroll 16
  for (int s = 0; s < S; ++s) {
    carried[s] = later[s];
    sums[s] = Vec{};
  }
  for (std::int64_t i = tile.tokens - 1; i >= 0; --i) {
    Vec from_B = through_B[i], from_A = through_A[i];
    float *dB_row = dB + i * N * lanes, *dC_row = dC + i * N * lanes;
#pragma GCC unroll 16
    for (int s = 0; s < S; ++s) {
      const Vec g = fma(dy[i], C.at(i, s), carried[s]);
      store(dC_row + s * lanes, fma(dy[i], kept[(i + 1) * S + s], load(dC_row + s * lanes)));
      store(dB_row + s * lanes, fma(g, tile.write[i], load(dB_row + s * lanes)));
      from_B = fma(g, B.at(i, s), from_B);
      carried[s] = decays[i * S + s] * g;
      const Vec through_decay = carried[s] * kept[i * S + s];
      from_A = fma(through_decay, A[s], from_A);
      sums[s] = fma(through_decay, tile.delta[i], sums[s]);
    }
    through_B[i] = from_B;
    through_A[i] = from_A;
  }
#pragma GCC unroll 16
  for (int s = 0; s < S; ++s) {
    later[s] = carried[s];
    dA[s] += sums[s];
  }
}

// What a call of `backward` works in: floats, whole vectors each.
struct BackwardWorkspace {
  BackwardWorkspace(float* memory, std::int64_t tokens, std::int64_t N_) : N(N_) {
    states = memory;
    dA = states + vectors_per_block * ((tokens + backward_tile - 1) / backward_tile) * N * lanes;
    dB = dA + vectors_per_block * N * lanes;
    dC = dB + backward_tile * N * lanes;
    end = dC + backward_tile * N * lanes;
    tiles = (tokens + backward_tile - 1) / backward_tile;
  }
  float* states_of(std::int64_t vector, std::int64_t tile) const {
    return states + (vector * tiles + tile) * N * lanes;
  }
  float* dA_of(std::int64_t vector) const { return dA + vector * N * lanes; }

  std::int64_t N, tiles;
  float* states;   // [vectors, tiles, N] before each tile
  float* dA;       // [vectors, N] of the segment
  float *dB, *dC;  // [tile, N] of the block
  float* end;
};

std::int64_t backward_workspace(std::int64_t tokens, std::int64_t N) {
  return vectors_per_block * ((tokens + backward_tile - 1) / backward_tile) * N * lanes +
         vectors_per_block * N * lanes + 2 * backward_tile * N * lanes;
}

// The sums over lanes of vectors [N] to out [N].
inline void sum_lanes(const float* vectors, std::int64_t N, float* out) {
  for (std::int64_t n = 0; n < N; n += lanes) {
    Vec rows[STATESCOPE_LANES] = {};
    for (std::int64_t i = 0; i < smaller(lanes, N - n); ++i) rows[i] = load(vectors + (n + i) * lanes);
    transpose(rows);
    for (std::int64_t width = lanes / 2; width > 0; width /= 2)
      for (std::int64_t i = 0; i < width; ++i) rows[i] += rows[i + width];
    store(out + n, rows[0], N - n);
  }
}

// The states before every tile of the segment, for one vector of channels.
inline void keep_tile_states(const SelectiveScanArgs<float>& args, const BackwardSegment& segment,
                             const BackwardWorkspace& workspace, std::int64_t vector, Tile& tile) {
  for (std::int64_t n = 0; n < workspace.N; ++n)
    store(workspace.states_of(vector, 0) + n * lanes, load(segment.before.row(n) + tile.e, tile.count));
  for (std::int64_t i = 0; i + 1 < workspace.tiles; ++i) {
    tile.t = segment.begin + i * backward_tile;
    tile.tokens = backward_tile;
    read_tile(args, tile);
    for_state_chunks<state_chunk>(0, workspace.N, [&](auto chunk, std::int64_t n) {
      constexpr int S = chunk.size;
      Vec A[S], states[S];
      load_A(args, n, tile, A);
      for (int s = 0; s < S; ++s) states[s] = load(workspace.states_of(vector, i) + (n + s) * lanes);
      advance<S, Keep::nothing>(tile, A, shared<S>(args, args.B, tile, n), shared<S>(args, args.C, tile, n), states,
                                nullptr, nullptr);
      for (int s = 0; s < S; ++s) store(workspace.states_of(vector, i + 1) + (n + s) * lanes, states[s]);
    });
  }
}

// Sums over the time of a segment for one vector of channels.
struct ChannelSums {
  Vec dD, ddelta_bias;
};

inline void backward_tile_of(const SelectiveScanBackwardArgs<float>& args, const BackwardSegment& segment,
                             const BackwardWorkspace& workspace, std::int64_t vector, Tile& tile, ChannelSums& sums) {
  const SelectiveScanArgs<float>& in = args.forward;
  read_tile(in, tile);
  Vec dy[backward_tile], opening[backward_tile];
  for (std::int64_t i = 0; i < tile.tokens; ++i) {
    dy[i] = load(args.dy.row(tile.t + i) + tile.e, tile.count);
    if (in.z) {
      const Vec z = load(in.z.row(tile.t + i) + tile.e, tile.count);
      opening[i] = sigmoid_of(z);
      dy[i] = dy[i] * silu_of(z);
    }
  }
  Vec through_B[backward_tile] = {}, through_A[backward_tile] = {};
  const float* before = workspace.states_of(vector, (tile.t - segment.begin) / backward_tile);
  for_state_chunks<backward_chunk>(0, workspace.N, [&](auto chunk, std::int64_t n) {
    constexpr int S = chunk.size;
    Vec A[S], states[S], later[S], dA[S], kept[(backward_tile + 1) * S], decays[backward_tile * S];
    load_A(in, n, tile, A);
    load_states<S>(segment.later, n, tile, later);
    float* dA_sums = workspace.dA_of(vector) + n * lanes;
    for (int s = 0; s < S; ++s) {
      kept[s] = states[s] = load(before + (n + s) * lanes);
      dA[s] = load(dA_sums + s * lanes);
    }
    const Shared B = shared<S>(in, in.B, tile, n), C = shared<S>(in, in.C, tile, n);
    advance<S, Keep::states_and_decays>(tile, A, B, C, states, kept + S, decays);
    reverse<S>(tile, dy, A, B, C, kept, decays, later, dA, workspace.dB + n * lanes, workspace.dC + n * lanes,
               workspace.N, through_B, through_A);
    store_states(segment.later, n, tile, later);
    for (int s = 0; s < S; ++s) store(dA_sums + s * lanes, dA[s]);
  });
  const Vec D = in.D ? load(in.D + tile.e, tile.count) : Vec{};
  const Vec bias = in.delta_bias ? load(in.delta_bias + tile.e, tile.count) : Vec{};
  Vec dD{}, ddelta_bias{};
  for (std::int64_t i = 0; i < tile.tokens; ++i) {
    const std::int64_t t = tile.t + i;
    Vec ddelta = fma(through_B[i], tile.x[i], through_A[i]);
    if (in.softplus) ddelta = ddelta * sigmoid_of(load(in.delta.row(t) + tile.e, tile.count) + bias);
    if (args.dx) store(args.dx.row(t) + tile.e, fma(tile.delta[i], through_B[i], D * dy[i]), tile.count);
    if (args.ddelta) store(args.ddelta.row(t) + tile.e, ddelta, tile.count);
    if (args.dz) {
      const Vec z = load(in.z.row(t) + tile.e, tile.count), whole = load(args.dy.row(t) + tile.e, tile.count);
      store(args.dz.row(t) + tile.e, whole * tile.y[i] * opening[i] * fma(z, 1.0f - opening[i], 1.0f), tile.count);
    }
    dD = fma(dy[i], tile.x[i], dD);
    ddelta_bias += ddelta;
  }
  sums.dD += dD;
  sums.ddelta_bias += ddelta_bias;
}

// Sums over time are added tile by tile, segment by segment, so that they lose little on long sequences.
void backward(const SelectiveScanBackwardArgs<float>& args, const BackwardPlan& plan, const BackwardSegment& segment,
              float* memory, std::int64_t block_begin, std::int64_t block_end) {
  const SelectiveScanArgs<float>& in = args.forward;
  const std::int64_t N = in.A.rows, tokens = segment.end - segment.begin;
  const BackwardWorkspace workspace(memory, tokens, N);
  const std::int64_t group_width = in.x.cols / in.groups;
  Tile tile;
  for (std::int64_t block = block_begin; block < block_end; ++block) {
    const std::int64_t group_begin = block / plan.blocks_per_group * group_width;
    const std::int64_t first = group_begin + block % plan.blocks_per_group * channel_block;
    const std::int64_t last = smaller(first + channel_block, group_begin + group_width);
    ChannelSums sums[vectors_per_block] = {};
    const auto at = [&](std::int64_t vector) {
      tile.e = first + vector * lanes;
      tile.count = smaller(lanes, last - tile.e);
    };
    const std::int64_t vectors = (last - first + lanes - 1) / lanes;
    for (std::int64_t v = 0; v < vectors; ++v) {
      at(v);
      keep_tile_states(in, segment, workspace, v, tile);
      for (std::int64_t n = 0; n < N; ++n) store(workspace.dA_of(v) + n * lanes, Vec{});
    }
    for (std::int64_t i = workspace.tiles - 1; i >= 0; --i) {
      for (std::int64_t j = 0; j < 2 * backward_tile * N; ++j) store(workspace.dB + j * lanes, Vec{});
      tile.t = segment.begin + i * backward_tile;
      tile.tokens = smaller(backward_tile, segment.end - tile.t);
      for (std::int64_t v = 0; v < vectors; ++v) {
        at(v);
        backward_tile_of(args, segment, workspace, v, tile, sums[v]);
      }
      for (std::int64_t j = 0; j < tile.tokens; ++j) {
        float* out = segment.partial + ((block * tokens) + tile.t + j - segment.begin) * 2 * N;
        sum_lanes(workspace.dB + j * N * lanes, N, out);
        sum_lanes(workspace.dC + j * N * lanes, N, out + N);
      }
    }
    for (std::int64_t v = 0; v < vectors; ++v) {
      at(v);
      const auto add = [&](float* to, Vec value) { store(to, load(to, tile.count) + value, tile.count); };
      if (args.dA)
        for (std::int64_t n = 0; n < N; ++n) add(args.dA.row(n) + tile.e, load(workspace.dA_of(v) + n * lanes));
      if (args.dD) add(args.dD + tile.e, sums[v].dD);
      if (args.ddelta_bias) add(args.ddelta_bias + tile.e, sums[v].ddelta_bias);
    }
  }
}
