// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QMetaObject>
#include <QObject>
#include <cstdint>
#include <stop_token>
#include <utility>

#include "engine/error.h"
#include "model/job_thread.h"
#include "model/sentence.h"

namespace statescope {

/// One thread that answers the newest question of a document. Lives on the interface thread.
class Asking {
 public:
  bool under_way() const { return under_way_; }
  /// The answer that is under way, if any, is of no use any more.
  void forget() {
    ++question_;
    under_way_ = false;
    thread_.cancel();
  }
  /// `work(stop)` runs on the thread; `take(result, problem)` follows on the interface thread, unless a newer question
  /// was asked since, with the sentence that says why there is no result, or an empty one.
  template <class Work, class Take>
  void ask(QObject* document, Work work, Take take) {
    under_way_ = true;
    thread_.start([this, document, number = ++question_, work = std::move(work), take](std::stop_token stop) mutable {
      decltype(work(stop)) result{};
      QString problem;
      try {
        result = work(stop);
      } catch (const Cancelled&) {
      } catch (const std::exception& error) {
        problem = sentence_of(error);
      }
      QMetaObject::invokeMethod(
          document,
          [this, number, take, result = std::move(result), problem]() mutable {
            if (number != question_) return;
            under_way_ = false;
            take(std::move(result), problem);
          },
          Qt::QueuedConnection);
    });
  }

 private:
  std::uint64_t question_ = 0;
  bool under_way_ = false;
  JobThread thread_;
};

}  // namespace statescope
