// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/dynamics_document.h"

#include <algorithm>
#include <utility>

#include "engine/dynamics/analysis.h"
#include "engine/dynamics/edit.h"
#include "model/state_step.h"

namespace statescope {
namespace {

// What the pictures of a page need of a result. A hand that drags waits for no more.
LtiParts parts_on(LtiView::Page page) {
  return {.continuous = page != LtiView::Page::motion, .frequency = page == LtiView::Page::frequency};
}

// Where a hand has put the eigenvalues of A, for the scene to keep; nothing where A lists them or cannot vouch for
// them.
std::vector<Complex> placed_eigenvalues(const KnownSystem& known) {
  std::vector<Complex> values(known.eigenvalues.begin(), known.eigenvalues.end());
  if (known.built.diagonal || !are_eigenvalues(known.built.dense.A, values)) values.clear();
  return values;
}

bool has_same_A(const SystemChoice& a, const SystemChoice& b) {
  const auto *one = std::get_if<DenseSystem>(&a), *other = std::get_if<DenseSystem>(&b);
  return a == b || (one && other && one->states() == other->states() && one->A == other->A);
}

// A result that is not there after so long is given up for the one of a newer scene.
constexpr int patience_ms = 100;

}  // namespace

DynamicsDocument::DynamicsDocument(QObject* parent)
    : QObject(parent),
      openings_(*this, 0, [this] { Q_EMIT settled_changed(); }),
      results_(*this, patience_ms, [this] { Q_EMIT settled_changed(); }) {}

DynamicsDocument::~DynamicsDocument() = default;

void DynamicsDocument::open_scene(const LtiScene& scene, const QString& undo_text) {
  openings_.ask([run = scene.run, view = scene.view](
                    std::stop_token stop) { return LtiSeries(shared_result(lti_result(run, {}, stop)), view); },
                [this, scene, undo_text](const LtiSeries& series, const QString& problem) {
                  if (series.result) return adopt(scene, series, undo_text);
                  if (!problem.isEmpty()) Q_EMIT failed(problem);
                });
}

void DynamicsDocument::adopt(const LtiScene& scene, const LtiSeries& series, const QString& undo_text) {
  results_.forget();  // what is still under way is of the scene before
  series_ = series;
  asked_ = {};
  const LtiScene before = std::exchange(scene_, scene);
  if (undo_text.isEmpty())
    undo_stack_.clear();
  else
    push(before, scene, undo_text);
  committed_ = scene;
  Q_EMIT scene_changed();
  Q_EMIT result_changed();
  Q_EMIT cursor_changed();
  Q_EMIT opened();
}

void DynamicsDocument::play_scene(const LtiScene& scene) {
  const bool other_cursor = scene.cursor != scene_.cursor;
  apply(scene);
  committed_ = scene;
  if (other_cursor) Q_EMIT cursor_changed();
}

void DynamicsDocument::change_run(const LtiRun& run, const QString& undo_text, bool finished) {
  LtiScene next = scene_;
  next.run = run;
  if (!has_same_A(run.system, scene_.run.system)) next.run.eigenvalues.clear();
  if (finished)
    change(next, undo_text);
  else
    apply(next, parts_on(next.view.page));
}

void DynamicsDocument::move_eigenvalue(Complex from, Complex to, bool finished) {
  if (!result()) return;
  if (!move_base_) move_base_ = result();
  request(finished ? LtiParts() : parts_on(scene_.view.page), Move{move_base_, from, to, finished});
  if (finished) move_base_.reset();
}

void DynamicsDocument::change_view(const LtiView& view, const QString& undo_text) {
  LtiScene next = scene_;
  next.view = view;
  change(next, undo_text);
}

void DynamicsDocument::change(const LtiScene& next, const QString& undo_text) {
  LtiScene before = committed_;
  before.cursor = next.cursor;
  if (next == before)
    apply(next);  // dragged away and back
  else
    push(before, next, undo_text);
}

void DynamicsDocument::push(const LtiScene& before, const LtiScene& after, const QString& undo_text) {
  undo_stack_.push(new StateStep<LtiScene>(before, after, undo_text, [this](LtiScene scene) {
    scene.cursor = scene_.cursor;  // which only comes along
    apply(scene);
    committed_ = scene;
  }));
}

void DynamicsDocument::apply(const LtiScene& scene, const LtiParts& parts) {
  const bool other_run = scene.run != scene_.run;
  scene_ = scene;
  Q_EMIT scene_changed();
  const bool lacks_directions =
      result() && result()->states_count() >= 3 && series_.principal.empty() &&
      std::any_of(std::begin(scene.view.axes), std::end(scene.view.axes), [](std::int64_t axis) { return axis < 0; });
  if (other_run || lacks_directions || !asked_.hold(parts)) request(parts);
}

void DynamicsDocument::set_cursor(std::int64_t sample) {
  if (scene_.cursor == sample) return;
  scene_.cursor = committed_.cursor = sample;
  Q_EMIT cursor_changed();
}

void DynamicsDocument::request(const LtiParts& parts, const std::optional<Move>& move) {
  asked_ = parts;
  results_.ask(
      [run = scene_.run, view = scene_.view, parts, move, before = result()](std::stop_token stop) mutable {
        std::optional<KnownSystem> known;
        if (move) {
          MovedSystem moved =
              statescope::move_eigenvalue(move->base->run.system, known_system(*move->base), move->from, move->to);
          run.system = std::move(moved.choice);
          known = std::move(moved.known);
          run.eigenvalues = move->finished ? placed_eigenvalues(*known) : std::vector<Complex>();
        } else if (before && before->run.system == run.system) {
          known = known_system(*before);
        }
        return LtiSeries(shared_result(lti_result(run, {}, stop, parts, known ? &*known : nullptr)), view);
      },
      [this, move](const LtiSeries& series, const QString& problem) { take(series, move, problem); });
}

void DynamicsDocument::take(const LtiSeries& series, const std::optional<Move>& move, const QString& problem) {
  if (move && !move->finished && !move_base_) return;  // the hand has let go since, elsewhere
  if (series.result) {
    series_ = series;
    if (move) {
      scene_.run.system = result()->run.system;
      scene_.run.eigenvalues = result()->run.eigenvalues;
      Q_EMIT scene_changed();
    }
    Q_EMIT result_changed();
  }
  if (move && move->finished && scene_ != committed_) change(scene_, tr("move an eigenvalue"));
  if (problem.isEmpty()) return;
  Q_EMIT failed(problem);
  Q_EMIT result_changed();  // so that what was dragged goes back
}

}  // namespace statescope
