// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <vector>

#include "engine/dynamics/hippo_memory.h"
#include "engine/scene/memory_scene.h"

namespace statescope {

/// What a run of the Memory workspace leaves: the signal as it is read and as it is drawn, and the memory of each
/// method. Immutable, whatever the cursor is.
struct MemorySet {
  HippoRun run;
  std::shared_ptr<const std::vector<double>> signal;
  std::vector<std::shared_ptr<const HippoMemory>> memories;
  std::vector<HippoMatrices> matrices;

  // Places of the drawn curves, evenly spread: the middle of every sample, or, of a long signal, two in each of so many
  // equal parts, which hold its extremes in their order.
  std::vector<double> x;      // [G] seconds
  std::vector<double> drawn;  // [G]

  std::int64_t length() const { return std::ssize(*signal); }
  double duration() const { return static_cast<double>(length()) * run.delta; }
  /// The place of a sample.
  std::int64_t place_of(std::int64_t sample) const { return sample * std::ssize(x) / length(); }
  std::int64_t sample_at(std::int64_t place) const { return (2 * place + 1) * length() / (2 * std::ssize(x)); }
};

/// One method when the sample at the cursor has been read.
struct MethodFrame {
  std::vector<double> reconstruction;  // [G]; NaN in the future and where nothing is remembered
  std::vector<double> weight;          // [G] hippo_weight
  std::vector<double> coefficients;    // [N]
  std::vector<double> error_ago;       // [G] rms of the error about that long ago; NaN as above
  double error = 0;                    // rms over the reach
  double reach = 0;                    // seconds
};

struct MemoryFrame {
  std::shared_ptr<const MemorySet> set;
  std::int64_t cursor = 0;
  std::vector<MethodFrame> methods;
};

/// What takes longer than a frame: the error after all has been read against the number of coefficients, and spectra.
struct MemoryDetails {
  std::shared_ptr<const MemorySet> set;
  std::vector<double> orders;                 // 1, 2, 4 … 256
  std::vector<std::vector<double>> errors;    // per method; NaN where the order does not exist (FouT, 1)
  std::vector<Eigen::VectorXcd> eigenvalues;  // of A, per method
};

/// All throw Error and Cancelled.
MemorySet memory_set(const HippoRun& run, const std::filesystem::path& base, std::stop_token stop);
MemoryFrame memory_frame(std::shared_ptr<const MemorySet> set, std::int64_t cursor);
MemoryDetails memory_details(std::shared_ptr<const MemorySet> set, std::stop_token stop);

}  // namespace statescope
