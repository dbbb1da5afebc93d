// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <string>
#include <type_traits>

#include "cuda/element.cuh"
#include "cuda/launch.cuh"
#include "cuda/partial_sums.h"
#include "cuda/selective_scan_backward_plan.h"

namespace statescope::kernels::cuda {
namespace {

using namespace scan_gradients;

std::int64_t ceil_of(std::int64_t count, std::int64_t size) {
  return (count + size - 1) / size;
}

// Chunks so that every multiprocessor gets 16 warps: what keep_states fits on it at a time, and twice what
// scan_backward does.
Plan plan_of(const ScanArgs& args) {
  constexpr std::int64_t warps_of_multiprocessor = 16, shortest = 4;
  return with_shape(args.N, [&](auto shape) {
    using Sh = decltype(shape);
    Plan plan;
    plan.blocks_of_group = ceil_of(args.E / args.groups, Sh::width * Sh::Warps);
    plan.blocks_of_sequence = args.groups * plan.blocks_of_group;
    plan.tiles = ceil_of(args.T, tile_tokens);
    const std::int64_t warps = args.batch * plan.blocks_of_sequence * Sh::Warps;
    const std::int64_t room = std::max<std::int64_t>(1, warps_of_multiprocessor * multiprocessor_count() / warps);
    plan.chunk_tiles = std::max(shortest, ceil_of(plan.tiles, room));
    plan.chunks = ceil_of(plan.tiles, plan.chunk_tiles);
    return plan;
  });
}

Workspace workspace_of(const ScanArgs& args, const Plan& plan, void* memory, std::int64_t* bytes) {
  const std::int64_t warps = with_shape(args.N, [](auto shape) { return std::int64_t{decltype(shape)::Warps}; });
  const std::int64_t records = args.batch * plan.blocks_of_sequence * warps, slices = plan.chunks * args.batch;
  const std::int64_t tokens = plan.blocks_of_group * args.batch * args.T * args.groups * args.N;
  Workspace work;
  std::int64_t used = 0;
  const auto take = [&](auto*& to, std::int64_t count) {
    to = reinterpret_cast<std::remove_reference_t<decltype(to)>>(static_cast<char*>(memory) + used);
    used += ceil_of(count * static_cast<std::int64_t>(sizeof(*to)), 16) * 16;
  };
  take(work.kept, plan.tiles * records);
  take(work.end, plan.chunks * records);
  take(work.adjoint, plan.chunks * records);
  take(work.dB, tokens);
  take(work.dC, tokens);
  take(work.dA, slices * args.N * args.E);
  take(work.dD, slices * args.E);
  take(work.dbias, slices * args.E);
  *bytes = used;
  return work;
}

}  // namespace

std::int64_t scan_backward_workspace(const ScanBackwardArgs& args) {
  std::int64_t bytes = 0;
  workspace_of(args.forward, plan_of(args.forward), nullptr, &bytes);
  return bytes;
}

void selective_scan_backward(const ScanBackwardArgs& back, cudaStream_t stream) {
  const ScanArgs& args = back.forward;
  if (!supports(args) || args.N > most_states)
    throw CudaError("gradients of the selective scan run up to " + std::to_string(most_states) +
                    " states in float32, bf16 or f16");
  if (args.batch == 0 || args.T == 0 || args.E == 0) return;
  const Plan plan = plan_of(args);
  std::int64_t bytes = 0;
  const Workspace work = workspace_of(args, plan, back.workspace, &bytes);
  with_type(args.type, [&](auto element) { run<decltype(element)>(back, plan, work, stream); });
  const std::int64_t columns = args.batch * args.T * args.groups * args.N, slices = plan.chunks * args.batch;
  add_partials(work.dB, plan.blocks_of_group, columns, back.dB, stream);
  add_partials(work.dC, plan.blocks_of_group, columns, back.dC, stream);
  add_partials(work.dA, slices, args.N * args.E, back.dA, stream);
  if (back.dD) add_partials(work.dD, slices, args.E, back.dD, stream);
  if (back.ddelta_bias) add_partials(work.dbias, slices, args.E, back.ddelta_bias, stream);
}

}  // namespace statescope::kernels::cuda
