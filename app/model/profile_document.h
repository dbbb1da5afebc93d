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
#include "model/focus.h"
#include "model/job_thread.h"
#include "widgets/profile/summary.h"
#include "widgets/profile/zone_lanes.h"

namespace statescope {

/// A recording with all that is said about it. The zones grow while it runs; the rest comes as it is worked out.
struct Recording {
  std::shared_ptr<ZoneLanes> lanes;
  std::shared_ptr<const ProfileSummary> summary;
  std::shared_ptr<const Profile> profile;  // null while it runs
};

/// What to record.
struct RecordingWish {
  std::filesystem::path model;
  std::vector<std::int32_t> ids;   // the text; repeated or cut to `prompt_tokens`
  std::int64_t prompt_tokens = 0;  // 0: the text as it is
  std::int64_t generate = 32;
  Precision precision = Precision::f32;
  int threads = 0;  // 0: every core
};

/// Which numbers the scan theatre plays.
struct TheatreWish {
  ScanAlgorithm algorithm = ScanAlgorithm::blelloch;
  std::int64_t chunk = 4, length = 16;
  bool operator==(const TheatreWish&) const = default;
};

/// What the Profile workspace shows: a recording, another to compare with, a scan step by step, a sweep. Lives on the
/// interface thread and computes nothing there.
class ProfileDocument : public QObject {
  Q_OBJECT
 public:
  enum class Work { none, recording, measuring, sweeping };

  explicit ProfileDocument(QObject* parent = nullptr);
  ~ProfileDocument() override;

  const Recording& recording() const { return recording_; }
  const Recording& kept() const { return kept_; }
  const std::vector<StageComparison>& differences() const { return differences_; }
  const std::shared_ptr<const Theatre>& theatre() const { return theatre_; }
  const std::vector<SweepPoint>& sweep_points() const { return sweep_points_; }
  const QStringList& sweep_findings() const { return sweep_findings_; }
  Work work() const { return work_; }

  void record(const RecordingWish& wish);
  void sweep(const SweepRequest& request);
  /// Stops what is under way; what has been measured stays.
  void stop();
  /// The present recording becomes the one that later ones are compared with.
  void keep();
  /// Plays the pairs of a layer's track.
  void play(const TheatreWish& wish, std::shared_ptr<const Focus> focus, std::int64_t state);

  void open(const QString& path);
  /// Throws Error.
  void save(const QString& path) const;

 Q_SIGNALS:
  void recording_changed();
  void kept_changed();
  void theatre_changed();
  void sweep_changed();
  void work_changed();
  void progress(const QString& text);
  void failed(const QString& sentence);

 private:
  struct Machine;

  void start(Work work, const QString& text);
  void finish();
  void compare_with_kept();
  template <class Call>
  void answer(std::uint64_t request, Call call);

  Recording recording_, kept_;
  std::vector<StageComparison> differences_;
  std::shared_ptr<const Theatre> theatre_;
  std::vector<SweepPoint> sweep_points_;
  QStringList sweep_findings_;
  Work work_ = Work::none;
  std::uint64_t request_ = 0;

  std::unique_ptr<Machine> machine_;  // used by jobs of runs_ alone
  JobThread runs_;                    // records and sweeps
  JobThread questions_;               // compares, plays the theatre
};

}  // namespace statescope
