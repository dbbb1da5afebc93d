// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/model_document.h"

#include <QUndoCommand>
#include <algorithm>
#include <chrono>
#include <functional>

#include "engine/error.h"
#include "model/model_reader.h"
#include "model/sentence.h"

namespace statescope {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto publish_interval = std::chrono::milliseconds(40);  // of a running generation

bool same_tokens(const ModelRun& a, const ModelRun& b) {
  return a.model == b.model && a.prompt == b.prompt && a.prompt_ids == b.prompt_ids && a.generated == b.generated;
}

}  // namespace

// The scene before and after. The first redo, which QUndoStack calls at once, finds the scene already shown.
class ModelDocument::ChangeScene : public QUndoCommand {
 public:
  ChangeScene(ModelDocument& document, ModelScene before, ModelScene after, const QString& text)
      : QUndoCommand(text), document_(document), before_(std::move(before)), after_(std::move(after)) {}

  void undo() override { document_.apply(before_); }
  void redo() override {
    if (shown_) document_.apply(after_);
    shown_ = true;
  }
  // A walk through layers with the arrow keys is one step back.
  int id() const override { return same_tokens(before_.run, after_.run) ? 1 : -1; }
  bool mergeWith(const QUndoCommand* other) override {
    if (other->text() != text()) return false;
    after_ = static_cast<const ChangeScene*>(other)->after_;
    return true;
  }

 private:
  ModelDocument& document_;
  ModelScene before_, after_;
  bool shown_ = false;
};

ModelDocument::ModelDocument(std::filesystem::path assets, Machine machine, QObject* parent)
    : QObject(parent),
      assets_(std::move(assets)),
      machine_(std::move(machine)),
      reader_(std::make_unique<ModelReader>()) {}

ModelDocument::~ModelDocument() = default;

template <class Call>
void ModelDocument::on_interface_thread(Call call) {
  QMetaObject::invokeMethod(this, std::move(call), Qt::QueuedConnection);
}

bool ModelDocument::settled() const {
  return activity_ == Activity::idle && !focus_in_flight_ && run_ && focus_ &&
         focus_->covers(run_, scene_.view, scene_.cursor);
}

void ModelDocument::start_activity(Activity activity, const QString& text) {
  activity_ = activity;
  Q_EMIT activity_changed();
  Q_EMIT progress(-1, text);
}

void ModelDocument::end_activity() {
  activity_ = Activity::idle;
  Q_EMIT progress(-1, {});
  Q_EMIT activity_changed();
}

void ModelDocument::open_scene(const ModelScene& scene, const std::filesystem::path& base, const QString& undo_text) {
  open(scene, base, undo_text, false);
}

void ModelDocument::open(const ModelScene& scene, const std::filesystem::path& base, const QString& undo_text,
                         bool just_opened) {
  try {
    ModelScene target = scene;
    const std::filesystem::path path = resolve_model(scene.run.model, base, assets_);
    if (target.run.model.rfind("bundled:", 0) != 0) target.run.model = path.string();
    read(target, path, undo_text, just_opened);
  } catch (const std::exception& error) {
    Q_EMIT failed(sentence_of(error));
  }
}

void ModelDocument::open_model(const QString& path) {
  ModelScene target = scene_;
  target.run.model = path.toStdString();
  target.run.generated.clear();
  target.cursor = 0;
  open(target, {}, tr("Open model"), true);
}

void ModelDocument::run_prompt(const QString& text) {
  ModelScene target = scene_;
  target.run.prompt = text.toStdString();
  target.run.prompt_ids.clear();
  target.run.generated.clear();
  target.cursor = 0;
  open_scene(target, {}, tr("Run prompt"));
}

void ModelDocument::rewind(std::int64_t length) {
  if (!run_ || length < 1 || length >= run_->trace.length()) return;
  const TokenIds kept = first_tokens(run_->trace, length);
  ModelScene target = scene_;
  target.run.generated = kept.generated;
  target.run.prompt_ids.clear();
  // A cut inside the prompt is kept as ids: the shorter text might be split into other tokens.
  const TokenRecord& first_cut = *run_->trace.tokens[static_cast<std::size_t>(length)];
  if (!first_cut.generated || !scene_.run.prompt_ids.empty()) target.run.prompt_ids = kept.prompt;
  target.cursor = length - 1;
  open_scene(target, {}, tr("Rewind"));
}

void ModelDocument::read(const ModelScene& wanted, const std::filesystem::path& path, const QString& undo_text,
                         bool just_opened) {
  const std::uint64_t request = ++request_;
  start_activity(Activity::working, tr("Opening %1…").arg(QString::fromStdString(path.filename().string())));
  tokens_.start(
      [this, wanted, asked = scene_, path, undo_text, just_opened, request, device = device_](std::stop_token stop) {
        ModelReader& reader = *reader_;
        const auto answer = [this, request](auto call) {
          on_interface_thread([this, request, call] {
            if (request == request_) call();
          });
        };
        try {
          auto loaded = reader.loaded;
          if (!loaded || reader.path != path || reader.device != device)
            loaded = std::make_shared<const LoadedModel>(machine_.load(path, Precision::f32, device, 0));
          const ModelScene target = readable(wanted, *loaded, just_opened);
          const TokenIds ids{prompt_ids(target.run, *loaded), target.run.generated};
          const std::int64_t vocab = loaded->model->info().sizes.vocab;
          check_ids(ids.prompt, vocab);
          check_ids(ids.generated, vocab);
          if (loaded != reader.loaded) reader.open(path, device, loaded);

          const std::int64_t total = std::ssize(ids.prompt) + std::ssize(ids.generated);
          std::int64_t count = 0;
          const auto start = Clock::now();
          const auto report = [&](std::int64_t done) {
            answer([this, done, total] {
              Q_EMIT progress(static_cast<double>(done) / static_cast<double>(total),
                              tr("Reading token %L1 of %L2").arg(done).arg(total));
            });
          };
          try {
            count = reader.read(ids, stop, report);
          } catch (const Cancelled&) {
            // What has been read so far is a run of its own; before the first token all stays as it was.
            const RunPointer run = reader.snapshot();
            if (run->trace.length() == 0) return answer([this] { end_activity(); });
            const TokenIds there = first_tokens(run->trace, run->trace.length());
            ModelScene partial = target;
            partial.run.prompt_ids = there.prompt;
            partial.run.generated = there.generated;
            return answer(
                [this, partial, asked, run, undo_text] { finish(with_later_changes(partial, asked), run, undo_text); });
          }
          const std::chrono::duration<double> seconds = Clock::now() - start;
          const double speed = static_cast<double>(count) / std::max(seconds.count(), 1e-9);
          const RunPointer run = reader.snapshot();
          answer([this, target, asked, run, undo_text, speed, count] {
            if (count > 0) Q_EMIT speed_measured(speed);
            finish(with_later_changes(target, asked), run, undo_text);
            Q_EMIT run_finished();
            if (std::exchange(generate_when_read_, false)) generate();
          });
        } catch (const std::exception& error) {
          answer([this, sentence = sentence_of(error), at_device = is_device_fault(error, device), wanted, path,
                  undo_text, just_opened] {
            end_activity();
            if (!at_device) return Q_EMIT failed(sentence);
            device_ = run_ ? run_->model().device() : "cpu";  // where what is shown runs
            on_cpu_ = [this, wanted, path, undo_text, just_opened] { read(wanted, path, undo_text, just_opened); };
            Q_EMIT device_failed(sentence);
          });
        }
      });
}

void ModelDocument::generate() {
  if (!run_ || activity_ != Activity::idle) return;
  const std::uint64_t request = ++request_;
  start_activity(Activity::generating, tr("Generating…"));
  tokens_.start([this, before = run_, asked = scene_.run, request, device = device_](std::stop_token stop) {
    ModelReader& reader = *reader_;
    const auto answer = [this, request](auto call) {
      on_interface_thread([this, request, call] {
        if (request == request_) call();
      });
    };
    TokenIds ids = first_tokens(before->trace, before->trace.length());
    QString problem;
    bool at_device = false;
    auto start = Clock::now();
    int count = 0;
    try {
      if (reader.loaded != before->loaded) reader.open({}, device, before->loaded);
      reader.read(ids, stop, [](std::int64_t) {});
      start = Clock::now();
      auto published = start;
      for (; count < asked.tokens_to_generate && !stop.stop_requested(); ++count) {
        const std::int32_t id = reader.session->draw(asked.sampling, reader.drawable_vocab());
        reader.session->append(std::span(&id, 1), true, stop);
        ids.generated.push_back(id);
        if (Clock::now() - published < publish_interval) continue;
        published = Clock::now();
        answer([this, run = reader.snapshot(), count, total = asked.tokens_to_generate] {
          show_run(run);
          Q_EMIT progress(static_cast<double>(count) / total, tr("Generating token %L1 of %L2").arg(count).arg(total));
        });
      }
    } catch (const Cancelled&) {
    } catch (const std::exception& error) {
      problem = sentence_of(error);
      at_device = is_device_fault(error, device);
    }
    const std::chrono::duration<double> seconds = Clock::now() - start;
    const double speed = count / std::max(seconds.count(), 1e-9);
    answer([this, generated = ids.generated, run = reader.snapshot(), problem, at_device, speed, count] {
      if (count > 0) {
        Q_EMIT speed_measured(speed);
        ModelScene shown = scene_;
        shown.run.generated = generated;
        finish(shown, run, tr("Generate"));
      } else {
        end_activity();
      }
      if (problem.isEmpty()) return;
      if (!at_device) return Q_EMIT failed(problem);
      on_cpu_ = [this] {
        generate_when_read_ = true;
        open_scene(scene_, {}, {});
      };
      Q_EMIT device_failed(problem);
    });
  });
}

void ModelDocument::set_device(const std::string& device) {
  if (device == device_) return;
  device_ = device;
  if (run_) open_scene(scene_, {}, {});
}

void ModelDocument::go_on_on_cpu() {
  device_ = "cpu";
  if (const auto again = std::exchange(on_cpu_, {})) again();
}

void ModelDocument::stop() {
  // A request that had not begun yet gives no answer.
  if (tokens_.cancel()) end_activity();
}

// What the user changed since the request was made stays, unless the request was to change just that.
ModelScene ModelDocument::with_later_changes(ModelScene target, const ModelScene& asked) const {
  if (target.view == asked.view) target.view = scene_.view;
  ModelRun same_sampling = target.run;
  same_sampling.sampling = asked.run.sampling;
  same_sampling.tokens_to_generate = asked.run.tokens_to_generate;
  if (same_sampling == target.run) {
    target.run.sampling = scene_.run.sampling;
    target.run.tokens_to_generate = scene_.run.tokens_to_generate;
  }
  return target;
}

void ModelDocument::finish(const ModelScene& target, const RunPointer& run, const QString& undo_text) {
  const ModelScene before = scene_;
  show_run(run);
  scene_ = clamped(target, run->sizes(), run->trace.length());
  end_activity();
  if (!undo_text.isEmpty() && before != scene_) undo_stack_.push(new ChangeScene(*this, before, scene_, undo_text));
  Q_EMIT scene_changed();
  Q_EMIT cursor_changed();
  request_focus();
}

void ModelDocument::show_run(const RunPointer& run) {
  run_ = run;
  scene_ = clamped(scene_, run->sizes(), run->trace.length());
  Q_EMIT run_changed();
  request_focus();
}

void ModelDocument::apply(const ModelScene& scene) {
  if (!same_tokens(scene.run, scene_.run)) return open_scene(scene, {}, {});
  const std::int64_t cursor = scene_.cursor;
  scene_ = scene;
  scene_.cursor = cursor;
  Q_EMIT scene_changed();
  request_focus();
}

void ModelDocument::change(const ModelScene& next, const QString& undo_text) {
  if (next == scene_) return;
  undo_stack_.push(new ChangeScene(*this, scene_, next, undo_text));
  scene_ = next;
  Q_EMIT scene_changed();
  request_focus();
}

void ModelDocument::set_view(const ModelView& view, const QString& undo_text) {
  ModelScene next = scene_;
  next.view = view;
  change(run_ ? clamped(next, run_->sizes(), run_->trace.length()) : next, undo_text);
}

void ModelDocument::set_sampling(const Sampling& sampling, int tokens_to_generate) {
  ModelScene next = scene_;
  next.run.sampling = sampling;
  next.run.tokens_to_generate = tokens_to_generate;
  change(next, tr("Sampling"));
}

void ModelDocument::set_cursor(std::int64_t token) {
  const std::int64_t last = run_ ? std::max<std::int64_t>(run_->trace.length() - 1, 0) : 0;
  token = std::clamp<std::int64_t>(token, 0, last);
  if (token == scene_.cursor) return;
  scene_.cursor = token;
  Q_EMIT cursor_changed();
  request_focus();
}

// One question at a time: the next is asked when the answer is there, so that a stream of new tokens cannot starve the
// views.
void ModelDocument::request_focus() {
  if (focus_in_flight_ || !run_ || run_->trace.length() == 0) return;
  if (focus_ && focus_->covers(run_, scene_.view, scene_.cursor)) return;
  focus_in_flight_ = true;
  questions_.start(
      [this, run = run_, view = scene_.view, cursor = scene_.cursor, known = focus_](std::stop_token stop) {
        std::shared_ptr<const Focus> focus;
        QString problem;
        try {
          focus = focus_on(run, view, cursor, known, stop);
        } catch (const Cancelled&) {
          return;  // only at the end of the document's life
        } catch (const std::exception& error) {
          problem = sentence_of(error);
        }
        on_interface_thread([this, focus, problem] {
          focus_in_flight_ = false;
          if (!problem.isEmpty()) {
            Q_EMIT failed(problem);
            return;
          }
          focus_ = focus;
          Q_EMIT focus_changed();
          request_focus();
        });
      });
}

}  // namespace statescope
