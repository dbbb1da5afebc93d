// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QString>
#include <QUndoStack>
#include <filesystem>
#include <memory>

#include "engine/experiments/s4.h"
#include "engine/scene/scene.h"
#include "model/memory_frame.h"
#include "model/newest_answer.h"

namespace statescope {

/// Everything the Memory workspace shows: a memory, a chain to a kernel, and which of both is in front.
struct MemoryState {
  enum class Page { memory, chain };
  HippoScene memory;
  S4Scene chain;
  Page page = Page::memory;
  bool operator==(const MemoryState&) const = default;
};

/// The scenes of the Memory workspace and their numbers. Lives on the interface thread and computes nothing there:
/// threads answer with immutable results, while something is dragged one after the other. Moving the cursor asks for a
/// frame only.
class MemoryDocument : public QObject {
  Q_OBJECT
 public:
  using Page = MemoryState::Page;

  explicit MemoryDocument(QObject* parent = nullptr);
  ~MemoryDocument() override;

  const MemoryState& state() const { return state_; }
  const HippoRun& run() const { return state_.memory.run; }
  /// Null until the first is there; may lag behind the state, or be of an earlier one that could be computed.
  const std::shared_ptr<const MemorySet>& set() const { return set_; }
  const std::shared_ptr<const MemoryFrame>& frame() const { return frame_; }
  const std::shared_ptr<const MemoryDetails>& details() const { return details_; }
  const std::shared_ptr<const S4Result>& chain() const { return chain_; }
  /// True when all of this is that of the state, or the state has none.
  bool settled() const {
    return !builds_.under_way() && !frames_.under_way() && !details_answers_.under_way() && !chains_.under_way();
  }
  QUndoStack& undo_stack() { return undo_stack_; }

  /// A scene of the kind hippo or s4. Nothing changes when it cannot be computed: `failed` says why. Else `opened`.
  void open_scene(const Scene& scene, const std::filesystem::path& base);
  /// Shows another scene as soon as its numbers are there; nothing to undo.
  void play_scene(const Scene& scene, const std::filesystem::path& base);

  /// Shows another state. `finished` puts all since the last finished change on the undo stack as one step.
  void change(const MemoryState& next, const QString& undo_text, bool finished = true);
  /// Of the page in front.
  void set_cursor(std::int64_t sample);

 Q_SIGNALS:
  void opened();
  void state_changed();
  void set_changed();  // the frame too
  void frame_changed();
  void details_changed();
  void chain_changed();
  void settled_changed();
  void failed(const QString& sentence);

 private:
  // A result with its frame, so that both reach the screen at once.
  struct Built {
    std::shared_ptr<const MemorySet> set;
    std::shared_ptr<const MemoryFrame> frame;
  };
  static Built built(const HippoScene& scene, std::stop_token stop);

  MemoryState with(const Scene& scene, const std::filesystem::path& base) const;
  void apply(const MemoryState& state);
  void adopt(const MemoryState& state, const Built& both, const std::shared_ptr<const S4Result>& chain);
  void build();
  void make_frame();
  void make_details();
  void make_chain();
  void say(const QString& problem);

  QUndoStack undo_stack_;
  MemoryState state_, committed_;  // committed_: without what is being dragged
  std::shared_ptr<const MemorySet> set_;
  std::shared_ptr<const MemoryFrame> frame_;
  std::shared_ptr<const MemoryDetails> details_;
  std::shared_ptr<const S4Result> chain_;

  using Opened = std::pair<Built, std::shared_ptr<const S4Result>>;
  NewestAnswer<Opened> openings_;
  NewestAnswer<Built> builds_;
  NewestAnswer<std::shared_ptr<const MemoryFrame>> frames_;
  NewestAnswer<std::shared_ptr<const MemoryDetails>> details_answers_;
  NewestAnswer<std::shared_ptr<const S4Result>> chains_;
};

}  // namespace statescope
