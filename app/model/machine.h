// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <exception>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "engine/experiments/compute.h"

namespace statescope {

/// Something a model can run on.
struct Device {
  std::string id = "cpu";  // as scenes and the engine name it: "cpu", "cuda:1"
  QString name;            // "CPU", "NVIDIA H200"
  bool operator==(const Device&) const = default;
};

/// The computer underneath. All that the documents know of devices comes through here, so that a test can be a machine
/// whose device is full.
struct Machine {
  /// The CPU first. May wake up a driver: not for the interface thread.
  std::function<std::vector<Device>()> devices;
  /// Throws what load_model throws.
  std::function<LoadedModel(const std::filesystem::path&, Precision, const std::string& device, int threads)> load;
};
Machine this_machine();

/// True when `error` is the fault of a device that is not there or has no room, and the CPU would do.
bool is_device_fault(const std::exception& error, const std::string& device);

}  // namespace statescope
