// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "kernels/cuda_decode.h"
#include "kernels/cuda_decode_loop.h"
#include "kernels/cuda_ops.h"
#include "kernels/scan_algorithms.h"

namespace statescope::kernels {

/// One device, with one stream on which the operations run in the order of the calls and after the call has returned.
/// Shapes are the caller's promise. Calls from several threads must not overlap. Every method throws CudaError, and
/// CudaOutOfMemory where it allocates; what went wrong in an operation shows at the next wait.
class CudaBackend {
 public:
  /// Throws CudaError, one sentence, when there is no such device, and in a build without CUDA.
  static std::unique_ptr<CudaBackend> create(int device = 0);
  virtual ~CudaBackend() = default;

  virtual const std::string& name() const = 0;  // "NVIDIA H200"
  virtual std::int64_t free_memory() const = 0;

  virtual DeviceBuffer allocate(std::int64_t bytes) = 0;  // zeroed
  virtual PinnedBuffer allocate_pinned(std::int64_t bytes) = 0;
  virtual void copy_to_device(void* device, const void* host, std::int64_t bytes) = 0;
  /// From pinned memory it returns at once, otherwise when the copy is done.
  virtual void copy_to_host(void* host, const void* device, std::int64_t bytes) = 0;
  virtual void copy_on_device(void* to, const void* from, std::int64_t bytes) = 0;
  /// `count` blocks of `bytes`, their starts `to_step` and `from_step` bytes apart.
  virtual void copy_blocks(void* to, std::int64_t to_step, const void* from, std::int64_t from_step, std::int64_t bytes,
                           std::int64_t count) = 0;
  virtual void clear(void* device, std::int64_t bytes) = 0;  // to zeros
  /// Host values [rows, cols] without gaps into a matrix of any type, rounded to nearest. 8-bit matrices are filled by
  /// whole rows, which lie as cuda_decode.h says. Returns when the values are read.
  virtual void fill(const DeviceMatrix& matrix, const float* values) = 0;
  virtual void wait() = 0;  // until everything enqueued is done

  /// A place in the order of what is enqueued. Copies are the same place.
  class Fence {
   public:
    explicit operator bool() const { return event != nullptr; }
    std::shared_ptr<void> event;
  };
  virtual Fence mark() = 0;
  virtual void wait(const Fence& fence) = 0;  // the host, until the work before the fence is done
  /// Nanoseconds between two fences that the device has passed.
  virtual double elapsed(const Fence& from, const Fence& to) = 0;
  /// Copies between pinned memory and the device beside the stream, each direction in its own order; to the host once
  /// `after` is passed. The fence is passed when the copy is done.
  virtual Fence copy_to_host_aside(void* pinned, const void* device, std::int64_t bytes, const Fence& after) = 0;
  virtual Fence copy_to_device_aside(void* device, const void* pinned, std::int64_t bytes) = 0;
  /// What is enqueued from now on waits for the fence, on the device.
  virtual void hold_for(const Fence& fence) = 0;

  /// Operations that run as one: what `enqueue` calls is not run but kept, addresses and all.
  using Graph = std::shared_ptr<void>;
  virtual Graph capture(const std::function<void()>& enqueue) = 0;
  virtual void launch(const Graph& graph) = 0;

  /// y = x Wᵀ, or y += x Wᵀ, plus bias [M] unless null; x [T, K] and W [M, K] of one type, or W of 8 bits and x bf16;
  /// y [T, M] of x's type or float32. Sums in float32. Rows lie as cuda_decode.h says.
  virtual void linear(const DeviceMatrix& x, const DeviceMatrix& W, const float* bias, const DeviceMatrix& y,
                      bool accumulate = false) = 0;
  virtual void rms_norm(const DeviceMatrix& x, const float* weight, float epsilon, const DeviceMatrix& y) = 0;
  /// The same of float32 rows, which are kept besides.
  virtual void rms_norm(const DeviceMatrix& x, const float* weight, float epsilon, const DeviceMatrix& y,
                        const KeptRows& kept) = 0;
  virtual void embedding(const std::int32_t* ids, const DeviceMatrix& table, const DeviceMatrix& y) = 0;
  virtual void causal_conv(const DeviceConvArgs& args) = 0;
  virtual void selective_scan(const DeviceScanArgs& args) = 0;
  /// A matter of E and N alone.
  virtual std::int64_t scan_sum_slots(const DeviceScanArgs& args) = 0;
  /// A rung of the ladder; `chunk` >= 1 tokens is only read by `chunked`, and `fused` runs as `sequential`.
  virtual void linear_scan(const DeviceLinearScanArgs& args, ScanAlgorithm algorithm,
                           std::int64_t chunk = default_scan_chunk) = 0;
  /// to = mapping(from + bias); bias [cols] or null. The types may differ.
  virtual void map(const DeviceMatrix& from, const DeviceMatrix& to, Mapping mapping = Mapping::identity,
                   const float* bias = nullptr) = 0;

  /// out [T, E] = Σ_n h², of states [T, E, N].
  virtual void square_states(const float* h_all, std::int64_t N, const DeviceMatrix& out) = 0;

  /// Whether the steps of a token take many sequences together, with DecodeStream::scaled and DecodeInArgs::parts.
  virtual bool decodes_together(const DecodeShape& shape) const = 0;
  virtual void decode_embed(const DecodeEmbedArgs& args) = 0;
  virtual void decode_in(const DecodeInArgs& args) = 0;
  virtual void decode_project(const DecodeProjectArgs& args) = 0;
  virtual void decode_state(const DecodeStateArgs& args) = 0;
  virtual void decode_out(const DecodeOutArgs& args) = 0;
  virtual void decode_head(const DecodeHeadArgs& args) = 0;
  virtual void decode_choose(const DecodeChooseArgs& args) = 0;

  /// Bytes of memory that decode_loop wants for these sizes; 0 where the device or the sizes need the steps above.
  virtual std::int64_t decode_loop_memory(const DecodeLoopArgs& args) const = 0;
  virtual void decode_loop(const DecodeLoopArgs& args, std::int64_t tokens) = 0;

  /// What this device can do at most, each the median of a few runs.
  struct Limits {
    double copy_bandwidth = 0;     // bytes per second, read and written both counted
    double read_bandwidth = 0;     // bytes per second
    double multiply_add_rate = 0;  // float32 operations per second, a multiply-add counts two
    double matrix_rate = 0;        // operations per second of a large product in `type`
    double exponential_rate = 0;   // special-function exponentials per second
  };
  virtual Limits measure_limits(ElementType type) = 0;
};

}  // namespace statescope::kernels
