// SPDX-License-Identifier: GPL-3.0-or-later
#include "sweep_runs.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "engine/error.h"
#include "engine/io/memory.h"
#include "engine/models/model.h"
#include "engine/profile/device.h"
#include "engine/profile/work.h"
#include "kernels/cuda_scan_run.h"

namespace statescope {
namespace {

using kernels::MatrixView;

constexpr std::int64_t f32 = sizeof(float);

bool is_attention(SweepWork work) {
  return work == SweepWork::attention || work == SweepWork::attention_step;
}

// Numbers between low and high that look irregular; the same ones every time. Speed does not depend on them as long as
// nothing overflows or becomes subnormal.
void fill(MatrixView<float> values, float low, float high) {
  std::uint32_t bits = 1;
  for (std::int64_t r = 0; r < values.rows; ++r) {
    float* row = values.row(r);
    for (std::int64_t c = 0; c < values.cols; ++c) {
      bits = bits * 1664525u + 1013904223u;
      row[c] = low + (high - low) * static_cast<float>(bits >> 8) * 0x1p-24f;
    }
  }
}

// A matrix whose memory is not touched before it is filled.
class Buffer {
 public:
  Buffer(std::int64_t rows, std::int64_t cols)
      : values_(std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(rows * cols))),
        view(values_.get(), rows, cols) {}
  Buffer(std::int64_t rows, std::int64_t cols, float low, float high) : Buffer(rows, cols) { fill(view, low, high); }

 private:
  std::unique_ptr<float[]> values_;

 public:
  MatrixView<float> view;
};

// Inputs of a layer of the size asked for, magnitudes as in trained models.
struct ScanInputs {
  ScanInputs(std::int64_t T, std::int64_t E, std::int64_t N)
      : x(T, E, -1, 1),
        delta(T, E, 0.001f, 0.1f),
        A(N, E),
        B(T, N, -1, 1),
        C(T, N, -1, 1),
        D(1, E, -1, 1),
        h(N, E, -1, 1),
        y(T, E, 0, 0) {
    for (std::int64_t n = 0; n < N; ++n) std::fill_n(A.view.row(n), E, -static_cast<float>(n + 1));
  }
  Buffer x, delta, A, B, C, D, h, y;
};

template <class Run>
double seconds_of(const Run& run) {
  const auto start = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

class CpuScan final : public SweepRun {
 public:
  CpuScan(const kernels::CpuBackend& backend, const SweepRequest& request, SweepWork work, std::int64_t length)
      : backend_(backend),
        algorithm_(scan_of(work)),
        inputs_(reads_one_token(work) ? 1 : length, request.channels, request.states) {}
  double seconds() override {
    const ScanInputs& in = inputs_;
    const kernels::SelectiveScanArgs<float> args{in.x.view, in.delta.view,  in.A.view, in.B.view,
                                                 in.C.view, in.D.view.data, in.h.view, in.y.view};
    // The fused rung is the scan that models use.
    return seconds_of([&] {
      if (algorithm_ == kernels::ScanAlgorithm::fused)
        backend_.selective_scan(args);
      else
        backend_.selective_scan(args, algorithm_, kernels::default_scan_chunk, &workspace_);
    });
  }

 private:
  const kernels::CpuBackend& backend_;
  kernels::ScanAlgorithm algorithm_;
  ScanInputs inputs_;
  kernels::ScanWorkspace workspace_;  // made by the first run, which does not count
};

class CpuAttention final : public SweepRun {
 public:
  CpuAttention(const kernels::CpuBackend& backend, const SweepRequest& request, SweepWork work, std::int64_t length)
      : backend_(backend),
        heads_(request.heads),
        q_(reads_one_token(work) ? 1 : length, request.d_model, -1, 1),
        k_(length, request.d_model, -1, 1),
        v_(length, request.d_model, -1, 1),
        y_(q_.view.rows, request.d_model, 0, 0) {}
  double seconds() override {
    return seconds_of([&] { backend_.attention({q_.view, k_.view, v_.view, heads_, y_.view}); });
  }

 private:
  const kernels::CpuBackend& backend_;
  std::int64_t heads_;
  Buffer q_, k_, v_, y_;
};

class CpuDevice final : public SweepDevice {
 public:
  explicit CpuDevice(int threads) : backend_(threads) {}
  bool runs(SweepWork) const override { return true; }
  std::int64_t free_memory() const override { return available_memory(); }
  std::unique_ptr<SweepRun> prepare(const SweepRequest& request, SweepWork work, std::int64_t length) override {
    if (is_attention(work)) return std::make_unique<CpuAttention>(backend_, request, work, length);
    return std::make_unique<CpuScan>(backend_, request, work, length);
  }

 private:
  kernels::CpuBackend backend_;
};

class CudaScan final : public SweepRun {
 public:
  CudaScan(int device, const SweepRequest& request, SweepWork work, std::int64_t length)
      : run_(kernels::CudaScanRun::create(device, {.T = reads_one_token(work) ? 1 : length,
                                                   .E = request.channels,
                                                   .N = request.states,
                                                   .algorithm = scan_of(work)})) {}
  double seconds() override { return run_->seconds(); }

 private:
  std::unique_ptr<kernels::CudaScanRun> run_;
};

class CudaDevice final : public SweepDevice {
 public:
  explicit CudaDevice(int index) : index_(index), backend_(open_cuda(index)) {}
  bool runs(SweepWork work) const override { return !is_attention(work); }
  std::int64_t free_memory() const override { return backend_->free_memory(); }
  std::unique_ptr<SweepRun> prepare(const SweepRequest& request, SweepWork work, std::int64_t length) override {
    return std::make_unique<CudaScan>(index_, request, work, length);
  }

 private:
  int index_;
  std::unique_ptr<kernels::CudaBackend> backend_;
};

}  // namespace

std::unique_ptr<SweepDevice> make_sweep_device(const std::string& device, int threads) {
  if (const std::optional<int> index = cuda_index(device)) return std::make_unique<CudaDevice>(*index);
  return std::make_unique<CpuDevice>(threads);
}

kernels::ScanAlgorithm scan_of(SweepWork work) {
  switch (work) {
    case SweepWork::sequential:
      return kernels::ScanAlgorithm::sequential;
    case SweepWork::hillis_steele:
      return kernels::ScanAlgorithm::hillis_steele;
    case SweepWork::blelloch:
      return kernels::ScanAlgorithm::blelloch;
    case SweepWork::chunked:
      return kernels::ScanAlgorithm::chunked;
    default:
      return kernels::ScanAlgorithm::fused;
  }
}

SweepPoint planned_point(const SweepRequest& request, SweepWork work, std::int64_t length) {
  SweepPoint point;
  point.work = work;
  point.length = length;
  const std::int64_t T = reads_one_token(work) ? 1 : length;
  if (is_attention(work)) {
    const std::int64_t D = request.d_model, L = length;
    // Pairs of a query and a key it sees; a multiply-add each for score and value and column.
    const std::int64_t pairs = T == 1 ? L : L * (L + 1) / 2;
    const double operations = 4.0 * static_cast<double>(pairs) * static_cast<double>(D);
    constexpr double largest = 9e18;  // below 2^63
    point.least = {
        (2 * L * D + 2 * T * D) * f32, static_cast<std::int64_t>(std::min(operations, largest)),
        static_cast<std::int64_t>(std::min(static_cast<double>(pairs) * static_cast<double>(request.heads), largest))};
    point.memory = (2 * L * D + 2 * T * D) * f32;
    point.kept = 2 * L * D * f32;
    return point;
  }
  const std::int64_t E = request.channels, N = request.states;
  ModelSizes sizes;
  sizes.d_inner = E;
  sizes.d_state = N;
  point.least = stage_work(Stage::scan, sizes, T);
  point.memory =
      (3 * T * E + 2 * T * N + 2 * N * E + E) * f32 + kernels::selective_scan_work(scan_of(work), T, E, N).workspace;
  point.kept = N * E * f32;
  return point;
}

}  // namespace statescope
