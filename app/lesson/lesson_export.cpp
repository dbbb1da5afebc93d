// SPDX-License-Identifier: GPL-3.0-or-later
#include "lesson/lesson_export.h"

#include <QAction>
#include <QCoreApplication>
#include <QFileDialog>
#include <QFileInfo>
#include <QRegularExpression>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QThreadPool>
#include <algorithm>
#include <utility>

#include "lesson/lesson_guide.h"
#include "widgets/theme.h"

namespace statescope {
namespace {

using What = LessonExport::What;

// What `render` is told of each, besides the lesson: full HD for films, 4 hundredths of a second a picture of a GIF,
// which counts in hundredths.
QStringList arguments_for(What what, const QString& path) {
  switch (what) {
    case What::picture:
      return {QStringLiteral("--scale"), QStringLiteral("2")};
    case What::handout:
      return {QStringLiteral("--handout")};
    default:
      break;
  }
  const bool gif = path.endsWith(QLatin1String(".gif"), Qt::CaseInsensitive);
  return {QStringLiteral("--size"),  QStringLiteral("1280x720"),
          QStringLiteral("--scale"), gif ? QStringLiteral("1") : QStringLiteral("1.5"),
          QStringLiteral("--fps"),   gif ? QStringLiteral("25") : QStringLiteral("30")};
}

}  // namespace

LessonExport::LessonExport(LessonGuide& guide)
    : guide_(guide),
      program_(QCoreApplication::applicationFilePath()),
      ffmpeg_(QStandardPaths::findExecutable(QStringLiteral("ffmpeg"))) {
  const std::pair<const char*, QString> names[] = {
      {"lesson_export_picture", tr("Export this step as a picture…")},
      {"lesson_export_frames", tr("Export this step in time, as numbered pictures…")},
      {"lesson_export_film",
       ffmpeg_.isEmpty() ? tr("Export this step as a film (install ffmpeg first)") : tr("Export this step as a film…")},
      {"lesson_export_handout", tr("Export the lesson to print, with its answers…")}};
  for (const auto& [id, name] : names) {
    const auto what = static_cast<What>(actions_.size());
    auto* action = new QAction(name, this);
    action->setObjectName(QLatin1String(id));
    connect(action, &QAction::triggered, this, [this, what] { choose(what); });
    actions_.push_back(action);
  }
  connect(&guide_.player(), &LessonPlayer::step_changed, this, &LessonExport::show_actions);
  connect(&guide_.player(), &LessonPlayer::lesson_changed, this, &LessonExport::show_actions);
  connect(&guide_, &LessonGuide::opened, this, &LessonExport::show_actions);
  connect(&guide_.panel(), &LessonPanel::export_cancelled, this, &LessonExport::cancel);
  show_actions();
}

LessonExport::~LessonExport() {
  if (!process_) return;
  process_->disconnect(this);
  process_->kill();
  process_->waitForFinished(1000);
}

void LessonExport::show_actions() {
  const bool lesson = guide_.active(), moves = lesson && guide_.player().current().duration() > 0;
  const bool can[] = {lesson, moves, moves && !ffmpeg_.isEmpty(), lesson};
  for (std::size_t i = 0; i < actions_.size(); ++i) {
    actions_[i]->setVisible(lesson);
    actions_[i]->setEnabled(can[i] && !under_way());
  }
}

void LessonExport::choose(What what) {
  const QString name = QString::fromStdString(guide_.player().lesson()->folder.filename().string());
  const QString step = QStringLiteral("%1-step-%2").arg(name).arg(guide_.player().step() + 1);
  const std::pair<QString, QString> files[] = {
      {step + QStringLiteral(".png"), tr("Pictures (*.png *.svg *.pdf)")},
      {step + QStringLiteral(".png"), tr("Pictures, each with its number (*.png)")},
      {step + QStringLiteral(".mp4"), tr("Films (*.mp4 *.gif)")},
      {name + QStringLiteral(".pdf"), tr("Pages (*.pdf)")}};
  const auto& [suggested, kinds] = files[static_cast<std::size_t>(what)];
  // The panel carries the style sheet, the window does not.
  const QString path = QFileDialog::getSaveFileName(
      &guide_.panel(), actions_[static_cast<std::size_t>(what)]->text().remove(u'…'), suggested, kinds);
  if (!path.isEmpty()) write(what, path);
}

void LessonExport::write(What what, const QString& path) {
  if (under_way() || !guide_.active()) return;
  const LessonPlayer& player = guide_.player();
  path_ = path;
  QStringList arguments{QStringLiteral("render"),    QString::fromStdString(player.lesson()->folder.string()),
                        QStringLiteral("--out"),     QFileInfo(path).absoluteFilePath(),
                        QStringLiteral("--step"),    QString::number(player.step() + 1),
                        QStringLiteral("--progress")};
  if (what == What::picture) arguments << QStringLiteral("--time") << QString::number(player.seconds());
  if (what != What::handout)  // that is paper
    arguments << QStringLiteral("--theme") << (theme().dark() ? QStringLiteral("dark") : QStringLiteral("light"));
  arguments << QStringLiteral("--seed=") + QString::fromStdString(player.seed().seed)
            << QStringLiteral("--name=") + QString::fromStdString(player.seed().name) << arguments_for(what, path);
  scratch_ = std::make_unique<QTemporaryDir>();
  QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
  environment.insert(QStringLiteral("TMPDIR"), scratch_->path());
  process_ = std::make_unique<QProcess>();
  process_->setProcessEnvironment(environment);
  connect(process_.get(), &QProcess::readyReadStandardOutput, this, &LessonExport::show_progress);
  connect(process_.get(), &QProcess::finished, this,
          [this](int status, QProcess::ExitStatus how) { finish(how == QProcess::NormalExit && status == 0); });
  connect(process_.get(), &QProcess::errorOccurred, this, [this](QProcess::ProcessError error) {
    if (error == QProcess::FailedToStart) finish(false);
  });
  guide_.panel().show_export(tr("Exporting %1…").arg(QFileInfo(path_).fileName()));
  process_->start(program_, arguments);
  process_->closeWriteChannel();
  show_actions();
}

void LessonExport::show_progress() {
  static const QRegularExpression line(QStringLiteral("(\\d+) of (\\d+)"));
  QRegularExpressionMatch last;
  while (process_->canReadLine())
    if (const auto match = line.match(QString::fromLatin1(process_->readLine())); match.hasMatch()) last = match;
  if (!last.hasMatch()) return;
  const int done = last.captured(1).toInt(), all = std::max(last.captured(2).toInt(), 1);
  guide_.panel().show_export(tr("Exporting %1: %2 of %3").arg(QFileInfo(path_).fileName()).arg(done).arg(all),
                             done / static_cast<double>(all));
}

void LessonExport::finish(bool done) {
  QString problem = QString::fromUtf8(process_->readAllStandardError()).simplified();
  if (problem.startsWith(QLatin1String("statescope: "))) problem.remove(0, 12);
  if (problem.isEmpty()) problem = tr("The export ended early: %1").arg(process_->errorString());
  forget();
  guide_.panel().show_export({});
  done ? Q_EMIT saved(path_) : Q_EMIT failed(problem);
}

void LessonExport::forget() {
  process_->disconnect(this);
  process_.release()->deleteLater();  // it may be what calls
  // Thousands of pictures may lie there.
  QThreadPool::globalInstance()->start([scratch = scratch_.release()] { delete scratch; });
  show_actions();
}

void LessonExport::cancel() {
  if (!process_) return;
  process_->kill();
  connect(process_.get(), &QProcess::finished, process_.get(), &QObject::deleteLater);
  forget();
  guide_.panel().show_export({});
}

}  // namespace statescope
