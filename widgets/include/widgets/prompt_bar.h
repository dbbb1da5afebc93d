// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QVariantAnimation>
#include <QWidget>
#include <optional>

#include "widgets/sampling.h"

class QFrame;
class QPlainTextEdit;

namespace statescope {

class Button;

/// Where a prompt is typed, run and continued. Enter runs, Shift+Enter starts a new line; the box grows to four lines.
/// The line below tells the keys, or how far the work is and how to cancel it.
class PromptBar : public QWidget {
  Q_OBJECT
 public:
  explicit PromptBar(QWidget* parent = nullptr);

  // None of the setters emits.
  void set_text(const QString& text);
  QString text() const;
  void set_sampling(const SamplingChoice& choice);
  const SamplingChoice& sampling() const;
  /// Turns the Generate button into Stop and back.
  void set_generating(bool generating);
  /// A share 0…1, or nothing while it is not known, and what is being done. An empty text ends the display.
  void set_progress(std::optional<double> share, const QString& text);

  bool showing_progress() const { return !progress_.isEmpty(); }

  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  void run_requested(const QString& text);
  void generate_requested();
  void stop_requested();
  void sampling_changed(const SamplingChoice& choice);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  int buttons_width() const;
  bool stacked() const;  // too narrow for box and buttons side by side
  int box_height() const;
  void relayout();
  QRect track() const;  // of the progress
  void run();
  void open_sampling();
  void show_sampling();

  QPlainTextEdit* edit_;
  Button *run_, *generate_, *sampling_button_, *cancel_;
  QFrame* popover_;
  SamplingForm* form_;
  bool generating_ = false;
  std::optional<double> share_;
  QString progress_;
  QVariantAnimation sweep_;
  QRect line_;  // hint or progress text
};

}  // namespace statescope
