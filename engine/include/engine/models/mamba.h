// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/models/checkpoint.h"
#include "engine/models/model.h"

namespace statescope {

/// What the tensors of a Mamba-1 checkpoint say about the model, judged once, before any weight is read.
struct MambaLayout {
  ModelInfo info;
  std::string prefix;     // of every tensor but the head: "backbone." or empty
  std::string embedding;  // name of the embedding tensor
  std::string head;       // name of the head's tensor: the embedding's when tied
  double norm_epsilon = 1e-5;
};

/// True when the tensors' names are those of a Mamba-1 language model.
bool is_mamba(const Checkpoint& checkpoint);
/// Checks that every tensor is there with a shape that fits the others. Throws Error naming file and tensor.
MambaLayout inspect_mamba(const Checkpoint& checkpoint);

/// The fast path: float32 recurrence, weights and activations in `precision` (not f64).
/// Throws Error when the weights would not fit into the memory that is free.
std::shared_ptr<const Model> load_mamba(const Checkpoint& checkpoint, Precision precision, int threads);

/// The same on a CUDA device, with threads of the host for what is computed from a trace. Throws Error for a precision
/// that runs on the CPU only, and kernels::CudaError.
std::shared_ptr<const Model> load_mamba_cuda(const Checkpoint& checkpoint, Precision precision, int threads,
                                             int device);

/// The reference: double precision, one token at a time, as the equations read (Gu & Dao 2023; mamba_simple.py `step`).
class MambaReference {
 public:
  explicit MambaReference(const Checkpoint& checkpoint);
  ~MambaReference();
  const ModelInfo& info() const;
  /// Runs the tokens from the zero state. Throws like `run`.
  void run(std::span<const std::int32_t> ids, Recorder& recorder, std::stop_token stop = {}) const;

 private:
  struct Weights;
  std::unique_ptr<const Weights> weights_;
};

}  // namespace statescope
