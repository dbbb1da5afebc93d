// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/profile/profile.h"
#include "engine/profile/sweep.h"

namespace CLI {
class App;
}

namespace statescope::cli {

/// What the user gave to `bench KIND`; each kind reads its part.
struct BenchOptions {
  std::string device = "cpu", dtype = "f32";
  int threads = 0, repeat = 7;
  bool json = false;
  // scan
  std::int64_t batch = 1, channels = 1536, length = 2048, states = 16;
  std::string algorithm = "fused";
  bool backward = false;
  // prefill, decode
  std::string model;
  std::string shape = "mamba-130m";
  std::int64_t tokens = 0;
  std::uint64_t seed = 1;
  bool trace = false;
  // attention
  std::int64_t width = 768, heads = 12;
  // sweep
  std::string algorithms = "all", devices = "cpu";
  std::int64_t from = 256, to = 16384;
  int per_octave = 1;
  double memory_share = 0.5, longest = 10;
};

void bench_limits(const BenchOptions& options);
void bench_scan(const BenchOptions& options);
void bench_prefill(const BenchOptions& options);
void bench_decode(const BenchOptions& options);
void bench_attention(const BenchOptions& options);
void bench_sweep(const BenchOptions& options);

/// Adds the command with its kinds.
void add_bench(CLI::App& app, BenchOptions& options);

// ---- What the kinds share.

/// The repeated measurement of one piece of work.
struct Measurement {
  std::string kind;
  nlohmann::ordered_json parameters;
  std::vector<double> seconds;           // one per run
  Work work;                             // of one run, the least it could do
  std::int64_t tokens = 0;               // read or generated in one run
  Ceilings limits;                       // measured in the same program run; of `limits_of_runs` the medians
  std::vector<Ceilings> limits_of_runs;  // midway between those measured before and after a run, or empty
  std::vector<ProfileZone> zones;        // of one run that was recorded, or empty
  std::int64_t peak_memory = 0;  // bytes, before the limits are measured, which takes a large buffer; 0: not told
};
/// Seconds of `repeat` runs, as `seconds` tells them; one before them does not count: it wakes threads and pages.
/// Throws Cancelled between two runs.
std::vector<double> repeated(int repeat, const std::stop_token& stop, const std::function<double()>& seconds);
double timed(const std::function<void()>& run);  // seconds
/// The same for a measurement, with `limits` measured before and after every run that counts: on a shared machine they
/// move from second to second. Also sets the peak of memory, before the first of them takes its buffer.
void measure(Measurement& measurement, int repeat, const std::stop_token& stop, const std::function<Ceilings()>& limits,
             const std::function<double()>& seconds);
/// One work of a sweep at one length, repeated as the options say. Throws Error when it cannot be measured.
SweepPoint one_point(const BenchOptions& options, SweepWork work, std::int64_t length, const std::stop_token& stop);
void print_report(const Measurement& measurement, bool json);

double median(std::vector<double> values);
nlohmann::ordered_json limits_json(const Ceilings& limits);
nlohmann::ordered_json to_json(const Measurement& measurement);
/// The same for people: a heading and aligned lines.
std::string to_table(const Measurement& measurement);
/// Columns as wide as their widest cell; the first row is the heading. Numbers (all columns but the first) to the
/// right.
std::string aligned(const std::vector<std::vector<std::string>>& rows);

std::string format_seconds(double seconds);                    // "12.3 ms"
std::string format_rate(double per_second, const char* unit);  // "31.2 GB/s"
std::string format_percent(double share);                      // "82.1 %"

/// Prints one JSON object, or text.
void print_line(const std::string& text);
void print_line(const nlohmann::ordered_json& json);

}  // namespace statescope::cli
