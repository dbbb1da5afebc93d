// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/profile/profile.h"

namespace statescope {

/// What is measured against the length L. The first six read L tokens; the last two read one more after L.
enum class SweepWork {
  sequential,
  hillis_steele,
  blelloch,
  chunked,
  fused,
  attention,       // causal attention over all L tokens: quadratic
  recurrent_step,  // one token of the selective scan: the state is all it needs
  attention_step,  // one token of attention over a key-value cache of L tokens
};
inline constexpr SweepWork all_sweep_works[] = {
    SweepWork::sequential, SweepWork::hillis_steele, SweepWork::blelloch,       SweepWork::chunked,
    SweepWork::fused,      SweepWork::attention,     SweepWork::recurrent_step, SweepWork::attention_step};
std::string sweep_work_name(SweepWork work);          // "hillis-steele", "attention-step"
std::string sweep_work_label(SweepWork work);         // "Hillis–Steele", "attention, cached"
SweepWork parse_sweep_work(const std::string& name);  // throws Error naming the known ones
bool reads_one_token(SweepWork work);                 // the last two

struct SweepRequest {
  std::vector<SweepWork> works{std::begin(all_sweep_works), std::end(all_sweep_works)};
  std::vector<std::string> devices{"cpu"};  // "cpu", "cuda", "cuda:1"
  std::vector<std::int64_t> lengths;        // L, tokens; each at least 1
  std::int64_t channels = 1536;             // E of the scan
  std::int64_t states = 16;                 // N of the scan
  std::int64_t d_model = 768;               // width of attention, float32 keys and values
  std::int64_t heads = 12;                  // divides d_model
  int threads = 0;                          // of the CPU; 0 uses every core
  int repeats = 5;                          // fewer once a size has taken `seconds_per_size`
  double seconds_per_size = 2;
  double longest_run = 10;    // seconds; a size that would take longer, going by the one before, is skipped
  double memory_share = 0.5;  // of the memory that is free; a size that needs more is skipped
};

/// One work at one length on one device.
struct SweepPoint {
  SweepWork work = SweepWork::sequential;
  std::string device;
  std::int64_t length = 0;
  double seconds = 0;  // median; 0 when skipped
  double fastest = 0, slowest = 0;
  int repeats = 0;
  std::vector<double> runs;  // seconds of each repeat, rising
  Work least;                // traffic and operations it cannot do without
  std::int64_t memory = 0;   // bytes the buffers hold
  std::int64_t kept = 0;     // of them, bytes kept from token to token: the state, or the keys and values
  std::string skipped;       // one sentence why this size was not measured; empty when it was
};

/// "1024,2048,…": `per_octave` lengths for every doubling from `first` to `last`, both included.
std::vector<std::int64_t> sweep_lengths(std::int64_t first, std::int64_t last, int per_octave = 1);

/// Measures every work on every device at every length, shortest lengths first, and hands each point over when it is
/// done, on the calling thread. Throws Error for a request that makes no sense or a device that is not there, and
/// Cancelled when asked to stop, within one run of the size under way.
void sweep(const SweepRequest& request, const std::function<void(const SweepPoint&)>& finished,
           std::stop_token stop = {});

/// What the points say, as plain sentences: how time grows with L, the fused scan against the standard ones, attention
/// against the scan, memory per token. Says nothing that was not measured.
std::vector<std::string> sweep_findings(std::span<const SweepPoint> points);

}  // namespace statescope
