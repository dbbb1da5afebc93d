// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QElapsedTimer>
#include <QUndoCommand>
#include <functional>
#include <utility>

namespace statescope {

/// A step on the undo stack of a document whose state is one value. Steps of the same text that follow at once, as of a
/// slider moved by keys, become one.
template <class State>
class StateStep : public QUndoCommand {
 public:
  using Show = std::function<void(const State&)>;

  StateStep(State before, State after, const QString& text, Show show)
      : QUndoCommand(text), before_(std::move(before)), after_(std::move(after)), show_(std::move(show)) {
    age_.start();
  }
  void undo() override { show_(before_); }
  void redo() override { show_(after_); }
  int id() const override { return 1; }
  bool mergeWith(const QUndoCommand* other) override {
    constexpr int at_once_ms = 600;
    const auto& next = static_cast<const StateStep&>(*other);
    if (next.text() != text() || age_.elapsed() > at_once_ms) return false;
    after_ = next.after_;
    age_.restart();
    return true;
  }

 private:
  State before_, after_;
  Show show_;
  QElapsedTimer age_;
};

}  // namespace statescope
