// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QString>
#include <QUndoStack>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "engine/scene/scene.h"
#include "model/focus.h"
#include "model/job_thread.h"
#include "model/machine.h"
#include "model/run_snapshot.h"

namespace statescope {

struct ModelReader;

/// What is being done in the background.
enum class Activity { idle, working, generating };

/// The scene the Model workspace shows, the run behind it and the numbers in focus. Lives on the interface thread and
/// computes nothing there: two threads read tokens and answer questions about them; what comes back is immutable.
///
/// Every change of the scene goes through the undo stack, except the cursor, which only comes along.
class ModelDocument : public QObject {
  Q_OBJECT
 public:
  explicit ModelDocument(std::filesystem::path assets, Machine machine = this_machine(), QObject* parent = nullptr);
  ~ModelDocument() override;

  const ModelScene& scene() const { return scene_; }
  const RunPointer& run() const { return run_; }                        // null until the first model is open
  const std::shared_ptr<const Focus>& focus() const { return focus_; }  // may lag behind the scene by some milliseconds
  Activity activity() const { return activity_; }
  QUndoStack& undo_stack() { return undo_stack_; }
  /// True when nothing is under way and the focus shows the scene.
  bool settled() const;

  /// Opens a scene; relative model paths start from `base`. Nothing changes when that fails.
  void open_scene(const ModelScene& scene, const std::filesystem::path& base, const QString& undo_text);
  /// Opens a checkpoint folder (or bundled:NAME) and reads the present prompt with it.
  void open_model(const QString& path);
  void run_prompt(const QString& text);
  /// Forgets the tokens from `length` on, so that the model goes on from there.
  void rewind(std::int64_t length);
  void generate();
  /// Stops reading or generating; what has been read stays.
  void stop();
  /// What models run on from now on; the present one reads its tokens again there. Not part of a scene.
  void set_device(const std::string& device);
  const std::string& device() const { return device_; }
  /// After `device_failed`: does on the CPU what failed.
  void go_on_on_cpu();

  void set_view(const ModelView& view, const QString& undo_text);
  void set_sampling(const Sampling& sampling, int tokens_to_generate);
  void set_cursor(std::int64_t token);

 Q_SIGNALS:
  void run_changed();    // other tokens
  void scene_changed();  // view, sampling or prompt
  void cursor_changed();
  void focus_changed();
  void activity_changed();
  /// A run the user asked for is complete.
  void run_finished();
  /// A share 0…1 or below 0 when unknown, and what is being done; an empty text ends it.
  void progress(double share, const QString& text);
  void speed_measured(double tokens_per_second);
  void failed(const QString& sentence);
  /// The same, where the device is at fault and the CPU would do.
  void device_failed(const QString& sentence);

 private:
  class ChangeScene;

  void open(const ModelScene& scene, const std::filesystem::path& base, const QString& undo_text, bool just_opened);
  void read(const ModelScene& wanted, const std::filesystem::path& model_path, const QString& undo_text,
            bool just_opened);
  void apply(const ModelScene& scene);
  void change(const ModelScene& next, const QString& undo_text);
  void show_run(const RunPointer& run);
  ModelScene with_later_changes(ModelScene target, const ModelScene& asked) const;
  void finish(const ModelScene& target, const RunPointer& run, const QString& undo_text);
  void start_activity(Activity activity, const QString& text);
  void end_activity();
  void request_focus();
  template <class Call>
  void on_interface_thread(Call call);

  std::filesystem::path assets_;
  Machine machine_;
  std::string device_ = "cpu";
  std::function<void()> on_cpu_;  // what failed on a device
  bool generate_when_read_ = false;
  QUndoStack undo_stack_;
  ModelScene scene_;
  RunPointer run_;
  std::shared_ptr<const Focus> focus_;
  Activity activity_ = Activity::idle;
  std::uint64_t request_ = 0;  // the newest request for tokens; answers to older ones are dropped
  bool focus_in_flight_ = false;

  std::unique_ptr<ModelReader> reader_;  // used by jobs of tokens_ alone
  JobThread tokens_;                     // reads and generates
  JobThread questions_;                  // computes the focus
};

}  // namespace statescope
