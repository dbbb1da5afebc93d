// SPDX-License-Identifier: GPL-3.0-or-later
#include <CLI/CLI.hpp>

#include "cli/bench.h"
#include "cli/commands.h"
#include "engine/models/random_weights.h"
#include "engine/profile/theatre.h"

namespace statescope::cli {
namespace {

constexpr std::int64_t most = std::int64_t{1} << 30;

CLI::Option* add_count(CLI::App& command, const std::string& name, std::int64_t& value, const std::string& what,
                       std::int64_t largest = most) {
  return command.add_option(name, value, what)->capture_default_str()->check(CLI::Range(std::int64_t{1}, largest));
}

CLI::App* add_kind(CLI::App& bench, const char* name, const char* what, BenchOptions& options,
                   void (*run)(const BenchOptions&)) {
  CLI::App* command = bench.add_subcommand(name, what);
  command->add_option("--threads", options.threads, "of the CPU; 0 uses every core")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  command->add_flag("--json", options.json, "one JSON object");
  command->callback([&options, run] { run(options); });
  return command;
}

void add_repeat(CLI::App& command, BenchOptions& options) {
  command.add_option("--repeat", options.repeat, "runs that count; one before them does not")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
}

void add_device(CLI::App& command, BenchOptions& options) {
  command.add_option("--device", options.device, "cpu or cuda[:i]")->capture_default_str();
}

void add_dtype(CLI::App& command, BenchOptions& options) {
  command.add_option("--dtype", options.dtype, "f32, bf16, f16 or i8")
      ->capture_default_str()
      ->check(parses([](const std::string& text) { parse_precision(text); }));
}

void add_model(CLI::App& command, BenchOptions& options) {
  CLI::Option* model = command.add_option("MODEL", options.model, "a checkpoint; without one, random weights");
  command.add_option("--shape", options.shape, "sizes of the random weights, mamba-130m and so on")
      ->capture_default_str()
      ->excludes(model)
      ->check(parses([](const std::string& text) { published_sizes(text); }));
  command.add_option("--seed", options.seed, "of the random weights")->capture_default_str();
}

void tell_shares(CLI::App& command) {
  command.footer(
      "On the CPU the limits are measured before and after every run. share_of_limits is the median over the runs of\n"
      "each one's share of its own limits; --json has them one by one in \"runs\": seconds, share_of_limits (memory,\n"
      "arithmetic, exponentials), read_bytes_per_second, matrix_operations_per_second.");
}

void add_scan_sizes(CLI::App& command, BenchOptions& options) {
  add_count(command, "--channels", options.channels, "d_inner of the scan", 1 << 14);
  add_count(command, "--states", options.states, "d_state of the scan", 1 << 8);
}

void add_attention_sizes(CLI::App& command, BenchOptions& options) {
  add_count(command, "--width", options.width, "d_model of attention", 1 << 16);
  add_count(command, "--heads", options.heads, "of attention; divides the width", 1 << 16);
}

}  // namespace

void add_bench(CLI::App& app, BenchOptions& options) {
  CLI::App* bench = app.add_subcommand("bench", "measure, next to what this machine can do at most");
  bench->require_subcommand(1);

  CLI::App* kind = add_kind(*bench, "limits", "what the machine can do at most", options, bench_limits);
  add_device(*kind, options);
  add_dtype(*kind, options);

  kind = add_kind(*bench, "scan", "one selective scan", options, bench_scan);
  add_device(*kind, options);
  add_dtype(*kind, options);
  add_repeat(*kind, options);
  add_count(*kind, "--batch", options.batch, "sequences", 1 << 16);
  add_count(*kind, "--length", options.length, "tokens");
  add_scan_sizes(*kind, options);
  kind->add_option("--algorithm", options.algorithm, "sequential, hillis-steele, blelloch, chunked or fused")
      ->capture_default_str()
      ->check(parses([](const std::string& text) { parse_scan_algorithm(text); }));
  kind->add_flag("--backward", options.backward, "the gradients instead");

  kind = add_kind(*bench, "prefill", "a model reads a prompt", options, bench_prefill);
  add_model(*kind, options);
  add_device(*kind, options);
  add_dtype(*kind, options);
  add_repeat(*kind, options);
  add_count(*kind, "--tokens", options.tokens, "of the prompt; 512 when not given")->default_str("512");
  kind->add_flag("--trace", options.trace, "also with a trace recorded, and what that costs");
  tell_shares(*kind);

  kind = add_kind(*bench, "decode", "a model generates", options, bench_decode);
  add_model(*kind, options);
  add_device(*kind, options);
  add_dtype(*kind, options);
  add_repeat(*kind, options);
  add_count(*kind, "--tokens", options.tokens, "generated in a run; 64 when not given")->default_str("64");
  add_count(*kind, "--batch", options.batch, "sequences at once", 1 << 16);
  tell_shares(*kind);

  kind = add_kind(*bench, "attention", "one token of one layer of attention over a key-value cache", options,
                  bench_attention);
  add_repeat(*kind, options);
  add_attention_sizes(*kind, options);
  add_count(*kind, "--length", options.length, "tokens in the cache");

  kind =
      add_kind(*bench, "sweep", "every algorithm of the ladder, and attention, over the length", options, bench_sweep);
  kind->add_option("--algorithms", options.algorithms,
                   "all, or some of sequential,hillis-steele,blelloch,chunked,fused,attention,recurrent-step,"
                   "attention-step")
      ->capture_default_str();
  kind->add_option("--devices", options.devices, "cpu,cuda and so on")->capture_default_str();
  add_count(*kind, "--from", options.from, "shortest length");
  add_count(*kind, "--to", options.to, "longest length");
  kind->add_option("--per-octave", options.per_octave, "lengths for every doubling")
      ->capture_default_str()
      ->check(CLI::Range(1, 16));
  add_repeat(*kind, options);
  add_scan_sizes(*kind, options);
  add_attention_sizes(*kind, options);
  kind->add_option("--memory-share", options.memory_share, "of the free memory that a size may take")
      ->capture_default_str()
      ->check(CLI::Range(0.01, 1.0));
  kind->add_option("--longest", options.longest, "seconds that one run may take")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 1e6));
}

}  // namespace statescope::cli
