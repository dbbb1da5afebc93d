// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "kernels/cuda_backend.h"

namespace statescope {

/// The kernels of a prompt as graphs, some layers each, for whoever reads as many tokens again in the same memory: to
/// enqueue them one by one takes the host as long as computing some hundred tokens takes the device.
class PromptGraphs {
 public:
  /// What the addresses in a graph depend on.
  struct Key {
    std::int64_t tokens = 0, first = 0;
    int current = 0;               // where the convolution's history comes from
    const void* stream = nullptr;  // kept, of how many tokens, and with a state after how many
    const void* numbers = nullptr;
    std::int64_t kept_tokens = 0, interval = 0;
    bool operator==(const Key&) const = default;
  };
  void begin(const Key& key);
  /// The key's next piece: the first time enqueued as it is, the second time kept, from then on started at once.
  void run(kernels::CudaBackend& backend, const std::function<void()>& enqueue);
  /// When memory that graphs refer to goes.
  void clear() { kept_.clear(); }

 private:
  static constexpr std::size_t most = 8;
  struct Kept {
    Key key;
    bool seen = false;
    std::vector<kernels::CudaBackend::Graph> pieces;
  };
  std::vector<Kept> kept_;  // the last used is the last
  std::size_t next_ = 0;
};

}  // namespace statescope
