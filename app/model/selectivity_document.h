// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QString>
#include <QUndoStack>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "engine/scene/scene.h"
#include "model/newest_answer.h"
#include "model/selectivity_frame.h"

namespace statescope {

/// Two systems that read the same sequence, and what is looked at. Lives on the interface thread and computes nothing
/// there. While a knob is turned, readings follow one another as fast as they are made, each of the newest state.
class SelectivityDocument : public QObject {
  Q_OBJECT
 public:
  static constexpr std::int64_t fresh_sequences = 32;

  SelectivityDocument(std::filesystem::path assets, std::filesystem::path users, QObject* parent = nullptr);
  ~SelectivityDocument() override;

  const SelectivityScene& state() const { return state_; }
  /// Null until the first is there; may lag behind the state, or be of an earlier one that could be read.
  const std::shared_ptr<const SelectivityFrame>& frame() const { return frame_; }
  /// Of `state`, as far as it is there.
  const FreshFrame& fresh() const { return fresh_; }
  /// The same while the view asks for answers by length.
  const LengthFrame& lengths() const { return lengths_; }
  const std::vector<ModelChoice>& choices() const { return choices_; }
  bool settled() const;
  QUndoStack& undo_stack() { return undo_stack_; }

  /// Looks for trained networks again; `choices_changed` follows.
  void find_choices();
  /// Nothing changes when it cannot be read: `failed` says why. Else `opened`.
  void open_scene(const SelectivityScene& scene, const std::filesystem::path& base);

  /// Shows another state. `finished` puts all since the last finished change on the undo stack as one step; changes of
  /// the same text that follow at once become one as well.
  void change(const SelectivityScene& next, const QString& undo_text, bool finished = true);
  void set_cursor(std::int64_t token);

 Q_SIGNALS:
  void opened();
  void state_changed();
  void frame_changed();
  void fresh_changed();
  void choices_changed();
  void settled_changed();
  void failed(const QString& sentence);

 private:
  class Reader;
  using FramePointer = std::shared_ptr<const SelectivityFrame>;

  void apply(const SelectivityScene& state);
  void ask_frame();
  void ask_fresh();
  void ask_lengths();

  std::filesystem::path assets_, users_;
  QUndoStack undo_stack_;
  SelectivityScene state_, committed_;  // committed_: without what is being dragged
  FramePointer frame_;
  FreshFrame fresh_;
  LengthFrame lengths_;
  bool all_lengths_ = false;  // are there
  std::vector<ModelChoice> choices_;

  // Each thread has networks of its own.
  std::shared_ptr<Reader> reader_;
  std::shared_ptr<TrainedModels> fresh_models_;
  NewestAnswer<std::vector<ModelChoice>> choosing_;
  NewestAnswer<FramePointer> openings_, frames_;
  NewestAnswer<std::optional<FreshFrame>> freshes_;
  NewestAnswer<std::optional<LengthFrame>> length_answers_;
};

}  // namespace statescope
