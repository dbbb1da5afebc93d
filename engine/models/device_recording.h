// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "device_stream.h"
#include "engine/models/model.h"
#include "kernels/cuda_backend.h"

namespace statescope {

/// Memory that carries recordings from a device to the host, used by one run after the other.
struct RecordingMemory {
  struct Slot {
    kernels::DeviceBuffer device;
    kernels::PinnedBuffer host;
  };
  std::vector<Slot> slots;
};

/// Carries what a recorder wants from the device to it, in float32, while the device goes on computing: space is
/// reserved in a slot on the device, kernels fill it, a full slot is copied to the host beside the computing, and is
/// handed to the recorder when the next round needs the slot, or at the end.
class DeviceRecording {
 public:
  /// With `kept` the residual stream and the sums of its layers go there instead.
  DeviceRecording(kernels::CudaBackend& backend, RecordingMemory& memory, Recorder* recorder,
                  const KeptOnDevice* kept = nullptr)
      : backend_(backend), memory_(memory), recorder_(recorder), kept_(kept) {}

  const KeptOnDevice* kept() const { return kept_; }
  bool wants(Quantity quantity, std::int64_t layer) const {
    const bool kept =
        quantity == Quantity::hidden || quantity == Quantity::delta || quantity == Quantity::state_squares;
    return recorder_ && !(kept_ && kept) && recorder_->wants(quantity, layer);
  }
  /// Device memory [tokens, width] to fill with kernels enqueued before the next call.
  float* reserve(Quantity quantity, std::int64_t layer, std::int64_t first, std::int64_t tokens, std::int64_t width);
  /// Device memory for a layer's state after `tokens` tokens: conv [conv_size], then h [h_size].
  float* reserve_snapshot(std::int64_t layer, std::int64_t tokens, std::int64_t conv_size, std::int64_t h_size);
  /// Waits for the device and delivers the rest.
  void finish();

 private:
  struct Item {
    bool snapshot = false;
    Quantity quantity = Quantity::logits;
    std::int64_t layer = 0, first = 0, tokens = 0;
    std::int64_t offset = 0, size = 0, conv_size = 0;  // floats
  };
  float* reserve(Item item);
  void send();  // the slot being filled
  void deliver(std::size_t slot);

  kernels::CudaBackend& backend_;
  RecordingMemory& memory_;
  Recorder* recorder_;
  const KeptOnDevice* kept_;
  std::size_t current_ = 0;
  std::int64_t used_ = 0;  // floats of the slot being filled
  struct Pending {
    std::vector<Item> items;
    kernels::CudaBackend::Fence copied;
  };
  std::vector<Pending> pending_;
};

}  // namespace statescope
