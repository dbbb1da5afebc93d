// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/dynamics/analysis.h"
#include "engine/dynamics/edit.h"
#include "engine/dynamics/response.h"
#include "engine/scene/lti_scene.h"

namespace statescope {

inline constexpr std::int64_t max_state_samples = 1 << 24;  // N · L of one result
inline constexpr std::int64_t direct_everywhere = 1 << 14;  // samples up to which the direct sum is taken at every one
inline constexpr std::int64_t direct_places = 1 << 10;      // of a longer input

/// What of a result is wanted. The rest stays empty, which a hand that drags does not look at.
struct LtiParts {
  bool continuous = true;  // the answers in continuous time
  bool frequency = true;
  /// Whether these hold all of `wanted`.
  bool hold(const LtiParts& wanted) const {
    return (continuous || !wanted.continuous) && (frequency || !wanted.frequency);
  }
};

/// Everything about a run. L samples: those of the input, or those before the recurrence diverged.
struct LtiResult {
  LtiRun run;
  LtiParts parts;
  BuiltSystem system;
  DiscreteSystem step;
  std::vector<Mode> modes;  // of a diagonal system in its order, each pair's positive imaginary part first; else of A

  std::int64_t samples = 0;                 // of the input, also those after the recurrence diverged
  std::vector<double> input;                // u [L]
  std::vector<std::vector<double>> states;  // h by the recurrence: N trajectories of L
  std::int64_t diverges_at = -1;            // sample, −1 for none

  std::vector<double> kernel;                        // K [L], without D
  std::optional<std::vector<double>> cauchy_kernel;  // the same by S4's generating function: bilinear, DPLR, L ≤ 65,536

  // y. The convolutions include D u and, for h0 ≠ 0, the free response.
  std::vector<double> free_response;          // C Ā^{t+1} h0 [L]; empty for h0 = 0
  std::vector<double> recurrence, fft;        // [L]
  std::vector<std::int64_t> direct_at;        // samples: all of them, or 1,024 evenly spread
  std::vector<double> direct;                 // at those
  std::optional<std::vector<double>> cauchy;  // [L], the Cauchy kernel by FFT

  // Largest |difference| from `recurrence`; `difference` is the largest of them, `scale` the largest |y|.
  double direct_difference = 0, fft_difference = 0, cauchy_difference = 0, difference = 0, scale = 0;

  std::vector<double> step_response;       // Σ K + D [L]
  std::vector<double> continuous_impulse;  // C e^{tA} B at t = lΔ [L], or empty; the kernel is about Δ times it
  std::vector<double> continuous_step;     // exact, at t = (l + 1)Δ: a sample ends there [L], or empty

  FrequencyResponse frequency;                    // or empty
  std::int64_t controllable = 0, observable = 0;  // ranks

  std::int64_t length() const { return std::ssize(input); }
  std::int64_t states_count() const { return system.dense.states(); }
};

/// Throws Error (one sentence) for parameters that cannot be, Cancelled. `base` is the folder of relative files.
/// `known` is `run.system` where its eigenvalues are known already.
LtiResult lti_result(const LtiRun& run, const std::filesystem::path& base, std::stop_token stop = {},
                     LtiParts parts = {}, const KnownSystem* known = nullptr);
/// That of a result, for another Δ or another input.
KnownSystem known_system(const LtiResult& result);

/// One sentence each, for under the pictures.
std::string stability_sentence(const LtiResult& result);
std::string agreement_sentence(const LtiResult& result);
std::string sampling_sentence(const LtiResult& result);  // Δ against Nyquist
std::string reach_sentence(const LtiResult& result);     // controllability and observability

}  // namespace statescope
