// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/profile/ceilings.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/io/memory.h"
#include "engine/profile/device.h"
#include "kernels/cuda_backend.h"

namespace statescope {
namespace {

// More than a processor's share of the caches; less where memory is scarce.
constexpr std::int64_t buffer_bytes = std::int64_t{256} << 20;

std::string cpu_title(const kernels::CpuBackend& backend) {
  const int threads = backend.threads();
  return "CPU, " + kernels::instruction_set_name(backend.instruction_set()) + ", " + std::to_string(threads) +
         (threads == 1 ? " thread" : " threads");
}

}  // namespace

std::string device_title(const std::string& device, int threads) {
  if (const std::optional<int> index = cuda_index(device))
    return kernels::cuda_devices()[static_cast<std::size_t>(*index)].name;
  return cpu_title(kernels::CpuBackend(threads));
}

Ceilings measure_ceilings(const std::string& device, Precision precision, int threads, std::stop_token stop) {
  Ceilings ceilings;
  if (const std::optional<int> index = cuda_index(device)) {
    const auto backend = open_cuda(*index);
    const kernels::ElementType type = precision == Precision::bf16 || precision == Precision::i8
                                          ? kernels::ElementType::bf16
                                      : precision == Precision::f16 ? kernels::ElementType::f16
                                                                    : kernels::ElementType::f32;
    const auto limits = backend->measure_limits(type);
    ceilings = {backend->name(),          limits.read_bandwidth, limits.copy_bandwidth,
                limits.multiply_add_rate, limits.matrix_rate,    limits.exponential_rate};
  } else {
    const kernels::CpuBackend backend(threads);
    const kernels::CpuCeilings limits = backend.measure_ceilings(std::min(buffer_bytes, available_memory() / 4), stop);
    const double matrix_rate = precision == Precision::bf16 ? limits.bf16_pair_rate : 0;
    ceilings = {cpu_title(backend),
                limits.read_bandwidth,
                limits.copy_bandwidth,
                limits.multiply_add_rate,
                std::max(limits.multiply_add_rate, matrix_rate),
                limits.exponential_rate};
  }
  if (stop.stop_requested()) throw Cancelled();
  return ceilings;
}

}  // namespace statescope
