// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QElapsedTimer>
#include <QObject>
#include <QString>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <utility>

#include "engine/error.h"
#include "model/job_thread.h"
#include "model/sentence.h"

namespace statescope {

/// A thread that answers the newest question of a document. While it is at one, later questions wait, the newest of
/// them; so answers follow one another as fast as they are made while something is dragged. One that takes longer than
/// the document's patience is given up for the question that waits. Lives, and answers, on the document's thread.
template <class Result>
class NewestAnswer {
 public:
  using Work = std::function<Result(std::stop_token)>;
  /// The result, or a sentence that says why there is none. No sentence while another question waits.
  using Take = std::function<void(const Result&, const QString& problem)>;

  /// `changed` is called when a question is taken up, and when all have been answered. `owner` owns this.
  NewestAnswer(QObject& owner, int patience_ms, std::function<void()> changed)
      : owner_(owner), patience_ms_(patience_ms), changed_(std::move(changed)) {}

  bool under_way() const { return under_way_; }
  bool waiting() const { return waiting_.has_value(); }

  void ask(Work work, Take take) {
    if (under_way_ && since_start_.elapsed() < patience_ms_)
      waiting_ = {std::move(work), std::move(take)};
    else
      start(std::move(work), std::move(take));
  }

  /// What is under way is no longer wanted.
  void forget() {
    thread_.cancel();
    ++number_;
    under_way_ = false;
    waiting_.reset();
  }

 private:
  void start(Work work, Take take) {
    waiting_.reset();
    const bool was_under_way = std::exchange(under_way_, true);
    since_start_.start();
    thread_.start([this, number = ++number_, work = std::move(work), take = std::move(take)](std::stop_token stop) {
      Result result{};
      QString problem;
      try {
        result = work(stop);
      } catch (const Cancelled&) {
      } catch (const std::exception& error) {
        problem = sentence_of(error);
      }
      QMetaObject::invokeMethod(
          &owner_,
          [this, number, take, result = std::move(result), problem] {
            if (number == number_) deliver(take, result, problem);
          },
          Qt::QueuedConnection);
    });
    if (!was_under_way) changed_();
  }

  void deliver(const Take& take, const Result& result, const QString& problem) {
    under_way_ = false;
    take(result, waiting_ ? QString() : problem);
    if (under_way_) return;  // it asked again
    if (waiting_) {
      auto next = std::exchange(waiting_, std::nullopt);
      start(std::move(next->first), std::move(next->second));
    } else {
      changed_();
    }
  }

  QObject& owner_;
  const int patience_ms_;
  const std::function<void()> changed_;
  std::optional<std::pair<Work, Take>> waiting_;
  std::uint64_t number_ = 0;
  bool under_way_ = false;
  QElapsedTimer since_start_;
  JobThread thread_;  // last: it ends before what it uses
};

}  // namespace statescope
