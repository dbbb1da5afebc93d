// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/profile_document.h"

#include <chrono>
#include <map>
#include <tuple>

#include "engine/error.h"
#include "engine/profile/ceilings.h"
#include "engine/profile/files.h"
#include "engine/profile/run.h"
#include "model/sentence.h"

namespace statescope {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto zones_interval = std::chrono::milliseconds(33);
constexpr auto summary_interval = std::chrono::milliseconds(250);

std::vector<std::int32_t> repeated(const std::vector<std::int32_t>& ids, std::int64_t length) {
  if (length == 0 || ids.empty()) return ids;
  std::vector<std::int32_t> result(static_cast<std::size_t>(length));
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = ids[i % ids.size()];
  return result;
}

std::shared_ptr<const ProfileSummary> summarise(const Profile& profile) {
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
  summary->stages = stage_statistics(profile.zones);
  for (const StageStatistics& stage : summary->stages)
    summary->histograms.push_back(duration_histogram(profile.zones, stage.stage, stage.on_device));
  for (const StageStatistics& stage : summary->stages) summary->roof.push_back(roofline_point(stage, profile.ceilings));
  summary->ceilings = profile.ceilings;
  summary->memory = profile.memory;
  return summary;
}

}  // namespace

// The model that is open, and what this machine can do. Only jobs touch it, one after the other.
struct ProfileDocument::Machine {
  std::filesystem::path path;
  Precision precision = Precision::f32;
  int threads = -1;
  std::shared_ptr<const Model> model;
  std::map<std::tuple<std::string, Precision, int>, Ceilings> measured;

  const Model& open(const RecordingWish& wish) {
    if (!model || path != wish.model || precision != wish.precision || threads != wish.threads) {
      model = nullptr;  // not two at once
      model = load_model(wish.model, wish.precision, wish.threads);
      path = wish.model;
      precision = wish.precision;
      threads = wish.threads;
    }
    return *model;
  }
  const Ceilings& ceilings(std::stop_token stop) {
    const auto key = std::make_tuple(model->device(), precision, threads);
    const auto known = measured.find(key);
    if (known != measured.end()) return known->second;
    return measured[key] = measure_ceilings(model->device(), precision, threads, stop);
  }
};

ProfileDocument::ProfileDocument(QObject* parent) : QObject(parent), machine_(std::make_unique<Machine>()) {}

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

void ProfileDocument::record(const RecordingWish& wish) {
  const std::uint64_t request = ++request_;
  start(Work::recording, tr("Recording…"));
  runs_.start([this, wish, request](std::stop_token stop) {
    try {
      const Model& model = machine_->open(wish);
      const ProfileRequest what{repeated(wish.ids, wish.prompt_tokens), wish.generate, true};
      Profile live;
      live.model = model.info().name;
      live.precision = precision_name(wish.precision);
      live.memory = memory_use(model, std::ssize(what.ids));
      answer(request, [this] {
        recording_ = {std::make_shared<ZoneLanes>(), nullptr, nullptr};
        Q_EMIT recording_changed();
      });
      auto shown = Clock::now(), summed = shown;
      auto fresh = std::make_shared<std::vector<ProfileZone>>();
      const auto publish = [&](bool with_summary) {
        std::shared_ptr<const ProfileSummary> summary;
        if (with_summary) summary = summarise(live);
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
        for (const ProfileZone& zone : zones)
          if (zone.stage == Stage::embedding) {
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
        live.device = device_title(model.device(), wish.threads);
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
          profile->ceilings = machine_->ceilings(stop);
          show();
        } catch (const Cancelled&) {
        }
      }
      answer(request, [this] { finish(); });
    } catch (const std::exception& error) {
      answer(request, [this, sentence = sentence_of(error)] {
        finish();
        Q_EMIT failed(sentence);
      });
    }
  });
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
            tr("%1, %L2 tokens").arg(QString::fromStdString(sweep_work_name(point.work))).arg(point.length));
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

void ProfileDocument::compare_with_kept() {
  if (!kept_.profile || !recording_.profile) return;
  questions_.start([this, before = kept_.profile, after = recording_.profile](std::stop_token) {
    const auto differences = compare(*before, *after);
    QMetaObject::invokeMethod(
        this,
        [this, differences, before, after] {
          if (before != kept_.profile || after != recording_.profile) return;
          differences_ = differences;
          Q_EMIT kept_changed();
        },
        Qt::QueuedConnection);
  });
}

void ProfileDocument::play(const TheatreWish& wish, std::shared_ptr<const Focus> focus, std::int64_t state) {
  if (!focus || focus->track->tokens == 0) return;
  questions_.start([this, wish, focus, state](std::stop_token) {
    try {
      const std::int64_t length = std::min(wish.length, focus->track->tokens);
      const TheatreSource source = theatre_source(focus->run->model(), *focus->track, focus->channel, state, 0, length);
      auto theatre = std::make_shared<const Theatre>(
          scan_theatre(wish.algorithm, source.pairs, source.h0, std::min(wish.chunk, length)));
      QMetaObject::invokeMethod(
          this,
          [this, theatre] {
            theatre_ = theatre;
            Q_EMIT theatre_changed();
          },
          Qt::QueuedConnection);
    } catch (const std::exception& error) {
      QMetaObject::invokeMethod(
          this, [this, sentence = sentence_of(error)] { Q_EMIT failed(sentence); }, Qt::QueuedConnection);
    }
  });
}

void ProfileDocument::open(const QString& path) {
  const std::uint64_t request = ++request_;
  start(Work::recording, tr("Opening %1…").arg(path));
  runs_.start([this, path, request](std::stop_token) {
    try {
      const auto profile = std::make_shared<const Profile>(load_profile(path.toStdString()));
      auto lanes = std::make_shared<ZoneLanes>();
      lanes->append(profile->zones);
      answer(request, [this, profile, lanes, summary = summarise(*profile)] {
        recording_ = {lanes, summary, profile};
        finish();
        compare_with_kept();
        Q_EMIT recording_changed();
      });
    } catch (const std::exception& error) {
      answer(request, [this, sentence = sentence_of(error)] {
        finish();
        Q_EMIT failed(sentence);
      });
    }
  });
}

void ProfileDocument::save(const QString& path) const {
  if (!recording_.profile) throw Error("there is no finished recording to save; press Run and wait for it to end");
  save_profile(*recording_.profile, path.toStdString());
}

}  // namespace statescope
