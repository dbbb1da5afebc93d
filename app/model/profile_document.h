// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QString>
#include <QStringList>
#include <filesystem>
#include <memory>
#include <vector>

#include "engine/profile/sweep.h"
#include "engine/profile/theatre.h"
#include "engine/scene/scene.h"
#include "model/focus.h"
#include "model/job_thread.h"
#include "model/machine.h"
#include "widgets/profile/summary.h"
#include "widgets/profile/zone_lanes.h"

namespace statescope {

/// A recording with all that is said about it. The zones grow while it runs; the rest comes as it is worked out.
struct Recording {
  std::shared_ptr<ZoneLanes> lanes;
  std::shared_ptr<const ProfileSummary> summary;
  std::shared_ptr<const Profile> profile;  // null while it runs
  ProfileRun run;                          // what it is of; its file once it is saved
};

/// A model and what it reads, as scenes name them.
struct ModelText {
  std::string model, prompt;
  std::vector<std::int32_t> prompt_ids;
  bool operator==(const ModelText&) const = default;
};

/// What the Profile workspace shows: a recording, another to compare with, a scan step by step, a sweep. Lives on the
/// interface thread and computes nothing there.
class ProfileDocument : public QObject {
  Q_OBJECT
 public:
  enum class Work { none, recording, measuring, sweeping };

  explicit ProfileDocument(std::filesystem::path assets, Machine machine = this_machine(), QObject* parent = nullptr);
  ~ProfileDocument() override;

  const Recording& recording() const { return recording_; }
  const Recording& kept() const { return kept_; }
  const std::vector<StageComparison>& differences() const { return differences_; }
  const std::shared_ptr<const Theatre>& theatre() const { return theatre_; }
  const TheatreRun& theatre_run() const { return theatre_run_; }  // what it plays
  const std::vector<SweepPoint>& sweep_points() const { return sweep_points_; }
  const QStringList& sweep_findings() const { return sweep_findings_; }
  Work work() const { return work_; }
  /// True when nothing is under way.
  bool idle() const { return work_ == Work::none && !comparing_ && !playing_; }

  /// Records the run, or opens the profile that it names, and what it is to be compared with. Paths are absolute or
  /// `bundled:NAME`.
  void record(const ProfileRun& run);
  void sweep(const SweepRequest& request);
  /// Stops what is under way; what has been measured stays.
  void stop();
  /// The present recording becomes the one that later ones are compared with.
  void keep();
  /// Brings back what was shown before.
  void show(const Recording& recording, const Recording& kept);
  /// Plays a theatre. With a focus the pairs are those of its track, as many tokens as it has; else the run's own.
  void play(const TheatreRun& run, std::shared_ptr<const Focus> focus = nullptr);

  /// Throws Error.
  void save(const QString& path);

 Q_SIGNALS:
  void recording_changed();
  void kept_changed();
  void theatre_changed();
  void sweep_changed();
  void work_changed();
  void progress(const QString& text);
  void failed(const QString& sentence);
  /// The same of a recording, where the device is at fault and the CPU would do.
  void device_failed(const QString& sentence, const ProfileRun& run);

 private:
  struct Runner;

  void start(Work work, const QString& text);
  void finish();
  void compare_with_kept();
  void record_model(const ProfileRun& run, std::uint64_t request, std::stop_token stop);
  void open_files(const ProfileRun& run, std::uint64_t request);
  template <class Call>
  void answer(std::uint64_t request, Call call);

  Recording recording_, kept_;
  std::vector<StageComparison> differences_;
  std::shared_ptr<const Theatre> theatre_;
  TheatreRun theatre_run_;
  std::vector<SweepPoint> sweep_points_;
  QStringList sweep_findings_;
  Work work_ = Work::none;
  std::uint64_t request_ = 0;
  std::uint64_t comparison_ = 0, play_ = 0;  // the newest of each; answers to older ones are dropped
  bool comparing_ = false, playing_ = false;

  std::filesystem::path assets_;
  std::unique_ptr<Runner> runner_;  // used by jobs of runs_ alone
  JobThread runs_;                  // records and sweeps
  JobThread comparisons_, plays_;
};

}  // namespace statescope
