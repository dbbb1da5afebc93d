// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QProcess>
#include <QStringList>
#include <memory>
#include <vector>

class QAction;
class QTemporaryDir;

namespace statescope {

class LessonGuide;

/// Files of the lesson that is open: the step as a picture, in time, and the whole lesson to print. Each is made by
/// `statescope render` in a process of its own, so the window goes on and a cancelled film leaves nothing behind. One
/// at a time.
class LessonExport : public QObject {
  Q_OBJECT
 public:
  enum class What { picture, frames, film, handout };

  explicit LessonExport(LessonGuide& guide);
  ~LessonExport() override;

  /// Each asks for a file; enabled where it can be made now. Owned by this.
  const std::vector<QAction*>& actions() const { return actions_; }
  /// Begins, in the present theme, with the numbers of whoever learns; its ending says what a file is.
  void write(What what, const QString& path);
  void cancel();
  bool under_way() const { return process_ != nullptr; }
  /// What draws; this program.
  void set_program(const QString& path) { program_ = path; }

 Q_SIGNALS:
  void saved(const QString& path);
  void failed(const QString& sentence);

 private:
  void choose(What what);
  void show_actions();
  void show_progress();
  void finish(bool done);
  void forget();

  LessonGuide& guide_;
  QString program_, path_, ffmpeg_;
  std::vector<QAction*> actions_;  // by What
  std::unique_ptr<QProcess> process_;
  std::unique_ptr<QTemporaryDir> scratch_;  // of the process: gone with it, however it ends
};

}  // namespace statescope
