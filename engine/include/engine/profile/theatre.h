// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/run/trace.h"
#include "kernels/scan_ladder.h"

namespace statescope {

using kernels::ScanAlgorithm;
using kernels::ScanArray;
using kernels::ScanPair;
using kernels::ScanPhase;

std::string scan_algorithm_id(ScanAlgorithm algorithm);        // "hillis-steele", for files and options
ScanAlgorithm parse_scan_algorithm(const std::string& id);     // throws Error naming the known ones
std::string scan_algorithm_sentence(ScanAlgorithm algorithm);  // what it does, for somebody who meets it first

/// Places of one array on the stage, after a step.
struct TheatreRow {
  ScanArray array = ScanArray::none;
  std::vector<ScanPair> places;
  std::vector<std::uint8_t> filled;  // per place: 1 when something has been written there
};
std::string theatre_row_name(ScanArray array);  // "inputs", "work", "states", …

/// One step of the ladder's own schedule, and what of it goes through slow memory. What a task made last stays at hand,
/// in a register, and does not travel; neither does anything of the fused scan.
struct TheatreMove {
  kernels::ScanStep step;
  bool left_travels = false, right_travels = false, result_travels = false;
};

/// What happens at once on a machine with a processor for every task.
struct TheatreStep {
  std::string title;               // "up-sweep, distance 2"
  std::string sentence;            // what happens and why
  std::optional<ScanPhase> phase;  // none while the pairs are formed and while the states are read out
  std::vector<TheatreMove> moves;
  std::vector<TheatreRow> rows;  // after the step; the arrays the algorithm uses, inputs first, states last
  std::int64_t pass = 0;         // number of the sweep through slow memory the step belongs to
  std::int64_t bytes_read = 0, bytes_written = 0;  // of slow memory
};

/// An algorithm of the ladder on one short sequence of one channel and state, step by step.
struct Theatre {
  ScanAlgorithm algorithm = ScanAlgorithm::sequential;
  std::int64_t chunk = 0;       // tokens in a chunk; 0 where there are none
  double h0 = 0;                // state in front of the sequence
  std::vector<ScanPair> input;  // [T]
  std::vector<double> states;   // [T] h_t = a_t h_{t-1} + b_t
  std::vector<TheatreStep> steps;
  kernels::ScanWork work;  // totals: those of a selective scan with one channel and one state
  std::string sentence;    // the totals against the fused scan's
};

inline constexpr std::int64_t longest_theatre = 64;

/// Plays the algorithm; the steps are those that CpuBackend executes. `chunk` is for the chunked scan. Throws Error for
/// a length outside 1 to 64, a chunk outside 1 to 64, and numbers that are not finite.
Theatre scan_theatre(ScanAlgorithm algorithm, std::span<const ScanPair> pairs, double h0 = 0, std::int64_t chunk = 8);

/// What one channel and state of a layer scans.
struct TheatreSource {
  std::vector<ScanPair> pairs;  // a = exp(Δ·A), b = Δ·B·x
  double h0 = 0;                // the state before the first of them
};
/// For the tokens [first, first + length). Throws Error when the track does not have these tokens, or the model that
/// channel or state.
TheatreSource theatre_source(const Model& model, const LayerTrack& track, std::int64_t channel, std::int64_t state,
                             std::int64_t first, std::int64_t length);

}  // namespace statescope
