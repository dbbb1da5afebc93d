// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/machine.h"

#include <QObject>

#include "engine/error.h"
#include "engine/profile/device.h"
#include "kernels/cuda_error.h"

namespace statescope {
namespace {

class NoSuchDevice : public Error {
 public:
  using Error::Error;
};

LoadedModel load(const std::filesystem::path& path, Precision precision, const std::string& device, int threads) {
  try {
    cuda_index(device);
  } catch (const Error& error) {
    throw NoSuchDevice(error.what());
  }
  return load_with_tokenizer(path, precision, device, threads);
}

std::vector<Device> devices() {
  std::vector<Device> all{{"cpu", QObject::tr("CPU")}};
  const auto found = kernels::cuda_devices();
  for (std::size_t i = 0; i < found.size(); ++i)
    all.push_back({"cuda:" + std::to_string(i), QString::fromStdString(found[i].name)});
  return all;
}

}  // namespace

Machine this_machine() {
  return {devices, load};
}

bool is_device_fault(const std::exception& error, const std::string& device) {
  return device != "cpu" && (dynamic_cast<const kernels::CudaError*>(&error) != nullptr ||
                             dynamic_cast<const NoSuchDevice*>(&error) != nullptr);
}

}  // namespace statescope
