// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "mamba_cuda.h"

namespace statescope {

/// States on their way to the device in front of some layers of a run, and back behind them, beside the computing, also
/// those that a run that is kept leaves in passing; those of the very first and of the very last layers, which nothing
/// hides, are few. Between their places in host memory the model's other thread moves them, because the one that
/// enqueues has hardly more time for a short prompt than the device. Layers that come from an initial state do not
/// travel.
class MambaCuda::StateTravel {
 public:
  /// The two states may be one. `kept` is null or outlives this.
  StateTravel(const MambaCuda& model, const ModelState& before, ModelState& after, const KeptOnDevice* kept);
  ~StateTravel() { model_.mover_.forget(); }
  StateTravel(const StateTravel&) = delete;
  StateTravel& operator=(const StateTravel&) = delete;

  void bring(std::int64_t layer);  // in front of it
  /// Behind it, when it has read `count` tokens from `first` on, the last of the run or not.
  void send(std::int64_t layer, std::int64_t first, std::int64_t count, bool last);
  /// When the device has done everything: `after` is there.
  void finish() { model_.mover_.finish(pieces_); }
  /// Then: hands over the states that were left in passing.
  void record(Recorder& recorder);

 private:
  struct Arrival {
    std::int64_t first, end;
    bool initial;
  };
  void fetch(Arrival& some) const;
  void send_passed(std::int64_t begin, std::int64_t end, std::int64_t from, std::int64_t to);  // layers, states

  const MambaCuda& model_;
  const ModelState& before_;
  ModelState& after_;
  const KeptOnDevice* kept_;
  std::vector<LayerState> passed_;  // [states, layers]
  std::vector<Arrival> arrivals_;
  std::size_t arrived_ = 0, pieces_ = 0;  // pieces of work for the other thread
  std::int64_t sent_ = 0;
};

}  // namespace statescope
