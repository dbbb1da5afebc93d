// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QStringList>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/run/session.h"
#include "engine/scene/scene.h"
#include "model/run_snapshot.h"

namespace statescope {

/// The tokens of a run's beginning, as a scene keeps them.
struct TokenIds {
  std::vector<std::int32_t> prompt, generated;
};
TokenIds first_tokens(const Trace& trace, std::int64_t length);

/// The target with a prompt that this model can read. A model that was just opened must show something, so what it
/// cannot read is then replaced by a sample, and what it has no numbers for by something that it has. Throws Error for
/// words where there is no tokenizer.
ModelScene readable(ModelScene target, const LoadedModel& loaded, bool just_opened);

/// The open model and its session. Only jobs of the token thread touch it, one after the other. A request that failed
/// or was overtaken may leave other tokens here than the document shows, so every job first makes them those it needs.
struct ModelReader {
  std::filesystem::path path;
  std::string device;
  std::shared_ptr<const LoadedModel> loaded;
  std::unique_ptr<Session> session;
  QStringList texts;

  void open(const std::filesystem::path& new_path, const std::string& new_device,
            const std::shared_ptr<const LoadedModel>& model);
  RunPointer snapshot();
  /// Tokens at the beginning that are already there.
  std::int64_t common_prefix(const std::vector<std::int32_t>& prompt, const std::vector<std::int32_t>& generated) const;
  /// Makes the session hold these tokens and no others. `progress` is told how many of them are there; returns how many
  /// had to be read. When stopped it throws Cancelled and keeps those already read.
  std::int64_t read(const TokenIds& ids, std::stop_token stop, const std::function<void(std::int64_t)>& progress);
  std::int64_t drawable_vocab() const;
};

}  // namespace statescope
