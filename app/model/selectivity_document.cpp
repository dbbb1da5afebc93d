// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/selectivity_document.h"

#include <algorithm>
#include <limits>

#include "engine/error.h"
#include "model/state_step.h"

namespace statescope {
namespace {

constexpr std::int64_t report_every = 4;  // fresh sequences
constexpr std::int64_t longest = 16384;   // tokens of a fresh sequence
// At every length so many questions at least; of short sequences more.
constexpr std::int64_t least_questions = 32, most_sequences = 32, tokens_a_length = 8192;
// A reading is quick and never given up, so that the picture keeps moving while a knob does.
constexpr int endless_patience = std::numeric_limits<int>::max();

// Paths no longer depend on where the scene lay.
SelectivityScene at_home(SelectivityScene scene, const std::filesystem::path& base) {
  for (SelectivitySystem& system : scene.run.systems)
    if (system.model.rfind("bundled:", 0) != 0) system.model = (base / system.model).string();
  return scene;
}

}  // namespace

// What the reading thread keeps from one question to the next: a sequence is read anew only when the run is another.
class SelectivityDocument::Reader {
 public:
  FramePointer frame(const SelectivityScene& scene, const std::filesystem::path& assets, std::stop_token stop) {
    const bool again = !last_ || scene.run != run_;
    const auto reading =
        again
            ? std::make_shared<const SelectivityReading>(read_sequence(scene.run, {}, assets, models_, std::move(stop)))
            : last_->reading;
    last_ = std::make_shared<const SelectivityFrame>(selectivity_frame(reading, scene.view, scene.cursor, last_));
    run_ = scene.run;
    return last_;
  }

 private:
  TrainedModels models_;
  SelectivityRun run_;
  FramePointer last_;
};

SelectivityDocument::SelectivityDocument(std::filesystem::path assets, std::filesystem::path users, QObject* parent)
    : QObject(parent),
      assets_(std::move(assets)),
      users_(std::move(users)),
      reader_(std::make_shared<Reader>()),
      fresh_models_(std::make_shared<TrainedModels>()),
      choosing_(*this, 0, [] {}),
      openings_(*this, 0, [this] { Q_EMIT settled_changed(); }),
      frames_(*this, endless_patience, [this] { Q_EMIT settled_changed(); }),
      freshes_(*this, 0, [this] { Q_EMIT settled_changed(); }),
      length_answers_(*this, 0, [this] { Q_EMIT settled_changed(); }) {}

SelectivityDocument::~SelectivityDocument() = default;

bool SelectivityDocument::settled() const {
  return !openings_.under_way() && !frames_.under_way() && !freshes_.under_way() && !length_answers_.under_way();
}

void SelectivityDocument::find_choices() {
  choosing_.ask([assets = assets_, users = users_](std::stop_token) { return model_choices(assets, users); },
                [this](const std::vector<ModelChoice>& choices, const QString&) {
                  choices_ = choices;
                  Q_EMIT choices_changed();
                });
}

void SelectivityDocument::open_scene(const SelectivityScene& scene, const std::filesystem::path& base) {
  const SelectivityScene next = at_home(scene, base);
  const auto reader = std::make_shared<Reader>();
  openings_.ask(
      [next, reader, assets = assets_](std::stop_token stop) { return reader->frame(next, assets, std::move(stop)); },
      [this, next, reader](const FramePointer& frame, const QString& problem) {
        if (!frame) {
          if (!problem.isEmpty()) Q_EMIT failed(problem);
          return;
        }
        frames_.forget();  // what is still under way is of the scene before
        reader_ = reader;
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
}

void SelectivityDocument::change(const SelectivityScene& next, const QString& undo_text, bool finished) {
  if (!finished || next == committed_) return apply(next);
  undo_stack_.push(new StateStep<SelectivityScene>(committed_, next, undo_text, [this](SelectivityScene state) {
    state.cursor = state_.cursor;  // it is where it was last put, which no undoing takes back
    apply(state);
    committed_ = state;
  }));
}

void SelectivityDocument::apply(const SelectivityScene& state) {
  const bool other = state != state_;
  const bool other_fresh = state.run.systems != state_.run.systems || state.run.seed != state_.run.seed;
  const bool other_lengths = other_fresh || state.view.by_length != state_.view.by_length;
  if (other_fresh) all_lengths_ = false;
  state_ = state;
  Q_EMIT state_changed();
  if (other) ask_frame();
  if (other_fresh) ask_fresh();
  if (other_lengths) ask_lengths();
}

void SelectivityDocument::set_cursor(std::int64_t token) {
  if (state_.cursor == token) return;
  state_.cursor = committed_.cursor = token;
  ask_frame();
}

void SelectivityDocument::ask_frame() {
  frames_.ask([state = state_, assets = assets_,
               reader = reader_](std::stop_token stop) { return reader->frame(state, assets, std::move(stop)); },
              [this](const FramePointer& frame, const QString& problem) {
                if (frame) {
                  frame_ = frame;
                  Q_EMIT frame_changed();
                }
                if (!problem.isEmpty()) Q_EMIT failed(problem);
              });
}

void SelectivityDocument::ask_fresh() {
  freshes_.ask(
      [this, run = state_.run, assets = assets_, models = fresh_models_](std::stop_token stop) {
        FreshFrame result;
        const TaskRecipe task = shown_task(models->at(resolve_model(run.systems[0].model, {}, assets))->recipe.task);
        const auto count = [&](FreshAnswers& answers, const SelectivitySystem& system) {
          answers = fresh_answers(system, {run.seed, fresh_sequences, task}, {}, assets, *models, stop,
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
      });
}

// Long sequences take long: they are read only while somebody looks.
void SelectivityDocument::ask_lengths() {
  const bool was_settled = settled();
  length_answers_.forget();
  if (was_settled != settled()) Q_EMIT settled_changed();
  if (all_lengths_ || !state_.view.by_length) return;
  lengths_.clear();
  Q_EMIT fresh_changed();
  length_answers_.ask(
      [this, run = state_.run, assets = assets_](std::stop_token stop) {
        TrainedModels models;  // they take up much memory for long sequences: gone afterwards
        LengthFrame result;
        TaskRecipe task = shown_task(models.at(resolve_model(run.systems[0].model, {}, assets))->recipe.task);
        const std::int64_t questions = task.kind == "induction-heads" ? 1 : task.memorise;
        for (; task.length <= longest; task.length *= 2) {
          const std::int64_t count = std::max((least_questions + questions - 1) / questions,
                                              std::min(most_sequences, tokens_a_length / task.length));
          LengthAnswers answers{task.length, {}};
          try {
            for (std::size_t i = 0; i < run.systems.size(); ++i)
              answers.systems[i] = fresh_answers(run.systems[i], {run.seed, count, task}, {}, assets, models, stop);
          } catch (const Cancelled&) {
            throw;
          } catch (const Error&) {
            break;  // no room for such a length: the curves end before it
          }
          result.push_back(std::move(answers));
          QMetaObject::invokeMethod(
              this,
              [this, result, run] {
                if (run != state_.run || !length_answers_.under_way()) return;
                lengths_ = result;
                Q_EMIT fresh_changed();
              },
              Qt::QueuedConnection);
        }
        return std::optional(result);
      },
      [this](const std::optional<LengthFrame>& lengths, const QString& problem) {
        if (lengths) {
          lengths_ = *lengths;
          all_lengths_ = true;
          Q_EMIT fresh_changed();
        }
        if (!problem.isEmpty()) Q_EMIT failed(problem);
      });
}

}  // namespace statescope
