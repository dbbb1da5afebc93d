// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

namespace statescope {

inline constexpr std::int64_t max_signal_length = 1 << 20;  // samples
inline constexpr std::size_t max_drawn_points = 4096;

enum class SignalKind {
  impulse,      // amplitude at the first sample not before `start`, else 0 (a unit sample, not 1/Δ)
  step,         // amplitude from `start` on
  ramp,         // amplitude · (t − start) from `start` on
  sine,         // amplitude · sin(2π f t + phase)
  chirp,        // a sine whose frequency goes evenly from `frequency` to `frequency_end` over the signal
  square,       // amplitude · sign(sin(2π f t + phase)), the half period that begins at phase 0 being positive
  white_noise,  // normal, standard deviation `amplitude`, each sample of its own: its sound depends on Δ
  band_noise,   // 32 sines in the band `frequency` to `frequency_end`, one in each equal part of it at a random place
                // and phase, rms `amplitude`: a function of time, so Δ only samples it
  drawn,        // amplitude · `values`, evenly spread from the first sample to the last, straight lines between
  wav,          // amplitude · one channel of a WAV file, full scale 1, a sample a step
  csv,          // amplitude · one column of a CSV file, a row a step
};
inline constexpr SignalKind all_signal_kinds[] = {SignalKind::impulse,     SignalKind::step,       SignalKind::ramp,
                                                  SignalKind::sine,        SignalKind::chirp,      SignalKind::square,
                                                  SignalKind::white_noise, SignalKind::band_noise, SignalKind::drawn,
                                                  SignalKind::wav,         SignalKind::csv};

/// "impulse", "step", "ramp", "sine", "chirp", "square", "white-noise", "band-noise", "drawn", "wav", "csv".
/// parse_signal_kind throws Error that lists them.
const char* signal_kind_id(SignalKind kind);
SignalKind parse_signal_kind(const std::string& id);
/// "Impulse", "Band-limited noise", …
const char* signal_kind_name(SignalKind kind);

/// An input u. Sample l is at the time t = lΔ.
struct Signal {
  SignalKind kind = SignalKind::step;
  std::int64_t length = 400;   // samples, 1 to max_signal_length; of a file at most so many
  double amplitude = 1;        //
  double start = 0;            // seconds
  double frequency = 0.25;     // Hz
  double frequency_end = 2;    // Hz
  double phase = 0;            // radians
  std::uint64_t seed = 1;      // of the noises
  std::vector<double> values;  // of drawn, 1 to max_drawn_points
  std::string file;            // of wav and csv, absolute or relative to the scene's folder
  std::int64_t channel = 0;    // of wav
  std::string column;      // of csv: a name of its first row or a number from 1; empty is the first column of numbers
  std::int64_t first = 0;  // of wav and csv: samples to leave out at the beginning
  bool operator==(const Signal&) const = default;
};

/// Throws Error for a length, amplitude, frequency, … that cannot be, without looking at a file.
void check(const Signal& signal);

/// The samples. `delta` in seconds, `base` is the folder that relative files start from. Throws Error, Cancelled.
std::vector<double> sample(const Signal& signal, double delta, const std::filesystem::path& base,
                           std::stop_token stop = {});

}  // namespace statescope
