// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/selectivity_document.h"

#include <QUndoCommand>
#include <algorithm>
#include <optional>

namespace statescope {
namespace {

constexpr std::int64_t report_every = 4;  // fresh sequences

using FramePointer = std::shared_ptr<const SelectivityFrame>;

FramePointer frame_of(const SelectivityScene& scene, const std::filesystem::path& assets, TrainedModels& models,
                      std::stop_token stop) {
  const auto reading =
      std::make_shared<const SelectivityReading>(read_sequence(scene.run, {}, assets, models, std::move(stop)));
  return std::make_shared<const SelectivityFrame>(selectivity_frame(reading, scene.view, scene.cursor, nullptr));
}

// Paths no longer depend on where the scene lay.
SelectivityScene at_home(SelectivityScene scene, const std::filesystem::path& base) {
  for (SelectivitySystem& system : scene.run.systems)
    if (system.model.rfind("bundled:", 0) != 0) system.model = (base / system.model).string();
  return scene;
}

}  // namespace

class SelectivityDocument::ChangeState : public QUndoCommand {
 public:
  ChangeState(SelectivityDocument& document, SelectivityScene before, SelectivityScene after, const QString& text)
      : QUndoCommand(text), document_(document), before_(std::move(before)), after_(std::move(after)) {
    age_.start();
  }
  void undo() override { restore(before_); }
  void redo() override { restore(after_); }
  int id() const override { return 1; }
  bool mergeWith(const QUndoCommand* other) override {
    constexpr int at_once_ms = 600;
    const auto& next = static_cast<const ChangeState&>(*other);
    if (next.text() != text() || age_.elapsed() > at_once_ms) return false;
    after_ = next.after_;
    age_.restart();
    return true;
  }

 private:
  // The cursor is where it was last put, which no undoing takes back.
  void restore(SelectivityScene state) {
    state.cursor = document_.state_.cursor;
    document_.apply(state);
    document_.committed_ = state;
  }

  SelectivityDocument& document_;
  SelectivityScene before_, after_;
  QElapsedTimer age_;
};

SelectivityDocument::SelectivityDocument(std::filesystem::path assets, std::filesystem::path users, QObject* parent)
    : QObject(parent),
      assets_(std::move(assets)),
      users_(std::move(users)),
      reading_models_(std::make_shared<TrainedModels>()),
      fresh_models_(std::make_shared<TrainedModels>()) {}

SelectivityDocument::~SelectivityDocument() = default;

bool SelectivityDocument::settled() const {
  return !readings_.under_way() && !frames_.under_way() && !freshes_.under_way();
}

void SelectivityDocument::say_settled(bool before) {
  if (settled() != before) Q_EMIT settled_changed();
}

void SelectivityDocument::find_choices() {
  choosing_.ask(
      this, [assets = assets_, users = users_](std::stop_token) { return model_choices(assets, users); },
      [this](std::vector<ModelChoice> choices, const QString&) {
        choices_ = std::move(choices);
        Q_EMIT choices_changed();
      });
}

void SelectivityDocument::open_scene(const SelectivityScene& scene, const std::filesystem::path& base) {
  const SelectivityScene next = at_home(scene, base);
  const bool was_settled = settled();
  readings_.forget();  // what is still under way is of the scene before
  frames_.forget();
  read_again_ = frame_again_ = false;
  readings_.ask(
      this,
      [next, assets = assets_, models = reading_models_](std::stop_token stop) {
        return frame_of(next, assets, *models, stop);
      },
      [this, next](const FramePointer& frame, const QString& problem) {
        if (!frame) {
          Q_EMIT failed(problem);
          say_settled(false);
          return;
        }
        undo_stack_.clear();
        state_ = next;
        state_.cursor = frame->cursor;  // which a scene may have beyond the end
        committed_ = state_;
        frame_ = frame;
        Q_EMIT state_changed();
        Q_EMIT frame_changed();
        ask_fresh();
        Q_EMIT opened();
      });
  say_settled(was_settled);
}

void SelectivityDocument::change(const SelectivityScene& next, const QString& undo_text, bool finished) {
  if (!finished || next == committed_)
    apply(next);
  else
    undo_stack_.push(new ChangeState(*this, committed_, next, undo_text));
}

void SelectivityDocument::apply(const SelectivityScene& state) {
  const bool other_run = state.run != state_.run;
  const bool other_fresh = state.run.systems != state_.run.systems || state.run.seed != state_.run.seed;
  const bool other_picture = state.view != state_.view || state.cursor != state_.cursor;
  state_ = state;
  Q_EMIT state_changed();
  if (other_run) {
    read();
  } else if (other_picture) {
    make_frame();
  }
  if (other_fresh) ask_fresh();
}

void SelectivityDocument::set_cursor(std::int64_t token) {
  if (state_.cursor == token) return;
  state_.cursor = committed_.cursor = token;
  make_frame();
}

// A reading is quick and never given up, so that the picture keeps moving while a knob does.
void SelectivityDocument::read() {
  read_again_ = readings_.under_way();
  if (read_again_) return;
  const bool was_settled = settled();
  readings_.ask(
      this,
      [state = state_, assets = assets_, models = reading_models_](std::stop_token) {
        return frame_of(state, assets, *models, {});
      },
      [this, asked = state_](const FramePointer& frame, const QString& problem) {
        if (frame) {
          frame_ = frame;
          Q_EMIT frame_changed();
        }
        if (read_again_) return read();
        if (!problem.isEmpty()) Q_EMIT failed(problem);
        if (frame && (asked.view != state_.view || asked.cursor != state_.cursor)) make_frame();
        say_settled(false);
      });
  say_settled(was_settled);
}

void SelectivityDocument::make_frame() {
  if (!frame_ || readings_.under_way()) return;  // a reading asks when it comes
  frame_again_ = frames_.under_way();
  if (frame_again_) return;
  const bool was_settled = settled();
  frames_.ask(
      this,
      [before = frame_, view = state_.view, cursor = state_.cursor](std::stop_token) {
        return std::make_shared<const SelectivityFrame>(selectivity_frame(before->reading, view, cursor, before));
      },
      [this](const FramePointer& frame, const QString& problem) {
        if (frame && frame->reading == frame_->reading) {
          frame_ = frame;
          Q_EMIT frame_changed();
        }
        if (frame_again_) return make_frame();
        if (!problem.isEmpty()) Q_EMIT failed(problem);
        say_settled(false);
      });
  say_settled(was_settled);
}

void SelectivityDocument::ask_fresh() {
  const bool was_settled = settled();
  freshes_.ask(
      this,
      [this, run = state_.run, assets = assets_, models = fresh_models_](std::stop_token stop) {
        FreshFrame result;
        const auto count = [&](FreshAnswers& answers, const SelectivitySystem& system) {
          answers = fresh_answers(system, run.seed, fresh_sequences, {}, assets, *models, stop,
                                  [&](const FreshAnswers& so_far) {
                                    if (so_far.sequences % report_every != 0) return;
                                    answers = so_far;
                                    QMetaObject::invokeMethod(
                                        this,
                                        [this, result, run] {
                                          if (run != state_.run || !freshes_.under_way()) return;
                                          fresh_ = result;
                                          Q_EMIT fresh_changed();
                                        },
                                        Qt::QueuedConnection);
                                  });
        };
        for (std::size_t i = 0; i < run.systems.size(); ++i) count(result.now[i], run.systems[i]);
        for (std::size_t i = 0; i < run.systems.size(); ++i) {
          if (run.systems[i].knobs == Knobs{})
            result.as_trained[i] = result.now[i];
          else
            count(result.as_trained[i], {run.systems[i].model, {}});
        }
        return std::optional(result);
      },
      [this](const std::optional<FreshFrame>& fresh, const QString&) {
        if (fresh) {
          fresh_ = *fresh;
          Q_EMIT fresh_changed();
        }
        say_settled(false);
      });
  say_settled(was_settled);
}

}  // namespace statescope
