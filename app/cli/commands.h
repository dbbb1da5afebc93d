// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/models/recorder.h"
#include "engine/run/sampling.h"

namespace statescope::cli {

/// What the user gave; one struct per command. The functions print to standard output and throw Error.
struct InfoOptions {
  std::string model;
  bool json = false;
};
struct TokenizeOptions {
  std::string model, text;
  bool json = false;
};
struct InspectOptions {
  std::string model, out;
  std::optional<std::string> prompt, prompt_file, ids;  // one of them; an empty prompt is a prompt, too
  std::string layers = "all", tensors = "all", device = "cpu", dtype = "f32";
  int threads = 0;
};
struct GenerateOptions {
  std::string model, prompt, device = "cpu", dtype = "f32";
  std::int64_t tokens = 0;
  Sampling sampling;
  int threads = 0;
  bool json = false;
};
struct ProfileOptions {
  std::string model, out, device = "cpu", dtype = "f32";
  std::optional<std::string> prompt, ids;  // one of them
  std::int64_t tokens = 0;
  int threads = 0;
};
struct ComputeOptions {
  std::string scene, out;
};

struct TrainOptions {
  std::string recipe, out, device = "cpu";
  std::optional<std::uint64_t> seed;
  int threads = 0;
  bool resume = false, tf32 = false, json = false;
};

struct EvaluateOptions {
  std::string model, device = "cpu";
  std::int64_t sequences = 0, length = 0;  // 0: the recipe's
  std::uint64_t seed = 0;
  int threads = 0;
  bool json = false;
};

void devices(bool json);
void info(const InfoOptions& options);
void tokenize(const TokenizeOptions& options);
void inspect(const InspectOptions& options);
void generate(const GenerateOptions& options);
void profile(const ProfileOptions& options);
void compute(const ComputeOptions& options);
void train(const TrainOptions& options);
void evaluate(const EvaluateOptions& options);
/// Prints every mistake of the lesson, and returns whether there is none.
bool check_lesson(const std::string& folder);
void new_lesson(const std::string& folder);

/// The parts between separators; empty ones count.
std::vector<std::string> split(const std::string& text, char separator);
/// "0,2-5" or "all" (every number below `count`). Throws Error on anything else, naming it.
std::vector<std::int64_t> parse_ranges(const std::string& text, std::int64_t count, const std::string& option);
/// "all" or "logits,h,delta". Throws Error naming the known ones.
std::set<Quantity> parse_tensors(const std::string& text);
/// "1,2,3" as token ids. Throws Error.
std::vector<std::int32_t> parse_ids(const std::string& text);

/// A check for CLI11 out of a function that throws Error: text that it refuses is wrong usage.
template <class Parse>
auto parses(const Parse& parse) {
  return [parse](const std::string& text) -> std::string {
    try {
      parse(text);
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  };
}

}  // namespace statescope::cli
