// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda_scan_host.h"

#include <vector>

#include "cuda/check.h"
#include "cuda/scan_ladder.h"
#include "cuda/selective_scan.h"
#include "kernels/cuda_error.h"

namespace statescope::kernels {
namespace {

// Matrices on the device for as long as one scan takes.
class Matrices {
 public:
  explicit Matrices(CudaBackend& backend) : backend_(backend) {}

  DeviceMatrix make(std::int64_t rows, std::int64_t cols, ElementType type) {
    buffers_.push_back(backend_.allocate(rows * cols * bytes_of(type)));
    return {buffers_.back().data(), type, rows, cols, cols};
  }
  /// Null where the host has none.
  DeviceMatrix copy(const MatrixView<const float>& host, ElementType type) {
    if (!host) return {};
    const DeviceMatrix m = make(host.rows, host.cols, type);
    std::vector<float> values;
    for (std::int64_t r = 0; r < host.rows; ++r) values.insert(values.end(), host.row(r), host.row(r) + host.cols);
    backend_.fill(m, values.data());
    return m;
  }
  const float* copy(const float* host, std::int64_t count) {
    return host ? copy({host, 1, count}, ElementType::f32).as<const float>() : nullptr;
  }
  void back(const DeviceMatrix& m, const MatrixView<float>& host) {
    if (!host || m.rows == 0 || m.cols == 0) return;
    const DeviceMatrix floats = make(m.rows, m.cols, ElementType::f32);
    backend_.map(m, floats);
    std::vector<float> values(static_cast<std::size_t>(m.rows * m.cols));
    backend_.copy_to_host(values.data(), floats.data, m.rows * m.cols * 4);
    backend_.wait();
    for (std::int64_t r = 0; r < m.rows; ++r) std::copy_n(values.data() + r * m.cols, m.cols, host.row(r));
  }

 private:
  CudaBackend& backend_;
  std::vector<DeviceBuffer> buffers_;
};

// A constant over time is one row that every token reads.
DeviceMatrix projection(Matrices& matrices, const MatrixView<const float>& host, ElementType type) {
  DeviceMatrix m = matrices.copy(host.stride == 0 ? host.row_range(0, 1) : host, type);
  if (host.stride == 0) m.stride = 0;
  return m;
}

cuda::Input input(const DeviceMatrix& m) {
  return {m.data, m.stride, 0};
}
cuda::Output output(const DeviceMatrix& m) {
  return {m.data, m.stride, 0};
}

struct Scan {
  Scan(CudaBackend& backend, const SelectiveScanArgs<float>& args, ElementType type) : matrices(backend) {
    if (args.state_squares)
      throw CudaError("the scan on a CUDA device does not sum the squares of its states; take h_all");
    on_device.type = type;
    on_device.T = args.x.rows;
    on_device.E = args.x.cols;
    on_device.N = args.A.rows;
    on_device.groups = args.groups;
    on_device.x = input(matrices.copy(args.x, type));
    on_device.delta = input(matrices.copy(args.delta, type));
    on_device.A = matrices.copy(args.A, ElementType::f32).as<const float>();
    on_device.B = input(projection(matrices, args.B, type));
    on_device.C = input(projection(matrices, args.C, type));
    on_device.D = matrices.copy(args.D, on_device.E);
    if (args.z) on_device.z = input(matrices.copy(args.z, type));
    on_device.delta_bias = matrices.copy(args.delta_bias, on_device.E);
    on_device.softplus = args.softplus;
    h = matrices.copy(MatrixView<const float>(args.h), ElementType::f32);
    on_device.h = h.as<float>();
  }
  Matrices matrices;
  cuda::ScanArgs on_device;
  DeviceMatrix h;
};

void finish(const char* what) {
  cuda::check(cudaStreamSynchronize(nullptr), what);
}

}  // namespace

void selective_scan(CudaBackend& backend, const SelectiveScanArgs<float>& args, ElementType type) {
  selective_scan(backend, args, ScanAlgorithm::fused, default_scan_chunk, type);
}

void selective_scan(CudaBackend& backend, const SelectiveScanArgs<float>& args, ScanAlgorithm algorithm,
                    std::int64_t chunk, ElementType type) {
  if (args.x.rows == 0 || args.x.cols == 0) return;
  Scan scan(backend, args, type);
  cuda::ScanArgs& a = scan.on_device;
  const DeviceMatrix y = scan.matrices.make(a.T, a.E, type);
  a.y = output(y);
  DeviceMatrix h_all, list;
  if (args.channel_list) {
    list = scan.matrices.make(1, args.channels, ElementType::f32);
    backend.copy_to_device(list.data, args.channel_list, args.channels * 4);
    a.channel_list = list.as<const std::int32_t>();
    a.channels = args.channels;
  }
  if (args.h_all) {
    h_all = scan.matrices.make(a.T, (args.channel_list ? args.channels : a.E) * a.N, ElementType::f32);
    a.h_all = h_all.as<float>();
  }
  DeviceBuffer workspace;
  if (algorithm != ScanAlgorithm::fused) {
    workspace = backend.allocate(cuda::ladder_workspace(a, algorithm, chunk));
  } else if (const std::int64_t bytes = cuda::scan_workspace(a)) {
    workspace = backend.allocate(bytes);
    a.workspace = workspace.data();
  }
  backend.wait();
  if (algorithm == ScanAlgorithm::fused)
    cuda::selective_scan(a, nullptr);
  else
    cuda::ladder_scan(a, algorithm, chunk, workspace.data(), nullptr);
  finish("selective_scan");
  scan.matrices.back(y, args.y);
  scan.matrices.back(scan.h, args.h);
  if (args.h_all) scan.matrices.back(h_all, {args.h_all, h_all.rows, h_all.cols});
}

void selective_scan_backward(CudaBackend& backend, const SelectiveScanBackwardArgs<float>& args, ElementType type) {
  Scan scan(backend, args.forward, type);
  Matrices& m = scan.matrices;
  cuda::ScanBackwardArgs a;
  a.forward = scan.on_device;
  const std::int64_t T = a.forward.T, E = a.forward.E, N = a.forward.N, width = a.forward.groups * N;
  a.dy = input(m.copy(args.dy, type));
  if (args.dh_last) a.dh_last = m.copy(args.dh_last, ElementType::f32).as<const float>();
  const DeviceMatrix dx = m.make(T, E, type), ddelta = m.make(T, E, type), dz = m.make(T, E, type);
  a.dx = output(dx);
  a.ddelta = output(ddelta);
  if (args.forward.z) a.dz = output(dz);
  const auto floats = [&](std::int64_t rows, std::int64_t cols) { return m.make(rows, cols, ElementType::f32); };
  const DeviceMatrix dB = floats(T, width), dC = floats(T, width), dA = floats(N, E), dh0 = floats(N, E),
                     dD = floats(1, E), dbias = floats(1, E);
  a.dB = dB.as<float>();
  a.dC = dC.as<float>();
  a.dA = dA.as<float>();
  a.dD = args.dD ? dD.as<float>() : nullptr;
  a.ddelta_bias = args.ddelta_bias ? dbias.as<float>() : nullptr;
  a.dh0 = args.dh0 ? dh0.as<float>() : nullptr;
  const DeviceMatrix workspace = floats(1, cuda::scan_backward_workspace(a) / 4 + 1);
  a.workspace = workspace.data;
  backend.wait();
  cuda::selective_scan_backward(a, nullptr);
  finish("selective_scan_backward");
  m.back(dx, args.dx);
  m.back(ddelta, args.ddelta);
  if (args.forward.z) m.back(dz, args.dz);
  m.back(dA, args.dA);
  m.back(dh0, args.dh0);
  const auto vector = [&](const DeviceMatrix& from, float* to) { m.back(from, {to, to ? 1 : 0, E}); };
  if (args.dD) vector(dD, args.dD);
  if (args.ddelta_bias) vector(dbias, args.ddelta_bias);
  // The gradient of a constant is the sum of those of its copies.
  const auto sum = [&](const DeviceMatrix& from, const MatrixView<float>& to) {
    if (!to || to.stride != 0) return m.back(from, to);
    std::vector<float> rows(static_cast<std::size_t>(T * width));
    m.back(from, {rows.data(), T, width});
    for (std::int64_t c = 0; c < width; ++c) {
      double total = 0;
      for (std::int64_t t = 0; t < T; ++t) total += rows[static_cast<std::size_t>(t * width + c)];
      to(0, c) = static_cast<float>(total);
    }
  };
  sum(dB, args.dB);
  sum(dC, args.dC);
}

}  // namespace statescope::kernels
