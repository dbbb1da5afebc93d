// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QString>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/training/recipe.h"
#include "model/job_thread.h"
#include "model/selectivity_frame.h"

namespace statescope {

/// How a training run went so far.
struct TrainingRun {
  QString name;
  Recipe recipe;
  std::vector<double> loss;      // of every step, nats
  std::vector<double> accuracy;  // of every step, on the batch it learnt from
  std::vector<double> fresh;     // of every step, on fresh sequences; NaN where it was not evaluated
};

/// A run and what its network makes of one fixed sequence.
struct TrainingSnapshot {
  std::shared_ptr<const TrainingRun> run;
  std::vector<SelectivityFrame> layers;  // Δ of each on it and what is kept when the first question comes
  bool finished = false;

  std::int64_t step() const { return std::ssize(run->loss); }
};

/// Trains one network at a time on a thread that yields to drawing. Lives on the interface thread, which hears of the
/// newest snapshot a few times a second.
class TrainingDocument : public QObject {
  Q_OBJECT
 public:
  enum class Phase { idle, running, paused, finished };

  /// Networks that are kept go to folders under `users`.
  explicit TrainingDocument(std::filesystem::path users, QObject* parent = nullptr);
  ~TrainingDocument() override;

  Phase phase() const { return phase_; }
  /// Null until the first is there.
  const std::shared_ptr<const TrainingSnapshot>& snapshot() const { return snapshot_; }
  /// Earlier ones, oldest first.
  const std::vector<std::shared_ptr<const TrainingRun>>& earlier() const { return earlier_; }

  /// Begins anew; a run that was under way becomes an earlier one.
  void start(const Recipe& recipe, const QString& name);
  void pause();
  void resume();
  /// One step, and pauses.
  void step();
  /// Ends the run and forgets it.
  void discard();
  void forget_earlier();
  /// Saves the network as it is now. `kept` follows, or `failed`.
  void keep();

 Q_SIGNALS:
  void phase_changed();
  void snapshot_changed();
  void kept(const QString& folder);
  void failed(const QString& sentence);

 private:
  struct Control;
  void set_phase(Phase phase);
  void end_run();

  std::filesystem::path users_;
  Phase phase_ = Phase::idle;
  std::uint64_t run_ = 0;  // whose snapshots are of interest
  std::shared_ptr<const TrainingSnapshot> snapshot_;
  std::vector<std::shared_ptr<const TrainingRun>> earlier_;
  std::shared_ptr<Control> control_;
  JobThread worker_;
};

}  // namespace statescope
