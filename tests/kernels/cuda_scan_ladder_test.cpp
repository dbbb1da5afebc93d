// SPDX-License-Identifier: GPL-3.0-or-later
// The ladder on a CUDA device, on the cases of the CPU's. Without a device every test says that it is skipped.
#include <algorithm>
#include <numeric>

#include "kernels/cuda_devices.h"
#include "kernels/cuda_scan_host.h"
#include "kernels/half.h"
#include "ladder_cases.h"
#include "scan_inputs.h"

namespace statescope::kernels {
namespace {

using namespace testing;

class CudaLadder : public ::testing::Test {
 protected:
  void SetUp() override {
    if (cuda_devices().empty()) GTEST_SKIP() << "no CUDA device";
    backend = CudaBackend::create();
  }

  DeviceMatrix upload(const Matrix& m, std::int64_t stride) {
    buffers.push_back(backend->allocate(m.rows * stride * 4));
    const DeviceMatrix to{buffers.back().data(), ElementType::f32, m.rows, m.cols, stride};
    backend->fill(to, std::vector<float>(m.values.begin(), m.values.end()).data());
    return to;
  }
  Matrix download(const float* from, std::int64_t rows, std::int64_t cols) {
    std::vector<float> values(static_cast<std::size_t>(rows * cols));
    backend->copy_to_host(values.data(), from, rows * cols * 4);
    backend->wait();
    return {rows, cols, {values.begin(), values.end()}};
  }
  // Runs it with h, or over b, and sees to it that the workspace's neighbours are left alone.
  Matrix run(const LinearInputs& in, ScanAlgorithm algorithm, std::int64_t chunk, bool over_b = false) {
    constexpr std::int64_t guard = 256;
    buffers.clear();
    const std::int64_t T = in.a.rows, W = in.a.cols;
    const std::int64_t floats = linear_scan_work(algorithm, T, W, chunk).workspace / 4;
    const DeviceMatrix a = upload(in.a, W + 3), b = upload(in.b, W + 5);
    const Matrix poison(1, floats + 2 * guard, std::vector<double>(static_cast<std::size_t>(floats + 2 * guard), 17));
    const DeviceMatrix memory = upload(poison, poison.cols);
    const DeviceMatrix h = over_b ? b : upload(Matrix(T, W), W + 1);
    backend->linear_scan({a, b, over_b ? nullptr : upload(in.h0, W).as<const float>(), h, memory.as<float>() + guard},
                         algorithm, chunk);
    for (const std::int64_t at : {std::int64_t{0}, guard + floats})
      EXPECT_TRUE(
          same_bits(download(memory.as<float>() + at, 1, guard), Matrix(1, guard, std::vector<double>(guard, 17))));
    if (T == 0) return {T, W};
    const DeviceMatrix dense = upload(Matrix(T, W), W);
    backend->map(h, dense);
    return download(dense.as<float>(), T, W);
  }

  std::unique_ptr<CudaBackend> backend;
  std::vector<DeviceBuffer> buffers;
};

TEST_F(CudaLadder, EveryRungMatchesTheReference) {
  for (const LinearCase& c : linear_cases()) {
    SCOPED_TRACE(c);
    const LinearInputs in(c.T, c.W);
    const Matrix want = in.expected();
    for (const ScanAlgorithm algorithm : rungs)
      EXPECT_TRUE(close(run(in, algorithm, c.chunk), want, linear_tolerance(c.T))) << scan_algorithm_name(algorithm);
    if (HasFailure()) return;
  }
}

TEST_F(CudaLadder, WritesOverBAndStartsFromZeroWithoutAState) {
  LinearInputs in(37, 300);
  in.h0 = Matrix(1, 300);
  for (const ScanAlgorithm algorithm : rungs)
    EXPECT_TRUE(close(run(in, algorithm, 8, true), in.expected(), linear_tolerance(37)))
        << scan_algorithm_name(algorithm);
}

// Δ errs by a few units of 2^-22 (softplus, the device's exponentials) and the exponent Δ·A, at most 8, multiplies
// that; errors decay with the state. y sums N of them.
constexpr double state_tolerance = 64 * 8 * unit_roundoff;

TEST_F(CudaLadder, EveryRungMatchesTheReferenceTheFusedScanAndTheCpuWithEveryOption) {
  const CpuBackend cpu(1);
  for (const ScanCase& c : option_cases(19, 5)) {
    SCOPED_TRACE(c);
    const ScanInputs in(c);
    const std::vector<std::int32_t> channels{1, static_cast<std::int32_t>(c.E - 1)};
    Matrix h = in.h, y(c.T, c.E), states(c.T, 2 * c.N);
    SelectiveScanArgs<double> exact = in.args(h, y);
    exact.h_all = states.data(), exact.channel_list = channels.data(), exact.channels = 2;
    reference::selective_scan(exact);
    // y, the last state and the states of two channels.
    const auto run = [&](const auto& scan) {
      const PlacedScan placed(in, layouts()[1]);
      const Placed all = Placed::output(c.T, 2 * c.N);
      SelectiveScanArgs<float> args = placed.args();
      args.h_all = all.data(), args.channel_list = channels.data(), args.channels = 2;
      scan(args);
      return std::vector<Matrix>{placed.y.values(), placed.h.values(), all.values()};
    };
    const auto expect_close = [&](const std::vector<Matrix>& got, const std::vector<Matrix>& want, double factor) {
      for (std::size_t i = 0; i < want.size(); ++i)
        EXPECT_TRUE(close(got[i], want[i], factor * (i == 0 ? 2 : 1) * state_tolerance)) << "output " << i;
    };
    const auto fused = run([&](const auto& args) { selective_scan(*backend, args); });
    for (const ScanAlgorithm algorithm : rungs) {
      SCOPED_TRACE(scan_algorithm_name(algorithm));
      const auto got = run([&](const auto& args) { selective_scan(*backend, args, algorithm, 8); });
      expect_close(got, {y, h, states}, 1);
      expect_close(got, fused, 2);
      expect_close(got, run([&](const auto& args) { cpu.selective_scan(args, algorithm, 8); }), 2);
    }
    if (HasFailure()) return;
  }
}

TEST_F(CudaLadder, ReadsAndWritesSixteenBits) {
  for (const ElementType type : {ElementType::bf16, ElementType::f16}) {
    ScanInputs in({33, 37, 4, true, true, true, true});
    for (Matrix* m : {&in.x, &in.delta, &in.B, &in.C, &in.z})
      for (double& v : m->values) {
        const auto x = static_cast<float>(v);
        v = type == ElementType::bf16 ? from_bf16(to_bf16(x)) : from_f16(to_f16(x));
      }
    Matrix h = in.h, y(in.c.T, in.c.E);
    reference::selective_scan(in.args(h, y));
    for (const ScanAlgorithm algorithm : rungs) {
      const PlacedScan placed(in);
      selective_scan(*backend, placed.args(), algorithm, 8, type);
      const double rounding = type == ElementType::bf16 ? 0x1p-8 : 0x1p-11;
      EXPECT_TRUE(close(placed.y.values(), y, rounding + 2 * state_tolerance)) << scan_algorithm_name(algorithm);
      EXPECT_TRUE(close(placed.h.values(), h, state_tolerance)) << scan_algorithm_name(algorithm);
    }
  }
}

}  // namespace
}  // namespace statescope::kernels
