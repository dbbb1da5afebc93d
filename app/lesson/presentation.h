// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <memory>
#include <vector>

#include "widgets/theme.h"

class QKeyEvent;
class QWidget;

namespace statescope {

class LessonGuide;
class PresenterWindow;
class ProjectorOverlay;

/// Projects a lesson: nothing on the screen but the step and its picture, large. Keys as clickers send them: Page down,
/// Right, Space and Enter go on; Page up, Left and Backspace go back; B or the full stop turns the screen black, L the
/// laser pointer on, C the contrast up, N opens the presenter's window, H or ? shows the keys; Esc ends.
class Presentation : public QObject {
  Q_OBJECT
 public:
  /// `chrome` is hidden meanwhile.
  Presentation(QWidget& window, LessonGuide& guide, std::vector<QWidget*> chrome);
  ~Presentation() override;

  void start();
  void stop();
  bool running() const { return running_; }
  bool black() const;
  bool laser() const;
  bool keys_shown() const;
  bool contrast() const { return contrast_; }
  /// With notes, the next step and the clock; null while it is closed.
  PresenterWindow* presenter() const { return presenter_.get(); }

 Q_SIGNALS:
  void changed(bool running);

 protected:
  bool eventFilter(QObject* object, QEvent* event) override;

 private:
  bool take_key(const QKeyEvent& event);
  void show_presenter(bool shown);
  void set_contrast(bool contrast);

  QWidget& window_;
  LessonGuide& guide_;
  std::vector<QWidget*> chrome_, hidden_;
  ProjectorOverlay* overlay_ = nullptr;
  std::unique_ptr<PresenterWindow> presenter_;
  double text_scale_before_ = 1;
  ThemeKind theme_before_ = ThemeKind::dark;
  bool running_ = false, contrast_ = false, full_screen_before_ = false;
};

}  // namespace statescope
