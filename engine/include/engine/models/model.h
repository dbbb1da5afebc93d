// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/models/recorder.h"
#include "kernels/cpu_backend.h"
#include "kernels/matrix_view.h"

namespace statescope {

using kernels::MatrixView;
class Checkpoint;
class Decoder;

/// Storage of the weight matrices and rounding of activations; i8 has 8-bit matrices (kernels/linear.h) and float32
/// activations, on a CUDA device bf16 ones. State, Δ and exp(Δ·A) are float32 in all but f64, the reference.
enum class Precision { f64, f32, bf16, f16, i8 };
Precision parse_precision(const std::string& text);  // throws Error
std::string precision_name(Precision precision);

/// Every size, read off the tensors' shapes.
struct ModelSizes {
  std::int64_t layers = 0;
  std::int64_t d_model = 0;  // D
  std::int64_t d_inner = 0;  // E
  std::int64_t d_state = 0;  // N
  std::int64_t d_conv = 0;   // K, taps of the causal convolution
  std::int64_t dt_rank = 0;  // R
  std::int64_t vocab = 0;    // V, rows of the embedding
};

/// What a layer remembers: a state with B and C of each token, one whose B and C are constants of each channel (S4D),
/// or none of fixed size (attention, Hyena), with d_state 0.
enum class StateKind { per_token, per_channel, none };

struct ModelInfo {
  std::string name;    // folder name
  std::string family;  // "Mamba-1"
  std::filesystem::path folder;
  ModelSizes sizes;
  std::int64_t parameters = 0;
  std::int64_t stored_bytes = 0;  // in the files
  std::int64_t state_bytes = 0;   // of the recurrent state, float32, whatever the length of the sequence
  std::int64_t cache_bytes = 0;   // that a token adds to it: keys and values of attention, the past of Hyena
  StateKind state_kind = StateKind::per_token;
  std::string dtypes;  // as stored
  bool tied_head = true;
  /// One sentence per disagreement between config.json and the tensors, and per assumption made.
  std::vector<std::string> conflicts;
};

/// What one layer carries from token to token.
struct LayerState {
  std::vector<float> conv;  // [K-1, E] last inputs of the convolution, oldest first
  std::vector<float> h;     // [N, E] hidden state, state-major; without one, what a layer keeps of every token
};

/// What the whole model carries: a value, so that copying it is a snapshot.
struct ModelState {
  std::vector<LayerState> layers;
  std::int64_t bytes() const;
};

/// Where a layer leaves what it computed for T tokens. Empty views and a null pointer are not filled.
struct LayerTap {
  MatrixView<float> delta;          // [T, E] after softplus
  MatrixView<float> B, C;           // [T, N]; where they are constants of each channel, [E, N]
  MatrixView<float> conv;           // [T, E] after convolution and SiLU: the scan's input
  MatrixView<float> y;              // [T, E] scan output with the D skip, before the gate
  MatrixView<float> gate;           // [T, E] SiLU(z)
  float* h_all = nullptr;           // [T, E, N] after each token
  MatrixView<float> state_squares;  // [T, E] Σ_n h² after each token
  // The layer's state after every `snapshot_interval` of the tokens, as long as one more follows.
  std::int64_t snapshot_interval = 0;
  std::vector<LayerState>* snapshots = nullptr;
};

/// A language model made of residual layers with a recurrent state. Immutable; several threads may use one.
class Model {
 public:
  virtual ~Model() = default;

  virtual const ModelInfo& info() const = 0;
  virtual const kernels::CpuBackend& backend() const = 0;
  virtual ModelState initial_state() const = 0;
  virtual Precision precision() const = 0;
  virtual std::string device() const { return "cpu"; }  // or "cuda:0"
  /// Bytes of the weights as this model holds them, and of the scratch while it reads `tokens` tokens at once.
  virtual std::int64_t weight_bytes() const = 0;
  virtual std::int64_t activation_bytes(std::int64_t tokens) const = 0;

  /// The residual stream before layer 0, [T, D]. Ids must be below `sizes.vocab`.
  virtual void embed(std::span<const std::int32_t> ids, MatrixView<float> residual) const = 0;
  /// Reads T further tokens: replaces the residual stream before `layer` by the one after it and moves the state on.
  virtual void run_layer(std::int64_t layer, MatrixView<float> residual, LayerState& state,
                         const LayerTap& tap = {}) const = 0;
  /// Final norm and head: logits [T, V] from the residual stream after the last layer.
  virtual void logits(MatrixView<const float> residual, MatrixView<float> logits) const = 0;

  /// What `run`, `run_from` and `read_for_logits` do once the ids are known to be good. A model that lives on a device
  /// keeps the stream there from layer to layer.
  virtual void read(std::span<const std::int32_t> ids, ModelState& state, Recorder* recorder,
                    std::stop_token stop) const;
  virtual ModelState read_from(const ModelState& state, std::span<const std::int32_t> ids, Recorder* recorder,
                               std::stop_token stop) const;
  virtual std::vector<float> read_last(std::span<const std::int32_t> ids, ModelState& state,
                                       std::stop_token stop) const;
  /// A decoder of the model's own, or null for one that steps through `read_last` (engine/models/decoder.h).
  virtual std::unique_ptr<Decoder> device_decoder(const ModelState& state, std::int64_t batch) const;

  /// A = -exp(A_log) of a layer, [N, E] state-major, and D, [E]. Of S4D over conjugate pairs the real part of A: the
  /// first N/2 states are the real parts of h, the others the imaginary ones, and A_imag is [N/2, E]; else it is empty.
  virtual MatrixView<const float> A(std::int64_t layer) const = 0;
  virtual MatrixView<const float> A_imag(std::int64_t /*layer*/) const { return {}; }
  virtual const float* D(std::int64_t layer) const = 0;
  /// The layer's recurrence alone, for as many channels as `scan.x` has, from `channel` on, with the bits of run_layer.
  /// A and D need not be given, nor B and C where they are constants.
  virtual void scan(std::int64_t layer, std::int64_t channel, kernels::SelectiveScanArgs<float> scan) const;
};

/// Whether a model's layers compute this: B and C belong to tokens only where they are of each token.
bool computes(const ModelInfo& info, Quantity quantity);

/// Throws Error naming the first id outside the vocabulary.
void check_ids(std::span<const std::int32_t> ids, std::int64_t vocab);

/// Reads `ids` in chunks through all layers, moves `state` on, hands what the recorder wants to it (null: nothing).
/// Throws Error on an id outside the vocabulary and Cancelled when asked to stop; `state` is then unusable.
void run(const Model& model, std::span<const std::int32_t> ids, ModelState& state, Recorder* recorder,
         std::stop_token stop = {});

/// The same from a state that stays as it is; returns the one after the last token.
ModelState run_from(const Model& model, const ModelState& state, std::span<const std::int32_t> ids, Recorder* recorder,
                    std::stop_token stop = {});

/// Reads `ids`, which must not be empty, for the logits [V] after the last of them and nothing else. Throws like `run`.
std::vector<float> read_for_logits(const Model& model, std::span<const std::int32_t> ids, ModelState& state,
                                   std::stop_token stop = {});

/// What the tensors say, without reading them. Throws Error for a family this version does not run.
ModelInfo inspect_checkpoint(const Checkpoint& checkpoint);
/// Builds the model the tensors describe on a device: "cpu", "cuda" or "cuda:1". `threads` 0 uses every core. Cells of
/// the training grid beyond Mamba-1 run on the CPU in float32, whatever is asked for (engine/models/grid.h). Throws
/// Error also for a device that is not there, and kernels::CudaError, one sentence, when the device has no room.
std::shared_ptr<const Model> load_model(const Checkpoint& checkpoint, Precision precision = Precision::f32,
                                        int threads = 0, const std::string& device = "cpu");
std::shared_ptr<const Model> load_model(const std::filesystem::path& path, Precision precision = Precision::f32,
                                        int threads = 0, const std::string& device = "cpu");

}  // namespace statescope
