// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/training_document.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>
#include <utility>

#include "engine/error.h"
#include "engine/training/trainer.h"
#include "model/sentence.h"

namespace statescope {

// What the interface wants of the worker.
struct TrainingDocument::Control {
  std::mutex mutex;
  std::condition_variable_any wake;
  bool paused = false;
  std::int64_t steps = 0;  // to do although paused
  std::optional<std::filesystem::path> save_to;
};

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto between_snapshots = 150ms;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// One processor is left for drawing.
int training_threads() {
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()) - 1);
}

// What each layer does with the fixed sequence now.
std::vector<SelectivityFrame> layers_of(Trainer& trainer) {
  auto reading = std::make_shared<SelectivityReading>();
  const Recipe& recipe = trainer.recipe();
  reading->task = recipe.task;
  reading->tokens = trainer.task().batch(recipe.seed, Split::evaluation, 0, 1).tokens;
  reading->rule = task_rule(recipe.task, reading->tokens);
  SystemReading& system = reading->systems[0];
  system.recipe = recipe;
  system.probe = trainer.network().probe(reading->tokens);
  answer(*reading, 0);
  const std::vector<std::int32_t>& targets = reading->rule.targets;
  const auto question = std::find_if(targets.begin(), targets.end(),
                                     [](std::int32_t target) { return target != kernels::ignored_target; });
  std::vector<SelectivityFrame> frames;
  for (std::int64_t layer = 0; layer < recipe.network.layers; ++layer) {
    SelectivityView view;
    view.layer = layer;
    frames.push_back(single_frame(reading, view, question - targets.begin() - 1));
  }
  return frames;
}

}  // namespace

TrainingDocument::TrainingDocument(std::filesystem::path users, QObject* parent)
    : QObject(parent), users_(std::move(users)) {}

TrainingDocument::~TrainingDocument() = default;

void TrainingDocument::set_phase(Phase phase) {
  if (phase == phase_) return;
  phase_ = phase;
  Q_EMIT phase_changed();
}

void TrainingDocument::end_run() {
  ++run_;
  worker_.cancel();
  control_.reset();
}

void TrainingDocument::start(const Recipe& recipe, const QString& name) {
  if (snapshot_ && snapshot_->step() > 0) earlier_.push_back(snapshot_->run);
  end_run();
  snapshot_.reset();
  control_ = std::make_shared<Control>();
  const auto report = [this, number = run_](auto action) {
    QMetaObject::invokeMethod(
        this,
        [this, number, action] {
          if (number == run_) action();
        },
        Qt::QueuedConnection);
  };
  worker_.start([this, control = control_, recipe, name, report](std::stop_token stop) {
    try {
      const auto ops = kernels::cpu_training(training_threads());
      Trainer trainer(recipe, *ops);
      TrainingRun run{name, recipe, {}, {}, {}};
      auto told = Clock::now() - between_snapshots;
      std::size_t told_steps = 0;
      const auto tell = [&] {
        auto snapshot = std::make_shared<const TrainingSnapshot>(
            TrainingSnapshot{std::make_shared<const TrainingRun>(run), layers_of(trainer), trainer.finished()});
        report([this, snapshot] {
          snapshot_ = snapshot;
          if (snapshot->finished) set_phase(Phase::finished);
          Q_EMIT snapshot_changed();
        });
        told = Clock::now();
        told_steps = run.loss.size();
      };
      const auto holds_still = [&] {
        const std::lock_guard lock(control->mutex);
        return control->paused && control->steps == 0;
      };
      tell();
      for (;;) {
        // What a pause shows, keeps and steps on from is the same step.
        if (told_steps < run.loss.size() && holds_still()) tell();
        std::optional<std::filesystem::path> save_to;
        bool only_one = false;
        {
          std::unique_lock lock(control->mutex);
          const auto wanted = [&] {
            return control->save_to || ((!control->paused || control->steps > 0) && !trainer.finished());
          };
          control->wake.wait(lock, stop, wanted);
          if (stop.stop_requested()) return;
          save_to = std::exchange(control->save_to, std::nullopt);
          only_one = control->paused;
          if (!save_to && control->steps > 0) --control->steps;
        }
        if (save_to) {
          trainer.save(*save_to);
          report([this, folder = QString::fromStdString(save_to->string())] { Q_EMIT kept(folder); });
          continue;
        }
        const StepReport step = trainer.step();
        run.loss.push_back(step.loss);
        run.accuracy.push_back(step.accuracy);
        const bool evaluate = trainer.finished() || step.step % recipe.evaluate_every == 0;
        run.fresh.push_back(evaluate ? trainer.evaluate(0, stop).accuracy : nan);
        if (only_one || evaluate || Clock::now() - told >= between_snapshots) tell();
      }
    } catch (const Cancelled&) {
    } catch (const std::exception& error) {
      report([this, problem = sentence_of(error)] {
        end_run();
        set_phase(Phase::idle);
        Q_EMIT failed(problem);
      });
    }
  });
  set_phase(Phase::running);
  Q_EMIT snapshot_changed();
}

void TrainingDocument::pause() {
  if (phase_ != Phase::running) return;
  const std::lock_guard lock(control_->mutex);
  control_->paused = true;
  set_phase(Phase::paused);
}

void TrainingDocument::resume() {
  if (phase_ != Phase::paused) return;
  const std::lock_guard lock(control_->mutex);
  control_->paused = false;
  control_->wake.notify_one();
  set_phase(Phase::running);
}

void TrainingDocument::step() {
  if (phase_ != Phase::running && phase_ != Phase::paused) return;
  const std::lock_guard lock(control_->mutex);
  control_->paused = true;
  ++control_->steps;
  control_->wake.notify_one();
  set_phase(Phase::paused);
}

void TrainingDocument::discard() {
  end_run();
  snapshot_.reset();
  set_phase(Phase::idle);
  Q_EMIT snapshot_changed();
}

void TrainingDocument::forget_earlier() {
  earlier_.clear();
  Q_EMIT snapshot_changed();
}

void TrainingDocument::keep() {
  if (!control_ || !snapshot_) return;
  const Recipe& recipe = snapshot_->run->recipe;
  const std::string name = recipe.task.kind + "-" + block_name(recipe.network.block) + "-" +
                           inner_name(recipe.network.inner) + "-seed-" + std::to_string(recipe.seed);
  std::filesystem::path folder = users_ / name;
  std::error_code error;
  for (int copy = 2; std::filesystem::exists(folder, error); ++copy)
    folder = users_ / (name + "-" + std::to_string(copy));
  const std::lock_guard lock(control_->mutex);
  control_->save_to = folder;
  control_->wake.notify_one();
}

}  // namespace statescope
