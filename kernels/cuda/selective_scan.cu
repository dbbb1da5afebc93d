// SPDX-License-Identifier: GPL-3.0-or-later
#include "cuda/selective_scan.h"

#include <algorithm>

#include "cuda/element.cuh"
#include "cuda/launch.cuh"
#include "cuda/selective_scan_plan.h"

namespace statescope::kernels::cuda {
namespace {

// Cutting time costs a second pass over all but the last chunk, so it must gain more. Up to 16 states that needs many
// chunks or many tokens, because the narrow shape is quick (measured on an H100).
constexpr std::int64_t worth_cutting = 2048, worth_few_chunks = 8192, few_chunks = 15;
constexpr std::int64_t blocks_of_narrow = 3;             // for each multiprocessor; more are slower than the wide shape
constexpr std::int64_t longest = std::int64_t{1} << 30;  // tokens that 32 bits count, a few tiles more included
constexpr std::int64_t shortest_chunk = 64;              // tokens; a multiple of every tile
constexpr std::int64_t longest_chunk = 32768;            // longer ones take a fifth more for the same work
constexpr std::int64_t pairs_of_multiprocessor = 8;      // pairs of warps that are on one at a time

Plan plan_of(const ScanArgs& args, const Chunks& chunks) {
  const std::int64_t of_group = args.E / args.groups;
  if ((args.groups > 1 && of_group % 16 != 0) || args.T > longest) return Plan::any;
  if (args.N <= 8) return Plan::states_8;
  if (args.N <= 16) {
    const bool narrow =
        (args.groups == 1 || of_group % channels_of(Plan::narrow) == 0) &&
        args.batch * blocks_for(args.E, channels_of(Plan::narrow)) <= blocks_of_narrow * multiprocessor_count();
    return chunks.count > 1 || !narrow ? Plan::wide : Plan::narrow;
  }
  return args.N <= 64 ? Plan::states_64 : args.N <= 128 ? Plan::states_128 : Plan::any;
}

Chunks chunks_of(const ScanArgs& args) {
  Chunks chunks;
  chunks.length = args.T;
  if (args.T < worth_cutting || args.N <= 8 || args.N > 64) return chunks;
  // Blocks that are on the device at a time, for each of those that the channels alone are.
  const Blocks blocks = blocks_of_group(args, args.N <= 16 ? Plan::wide : Plan::states_64, worth_summing);
  const std::int64_t on_device = pairs_of_multiprocessor / blocks.pairs * multiprocessor_count(),
                     room = on_device / std::max<std::int64_t>(1, args.batch * args.groups * blocks.count);
  if (room < 4 || (args.N <= 16 && room <= few_chunks && args.T < worth_few_chunks)) return chunks;
  const std::int64_t rounds = (args.T + room * longest_chunk - 1) / (room * longest_chunk);
  const std::int64_t length = (args.T + room * rounds - 1) / (room * rounds),
                     unit = length < worth_summing ? shortest_chunk : tile_of_sums;
  chunks.length = (length + unit - 1) / unit * unit;
  chunks.count = (args.T + chunks.length - 1) / chunks.length;
  return chunks;
}

}  // namespace

bool supports(const ScanArgs& args) {
  return args.type != ElementType::i8 && args.batch >= 0 && args.T >= 0 && args.E >= 0 && args.N >= 1 &&
         args.groups >= 1 && (args.E == 0 || args.E % args.groups == 0) && (args.passed.count == 0 || args.sums);
}

std::int64_t scan_workspace(const ScanArgs& args) {
  const Chunks chunks = chunks_of(args);
  const std::int64_t floats = chunks.count * args.batch * (args.N + 1) * args.E;
  return chunks.count > 1 ? floats * static_cast<std::int64_t>(sizeof(float)) : 0;
}

std::int64_t scan_sum_slots(const ScanArgs& args) {
  Chunks chunks;
  if (args.workspace) chunks = chunks_of(args);
  return blocks_for(args.E, channels_of(plan_of(args, chunks)));
}

void selective_scan(const ScanArgs& args, cudaStream_t stream) {
  if (!supports(args)) throw CudaError("the selective scan was given sizes or a type it cannot run");
  if (args.batch == 0 || args.T == 0 || args.E == 0) return;
  Chunks chunks;
  chunks.length = args.T;
  if (args.workspace) chunks = chunks_of(args);
  if (chunks.count > 1) {
    const std::int64_t states = args.batch * args.N * args.E;
    chunks.start = static_cast<float*>(args.workspace);
    chunks.end = chunks.start + states;
    chunks.delta = chunks.end + (chunks.count - 1) * states;
  }
  with_type(args.type, [&](auto element) { run_scan<decltype(element)>(args, plan_of(args, chunks), chunks, stream); });
}

}  // namespace statescope::kernels::cuda
