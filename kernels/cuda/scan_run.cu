// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda_scan_run.h"

#include <vector>

#include "cuda/element.cuh"
#include "cuda/scan_ladder.h"
#include "cuda/selective_scan.h"

namespace statescope::kernels {
namespace {

using namespace cuda;

struct Release {
  void operator()(void* p) const { cudaFree(p); }
};
struct DestroyEvent {
  void operator()(cudaEvent_t event) const { cudaEventDestroy(event); }
};
using Event = std::unique_ptr<std::remove_pointer_t<cudaEvent_t>, DestroyEvent>;

// Numbers between low and high that look irregular: the upper bits of a product with an odd constant.
template <class T>
__global__ void fill(T* values, std::int64_t count, float low, float high) {
  const std::int64_t stride = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += stride) {
    const auto bits = static_cast<std::uint32_t>((static_cast<std::uint64_t>(i + 1) * 0x9E3779B97F4A7C15u) >> 40);
    values[i] = from_float<T>(low + (high - low) * static_cast<float>(bits) * 0x1p-24f);
  }
}

// What a size needs, in elements.
struct Counts {
  explicit Counts(const CudaScanSize& s)
      : wide(s.batch * s.T * s.E), narrow(s.batch * s.T * s.N), states(s.batch * s.N * s.E), matrix(s.N * s.E) {}
  std::int64_t wide, narrow, states, matrix;
};

class Run final : public CudaScanRun {
 public:
  Run(int device, const CudaScanSize& size) : device_(device), size_(size) {
    check(cudaSetDevice(device), "cudaSetDevice");
    cudaEvent_t event = nullptr;
    check(cudaEventCreate(&event), "cudaEventCreate");
    begin_.reset(event);
    check(cudaEventCreate(&event), "cudaEventCreate");
    end_.reset(event);
    const Counts count(size);
    scan_.type = size.type;
    scan_.batch = size.batch;
    scan_.T = size.T;
    scan_.E = size.E;
    scan_.N = size.N;
    scan_.x = wide(count.wide, -1, 1);
    scan_.delta = wide(count.wide, -2, 0);  // with a bias of about -4: steps as in trained models
    scan_.z = wide(count.wide, -1, 1);
    scan_.B = narrow(count.narrow);
    scan_.C = narrow(count.narrow);
    scan_.A = floats(count.matrix, -16, -1);
    scan_.D = floats(size.E, -1, 1);
    scan_.delta_bias = floats(size.E, -5, -3);
    scan_.softplus = true;
    scan_.h = floats(count.states, 0, 0);
    if (!size.backward) {
      scan_.y = output(count.wide);
      if (size.algorithm != ScanAlgorithm::fused)
        ladder_memory_ = allocate(ladder_workspace(scan_, size.algorithm, default_scan_chunk));
      else if (const std::int64_t bytes = scan_workspace(scan_))
        scan_.workspace = allocate(bytes);
      return;
    }
    backward_.forward = scan_;
    backward_.dy = wide(count.wide, -1, 1);
    backward_.dx = output(count.wide);
    backward_.ddelta = output(count.wide);
    backward_.dz = output(count.wide);
    backward_.dB = floats(count.narrow, 0, 0);
    backward_.dC = floats(count.narrow, 0, 0);
    backward_.dA = floats(count.matrix, 0, 0);
    backward_.dD = floats(size.E, 0, 0);
    backward_.ddelta_bias = floats(size.E, 0, 0);
    backward_.dh0 = floats(count.states, 0, 0);
    backward_.workspace = allocate(scan_backward_workspace(backward_));
  }

  double seconds(int times) override {
    check(cudaSetDevice(device_), "cudaSetDevice");
    check(cudaEventRecord(begin_.get()), "cudaEventRecord");
    for (int i = 0; i < times; ++i) {
      if (size_.backward)
        selective_scan_backward(backward_, nullptr);
      else if (size_.algorithm != ScanAlgorithm::fused)
        ladder_scan(scan_, size_.algorithm, default_scan_chunk, ladder_memory_, nullptr);
      else
        selective_scan(scan_, nullptr);
    }
    check(cudaEventRecord(end_.get()), "cudaEventRecord");
    check(cudaEventSynchronize(end_.get()), "cudaEventSynchronize");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, begin_.get(), end_.get()), "cudaEventElapsedTime");
    return static_cast<double>(milliseconds) * 1e-3 / times;
  }

 private:
  void* allocate(std::int64_t bytes) {
    void* p = nullptr;
    check(cudaMalloc(&p, static_cast<std::size_t>(bytes > 0 ? bytes : 1)), "cudaMalloc");
    memory_.emplace_back(p);
    return p;
  }
  template <class T>
  T* filled(std::int64_t count, float low, float high) {
    T* values = static_cast<T*>(allocate(count * static_cast<std::int64_t>(sizeof(T))));
    fill<<<1024, 256>>>(values, count, low, high);
    check_launch("fill");
    return values;
  }
  float* floats(std::int64_t count, float low, float high) { return filled<float>(count, low, high); }
  void* typed(std::int64_t count, float low, float high) {
    if (size_.type == ElementType::bf16) return filled<Bf16>(count, low, high);
    if (size_.type == ElementType::f16) return filled<F16>(count, low, high);
    return filled<float>(count, low, high);
  }
  Input wide(std::int64_t count, float low, float high) {
    return {typed(count, low, high), size_.E, size_.T * size_.E};
  }
  Input narrow(std::int64_t count) { return {typed(count, -1, 1), size_.N, size_.T * size_.N}; }
  Output output(std::int64_t count) { return {typed(count, 0, 0), size_.E, size_.T * size_.E}; }

  int device_;
  CudaScanSize size_;
  std::vector<std::unique_ptr<void, Release>> memory_;
  Event begin_, end_;
  ScanArgs scan_;
  ScanBackwardArgs backward_;
  void* ladder_memory_ = nullptr;
};

}  // namespace

std::unique_ptr<CudaScanRun> CudaScanRun::create(int device, const CudaScanSize& size) {
  return std::make_unique<Run>(device, size);
}

}  // namespace statescope::kernels
