// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/profile/sweep.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>

#include "engine/error.h"
#include "engine/io/memory.h"
#include "engine/io/utf8.h"
#include "engine/profile/device.h"
#include "engine/profile/theatre.h"
#include "kernels/cuda_error.h"
#include "sweep_runs.h"

namespace statescope {
namespace {

using Clock = std::chrono::steady_clock;

std::string print(const char* format, double value) {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string duration(double seconds) {
  if (seconds < 1e-6) return print("%.0f ns", seconds * 1e9);
  if (seconds < 1e-3) return print("%.3g µs", seconds * 1e6);
  if (seconds < 1) return print("%.3g ms", seconds * 1e3);
  return print("%.3g s", seconds);
}

std::string ratio(double value) {
  return print(value < 9.95 ? "%.1f" : "%.0f", value);
}

void check(const SweepRequest& request) {
  const auto refuse = [](const std::string& what) { throw Error("the sweep " + what); };
  if (request.works.empty() || request.devices.empty() || request.lengths.empty())
    refuse("needs at least one algorithm, one device and one length");
  for (const std::int64_t length : request.lengths)
    if (length < 1 || length > (1 << 30)) refuse("measures lengths of 1 to 2^30 tokens, not " + std::to_string(length));
  const auto within = [&](std::int64_t value, std::int64_t most, const std::string& name) {
    if (value < 1 || value > most)
      refuse("needs " + name + " of 1 to " + std::to_string(most) + ", not " + std::to_string(value));
  };
  within(request.channels, 1 << 14, "channels");
  within(request.states, 1 << 8, "states");
  within(request.d_model, 1 << 16, "a width of attention");
  within(request.heads, request.d_model, "heads");
  if (request.d_model % request.heads != 0) refuse("needs heads that divide the width of attention");
  within(request.repeats, 10'000, "repeats");
  if (!(request.memory_share > 0 && request.memory_share <= 1)) refuse("needs a share of memory above 0 and up to 1");
  if (!(request.seconds_per_size >= 0) || !(request.longest_run > 0)) refuse("needs times that are not negative");
}

// How time grows with the length, to judge beforehand whether a size is worth starting.
double growth(SweepWork work) {
  if (work == SweepWork::recurrent_step) return 0;
  return work == SweepWork::attention ? 2 : 1;
}

void measure(const SweepRequest& request, SweepRun& run, SweepPoint& point, const std::stop_token& stop) {
  const auto once = [&] {
    if (stop.stop_requested()) throw Cancelled();
    return run.seconds();
  };
  const auto start = Clock::now();
  const auto spent = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  std::vector<double> seconds;
  const double first = once();  // wakes threads and pages, so it counts only when there is no time for another
  while (std::ssize(seconds) < request.repeats && spent() < request.seconds_per_size) seconds.push_back(once());
  if (seconds.empty()) seconds.push_back(first);
  std::sort(seconds.begin(), seconds.end());
  point.seconds = seconds[seconds.size() / 2];
  point.fastest = seconds.front();
  point.slowest = seconds.back();
  point.repeats = static_cast<int>(seconds.size());
  point.runs = std::move(seconds);
}

const SweepPoint* find(std::span<const SweepPoint> points, SweepWork work, const std::string& device,
                       std::int64_t length) {
  const auto found = std::find_if(points.begin(), points.end(), [&](const SweepPoint& point) {
    return point.work == work && point.device == device && point.length == length && point.skipped.empty();
  });
  return found == points.end() ? nullptr : &*found;
}

// The longest length that both were measured at, or 0.
std::int64_t longest_common(std::span<const SweepPoint> points, SweepWork one, SweepWork two,
                            const std::string& device) {
  std::int64_t longest = 0;
  for (const SweepPoint& point : points)
    if (point.work == one && point.device == device && point.skipped.empty() && find(points, two, device, point.length))
      longest = std::max(longest, point.length);
  return longest;
}

// The exponent k of time ~ L^k over the longer half of the lengths, by least squares on logarithms; NaN below three.
double exponent(std::span<const SweepPoint> points, SweepWork work, const std::string& device) {
  std::map<double, double> logs;
  for (const SweepPoint& point : points)
    if (point.work == work && point.device == device && point.skipped.empty() && point.seconds > 0)
      logs[std::log(static_cast<double>(point.length))] = std::log(point.seconds);
  std::vector<std::pair<double, double>> longer(logs.begin(), logs.end());
  longer.erase(longer.begin(), longer.begin() + static_cast<std::ptrdiff_t>(longer.size() / 2));
  if (longer.size() < 3) return NAN;
  double mean_x = 0, mean_y = 0, products = 0, squares = 0;
  for (const auto& [x, y] : longer) {
    mean_x += x / static_cast<double>(longer.size());
    mean_y += y / static_cast<double>(longer.size());
  }
  for (const auto& [x, y] : longer) {
    products += (x - mean_x) * (y - mean_y);
    squares += (x - mean_x) * (x - mean_x);
  }
  return products / squares;
}

std::string place_of(const std::string& device) {
  return device == "cpu" ? "the CPU" : device;
}

void add_comparison(std::vector<std::string>& findings, std::span<const SweepPoint> points, SweepWork quick,
                    SweepWork slow, const std::string& device) {
  const std::int64_t length = longest_common(points, quick, slow, device);
  if (length == 0) return;
  const double fast_time = find(points, quick, device, length)->seconds;
  const double slow_time = find(points, slow, device, length)->seconds;
  if (!(fast_time > 0 && slow_time > 0)) return;
  const bool as_expected = slow_time >= fast_time;
  findings.push_back("On " + place_of(device) + " at " + with_commas(length) + " tokens, " +
                     sweep_work_label(as_expected ? quick : slow) + " is " +
                     ratio(as_expected ? slow_time / fast_time : fast_time / slow_time) + " times as fast as " +
                     sweep_work_label(as_expected ? slow : quick) + ": " + duration(std::min(fast_time, slow_time)) +
                     " against " + duration(std::max(fast_time, slow_time)));
}

}  // namespace

std::string sweep_work_name(SweepWork work) {
  switch (work) {
    case SweepWork::attention:
      return "attention";
    case SweepWork::recurrent_step:
      return "recurrent-step";
    case SweepWork::attention_step:
      return "attention-step";
    default:
      return scan_algorithm_id(scan_of(work));
  }
}

std::string sweep_work_label(SweepWork work) {
  switch (work) {
    case SweepWork::attention:
      return "attention";
    case SweepWork::recurrent_step:
      return "selective scan";
    case SweepWork::attention_step:
      return "attention, cached";
    default:
      return kernels::scan_algorithm_name(scan_of(work));
  }
}

SweepWork parse_sweep_work(const std::string& name) {
  std::string known;
  for (const SweepWork work : all_sweep_works) {
    if (sweep_work_name(work) == name) return work;
    known += (known.empty() ? "" : ", ") + sweep_work_name(work);
  }
  throw Error("there is no algorithm " + in_quotes(name) + " to measure; the known ones are " + known);
}

bool reads_one_token(SweepWork work) {
  return work == SweepWork::recurrent_step || work == SweepWork::attention_step;
}

std::vector<std::int64_t> sweep_lengths(std::int64_t first, std::int64_t last, int per_octave) {
  std::vector<std::int64_t> lengths;
  if (first < 1 || last < first || per_octave < 1) return lengths;
  for (int i = 0;; ++i) {
    const double length = static_cast<double>(first) * std::exp2(static_cast<double>(i) / per_octave);
    if (length > static_cast<double>(last) * (1 + 1e-9)) break;
    const auto rounded = static_cast<std::int64_t>(std::llround(length));
    if (lengths.empty() || rounded > lengths.back()) lengths.push_back(rounded);
  }
  if (lengths.back() < last) lengths.push_back(last);
  return lengths;
}

void sweep(const SweepRequest& request, const std::function<void(const SweepPoint&)>& finished, std::stop_token stop) {
  check(request);
  std::map<std::string, std::unique_ptr<SweepDevice>> devices;
  for (const std::string& device : request.devices) devices[device] = make_sweep_device(device, request.threads);
  std::vector<std::int64_t> lengths = request.lengths;
  std::sort(lengths.begin(), lengths.end());
  lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());

  std::map<std::pair<SweepWork, std::string>, SweepPoint> before;  // the longest measured so far
  for (const std::int64_t length : lengths) {
    for (const std::string& device : request.devices) {
      for (const SweepWork work : request.works) {
        if (stop.stop_requested()) throw Cancelled();
        SweepPoint point = planned_point(request, work, length);
        point.device = device;
        SweepDevice& on = *devices[device];
        const auto limit = static_cast<std::int64_t>(request.memory_share * static_cast<double>(on.free_memory()));
        const auto last = before.find({work, device});
        const double expected =
            last == before.end()
                ? 0
                : last->second.seconds *
                      std::pow(static_cast<double>(length) / static_cast<double>(last->second.length), growth(work));
        const std::string name = sweep_work_name(work) + " over " + with_commas(length) + " tokens ";
        if (!on.runs(work)) {
          point.skipped =
              sweep_work_name(work) + " is measured on the CPU only: there is no attention here for " + device;
        } else if (point.memory > limit) {
          point.skipped = name + "needs " + format_bytes(point.memory) + ", more than the " + format_bytes(limit) +
                          " that it may take";
        } else if (expected > request.longest_run) {
          point.skipped = name + "would take about " + duration(expected) + ", longer than the limit of " +
                          duration(request.longest_run);
        } else {
          try {
            const std::unique_ptr<SweepRun> run = on.prepare(request, work, length);
            measure(request, *run, point, stop);
            before[{work, device}] = point;
          } catch (const std::bad_alloc&) {
            point.skipped = name + "needs " + format_bytes(point.memory) + ", and there is not that much memory";
          } catch (const kernels::CudaError& error) {
            point.skipped = name + "failed: " + error.what();
          }
        }
        finished(point);
      }
    }
  }
}

std::vector<std::string> sweep_findings(std::span<const SweepPoint> points) {
  std::vector<std::string> findings;
  std::vector<std::string> devices;
  for (const SweepPoint& point : points)
    if (std::find(devices.begin(), devices.end(), point.device) == devices.end()) devices.push_back(point.device);
  for (const std::string& device : devices) {
    add_comparison(findings, points, SweepWork::fused, SweepWork::attention, device);
    const std::int64_t length = longest_common(points, SweepWork::recurrent_step, SweepWork::attention_step, device);
    if (length > 0) {
      const SweepPoint& scan = *find(points, SweepWork::recurrent_step, device, length);
      const SweepPoint& attention = *find(points, SweepWork::attention_step, device, length);
      findings.push_back("On " + place_of(device) + " after " + with_commas(length) +
                         " tokens, one more takes attention " + duration(attention.seconds) + " and " +
                         format_bytes(attention.kept) + " of keys and values; it takes the recurrence " +
                         duration(scan.seconds) + " and " + format_bytes(scan.kept) + " of state, whatever the length");
    }
    std::string growths;
    for (const SweepWork work : all_sweep_works) {
      const double k = exponent(points, work, device);
      if (std::isfinite(k))
        growths += (growths.empty() ? "" : ", ") + sweep_work_label(work) + " L^" + print("%.2f", k);
    }
    if (!growths.empty()) findings.push_back("On " + place_of(device) + " time grows with the length L as " + growths);
    for (const SweepWork slow :
         {SweepWork::hillis_steele, SweepWork::blelloch, SweepWork::chunked, SweepWork::sequential})
      add_comparison(findings, points, SweepWork::fused, slow, device);
  }
  return findings;
}

}  // namespace statescope
