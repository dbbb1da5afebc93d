// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/bench.h"

#include <algorithm>
#include <chrono>
#include <functional>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "engine/error.h"
#include "engine/io/memory.h"
#include "engine/models/decoder.h"
#include "engine/models/random_weights.h"
#include "engine/profile/ceilings.h"
#include "engine/profile/device.h"
#include "engine/profile/run.h"
#include "engine/profile/sweep.h"
#include "engine/run/session.h"

namespace statescope::cli {
namespace {

using nlohmann::ordered_json;

struct BenchModel {
  std::shared_ptr<const Model> model;
  std::string name;
};
BenchModel bench_model(const BenchOptions& options, const std::stop_token& stop) {
  cuda_index(options.device);  // a device that is not there is told before weights are made
  const Precision precision = parse_precision(options.dtype);
  if (precision == Precision::f64) throw Error("--dtype f64 is the reference of inspect; measure f32, bf16 or f16");
  if (!options.model.empty()) {
    auto model = load_model(options.model, precision, options.threads, options.device);
    return {model, model->info().name};
  }
  const Checkpoint checkpoint = random_checkpoint(published_sizes(options.shape), options.seed, stop);
  return {load_model(checkpoint, precision, options.threads, options.device), options.shape + " with random weights"};
}

std::vector<std::int32_t> some_ids(std::int64_t count, std::int64_t vocab) {
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < count; ++i) ids.push_back(static_cast<std::int32_t>((i * 7919 + 13) % vocab));
  return ids;
}

ordered_json model_parameters(const BenchOptions& options, const BenchModel& model, std::int64_t tokens) {
  const MemoryUse memory = memory_use(*model.model, tokens);
  return {{"model", model.name},
          {"device", options.device},
          {"dtype", options.dtype},
          {"threads", model.model->backend().threads()},
          {"weight_bytes", memory.weights},
          {"activation_bytes", memory.activations},
          {"state_bytes", memory.recurrent_state}};
}

// Those of a device stay as they are and are measured once.
std::function<Ceilings()> limits_for(const BenchOptions& options, Precision precision, const std::stop_token& stop) {
  return [&options, precision, stop, known = std::optional<Ceilings>()]() mutable {
    if (!known || options.device == "cpu") known = measure_ceilings(options.device, precision, options.threads, stop);
    return *known;
  };
}

void add_zones(Measurement& measurement, std::vector<ProfileZone> zones) {
  measurement.zones = std::move(zones);
  for (const ProfileZone& zone : measurement.zones) measurement.work += zone.work;
}

}  // namespace

void bench_limits(const BenchOptions& options) {
  const std::stop_token stop = stop_on_interrupt();
  const Ceilings limits = measure_ceilings(options.device, parse_precision(options.dtype), options.threads, stop);
  if (options.json) {
    ordered_json json{{"kind", "limits"}, {"dtype", options.dtype}};
    json.update(limits_json(limits));
    return print_line(json);
  }
  print_line(limits.device + ", " + options.dtype + "\n" +
             aligned({{"read", format_rate(limits.read_bandwidth, "B")},
                      {"copy", format_rate(limits.copy_bandwidth, "B")},
                      {"multiply-add", format_rate(limits.multiply_add_rate, "FLOP")},
                      {"matrix", format_rate(limits.matrix_rate, "FLOP")},
                      {"exponentials", format_rate(limits.exponential_rate, "exp")}}));
}

void bench_prefill(const BenchOptions& options) {
  const std::stop_token stop = stop_on_interrupt();
  const BenchModel model = bench_model(options, stop);
  const std::int64_t tokens = options.tokens > 0 ? options.tokens : 512;
  Measurement measurement{"prefill", model_parameters(options, model, tokens), {}, {}, tokens, {}, {}, {}, 0};
  const std::vector<std::int32_t> ids = some_ids(tokens, model.model->info().sizes.vocab);
  const std::function<Ceilings()> limits = limits_for(options, model.model->precision(), stop);
  // With and without a trace in turn, because a shared machine changes its pace.
  std::vector<double> recorded;
  measure(measurement, options.repeat, stop, limits, [&] {
    const std::unique_ptr<Decoder> decoder = make_decoder(model.model, model.model->initial_state());
    const double plain = timed([&] { decoder->read(ids); });
    if (options.trace) {
      Session session(model.model);
      recorded.push_back(timed([&] { session.append(ids, false, stop); }));
    }
    return plain;
  });
  if (options.trace) {
    recorded.erase(recorded.begin());  // beside the run that does not count
    const double seconds = median(recorded);
    measurement.parameters["traced_seconds"] = seconds;
    measurement.parameters["trace_cost"] = seconds / median(measurement.seconds) - 1;
  }
  add_zones(measurement, profile_run(*model.model, {.ids = ids}, stop).zones);
  print_report(measurement, options.json);
}

void bench_decode(const BenchOptions& options) {
  const std::stop_token stop = stop_on_interrupt();
  const BenchModel model = bench_model(options, stop);
  const std::int64_t tokens = options.tokens > 0 ? options.tokens : 64, batch = options.batch;
  const std::int64_t piece = 32;  // tokens between two looks at the stop token
  Measurement measurement{"decode", model_parameters(options, model, batch), {}, {}, tokens * batch, {}, {}, {}, 0};
  measurement.parameters["batch"] = batch;
  const std::int64_t vocab = model.model->info().sizes.vocab;
  const std::vector<std::int32_t> prompt = some_ids(8, vocab), first = some_ids(batch, vocab);
  ModelState state = model.model->initial_state();
  read_for_logits(*model.model, prompt, state, stop);
  const std::function<Ceilings()> limits = limits_for(options, model.model->precision(), stop);
  measure(measurement, options.repeat, stop, limits, [&] {
    const std::unique_ptr<Decoder> decoder = make_decoder(model.model, state, batch);
    // A device prepares what it keeps from one piece to the next.
    const std::int64_t before = model.model->device() == "cpu" ? 1 : piece + 1;
    std::vector<std::int32_t> ids = decoder->greedy(first, before, vocab);
    ids.erase(ids.begin(), ids.end() - static_cast<std::ptrdiff_t>(batch));
    return timed([&] {
      for (std::int64_t done = 0; done < tokens && !stop.stop_requested(); done += piece) {
        ids = decoder->greedy(ids, std::min(piece, tokens - done), vocab);
        ids.erase(ids.begin(), ids.end() - static_cast<std::ptrdiff_t>(batch));
      }
    });
  });
  const ProfileRequest request{.ids = prompt, .generate = tokens, .record_prefill = false};
  add_zones(measurement, profile_run(*model.model, request, stop).zones);
  // The zones are those of one sequence; the others share its weights.
  const std::int64_t others = batch - 1;
  const std::int64_t own = std::max<std::int64_t>(measurement.work.bytes - tokens * model.model->weight_bytes(), 0);
  measurement.work += {others * own, others * measurement.work.operations, others * measurement.work.exponentials};
  print_report(measurement, options.json);
}

void bench_attention(const BenchOptions& options) {
  const std::stop_token stop = stop_on_interrupt();
  Measurement measurement{
      "attention",
      {{"device", options.device}, {"width", options.width}, {"heads", options.heads}, {"context", options.length}},
      {},
      {},
      1,
      measure_ceilings(options.device, Precision::f32, options.threads, stop),
      {},
      {},
      0};
  const SweepPoint point = one_point(options, SweepWork::attention_step, options.length, stop);
  measurement.seconds = point.runs;
  measurement.work = point.least;
  measurement.parameters["key_value_bytes"] = point.kept;
  print_report(measurement, options.json);
}

void bench_sweep(const BenchOptions& options) {
  SweepRequest request;
  if (options.algorithms != "all") {
    request.works.clear();
    for (const std::string& name : split(options.algorithms, ',')) request.works.push_back(parse_sweep_work(name));
  }
  request.devices = split(options.devices, ',');
  request.lengths = sweep_lengths(options.from, options.to, options.per_octave);
  request.channels = options.channels;
  request.states = options.states;
  request.d_model = options.width;
  request.heads = options.heads;
  request.threads = options.threads;
  request.repeats = options.repeat;
  request.memory_share = options.memory_share;
  request.longest_run = options.longest;
  const std::stop_token stop = stop_on_interrupt();
  std::vector<Ceilings> limits;
  for (const std::string& device : request.devices)
    limits.push_back(measure_ceilings(device, Precision::f32, options.threads, stop));

  std::vector<SweepPoint> points;
  sweep(
      request, [&](const SweepPoint& point) { points.push_back(point); }, stop);
  if (options.json) {
    ordered_json list = ordered_json::array(), ceilings = ordered_json::array();
    for (const SweepPoint& point : points) {
      ordered_json entry{
          {"algorithm", sweep_work_name(point.work)}, {"device", point.device}, {"length", point.length}};
      if (point.skipped.empty())
        entry.update({{"seconds", {{"median", point.seconds}, {"min", point.fastest}, {"max", point.slowest}}},
                      {"repeats", point.runs.size()},
                      {"tokens_per_second",
                       (reads_one_token(point.work) ? 1.0 : static_cast<double>(point.length)) / point.seconds}});
      else
        entry["skipped"] = point.skipped;
      entry.update({{"bytes", point.least.bytes},
                    {"operations", point.least.operations},
                    {"exponentials", point.least.exponentials},
                    {"memory", point.memory},
                    {"kept", point.kept}});
      list.push_back(entry);
    }
    for (const Ceilings& limit : limits) ceilings.push_back(limits_json(limit));
    return print_line(ordered_json{{"kind", "sweep"},
                                   {"channels", request.channels},
                                   {"states", request.states},
                                   {"width", request.d_model},
                                   {"heads", request.heads},
                                   {"points", list},
                                   {"findings", sweep_findings(points)},
                                   {"limits", ceilings}});
  }
  std::vector<std::vector<std::string>> rows{{"algorithm", "device", "tokens", "median", "min", "max"}};
  std::string notes;
  for (const SweepPoint& point : points) {
    const std::string name = sweep_work_name(point.work), length = std::to_string(point.length);
    if (point.skipped.empty())
      rows.push_back({name, point.device, length, format_seconds(point.seconds), format_seconds(point.fastest),
                      format_seconds(point.slowest)});
    else
      notes += "\nskipped: " + point.skipped;
  }
  for (const std::string& finding : sweep_findings(points)) notes += "\n" + finding;
  print_line(aligned(rows) + (notes.empty() ? "" : "\n" + notes));
}

}  // namespace statescope::cli
