// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/io/safetensors.h"
#include "engine/training/parameters.h"
#include "engine/training/probe.h"
#include "engine/training/recipe.h"

namespace statescope {

template <class Real>
class TrainingLayer;

/// Sequences to learn from, one after the other.
struct Batch {
  std::int64_t sequences = 0, length = 0;
  std::vector<std::int32_t> tokens;   // [sequences · length]
  std::vector<std::int32_t> targets;  // what follows each token, or kernels::ignored_target
};

struct BatchResult {
  double loss = 0;             // mean over the targets, nats
  std::int64_t targets = 0;    // how many there are
  std::int64_t correct = 0;    // of them, by the likeliest token
  std::vector<bool> is_right;  // one for each target, in order
};

/// What falls out of the branches of the residual stream (kernels/dropout.h): every key is another choice.
struct Dropout {
  double rate = 0;
  std::uint64_t key = 0;
};

/// A language model of residual blocks, as mixer_seq_simple.py puts them together:
///
///   h₀ = embedding,  h ← h + block(RMSNorm(h)),  logits = RMSNorm(h) · embeddingᵀ
///
/// with its gradients. Float32 to train, double for checking them.
template <class Real>
class Network {
 public:
  /// The recipe's sizes, with parameters drawn from `seed`. `ops` stays the caller's.
  Network(const NetworkRecipe& recipe, std::uint64_t seed, const TrainingOps<Real>& ops);
  ~Network();

  const Parameters<Real>& parameters() const { return parameters_; }

  /// Runs the batch; with `learn`, leaves the gradients of its loss in parameters().
  BatchResult run(const Batch& batch, bool learn, const Dropout& dropout = {});

  /// Reads one sequence with the knobs as they stand, in double precision along time, and keeps what its layers did.
  Probe probe(std::span<const std::int32_t> tokens, const Knobs& knobs = {});

  /// Takes the weights of a checkpoint that Trainer::save wrote. Throws Error naming the tensor that does not fit.
  void load(const SafetensorsFile& file);

 private:
  struct Impl;
  Parameters<Real> parameters_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace statescope
