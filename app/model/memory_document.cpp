// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/memory_document.h"

#include <limits>

#include "model/state_step.h"

namespace statescope {
namespace {

// A result that is not there after so long is given up for the one of a newer state. A frame is quick and never given
// up, so that the picture keeps moving while the cursor does; details only make sense of what stands still.
constexpr int patience_ms = 150, always = std::numeric_limits<int>::max(), none = 0;

// Paths of files no longer depend on where the scene lay.
HippoScene at_home(HippoScene scene, const std::filesystem::path& base) {
  Signal& input = scene.run.input;
  if (!input.file.empty()) input.file = (base / input.file).string();
  return scene;
}

}  // namespace

MemoryDocument::MemoryDocument(QObject* parent)
    : QObject(parent),
      openings_(*this, none, [] {}),
      builds_(*this, patience_ms, [this] { Q_EMIT settled_changed(); }),
      frames_(*this, always, [this] { Q_EMIT settled_changed(); }),
      details_answers_(*this, none, [this] { Q_EMIT settled_changed(); }),
      chains_(*this, patience_ms, [this] { Q_EMIT settled_changed(); }) {}

MemoryDocument::~MemoryDocument() = default;

MemoryDocument::Built MemoryDocument::built(const HippoScene& scene, std::stop_token stop) {
  const auto set = std::make_shared<const MemorySet>(memory_set(scene.run, {}, stop));
  return {set, std::make_shared<const MemoryFrame>(memory_frame(set, scene.cursor))};
}

void MemoryDocument::say(const QString& problem) {
  if (!problem.isEmpty()) Q_EMIT failed(problem);
}

MemoryState MemoryDocument::with(const Scene& scene, const std::filesystem::path& base) const {
  MemoryState next = state_;
  if (const auto* memory = std::get_if<HippoScene>(&scene)) {
    next.memory = at_home(*memory, base);
    next.page = Page::memory;
  } else {
    next.chain = std::get<S4Scene>(scene);
    next.page = Page::chain;
  }
  return next;
}

void MemoryDocument::play_scene(const Scene& scene, const std::filesystem::path& base) {
  const MemoryState next = with(scene, base);
  apply(next);
  committed_ = next;
}

void MemoryDocument::open_scene(const Scene& scene, const std::filesystem::path& base) {
  const MemoryState next = with(scene, base);
  openings_.ask(
      [next](std::stop_token stop) {
        Built both = built(next.memory, stop);
        return Opened(std::move(both), std::make_shared<const S4Result>(s4_result(next.chain.run, stop)));
      },
      [this, next](const Opened& opened, const QString& problem) {
        if (opened.second) return adopt(next, opened.first, opened.second);
        say(problem);
      });
}

void MemoryDocument::adopt(const MemoryState& state, const Built& both, const std::shared_ptr<const S4Result>& chain) {
  builds_.forget();  // what is still under way is of the scene before
  frames_.forget();
  chains_.forget();
  undo_stack_.clear();
  state_ = state;
  state_.memory.cursor = both.frame->cursor;  // which a scene may have beyond the end
  committed_ = state_;
  set_ = both.set;
  frame_ = both.frame;
  chain_ = chain;
  Q_EMIT state_changed();
  Q_EMIT set_changed();
  Q_EMIT chain_changed();
  make_details();
  Q_EMIT opened();
  Q_EMIT settled_changed();
}

void MemoryDocument::change(const MemoryState& next, const QString& undo_text, bool finished) {
  if (!finished || next == committed_)
    apply(next);
  else
    undo_stack_.push(new StateStep<MemoryState>(committed_, next, undo_text, [this](const MemoryState& state) {
      apply(state);
      committed_ = state;
    }));
}

void MemoryDocument::apply(const MemoryState& state) {
  const bool other_run = state.memory.run != state_.memory.run;
  const bool other_cursor = state.memory.cursor != state_.memory.cursor;
  const bool other_chain = state.chain.run != state_.chain.run;
  state_ = state;
  Q_EMIT state_changed();
  if (other_run)
    build();
  else if (other_cursor)
    make_frame();
  if (other_chain) make_chain();
}

void MemoryDocument::set_cursor(std::int64_t sample) {
  if (state_.page == Page::chain) {
    state_.chain.cursor = committed_.chain.cursor = sample;
    return;
  }
  if (state_.memory.cursor == sample) return;
  state_.memory.cursor = committed_.memory.cursor = sample;
  make_frame();
}

void MemoryDocument::build() {
  builds_.ask([scene = state_.memory](std::stop_token stop) { return built(scene, stop); },
              [this](const Built& both, const QString& problem) {
                if (!both.set) return say(problem);
                set_ = both.set;
                frame_ = both.frame;
                Q_EMIT set_changed();
                if (frame_->cursor != std::min(state_.memory.cursor, set_->length() - 1)) make_frame();
                if (!builds_.waiting()) make_details();
              });
}

void MemoryDocument::make_frame() {
  if (!set_) return;
  frames_.ask([set = set_, cursor = state_.memory.cursor](
                  std::stop_token) { return std::make_shared<const MemoryFrame>(memory_frame(set, cursor)); },
              [this](const std::shared_ptr<const MemoryFrame>& frame, const QString& problem) {
                if (!frame) return say(problem);
                if (frame->set != set_) return;
                frame_ = frame;
                Q_EMIT frame_changed();
              });
}

void MemoryDocument::make_details() {
  details_answers_.ask(
      [set = set_](std::stop_token stop) { return std::make_shared<const MemoryDetails>(memory_details(set, stop)); },
      [this](const std::shared_ptr<const MemoryDetails>& details, const QString& problem) {
        if (!details) return say(problem);
        details_ = details;
        Q_EMIT details_changed();
      });
}

void MemoryDocument::make_chain() {
  chains_.ask(
      [run = state_.chain.run](std::stop_token stop) { return std::make_shared<const S4Result>(s4_result(run, stop)); },
      [this](const std::shared_ptr<const S4Result>& chain, const QString& problem) {
        if (!chain) return say(problem);
        chain_ = chain;
        Q_EMIT chain_changed();
      });
}

}  // namespace statescope
