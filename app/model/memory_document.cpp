// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/memory_document.h"

#include <QUndoCommand>

#include "engine/error.h"
#include "model/sentence.h"

namespace statescope {
namespace {

// A result that is not there after so long is given up for the one of a newer state.
constexpr int patience_ms = 150;

// A result with its frame, so that both reach the screen at once.
struct Built {
  std::shared_ptr<const MemorySet> set;
  std::shared_ptr<const MemoryFrame> frame;
};

Built built(const HippoScene& scene, std::stop_token stop) {
  const auto set = std::make_shared<const MemorySet>(memory_set(scene.run, {}, stop));
  return {set, std::make_shared<const MemoryFrame>(memory_frame(set, scene.cursor))};
}

// Paths of files no longer depend on where the scene lay.
HippoScene at_home(HippoScene scene, const std::filesystem::path& base) {
  Signal& input = scene.run.input;
  if (!input.file.empty()) input.file = (base / input.file).string();
  return scene;
}

}  // namespace

class MemoryDocument::ChangeState : public QUndoCommand {
 public:
  ChangeState(MemoryDocument& document, MemoryState before, MemoryState after, const QString& text)
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
  void restore(const MemoryState& state) {
    document_.apply(state);
    document_.committed_ = state;
  }

  MemoryDocument& document_;
  MemoryState before_, after_;
  QElapsedTimer age_;
};

MemoryDocument::MemoryDocument(QObject* parent) : QObject(parent) {}

MemoryDocument::~MemoryDocument() = default;

// Work runs on the thread and ends in a result or a sentence; the newest request's is taken here.
template <class Work, class Take>
void MemoryDocument::answer(JobThread& thread, std::uint64_t& request, bool& under_way, Work work, Take take) {
  const bool was_settled = settled();
  under_way = true;
  thread.start([this, number = ++request, &request, &under_way, work, take](std::stop_token stop) {
    decltype(work(stop)) result{};
    QString problem;
    try {
      result = work(stop);
    } catch (const Cancelled&) {
    } catch (const std::exception& error) {
      problem = sentence_of(error);
    }
    QMetaObject::invokeMethod(
        this,
        [this, number, &request, &under_way, take, result = std::move(result), problem] {
          if (number != request) return;
          take(result, problem.isEmpty());
          finish(under_way, problem);
        },
        Qt::QueuedConnection);
  });
  if (was_settled) Q_EMIT settled_changed();
}

void MemoryDocument::finish(bool& under_way, const QString& problem) {
  under_way = false;
  const bool building = &under_way == &building_, framing = &under_way == &framing_,
             chaining = &under_way == &chaining_;
  if (building && build_again_) return build();
  if (framing && frame_again_) return make_frame();
  if (chaining && chain_again_) return make_chain();
  if (!problem.isEmpty()) Q_EMIT failed(problem);
  if (settled()) Q_EMIT settled_changed();
}

void MemoryDocument::open_scene(const Scene& scene, const std::filesystem::path& base) {
  MemoryState next = state_;
  if (const auto* memory = std::get_if<HippoScene>(&scene)) {
    next.memory = at_home(*memory, base);
    next.page = Page::memory;
  } else {
    next.chain = std::get<S4Scene>(scene);
    next.page = Page::chain;
  }
  opening_.start([this, next](std::stop_token stop) {
    Built both;
    std::shared_ptr<const S4Result> chain;
    QString problem;
    try {
      both = built(next.memory, stop);
      chain = std::make_shared<const S4Result>(s4_result(next.chain.run, stop));
    } catch (const Cancelled&) {
      return;
    } catch (const std::exception& error) {
      problem = sentence_of(error);
    }
    QMetaObject::invokeMethod(
        this,
        [this, next, both, chain, problem] {
          if (!problem.isEmpty()) {
            Q_EMIT failed(problem);
            return;
          }
          ++build_request_;  // what is still under way is of the scene before
          ++frame_request_;
          ++chain_request_;
          building_ = framing_ = chaining_ = build_again_ = frame_again_ = chain_again_ = false;
          undo_stack_.clear();
          state_ = next;
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
        },
        Qt::QueuedConnection);
  });
}

void MemoryDocument::change(const MemoryState& next, const QString& undo_text, bool finished) {
  if (!finished || next == committed_)
    apply(next);
  else
    undo_stack_.push(new ChangeState(*this, committed_, next, undo_text));
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
  build_again_ = building_ && since_build_.elapsed() < patience_ms;
  if (build_again_) return;
  since_build_.start();
  answer(
      builds_, build_request_, building_, [scene = state_.memory](std::stop_token stop) { return built(scene, stop); },
      [this](const Built& both, bool good) {
        if (!good || !both.set) return;
        set_ = both.set;
        frame_ = both.frame;
        Q_EMIT set_changed();
        if (frame_->cursor != std::min(state_.memory.cursor, set_->length() - 1)) make_frame();
        if (!build_again_) make_details();
      });
}

// A frame is quick and never given up, so that the picture keeps moving while the cursor does.
void MemoryDocument::make_frame() {
  if (!set_) return;
  frame_again_ = framing_;
  if (frame_again_) return;
  answer(
      frames_, frame_request_, framing_,
      [set = set_, cursor = state_.memory.cursor](std::stop_token) {
        return std::make_shared<const MemoryFrame>(memory_frame(set, cursor));
      },
      [this](const std::shared_ptr<const MemoryFrame>& frame, bool good) {
        if (!good || frame->set != set_) return;
        frame_ = frame;
        Q_EMIT frame_changed();
      });
}

void MemoryDocument::make_details() {
  answer(
      details_jobs_, details_request_, detailing_,
      [set = set_](std::stop_token stop) { return std::make_shared<const MemoryDetails>(memory_details(set, stop)); },
      [this](const std::shared_ptr<const MemoryDetails>& details, bool good) {
        if (!good || !details) return;
        details_ = details;
        Q_EMIT details_changed();
      });
}

void MemoryDocument::make_chain() {
  chain_again_ = chaining_ && since_chain_.elapsed() < patience_ms;
  if (chain_again_) return;
  since_chain_.start();
  answer(
      chains_, chain_request_, chaining_,
      [run = state_.chain.run](std::stop_token stop) { return std::make_shared<const S4Result>(s4_result(run, stop)); },
      [this](const std::shared_ptr<const S4Result>& chain, bool good) {
        if (!good || !chain) return;
        chain_ = chain;
        Q_EMIT chain_changed();
      });
}

}  // namespace statescope
