// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "device_recording.h"
#include "engine/models/mamba.h"
#include "engine/profile/profile.h"
#include "kernels/cuda_backend.h"
#include "prompt_graphs.h"
#include "side_thread.h"

namespace statescope {

using kernels::DeviceBuffer;
using kernels::DeviceMatrix;
using kernels::PinnedBuffer;

class DeviceZones;

/// Mamba-1 on a CUDA device: weights and activations in `precision` there (i8: activations in bf16), the layers
/// enqueued one after the other without waiting in between. The host keeps A and D, and a CPU backend for what is
/// computed from a trace.
///
/// States are values in host memory, copied to the device before a run and back after it; generation that needs no
/// record leaves them on the device (Decoder). Results differ from the CPU's by rounding: products sum in another
/// order, and one order for up to 8 tokens at once, another for more.
class MambaCuda final : public Model, public std::enable_shared_from_this<MambaCuda> {
 public:
  MambaCuda(const Checkpoint& checkpoint, Precision precision, int threads, int device);

  const ModelInfo& info() const override { return layout_.info; }
  const kernels::CpuBackend& backend() const override { return host_; }
  ModelState initial_state() const override;
  Precision precision() const override { return precision_; }
  std::string device() const override { return device_; }
  std::int64_t weight_bytes() const override { return weight_bytes_; }
  std::int64_t activation_bytes(std::int64_t tokens) const override;

  void embed(std::span<const std::int32_t> ids, MatrixView<float> residual) const override;
  void run_layer(std::int64_t layer, MatrixView<float> residual, LayerState& state, const LayerTap& tap) const override;
  void logits(MatrixView<const float> residual, MatrixView<float> logits) const override;
  void read(std::span<const std::int32_t> ids, ModelState& state, Recorder* recorder,
            std::stop_token stop) const override;
  ModelState read_from(const ModelState& state, std::span<const std::int32_t> ids, Recorder* recorder,
                       std::stop_token stop) const override;
  std::vector<float> read_last(std::span<const std::int32_t> ids, ModelState& state,
                               std::stop_token stop) const override;
  std::unique_ptr<Decoder> device_decoder(const ModelState& state, std::int64_t batch) const override;

  MatrixView<const float> A(std::int64_t layer) const override;
  const float* D(std::int64_t layer) const override { return D_[static_cast<std::size_t>(layer)].data(); }

 private:
  friend class MambaCudaDecoder;
  class Stream;
  class StateTravel;

  // Tokens read at once: enough to keep the device busy, bounded so that a prompt's length does not show in memory.
  static constexpr std::int64_t most_tokens = 2048, logits_rows = 64;

  struct Layer {
    const float* norm = nullptr;  // [D]
    DeviceMatrix in_proj;         // [2E, D]
    const float* in_bias = nullptr;
    const float *conv_weight = nullptr, *conv_bias = nullptr;  // [K, E], [E]
    DeviceMatrix x_proj;                                       // [R + 2N, E]
    DeviceMatrix dt_proj, dt_transposed;                       // [E, R], [R, E]
    const float* dt_bias = nullptr;                            // [E]
    const float *A = nullptr, *D = nullptr;                    // [N, E], [E]
    DeviceMatrix out_proj;                                     // [D, E]
    const float* out_bias = nullptr;
  };
  // Activations of up to `tokens` tokens.
  struct Workspace {
    std::int64_t tokens = 0;
    std::vector<DeviceBuffer> buffers;
    std::int32_t* ids = nullptr;
    DeviceMatrix residual, normed, xz, conv, projected, delta, y;
    float* h_all = nullptr;      // [states_piece(), E, N]
    float* scan_sums = nullptr;  // [⌈T / 4⌉, slots, 2, 4]
    std::int64_t slots = 0;
    DeviceMatrix logits;  // [logits_rows, V]
  };
  // A model's state on the device. The convolution's history goes from one of two places to the other.
  struct DeviceState {
    DeviceBuffer h;           // [layers, N, E] float32
    DeviceBuffer history[2];  // [layers, K-1, E]
    DeviceBuffer staging;     // the history in float32
    DeviceBuffer spare;       // [N, E] float32
    PinnedBuffer host;        // what the host sees, float32: the history of all layers, then all h
    int current = 0;
  };
  // Where a layer's state lies in that memory.
  struct HostPlace {
    float* conv = nullptr;
    std::int64_t conv_size = 0;
    float* h = nullptr;
    std::int64_t h_size = 0;
  };
  // What happens in front of some layers and behind them, the first alone and then `layers_of_piece` together.
  static constexpr std::int64_t layers_of_piece = 4;
  struct LayerHooks {
    std::function<void(std::int64_t)> before, after;
  };

  // Everything below is used with `mutex_` held.
  DeviceMatrix matrix(std::vector<DeviceBuffer>& buffers, std::int64_t rows, std::int64_t cols,
                      kernels::ElementType type) const;
  DeviceMatrix weights(const Checkpoint& checkpoint, const std::string& name, std::int64_t rows, std::int64_t cols);
  std::int64_t stored_bytes(const DeviceMatrix& weights) const;
  const float* vector(const std::vector<float>& values);
  void ensure_workspace(std::int64_t tokens, bool states, bool sums = false) const;
  void ensure_state() const;
  float* h(std::int64_t layer) const;
  DeviceMatrix history(std::int64_t layer, int which) const;
  HostPlace host_place(std::int64_t layer) const;
  // Between a layer's state and the pinned memory; and between that of some layers and the device, enqueued: what comes
  // after waits for `push`, and the fence of `pull` is passed when the history (in the place `which`) and h are there.
  void pack(std::int64_t layer, const LayerState& state) const;
  void unpack(std::int64_t layer, LayerState& state) const;
  void push(std::int64_t first, std::int64_t count) const;
  void clear(std::int64_t first, std::int64_t count) const;  // as in an initial state
  kernels::CudaBackend::Fence pull(std::int64_t first, std::int64_t count, int which) const;
  void upload(const ModelState& state, std::int64_t first, std::int64_t count) const;
  void upload(const ModelState& state) const;
  void download(ModelState& state) const;
  void upload_residual(MatrixView<const float> residual) const;

  std::int64_t chunk_tokens(const Recorder* recorder, bool kept) const;
  std::int64_t states_piece() const;
  /// Room to keep the stream of so many tokens and a state after every `interval`; null when the device has none.
  std::shared_ptr<Stream> keep(std::int64_t tokens, std::int64_t interval) const;
  /// What the norm in front of a layer keeps; `layer` may be the number of layers.
  kernels::KeptRows kept_rows(const KeptOnDevice& kept, std::int64_t layer, std::int64_t first, std::int64_t T) const;
  /// Reads from one state into another, which may be the same.
  void read(std::span<const std::int32_t> ids, const ModelState& before, ModelState& after, Recorder* recorder,
            const std::stop_token& stop) const;
  void enqueue_ids(std::span<const std::int32_t> ids) const;
  /// Tokens [first, first + T) of a run of `total`, residual stream to residual stream. The history moves to the other
  /// place; the caller flips `current` when all layers are done. Snapshots are for runs that keep nothing on the
  /// device.
  void enqueue_layer(std::int64_t layer, std::int64_t T, std::int64_t first, std::int64_t total,
                     std::int64_t snapshot_interval, DeviceRecording& recording, DeviceZones& zones) const;
  kernels::DeviceScanArgs scan_args(std::int64_t layer, std::int64_t begin, std::int64_t count) const;
  void enqueue_scan(std::int64_t layer, std::int64_t T, std::int64_t first, std::int64_t total,
                    std::int64_t snapshot_interval, DeviceRecording& recording) const;
  void enqueue_logits(std::int64_t from, std::int64_t rows, float* out, DeviceZones& zones) const;
  /// All of a prompt; returns the row of the workspace that holds its last token.
  std::int64_t enqueue_prompt(std::span<const std::int32_t> ids, DeviceZones& zones, const std::stop_token& stop) const;
  bool repeats(const DeviceRecording& recording, std::int64_t first, std::int64_t T, std::int64_t total,
               std::int64_t snapshot_interval) const;
  void enqueue_chunk(std::span<const std::int32_t> ids, std::int64_t first, std::int64_t total,
                     std::int64_t snapshot_interval, DeviceRecording& recording, DeviceZones& zones,
                     const std::stop_token& stop, const LayerHooks& hooks = {}) const;

  MambaLayout layout_;
  Precision precision_;
  kernels::ElementType type_, weight_type_;  // of activations and of the large matrices
  std::string device_;
  kernels::CpuBackend host_;
  std::unique_ptr<kernels::CudaBackend> cuda_;
  std::int64_t weight_bytes_ = 0;
  std::vector<DeviceBuffer> weights_;
  DeviceMatrix embedding_, head_;  // [V, D]
  const float* final_norm_ = nullptr;
  std::vector<Layer> layers_;
  std::vector<std::vector<float>> A_, D_;  // on the host

  mutable std::mutex mutex_;  // one reading at a time
  mutable Workspace workspace_;
  mutable DeviceState state_;
  mutable PromptGraphs graphs_;  // of what lies in the two above
  mutable RecordingMemory recording_memory_;
  mutable StreamMemory stream_memory_;
  mutable PinnedBuffer numbers_, last_logits_;  // as they come from the device; see KeptOnDevice
  mutable SideThread mover_;                    // of states, between their places in the host's memory
};

}  // namespace statescope
