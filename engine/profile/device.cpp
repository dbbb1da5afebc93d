// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/profile/device.h"

#include <charconv>

#include "engine/error.h"
#include "engine/io/utf8.h"
#include "kernels/cuda_error.h"

namespace statescope {

std::optional<int> cuda_index(const std::string& device) {
  if (device == "cpu") return std::nullopt;
  int index = 0;
  bool known = device == "cuda";
  if (device.starts_with("cuda:")) {
    const char *first = device.data() + 5, *last = device.data() + device.size();
    const auto [end, status] = std::from_chars(first, last, index);
    known = status == std::errc() && end == last && index >= 0;
  }
  if (!known) throw Error("there is no device " + in_quotes(device) + "; use cpu, cuda or cuda:0, cuda:1 and so on");
  const auto devices = std::ssize(kernels::cuda_devices());
  if (index >= devices)
    throw Error(device + " is not there: this machine and build have " +
                (devices == 0 ? std::string("no CUDA device") : std::to_string(devices) + " CUDA devices") +
                "; use cpu");
  return index;
}

std::unique_ptr<kernels::CudaBackend> open_cuda(int index) {
  try {
    return kernels::CudaBackend::create(index);
  } catch (const kernels::CudaError& error) {
    throw Error(error.what());
  }
}

}  // namespace statescope
