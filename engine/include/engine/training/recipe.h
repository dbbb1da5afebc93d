// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace statescope {

/// What surrounds the inner layer of a residual block (Gu & Dao 2023, section 4.6.1).
enum class BlockKind { plain, h3, mamba };
/// What runs along time.
enum class InnerKind { s6, s4d_real, s4d_complex, hyena, attention };
/// Whether it is a recurrence with a state of fixed size; Hyena and attention keep all that came before.
constexpr bool has_state(InnerKind inner) {
  return inner != InnerKind::hyena && inner != InnerKind::attention;
}

/// Where the eigenvalues of A begin, state n = 0, 1, …, of N (Gu & Dao 2023, table 8; Gu et al. 2022, section 4).
enum class InitialA {
  s4d_real,  // −(n + 1)
  half,      // −½
  random,    // −e^z, z standard normal
  s4d_lin,   // −½ + iπn
  s4d_inv,   // −½ + i (N/π) (N / (2n + 1) − 1)
};

/// A cell of the model grid, with its sizes.
struct NetworkRecipe {
  BlockKind block = BlockKind::mamba;
  InnerKind inner = InnerKind::s6;
  // Of S6: which of Δ, B and C depend on the input. What does not is learnt as a constant.
  bool selective_delta = true, selective_B = true, selective_C = true;
  InitialA initial_A = InitialA::s4d_real;  // s4d_lin where A is complex
  std::int64_t layers = 2, d_model = 64, d_state = 16, expand = 2, d_conv = 4;
  std::int64_t dt_rank = 0;  // 0: d_model / 16, rounded up
  std::int64_t heads = 2;    // of attention
  std::int64_t vocab = 0;    // taken from the task, as is ...
  std::int64_t length = 0;   // of the sequences it learns from, the unit of time of Hyena's filter

  std::int64_t d_inner() const { return expand * d_model; }
  bool operator==(const NetworkRecipe&) const = default;
};

/// What is learnt from, made from a seed (engine/training/task.h).
struct TaskRecipe {
  std::string kind;
  std::int64_t length = 0;          // tokens of a sequence, answers excluded
  std::int64_t vocab = 0;           // token ids
  std::int64_t memorise = 0;        // copying: tokens to give back; recall: pairs of key and value
  std::filesystem::path text;       // of language modelling
  std::filesystem::path tokenizer;  // a tokenizer.json, or empty for bytes
  bool operator==(const TaskRecipe&) const = default;
};

struct OptimiserRecipe {
  double learning_rate = 1e-3, weight_decay = 0.1, beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8;
  double clip = 1;            // of the gradient's norm; 0: never
  std::int64_t steps = 1000;  // from the first to the last of the schedule
  std::int64_t warmup = 0;    // steps of rising rate, before the cosine
  double last_rate = 0.1;     // at the end, as a share of learning_rate
  double dropout = 0;         // of what each block adds to the residual stream, the share that falls out
  bool operator==(const OptimiserRecipe&) const = default;
};

/// A whole training run: the same recipe gives the same weights on the same instruction set.
struct Recipe {
  TaskRecipe task;
  NetworkRecipe network;
  OptimiserRecipe optimiser;
  std::filesystem::path start;  // a folder whose weights it begins with; empty: random ones
  std::uint64_t seed = 1;
  std::int64_t batch = 32;  // sequences a step
  std::int64_t evaluate_every = 100, evaluation_sequences = 256;
  double stop_at_accuracy = 0;  // of the evaluation; 0: never early
  bool operator==(const Recipe&) const = default;
};

/// engine/training/RECIPE.md specifies the form. Paths in it are relative to `folder`. Throws Error naming `where` and
/// the key.
Recipe parse_recipe(const nlohmann::json& json, const std::string& where, const std::filesystem::path& folder);
Recipe load_recipe(const std::filesystem::path& file);
/// The recipe with every default written out; parse_recipe reads it back.
nlohmann::ordered_json to_json(const Recipe& recipe);

std::string block_name(BlockKind block);
std::string inner_name(InnerKind inner);
std::string initial_A_name(InitialA initial);

}  // namespace statescope
