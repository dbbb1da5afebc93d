// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <vector>

#include "engine/models/model.h"
#include "engine/training/network.h"
#include "engine/training/task.h"
#include "kernels/training_ops.h"

namespace statescope {

/// How well fresh sequences go.
struct Evaluation {
  double loss = 0, accuracy = 0;  // mean over targets in nats, and the share of them that are right
  std::int64_t sequences = 0, targets = 0;
  std::int64_t state_bytes = 0;  // of a stream, the most that it carried from token to token
  std::vector<double>
      accuracy_of_answer;  // of the first, second … target of a sequence; empty when they differ in number
};

/// Batches of `batch` sequences of the evaluation split until there are at least `sequences`. Throws Cancelled.
Evaluation evaluate(Network<float>& network, const Task& task, std::uint64_t seed, std::int64_t sequences,
                    std::int64_t batch, std::stop_token stop = {});

/// The same by a model that reads every sequence as a stream, in the memory of its state whatever the length: sequences
/// are batches of one.
Evaluation evaluate(const Model& model, const Task& task, std::uint64_t seed, std::int64_t sequences,
                    std::stop_token stop = {});

}  // namespace statescope
