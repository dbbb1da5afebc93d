// SPDX-License-Identifier: GPL-3.0-or-later
// How measurements are told.
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "cli/bench.h"
#include "engine/error.h"
#include "engine/io/memory.h"
#include "engine/profile/statistics.h"

namespace statescope::cli {
namespace {

using nlohmann::ordered_json;

std::string print(const char* format, double value, const char* unit) {
  char text[48];
  std::snprintf(text, sizeof text, format, value, unit);
  return text;
}

// The shortest time that one limit allows, as a share of the time taken.
double share(std::int64_t amount, double limit, double seconds) {
  return limit > 0 && seconds > 0 ? static_cast<double>(amount) / limit / seconds : 0;
}

// Products run at the matrix rate, everything else at the multiply-add rate; what is measured as a whole is mostly
// products when it is a model.
double arithmetic_limit(const Measurement& measurement, const Ceilings& limits) {
  return measurement.zones.empty() ? limits.multiply_add_rate : limits.matrix_rate;
}

// Of the whole measurement, or of one of its runs.
struct Shares {
  double memory = 0, arithmetic = 0, exponentials = 0;
};
Shares shares(const Measurement& m, const Ceilings& limits, double seconds) {
  return {share(m.work.bytes, limits.read_bandwidth, seconds),
          share(m.work.operations, arithmetic_limit(m, limits), seconds),
          share(m.work.exponentials, limits.exponential_rate, seconds)};
}

// Of every run against its own limits; without those, of the median run.
std::vector<Shares> shares_of_runs(const Measurement& m) {
  if (m.limits_of_runs.empty()) return {shares(m, m.limits, median(m.seconds))};
  std::vector<Shares> all;
  for (std::size_t i = 0; i < m.seconds.size(); ++i) all.push_back(shares(m, m.limits_of_runs[i], m.seconds[i]));
  return all;
}

std::vector<double> each(const std::vector<Shares>& shares, double Shares::*limit) {
  std::vector<double> values;
  for (const Shares& one : shares) values.push_back(one.*limit);
  return values;
}

ordered_json shares_json(const Shares& shares) {
  return {{"memory", shares.memory}, {"arithmetic", shares.arithmetic}, {"exponentials", shares.exponentials}};
}

// Each rate of some limits, by the rates of others.
template <class Rate>
Ceilings with_rates(Ceilings limits, const Rate& rate) {
  for (double Ceilings::*member : {&Ceilings::read_bandwidth, &Ceilings::copy_bandwidth, &Ceilings::multiply_add_rate,
                                   &Ceilings::matrix_rate, &Ceilings::exponential_rate})
    limits.*member = rate(member);
  return limits;
}

// UTF-8 code points: as many columns as a terminal needs for what stands in these tables.
std::size_t columns(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

std::vector<double> repeated(int repeat, const std::stop_token& stop, const std::function<double()>& seconds) {
  std::vector<double> all;
  for (int i = 0; i <= repeat; ++i) {
    if (stop.stop_requested()) throw Cancelled();
    const double taken = seconds();
    if (i > 0) all.push_back(taken);
  }
  return all;
}

double timed(const std::function<void()>& run) {
  const auto start = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void measure(Measurement& measurement, int repeat, const std::stop_token& stop, const std::function<Ceilings()>& limits,
             const std::function<double()>& seconds) {
  Ceilings before;
  repeated(repeat, stop, [&, first = true]() mutable {
    const double taken = seconds();
    if (first) {
      measurement.peak_memory = peak_memory();
      before = limits();
      first = false;
      return taken;
    }
    const Ceilings after = limits();
    measurement.seconds.push_back(taken);
    measurement.limits_of_runs.push_back(
        with_rates(after, [&](double Ceilings::*rate) { return (before.*rate + after.*rate) / 2; }));
    before = after;
    return taken;
  });
  measurement.limits = with_rates(before, [&](double Ceilings::*rate) {
    std::vector<double> rates;
    for (const Ceilings& one : measurement.limits_of_runs) rates.push_back(one.*rate);
    return median(rates);
  });
}

void print_report(const Measurement& measurement, bool json) {
  if (json)
    print_line(to_json(measurement));
  else
    print_line(to_table(measurement));
}

SweepPoint one_point(const BenchOptions& options, SweepWork work, std::int64_t length, const std::stop_token& stop) {
  SweepRequest request;
  request.works = {work};
  request.devices = {options.device};
  request.lengths = {length};
  request.channels = options.channels;
  request.states = options.states;
  request.d_model = options.width;
  request.heads = options.heads;
  request.threads = options.threads;
  request.repeats = options.repeat;
  request.seconds_per_size = 3600;  // as many repeats as were asked for
  request.memory_share = 0.9;
  SweepPoint result;
  sweep(
      request, [&](const SweepPoint& point) { result = point; }, stop);
  if (!result.skipped.empty()) throw Error(result.skipped);
  return result;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::string format_seconds(double seconds) {
  if (seconds < 1e-6) return print("%.0f %s", seconds * 1e9, "ns");
  if (seconds < 1e-3) return print("%.2f %s", seconds * 1e6, "µs");
  if (seconds < 1) return print("%.2f %s", seconds * 1e3, "ms");
  return print("%.2f %s", seconds, "s");
}

std::string format_rate(double per_second, const char* unit) {
  if (per_second >= 1e12) return print("%.2f T%s/s", per_second / 1e12, unit);
  if (per_second >= 1e9) return print("%.1f G%s/s", per_second / 1e9, unit);
  if (per_second >= 1e6) return print("%.1f M%s/s", per_second / 1e6, unit);
  return print("%.1f %s/s", per_second, unit);
}

std::string format_percent(double part) {
  return print("%.1f %s", part * 100, "%");
}

ordered_json limits_json(const Ceilings& limits) {
  return {{"device", limits.device},
          {"read_bytes_per_second", limits.read_bandwidth},
          {"copy_bytes_per_second", limits.copy_bandwidth},
          {"multiply_add_operations_per_second", limits.multiply_add_rate},
          {"matrix_operations_per_second", limits.matrix_rate},
          {"exponentials_per_second", limits.exponential_rate}};
}

ordered_json to_json(const Measurement& m) {
  const double seconds = median(m.seconds);
  const auto [fastest, slowest] = std::minmax_element(m.seconds.begin(), m.seconds.end());
  ordered_json json{{"kind", m.kind}};
  json.update(m.parameters);
  json["repeats"] = m.seconds.size();
  json["seconds"] = {{"median", seconds}, {"min", *fastest}, {"max", *slowest}};
  json["tokens"] = m.tokens;
  json["tokens_per_second"] = static_cast<double>(m.tokens) / seconds;
  json["bytes"] = m.work.bytes;
  json["operations"] = m.work.operations;
  json["exponentials"] = m.work.exponentials;
  json["bytes_per_second"] = static_cast<double>(m.work.bytes) / seconds;
  json["operations_per_second"] = static_cast<double>(m.work.operations) / seconds;
  const std::vector<Shares> shares = shares_of_runs(m);
  json["share_of_limits"] =
      shares_json({median(each(shares, &Shares::memory)), median(each(shares, &Shares::arithmetic)),
                   median(each(shares, &Shares::exponentials))});
  json["limits"] = limits_json(m.limits);
  for (std::size_t i = 0; i < m.limits_of_runs.size(); ++i)
    json["runs"].push_back({{"seconds", m.seconds[i]},
                            {"share_of_limits", shares_json(shares[i])},
                            {"read_bytes_per_second", m.limits_of_runs[i].read_bandwidth},
                            {"matrix_operations_per_second", m.limits_of_runs[i].matrix_rate}});
  if (!m.zones.empty()) {
    ordered_json stages = ordered_json::array();
    for (const StageStatistics& stage : stage_statistics(m.zones)) {
      const RooflinePoint point = roofline_point(stage, m.limits);
      stages.push_back({{"stage", stage_name(stage.stage)},
                        {"lane", stage.on_device ? "device" : "cpu"},
                        {"seconds", static_cast<double>(stage.total) * 1e-9},
                        {"share", stage.share},
                        {"bytes", stage.work.bytes},
                        {"operations", stage.work.operations},
                        {"share_of_limit", point.share},
                        {"sentence", point.sentence}});
    }
    json["stages"] = stages;
  }
  if (m.peak_memory > 0) json["peak_memory"] = m.peak_memory;
  return json;
}

std::string to_table(const Measurement& m) {
  const double seconds = median(m.seconds);
  const auto [fastest, slowest] = std::minmax_element(m.seconds.begin(), m.seconds.end());
  std::string heading = m.kind;
  for (const auto& [key, value] : m.parameters.items())
    heading += "  " + key + " " + (value.is_string() ? value.get<std::string>() : value.dump());
  const Ceilings& limits = m.limits;
  std::vector<std::vector<std::string>> rows{
      {"", "median", "min", "max"},
      {"time", format_seconds(seconds), format_seconds(*fastest), format_seconds(*slowest)},
      {"tokens/s", print("%.1f%s", static_cast<double>(m.tokens) / seconds, ""),
       print("%.1f%s", static_cast<double>(m.tokens) / *slowest, ""),
       print("%.1f%s", static_cast<double>(m.tokens) / *fastest, "")}};
  const bool by_run = !m.limits_of_runs.empty();
  std::vector<std::vector<std::string>> shares{{"", "done", "limit here", "share"}};
  if (by_run) shares.front().insert(shares.front().end(), {"min", "max"});
  const auto add = [&](const char* name, std::int64_t amount, double limit, double Shares::*member, const char* unit) {
    if (amount <= 0) return;
    const std::vector<double> of_runs = each(shares_of_runs(m), member);
    const auto [least, most] = std::minmax_element(of_runs.begin(), of_runs.end());
    shares.push_back({name, format_rate(static_cast<double>(amount) / seconds, unit),
                      limit > 0 ? format_rate(limit, unit) : "not measured",
                      limit > 0 ? format_percent(median(of_runs)) : ""});
    if (limit > 0 && by_run) shares.back().insert(shares.back().end(), {format_percent(*least), format_percent(*most)});
  };
  add("memory", m.work.bytes, limits.read_bandwidth, &Shares::memory, "B");
  add("arithmetic", m.work.operations, arithmetic_limit(m, limits), &Shares::arithmetic, "FLOP");
  add("exponentials", m.work.exponentials, limits.exponential_rate, &Shares::exponentials, "exp");
  std::string text = heading + "\non " + limits.device + ", " + std::to_string(m.seconds.size()) + " runs\n\n" +
                     aligned(rows) + "\n\n" + aligned(shares);
  if (!m.zones.empty()) {
    std::vector<std::vector<std::string>> stages{{"stage", "time", "share", "of its limit"}};
    std::string sentences;
    for (const StageStatistics& stage : stage_statistics(m.zones)) {
      const RooflinePoint point = roofline_point(stage, limits);
      stages.push_back({stage_name(stage.stage), format_seconds(static_cast<double>(stage.total) * 1e-9),
                        format_percent(stage.share), format_percent(point.share)});
      sentences += "\n" + point.sentence;
    }
    text += "\n\n" + aligned(stages) + "\n" + sentences;
  }
  if (m.peak_memory > 0) text += "\n\npeak memory " + format_bytes(m.peak_memory);
  return text;
}

std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], columns(row[c]));
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string padding(widths[c] - columns(row[c]), ' ');
      line += (c ? "  " : "") + (c ? padding + row[c] : row[c] + padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += (text.empty() ? "" : "\n") + line;
  }
  return text;
}

void print_line(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fputc('\n', stdout);
}

void print_line(const ordered_json& json) {
  print_line(json.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

}  // namespace statescope::cli
