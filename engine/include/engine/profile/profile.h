// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace statescope {

/// The stages of a model that are timed, in the order a token meets them.
enum class Stage {
  embedding,
  norm,
  in_projection,
  convolution,
  x_projection,
  dt_projection,
  scan,
  gate,
  out_projection,
  head,
  sampling,
  copy,  // between host and device
};
inline constexpr std::array all_stages{
    Stage::embedding, Stage::norm, Stage::in_projection,  Stage::convolution, Stage::x_projection, Stage::dt_projection,
    Stage::scan,      Stage::gate, Stage::out_projection, Stage::head,        Stage::sampling,     Stage::copy};
std::string stage_name(Stage stage);         // "in-projection"
Stage parse_stage(const std::string& name);  // throws Error naming the known ones

/// What a stage has to do at the least, from its shapes.
struct Work {
  std::int64_t bytes = 0;         // traffic with memory: every operand read once, every result written once
  std::int64_t operations = 0;    // floating-point, a multiply-add counts two
  std::int64_t exponentials = 0;  // and logarithms; not among the operations

  /// Sums stop at the largest number there is, so that a file's numbers cannot overflow them.
  Work& operator+=(const Work& more);
  friend Work operator+(Work one, const Work& more) { return one += more; }
  bool operator==(const Work&) const = default;
};
/// a + b of numbers that are not negative, at most the largest there is.
std::int64_t saturating_sum(std::int64_t a, std::int64_t b);

/// One stage of one layer, once.
struct ProfileZone {
  Stage stage = Stage::embedding;
  std::int32_t layer = -1;  // -1 outside the layers
  bool on_device = false;   // timed by CUDA events on the device's own lane, else on the CPU's
  std::int64_t begin = 0;   // nanoseconds since the start of the recording, one time line for both lanes
  std::int64_t end = 0;
  std::int64_t tokens = 0;  // read at once
  Work work;
};

/// What a machine can do at most, measured in the same run. Zeros where not measured.
struct Ceilings {
  std::string device;            // "CPU, AVX-512, 2 threads", "NVIDIA H200"
  double read_bandwidth = 0;     // bytes per second
  double copy_bandwidth = 0;     // bytes per second, read and written both counted
  double multiply_add_rate = 0;  // float32 operations per second, a multiply-add counts two
  double matrix_rate = 0;        // operations per second of the fastest unit for matrices in the run's precision
  double exponential_rate = 0;   // float32 exponentials per second
};

/// Bytes a run holds, and what attention would.
struct MemoryUse {
  std::int64_t weights = 0;
  std::int64_t activations = 0;          // of the tokens read at once
  std::int64_t recurrent_state = 0;      // whatever the context
  std::int64_t key_value_per_token = 0;  // of attention with the same d_model and layers: 2 · layers · d_model values
};

/// A finished recording. A value.
struct Profile {
  std::string title;  // "mamba-lab, 512 tokens"
  std::string model;
  std::string device;              // "CPU, AVX-512, 2 threads"
  std::string precision;           // "f32"
  std::int64_t tokens = 0;         // read, the generated ones included
  std::int64_t generated = 0;      // of them
  std::vector<ProfileZone> zones;  // by begin
  Ceilings ceilings;
  MemoryUse memory;
  std::int64_t dropped = 0;  // zones past the recorder's limit
};

}  // namespace statescope
