// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QStringList>
#include <memory>

#include "engine/experiments/compute.h"
#include "engine/run/trace.h"

namespace statescope {

/// A run as the window sees it: complete, immutable, shared between threads.
struct RunSnapshot {
  std::shared_ptr<const LoadedModel> loaded;
  Trace trace;
  QStringList texts;  // one per token, for display

  const Model& model() const { return *loaded->model; }
  const ModelSizes& sizes() const { return model().info().sizes; }
  /// A token of the vocabulary for display: its text, or its number where there is no tokenizer.
  static QString token_text(const LoadedModel& loaded, std::int32_t id) {
    return loaded.tokenizer ? QString::fromStdString(loaded.tokenizer->token_text(id)) : QString::number(id);
  }
};

using RunPointer = std::shared_ptr<const RunSnapshot>;

}  // namespace statescope
