// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/profile_document.h"

#include <chrono>
#include <map>
#include <optional>
#include <tuple>

#include "engine/error.h"
#include "engine/profile/ceilings.h"
#include "engine/profile/files.h"
#include "engine/profile/recorder.h"
#include "engine/profile/run.h"
#include "model/sentence.h"

namespace statescope {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto zones_interval = std::chrono::milliseconds(33);
constexpr auto summary_interval = std::chrono::milliseconds(250);

std::shared_ptr<ZoneLanes> lanes_of(const Profile& profile) {
  auto lanes = std::make_shared<ZoneLanes>();
  lanes->append(profile.zones);
  return lanes;
}

// `histogram` gives that of a stage on a lane.
template <class HistogramOf>
std::shared_ptr<const ProfileSummary> summarise(const Profile& profile, std::vector<StageStatistics> stages,
                                                std::vector<RooflinePoint> roof, const HistogramOf& histogram) {
  auto summary = std::make_shared<ProfileSummary>();
  const std::int64_t read = profile.tokens - profile.generated;
  summary->title = QObject::tr("%1 · %L2 tokens read, %L3 generated · %4")
                       .arg(QString::fromStdString(profile.model))
                       .arg(read)
                       .arg(profile.generated)
                       .arg(QString::fromStdString(profile.precision));
  summary->device = QString::fromStdString(profile.device);
  summary->precision = QString::fromStdString(profile.precision);
  summary->tokens = profile.tokens;
  summary->generated = profile.generated;
  summary->stages = std::move(stages);
  summary->roof = std::move(roof);
  for (const StageStatistics& stage : summary->stages)
    summary->histograms.push_back(histogram(stage.stage, stage.on_device));
  summary->ceilings = profile.ceilings;
  summary->memory = profile.memory;
  return summary;
}
std::shared_ptr<const ProfileSummary> summarise(const Profile& profile) {
  return summarise(
      profile, stage_statistics(profile.zones), roofline(profile),
      [&profile](Stage stage, bool on_device) { return duration_histogram(profile.zones, stage, on_device); });
}

}  // namespace

// The model that is open, and what this machine can do. Only jobs touch it, one after the other.
struct ProfileDocument::Runner {
  using Settings = std::tuple<std::filesystem::path, std::string, Precision, int>;  // path, device, …, threads
  Machine machine;
  std::optional<Settings> settings;
  LoadedModel loaded;
  std::map<std::tuple<std::string, Precision, int>, Ceilings> measured;

  explicit Runner(Machine on) : machine(std::move(on)) {}

  const Model& open(const std::filesystem::path& path, const ProfileRun& run) {
    const Settings wanted{path, run.device, run.precision, run.threads};
    if (settings != wanted) {
      settings.reset();
      loaded = {};  // not two at once
      loaded = machine.load(path, run.precision, run.device, run.threads);
      settings = wanted;
    }
    return *loaded.model;
  }
  const Ceilings& ceilings(const ProfileRun& run, std::stop_token stop) {
    const std::string device = loaded.model->device();
    const auto key = std::make_tuple(device, run.precision, run.threads);
    const auto known = measured.find(key);
    if (known != measured.end()) return known->second;
    return measured[key] = measure_ceilings(device, run.precision, run.threads, stop);
  }
};

ProfileDocument::ProfileDocument(std::filesystem::path assets, Machine machine, QObject* parent)
    : QObject(parent), assets_(std::move(assets)), runner_(std::make_unique<Runner>(std::move(machine))) {}

ProfileDocument::~ProfileDocument() = default;

template <class Call>
void ProfileDocument::answer(std::uint64_t request, Call call) {
  QMetaObject::invokeMethod(
      this,
      [this, request, call] {
        if (request == request_) call();
      },
      Qt::QueuedConnection);
}

void ProfileDocument::start(Work work, const QString& text) {
  work_ = work;
  Q_EMIT work_changed();
  Q_EMIT progress(text);
}

void ProfileDocument::finish() {
  work_ = Work::none;
  Q_EMIT progress({});
  Q_EMIT work_changed();
}

void ProfileDocument::record(const ProfileRun& run) {
  const std::uint64_t request = ++request_;
  const QString file = QString::fromStdString(std::filesystem::path(run.file).filename().string());
  start(Work::recording, file.isEmpty() ? tr("Recording…") : tr("Opening %1…").arg(file));
  runs_.start([this, run, request](std::stop_token stop) {
    try {
      run.file.empty() ? record_model(run, request, stop) : open_files(run, request);
    } catch (const std::exception& error) {
      answer(request, [this, run, sentence = sentence_of(error), at_device = is_device_fault(error, run.device)] {
        at_device ? Q_EMIT device_failed(sentence, run) : Q_EMIT failed(sentence);
        finish();
      });
    }
  });
}

// On the thread of runs_.
void ProfileDocument::open_files(const ProfileRun& run, std::uint64_t request) {
  const auto profile = std::make_shared<const Profile>(load_profile(run.file));
  Recording opened{lanes_of(*profile), summarise(*profile), profile, run};
  std::optional<Recording> kept;
  if (!run.against.empty()) {
    const auto other = std::make_shared<const Profile>(load_profile(run.against));
    ProfileRun of_other;
    of_other.file = run.against;
    kept = Recording{lanes_of(*other), summarise(*other), other, of_other};
  }
  answer(request, [this, opened, kept] {
    recording_ = opened;
    if (kept) kept_ = *kept;
    compare_with_kept();
    Q_EMIT recording_changed();
    finish();
  });
}

// On the thread of runs_.
void ProfileDocument::record_model(const ProfileRun& run, std::uint64_t request, std::stop_token stop) {
  const Model& model = runner_->open(resolve_model(run.model, {}, assets_), run);
  const ProfileRequest what{prompt_ids(run, runner_->loaded), run.tokens, true};
  Profile live;
  live.model = model.info().name;
  live.precision = precision_name(run.precision);
  live.memory = memory_use(model, std::ssize(what.ids));
  StageTally tally, reading, generating;
  answer(request, [this, run] {
    recording_ = {std::make_shared<ZoneLanes>(ProfileRecorder::default_limit), nullptr, nullptr, run};
    Q_EMIT recording_changed();
  });
  auto shown = Clock::now(), summed = shown;
  auto fresh = std::make_shared<std::vector<ProfileZone>>();
  const auto publish = [&](bool with_summary) {
    std::shared_ptr<const ProfileSummary> summary;
    if (with_summary)
      summary =
          summarise(live, tally.statistics(), roofline(reading.statistics(), generating.statistics(), live.ceilings),
                    [&tally](Stage stage, bool on_device) { return tally.histogram(stage, on_device); });
    answer(request, [this, fresh, summary] {
      recording_.lanes->append(*fresh);
      if (summary) recording_.summary = summary;
      Q_EMIT recording_changed();
    });
    fresh = std::make_shared<std::vector<ProfileZone>>();
  };
  const auto listen = [&](std::span<const ProfileZone> zones) {
    fresh->insert(fresh->end(), zones.begin(), zones.end());
    live.zones.insert(live.zones.end(), zones.begin(), zones.end());
    tally.add(zones);
    for (const ProfileZone& zone : zones) {
      (zone.tokens > 1 ? reading : generating).add({&zone, 1});
      if (zone.stage != Stage::embedding) continue;
      if (live.tokens >= std::ssize(what.ids)) live.generated += zone.tokens;
      live.tokens += zone.tokens;
    }
    const auto now = Clock::now();
    if (now - shown < zones_interval) return;
    shown = now;
    const bool sum = now - summed >= summary_interval;
    if (sum) summed = now;
    publish(sum);
  };
  auto profile = std::make_shared<Profile>();
  bool stopped = false;
  try {
    *profile = profile_run(model, what, stop, listen);
  } catch (const Cancelled&) {
    stopped = true;
    live.device = device_title(model.device(), run.threads);
    *profile = live;
  }
  publish(false);
  const auto show = [&] {
    answer(request, [this, profile = std::make_shared<const Profile>(*profile), summary = summarise(*profile)] {
      recording_.profile = profile;
      recording_.summary = summary;
      compare_with_kept();
      Q_EMIT recording_changed();
    });
  };
  if (profile->zones.empty()) return answer(request, [this] { finish(); });
  show();
  if (!stopped) {
    answer(request, [this] { start(Work::measuring, tr("Measuring the machine’s limits…")); });
    try {
      profile->ceilings = runner_->ceilings(run, stop);
      show();
    } catch (const Cancelled&) {
    }
  }
  answer(request, [this] { finish(); });
}

void ProfileDocument::sweep(const SweepRequest& wanted) {
  const std::uint64_t request = ++request_;
  sweep_points_.clear();
  sweep_findings_.clear();
  Q_EMIT sweep_changed();
  start(Work::sweeping, tr("Measuring every way to scan…"));
  runs_.start([this, wanted, request](std::stop_token stop) {
    std::vector<SweepPoint> points;
    QString problem;
    const auto add = [&](const SweepPoint& point) {
      points.push_back(point);
      QStringList findings;
      for (const std::string& finding : statescope::sweep_findings(points))
        findings.append(QString::fromStdString(finding));
      answer(request, [this, point, findings] {
        sweep_points_.push_back(point);
        sweep_findings_ = findings;
        Q_EMIT sweep_changed();
        Q_EMIT progress(
            tr("%1, %L2 tokens").arg(QString::fromStdString(sweep_work_label(point.work))).arg(point.length));
      });
    };
    try {
      statescope::sweep(wanted, add, stop);
    } catch (const Cancelled&) {
    } catch (const std::exception& error) {
      problem = sentence_of(error);
    }
    answer(request, [this, problem] {
      finish();
      if (!problem.isEmpty()) Q_EMIT failed(problem);
    });
  });
}

void ProfileDocument::stop() {
  // Work that had not begun gives no answer.
  if (runs_.cancel()) finish();
}

void ProfileDocument::keep() {
  if (!recording_.profile) return;
  kept_ = recording_;
  compare_with_kept();
  Q_EMIT kept_changed();
}

void ProfileDocument::show(const Recording& recording, const Recording& kept) {
  recording_ = recording;
  kept_ = kept;
  differences_.clear();
  compare_with_kept();
  Q_EMIT recording_changed();
  Q_EMIT kept_changed();
}

void ProfileDocument::compare_with_kept() {
  if (!kept_.profile || !recording_.profile) return;
  const std::uint64_t comparison = ++comparison_;
  comparing_ = true;
  comparisons_.start([this, comparison, before = kept_.profile, after = recording_.profile](std::stop_token) {
    const auto differences = compare(*before, *after);
    QMetaObject::invokeMethod(
        this,
        [this, comparison, differences, before, after] {
          if (comparison != comparison_) return;
          comparing_ = false;
          if (before == kept_.profile && after == recording_.profile) differences_ = differences;
          Q_EMIT kept_changed();
        },
        Qt::QueuedConnection);
  });
}

void ProfileDocument::play(const TheatreRun& run, std::shared_ptr<const Focus> focus) {
  if (focus && focus->track->tokens == 0) return;
  const std::uint64_t play = ++play_;
  playing_ = true;
  plays_.start([this, play, run, focus](std::stop_token stop) {
    const auto deliver = [this, play](auto call) {
      QMetaObject::invokeMethod(
          this,
          [this, play, call] {
            if (play != play_) return;
            playing_ = false;
            call();
          },
          Qt::QueuedConnection);
    };
    try {
      TheatreRun played = run;
      if (focus) played.length = std::min(run.length, focus->track->tokens);
      const TheatreSource source =
          focus ? theatre_source(focus->run->model(), *focus->track, run.channel, run.state, run.first, played.length)
                : theatre_source(run, {}, assets_, stop);
      auto theatre = std::make_shared<const Theatre>(scan_theatre(run.algorithm, source.pairs, source.h0, run.chunk));
      deliver([this, theatre, played] {
        theatre_ = theatre;
        theatre_run_ = played;
        Q_EMIT theatre_changed();
      });
    } catch (const Cancelled&) {  // a newer one waits, or the document goes
    } catch (const std::exception& error) {
      deliver([this, sentence = sentence_of(error)] { Q_EMIT failed(sentence); });
    }
  });
}

void ProfileDocument::save(const QString& path) {
  if (!recording_.profile) throw Error("there is no finished recording to save; press Run and wait for it to end");
  save_profile(*recording_.profile, path.toStdString());
  if (path.endsWith(QLatin1String(".json")) && !path.endsWith(QLatin1String(".trace.json")))
    recording_.run.file = std::filesystem::absolute(path.toStdString()).string();
}

}  // namespace statescope
