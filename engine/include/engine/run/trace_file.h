// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>

#include "engine/io/safetensors.h"
#include "engine/models/model.h"
#include "engine/models/recorder.h"

namespace statescope {

/// Which tensors of which layers a trace file holds.
struct TraceSelection {
  std::set<Quantity> quantities{std::begin(all_quantities), std::end(all_quantities)};
  std::set<std::int64_t> layers;  // for the quantities that belong to a layer
};

/// Streams a run into a trace file (engine/run/TRACE.md) as it happens, so that the trace may be larger than memory.
/// What the model does not compute, such as the step of attention, is left out.
class TraceFileWriter final : public Recorder {
 public:
  /// Throws Error when a layer does not exist or the file cannot be written.
  TraceFileWriter(const std::filesystem::path& path, const ModelInfo& info, std::span<const std::int32_t> ids,
                  const std::string& prompt, TraceSelection selection);

  bool wants(Quantity quantity, std::int64_t layer) const override;
  void record(Quantity quantity, std::int64_t layer, std::int64_t first, MatrixView<const float> rows) override;
  /// Gives the file its name. Without it nothing is left behind.
  void commit() { file_.commit(); }

 private:
  TraceSelection selection_;
  std::int64_t tokens_;
  SafetensorsWriter file_;
};

}  // namespace statescope
