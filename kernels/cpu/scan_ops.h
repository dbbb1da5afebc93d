// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/cpu_backend.h"
#include "kernels/selective_scan.h"

namespace statescope::kernels {

/// How the backward scan cuts its work; the same whatever the number of threads. Blocks of channels do not span groups
/// of B and C, and time goes in segments from the last to the first.
struct BackwardPlan {
  std::int64_t blocks_per_group = 0, blocks = 0, segment = 0, segments = 0;
};

/// A segment of the backward scan. All memory is float, and [N, E] unless told.
struct BackwardSegment {
  std::int64_t begin = 0, end = 0;  // tokens
  MatrixView<const float> before;   // the states before `begin`
  MatrixView<float> later;          // a_t g_t of token `end` coming in, of token `begin` going out
  float* partial = nullptr;         // [blocks, end - begin, 2, N]: dB and dC, each block's share
};

/// A row of pairs or, with a null `a`, of states.
struct PairRow {
  float *a = nullptr, *b = nullptr;
};

/// The scans for one instruction set, each on a range of its independent parts.
struct ScanOps {
  std::int64_t channel_block;  // channels in a block of selective_scan, and at most in one of the backward scan
  std::int64_t backward_tile;  // tokens; segments of the backward scan are multiples of it
  void (*selective_scan)(const SelectiveScanArgs<float>&, std::int64_t block_begin, std::int64_t block_end);
  /// A single token with one group, without h_all; channels, not blocks of them.
  void (*step)(const SelectiveScanArgs<float>&, std::int64_t channel_begin, std::int64_t channel_end);

  /// The states before every `every`-th token, out[t / every] = [N, E].
  void (*checkpoints)(const SelectiveScanArgs<float>&, std::int64_t every, float* out, std::int64_t block_begin,
                      std::int64_t block_end);
  std::int64_t (*backward_workspace)(std::int64_t tokens, std::int64_t N);  // floats for one call of `backward`
  void (*backward)(const SelectiveScanBackwardArgs<float>&, const BackwardPlan&, const BackwardSegment&,
                   float* workspace, std::int64_t block_begin, std::int64_t block_end);

  // The ladder. a, b and h are dense rows [N, E] of a token.
  void (*form)(const SelectiveScanArgs<float>&, float* a, float* b, std::int64_t token_begin, std::int64_t token_end);
  void (*contract)(const SelectiveScanArgs<float>&, const float* h, std::int64_t token_begin, std::int64_t token_end);
  void (*combine)(PairRow earlier, PairRow later, PairRow into, std::int64_t lanes);  // into may be `later`
  void (*descend)(PairRow left, PairRow right, std::int64_t lanes);

  // Keeps the processor busy with exp(Δ A) alone, to measure how many of them it can do: `rounds` times
  // exponentials_per_round, on as many values.
  std::int64_t exponentials_per_round;
  void (*exponentials)(float* values, std::int64_t rounds);
};

const ScanOps& scan_ops(InstructionSet set);

extern const ScanOps baseline_scan_ops;
#if defined(__x86_64__)
extern const ScanOps avx2_scan_ops;
extern const ScanOps avx512_scan_ops;
#endif

}  // namespace statescope::kernels
