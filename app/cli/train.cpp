// SPDX-License-Identifier: GPL-3.0-or-later
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "cli/bench.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "engine/error.h"
#include "engine/io/format.h"
#include "engine/profile/device.h"
#include "engine/training/trainer.h"

namespace statescope::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// One line of the log: what the steps since the last line did, and how well fresh sequences go now.
struct LogLine {
  std::int64_t step = 0, steps = 0;  // done, and since the last line
  double loss = 0, accuracy = 0;     // means over those
  double rate = 0, gradient_norm = 0;
  double seconds = 0, tokens_per_second = 0;  // of training, evaluations excluded
  Evaluation evaluation;

  nlohmann::ordered_json json() const {
    return {{"step", step},
            {"loss", loss},
            {"accuracy", accuracy},
            {"rate", rate},
            {"gradient_norm", gradient_norm},
            {"seconds", seconds},
            {"tokens_per_second", tokens_per_second},
            {"evaluation_loss", evaluation.loss},
            {"evaluation_accuracy", evaluation.accuracy},
            {"evaluation_sequences", evaluation.sequences}};
  }
};

// The steps up to the next evaluation, and that. Returns early, without the evaluation, when asked to stop.
LogLine train_on(Trainer& trainer, double& seconds, const std::stop_token& stop) {
  LogLine line;
  const auto start = Clock::now();
  do {
    const StepReport report = trainer.step();
    line.step = report.step;
    line.loss += report.loss;
    line.accuracy += report.accuracy;
    line.rate = report.rate;
    line.gradient_norm = report.gradient_norm;
    ++line.steps;
  } while (!stop.stop_requested() && !trainer.finished() &&
           trainer.steps_done() % trainer.recipe().evaluate_every != 0);
  const auto steps = static_cast<double>(line.steps);
  const double taken = seconds_since(start);
  line.loss /= steps;
  line.accuracy /= steps;
  seconds += taken;
  line.seconds = seconds;
  line.tokens_per_second = steps * static_cast<double>(trainer.recipe().batch * trainer.task().length()) / taken;
  if (!stop.stop_requested()) line.evaluation = trainer.evaluate();
  return line;
}

}  // namespace

void train(const TrainOptions& options) {
  const fs::path folder = options.out, log_file = folder / "log.jsonl";
  const bool started = fs::exists(folder / "training.safetensors");
  if (started && !options.resume)
    throw Error(options.out + " holds a training run; go on with it by --resume, or choose another folder");
  const std::optional<int> device = cuda_index(options.device);
  if (options.tf32 && !device) throw Error("--tf32 is for CUDA devices; add --device cuda, or leave it out");
  const auto ops = device ? kernels::cuda_training(*device, options.tf32) : kernels::cpu_training(options.threads);
  Trainer trainer = started ? Trainer::resume(folder, *ops) : [&] {
    Recipe recipe = load_recipe(options.recipe);
    if (options.seed) recipe.seed = *options.seed;
    return Trainer(recipe, *ops);
  }();
  const std::stop_token stop = stop_on_interrupt();
  trainer.save(folder);  // a folder that cannot be written is better known now
  std::ofstream log(log_file, started ? std::ios::app : std::ios::trunc);
  double seconds = 0;
  while (!trainer.finished() && !stop.stop_requested()) {
    const LogLine line = train_on(trainer, seconds, stop);
    trainer.save(folder);
    if (stop.stop_requested()) break;
    log << line.json().dump() << '\n' << std::flush;
    if (!log) throw Error(log_file.string() + " cannot be written; check the disk, and go on with --resume");
    if (options.json) {
      print_line(line.json());
    } else {
      std::printf(
          "step %lld of %lld   loss %.4f   accuracy %.1f %%   fresh: loss %.4f, accuracy %.2f %%   %.0f tokens/s\n",
          static_cast<long long>(line.step), static_cast<long long>(trainer.recipe().optimiser.steps), line.loss,
          100 * line.accuracy, line.evaluation.loss, 100 * line.evaluation.accuracy, line.tokens_per_second);
      std::fflush(stdout);
    }
    const double enough = trainer.recipe().stop_at_accuracy;
    if (enough > 0 && line.evaluation.accuracy >= enough) return;
  }
  if (!trainer.finished())
    throw Error("stopped after step " + std::to_string(trainer.steps_done()) + ", which is saved in " + options.out +
                "; go on with --resume");
}

void evaluate(const EvaluateOptions& options) {
  const std::optional<int> device = cuda_index(options.device);
  const auto ops = device ? kernels::cuda_training(*device) : kernels::cpu_training(options.threads);
  const TrainedNetwork trained = load_trained(options.model, *ops);
  Recipe recipe = trained.recipe;
  if (options.length > 0) recipe.task.length = options.length;
  const auto task = make_task(recipe.task);
  const std::uint64_t seed = options.seed > 0 ? options.seed : recipe.seed;
  const std::int64_t sequences = options.sequences > 0 ? options.sequences : recipe.evaluation_sequences;
  const std::stop_token stop = stop_on_interrupt();
  // A batch keeps every activation; long sequences are read as a stream instead.
  constexpr std::int64_t longest_batch = std::int64_t{1} << 18;
  const bool streamed =
      task->length() * recipe.batch > longest_batch && recipe.network.inner != InnerKind::hyena;  // it has no state
  const auto evaluated = [&] {
    if (!streamed) return statescope::evaluate(*trained.network, *task, seed, sequences, recipe.batch, stop);
    const auto model = load_model(options.model, Precision::f32, options.threads, options.device);
    return statescope::evaluate(*model, *task, seed, sequences, stop);
  };
  const Evaluation result = evaluated();
  nlohmann::ordered_json json{{"task", recipe.task.kind},
                              {"length", recipe.task.length},
                              {"sequences", result.sequences},
                              {"targets", result.targets},
                              {"loss", result.loss},
                              {"accuracy", result.accuracy},
                              {"accuracy_of_answer", result.accuracy_of_answer}};
  if (streamed) json["state_bytes"] = result.state_bytes;
  if (options.json) return print_line(json);
  print_line(recipe.task.kind + ", length " + std::to_string(recipe.task.length) + ": " +
             format_percent(result.accuracy) + " of " + std::to_string(result.targets) + " answers right, loss " +
             short_number(result.loss) + " nats" +
             (streamed ? ", read as a stream with " + std::to_string(result.state_bytes) + " bytes of state" : ""));
}

}  // namespace statescope::cli
