// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/ssd.h"

#include <algorithm>
#include <memory>

#include "cpu/ops.h"
#include "cpu/share.h"

namespace statescope::kernels {
namespace {

std::unique_ptr<float[]> room(std::int64_t floats) {
  return std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(floats));
}

}  // namespace

// Chunk after chunk, so that memory does not grow with T; inside a chunk first what the heads of a group share, then
// the heads.
void CpuBackend::ssd(const SsdArgs<float>& args) const {
  const std::int64_t T = args.x.rows, H = args.heads(), P = args.head_channels(), N = args.states(), G = args.groups;
  const std::int64_t chunk = std::min(args.chunk, T);
  const auto states = room(H * N * P);  // [H, N, P]: rows of the products below
  const auto scores = room(G * chunk * chunk), transposed = room(G * N * chunk);
  const std::int64_t workers = std::min<std::int64_t>(threads(), H);
  const auto scratch = room(workers * ssd_scratch(chunk, N));  // before the threads start: they must not throw
  for (std::int64_t head = 0; head < H; ++head)
    for (std::int64_t p = 0; p < P; ++p)
      for (std::int64_t n = 0; n < N; ++n) states[(head * N + n) * P + p] = args.h[(head * P + p) * N + n];

  for (std::int64_t begin = 0; begin < T; begin += chunk) {
    const std::int64_t count = std::min(chunk, T - begin);
    share(G, G * count * count * N / 8, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t g = first; g < last; ++g)
        ops_->ssd_scores(args, begin, count, g, &transposed[g * N * chunk], &scores[g * chunk * chunk]);
    });
    share(workers, H * count * (count + N) * P / 4, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t head = H * first / workers; head < H * last / workers; ++head)
        ops_->ssd_head(args, begin, count, head, &scores[args.group_of(head) * chunk * chunk], &states[head * N * P],
                       &scratch[first * ssd_scratch(chunk, N)]);
    });
  }

  for (std::int64_t head = 0; head < H; ++head)
    for (std::int64_t p = 0; p < P; ++p)
      for (std::int64_t n = 0; n < N; ++n) args.h[(head * P + p) * N + n] = states[(head * N + n) * P + p];
}

}  // namespace statescope::kernels
