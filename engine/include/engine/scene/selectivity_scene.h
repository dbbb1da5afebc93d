// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/dynamics/signal.h"
#include "engine/training/probe.h"
#include "engine/training/recipe.h"

namespace statescope {

inline constexpr std::int64_t max_selectivity_tokens = 65536;
inline constexpr std::int64_t max_fresh_sequences = 10000;
inline constexpr std::int64_t max_fresh_lengths = 32, max_fresh_length = std::int64_t{1} << 20;
inline constexpr double max_delta_scale = 1000;

/// One of the two that read the same tokens.
struct SelectivitySystem {
  std::string model;  // folder that `statescope-cli train` wrote, or bundled:NAME
  Knobs knobs;
  bool operator==(const SelectivitySystem&) const = default;
};

/// The experiment "selectivity": a sequence of a task, read by two trained networks.
struct SelectivityRun {
  std::array<SelectivitySystem, 2> systems{
      {{"bundled:selective-copying-s6", {}}, {"bundled:selective-copying-s4d", {}}}};
  std::uint64_t seed = 1;             // of the sequence, and of the fresh ones
  std::vector<std::int32_t> tokens;   // in place of the one that the seed makes
  std::int64_t fresh = 0;             // sequences more, for `compute`: how many of their questions are answered
  std::vector<std::int64_t> lengths;  // also where the task is so long, as often
  bool operator==(const SelectivityRun&) const = default;
};

/// What is drawn of what a layer did.
enum class SelectivityQuantity { delta, gate, written, state };

/// What the Selectivity workspace shows of it.
struct SelectivityView {
  std::int64_t layer = 0;
  std::array<std::optional<std::int64_t>, 2> channels;  // of each system; none: all of them
  SelectivityQuantity quantity = SelectivityQuantity::delta;
  bool survival = false;    // of what each token wrote: the share that is left, not how much
  std::int64_t system = 0;  // 0 or 1: whose knobs are shown
  bool by_length = false;   // right answers by the length of the task, not by the number of the question
  bool operator==(const SelectivityView&) const = default;
};

struct SelectivityScene {
  SelectivityRun run;
  SelectivityView view;
  std::int64_t cursor = 0;  // token: what has been read last
  bool operator==(const SelectivityScene&) const = default;
};

/// The experiment "training": a network learns a task from the start.
struct TrainingScene {
  Recipe recipe = first_recipe();
  bool operator==(const TrainingScene&) const = default;

  static Recipe first_recipe();  // S6 in a Mamba block, four letters among 24 tokens
};

inline constexpr std::int64_t max_gated_length = 65536;

/// The experiment "gated-recurrence": theorem 1 of Gu & Dao (2023). With N = 1, A = −1, B = 1 and Δ = softplus(z) the
/// selective state space model is the gated recurrence h ← (1 − g) h + g x, g = σ(z).
struct GatedRun {
  Signal x = made(SignalKind::square, 1, 0.02), z = made(SignalKind::sine, 4, 0.005);  // z as long as x; Δt is 1
  bool operator==(const GatedRun&) const = default;

  static Signal made(SignalKind kind, double amplitude, double frequency) {
    Signal signal;
    signal.kind = kind;
    signal.length = 400;
    signal.amplitude = amplitude;
    signal.frequency = frequency;
    return signal;
  }
};

struct GatedScene {
  GatedRun run;
  std::int64_t cursor = 0;  // sample
  bool operator==(const GatedScene&) const = default;
};

std::string selectivity_quantity_id(SelectivityQuantity quantity);  // "delta", "gate", "written", "state"
std::string discretised_input_id(Knobs::Input input);               // "as-trained", "zoh", "euler"

}  // namespace statescope
