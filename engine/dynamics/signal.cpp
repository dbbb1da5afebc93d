// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/dynamics/signal.h"

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "engine/error.h"
#include "engine/io/csv.h"
#include "engine/io/json.h"
#include "engine/io/mapped_file.h"
#include "engine/io/utf8.h"
#include "engine/io/wav.h"
#include "engine/random.h"

namespace statescope {
namespace {

struct KindWords {
  const char *id, *name;
};

constexpr KindWords words[] = {{"impulse", "Impulse"},
                               {"step", "Step"},
                               {"ramp", "Ramp"},
                               {"sine", "Sine"},
                               {"chirp", "Chirp"},
                               {"square", "Square wave"},
                               {"white-noise", "White noise"},
                               {"band-noise", "Band-limited noise"},
                               {"drawn", "Drawn"},
                               {"wav", "WAV file"},
                               {"csv", "CSV column"}};

constexpr double two_pi = 2 * std::numbers::pi;
constexpr std::size_t max_csv_bytes = 64 << 20;

struct Tone {
  double frequency, phase;
};

std::array<Tone, 32> tones_of(const Signal& s) {
  std::array<Tone, 32> tones;
  Uniform uniform(s.seed);
  const double width = (s.frequency_end - s.frequency) / static_cast<double>(tones.size());
  for (std::size_t i = 0; i < tones.size(); ++i)
    tones[i] = {s.frequency + width * (static_cast<double>(i) + uniform()), two_pi * uniform()};
  return tones;
}

// 32 sines a sample are most of a long answer's time. By the addition theorem, sin(α + jθ) = sin α cos jθ + cos α sin
// jθ, a block of samples is one product of a table that is made once and of the sines and cosines at its beginning.
// Nothing is carried from block to block, so the error does not grow: beyond the rounding of the angle, which direct
// sines have too, a tone is off by a few units of its last digit.
std::vector<double> tones_over(const Signal& s, double delta, std::stop_token stop) {
  constexpr std::int64_t block = 64;
  const std::array<Tone, 32> tones = tones_of(s);
  constexpr auto count = std::int64_t{tones.size()};
  Eigen::MatrixXd table(block, 2 * count);  // cos jθ of every tone, then sin jθ
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t j = 0; j < block; ++j) {
      const double angle = two_pi * tones[static_cast<std::size_t>(i)].frequency * (static_cast<double>(j) * delta);
      table(j, i) = std::cos(angle);
      table(j, count + i) = std::sin(angle);
    }
  const double scale = s.amplitude / std::sqrt(static_cast<double>(count) / 2);
  std::vector<double> samples(static_cast<std::size_t>(s.length));
  Eigen::VectorXd at(2 * count), made(block);  // scale · sin α, scale · cos α
  for (std::int64_t first = 0; first < s.length; first += block) {
    if (first % 4096 == 0 && stop.stop_requested()) throw Cancelled();
    for (std::int64_t i = 0; i < count; ++i) {
      const Tone& tone = tones[static_cast<std::size_t>(i)];
      const double angle = two_pi * tone.frequency * (static_cast<double>(first) * delta) + tone.phase;
      at(i) = scale * std::sin(angle);
      at(count + i) = scale * std::cos(angle);
    }
    made.noalias() = table * at;
    std::copy_n(made.begin(), std::min(block, s.length - first), samples.begin() + first);
  }
  return samples;
}

double drawn_at(const std::vector<double>& values, double place) {  // place in 0 … 1
  const double x = place * static_cast<double>(values.size() - 1);
  const auto left = std::min(static_cast<std::size_t>(x), values.size() - 1);
  const std::size_t right = std::min(left + 1, values.size() - 1);
  return std::lerp(values[left], values[right], x - static_cast<double>(left));
}

std::vector<double> from_file(const Signal& s, const std::filesystem::path& base) {
  if (s.file.empty()) throw Error("the input has no file; choose a WAV or CSV file");
  const std::string path = (base / s.file).string();
  std::vector<double> values;
  if (s.kind == SignalKind::csv) {
    values = csv_column(read_text_file(path, max_csv_bytes), s.column, s.first, s.length, path);
  } else {
    const MappedFile file(path);
    values = wav_samples(file.bytes(), parse_wav(file.bytes(), path), s.channel, s.first, s.length, path);
    if (values.empty())
      throw Error(path + ": no sound is left after the first " + std::to_string(s.first) + " samples; leave out fewer");
  }
  for (double& value : values) value *= s.amplitude;
  return values;
}

// Calls value(l, t) for every sample.
template <class Value>
std::vector<double> fill(std::int64_t length, double delta, std::stop_token stop, const Value& value) {
  std::vector<double> samples(static_cast<std::size_t>(length));
  for (std::int64_t l = 0; l < length; ++l) {
    if (l % 4096 == 0 && stop.stop_requested()) throw Cancelled();
    samples[static_cast<std::size_t>(l)] = value(l, static_cast<double>(l) * delta);
  }
  return samples;
}

}  // namespace

const char* signal_kind_id(SignalKind kind) {
  return words[static_cast<std::size_t>(kind)].id;
}

const char* signal_kind_name(SignalKind kind) {
  return words[static_cast<std::size_t>(kind)].name;
}

SignalKind parse_signal_kind(const std::string& id) {
  std::string known;
  for (const SignalKind kind : all_signal_kinds) {
    if (id == signal_kind_id(kind)) return kind;
    known += (known.empty() ? "" : ", ") + std::string(signal_kind_id(kind));
  }
  throw Error("there is no input " + in_quotes(id) + "; choose one of " + known);
}

void check(const Signal& s) {
  if (s.length < 1 || s.length > max_signal_length)
    throw Error("the input has " + std::to_string(s.length) + " samples where 1 to " +
                std::to_string(max_signal_length) + " are computed; choose another length");
  for (const double value : {s.amplitude, s.start, s.frequency, s.frequency_end, s.phase})
    if (!std::isfinite(value)) throw Error("the input has a parameter that is not a finite number; give it one");
  if (s.frequency < 0 || s.frequency_end < 0) throw Error("a frequency of the input is negative; choose 0 or more");
  if (s.kind == SignalKind::band_noise && s.frequency_end < s.frequency)
    throw Error("the band of the noise ends below its beginning; choose a larger upper frequency");
  if (s.values.size() > max_drawn_points)
    throw Error("the drawn curve has " + std::to_string(s.values.size()) + " points where at most " +
                std::to_string(max_drawn_points) + " are kept; draw it with fewer");
  if (s.kind == SignalKind::drawn && s.values.empty()) throw Error("the drawn curve has no points; draw at least one");
  if (!std::all_of(s.values.begin(), s.values.end(), [](double value) { return std::isfinite(value); }))
    throw Error("the drawn curve has a point that is not a finite number; give it one");
  if (s.first < 0 || s.first > max_signal_length * 1024 || s.channel < 0)
    throw Error("the input's first sample or channel is out of range; count from 0");
}

std::vector<double> sample(const Signal& s, double delta, const std::filesystem::path& base, std::stop_token stop) {
  check(s);
  if (!(delta > 0) || !std::isfinite(delta)) throw Error("Δ must be a positive number; choose one");
  const double a = s.amplitude;
  const auto make = [&](const auto& value) { return fill(s.length, delta, stop, value); };
  switch (s.kind) {
    case SignalKind::impulse: {
      const double at = std::max(0.0, std::ceil(s.start / delta - 1e-9));
      return make([&](std::int64_t l, double) { return static_cast<double>(l) == at ? a : 0; });
    }
    case SignalKind::step:
      return make([&](std::int64_t, double t) { return t >= s.start ? a : 0; });
    case SignalKind::ramp:
      return make([&](std::int64_t, double t) { return a * std::max(t - s.start, 0.0); });
    case SignalKind::sine:
      return make([&](std::int64_t, double t) { return a * std::sin(two_pi * s.frequency * t + s.phase); });
    case SignalKind::chirp: {
      const double rate = (s.frequency_end - s.frequency) / (static_cast<double>(s.length) * delta);
      return make(
          [&](std::int64_t, double t) { return a * std::sin(two_pi * t * (s.frequency + rate * t / 2) + s.phase); });
    }
    case SignalKind::square:
      return make([&](std::int64_t, double t) {
        const double turns = s.frequency * t + s.phase / two_pi;
        return turns - std::floor(turns) < 0.5 ? a : -a;
      });
    case SignalKind::white_noise: {
      Uniform uniform(s.seed);
      return make([&](std::int64_t, double) { return a * uniform.normal(); });
    }
    case SignalKind::band_noise:
      return tones_over(s, delta, stop);
    case SignalKind::drawn: {
      const auto last = static_cast<double>(std::max<std::int64_t>(s.length - 1, 1));
      return make([&](std::int64_t l, double) { return a * drawn_at(s.values, static_cast<double>(l) / last); });
    }
    case SignalKind::wav:
    case SignalKind::csv:
      return from_file(s, base);
  }
  return {};
}

}  // namespace statescope
