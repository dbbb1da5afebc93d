// SPDX-License-Identifier: GPL-3.0-or-later
#include "lesson/lesson_stage.h"

#include <QCoreApplication>
#include <QEventLoop>
#include <QHBoxLayout>
#include <algorithm>

#include "engine/error.h"
#include "widgets/style_root.h"
#include "widgets/theme.h"

namespace statescope {

LessonStage::LessonStage(const std::filesystem::path& lesson, QSize size, bool picture_only,
                         const std::filesystem::path& assets, const LessonSeed& whose)
    : row_(new QHBoxLayout(&window_)),
      workspaces_(make_workspaces(assets)),
      picture_only_(picture_only),
      guide_(
          assets,
          [this](const Scene& scene) -> Workspace* {
            const auto found = std::find_if(workspaces_.begin(), workspaces_.end(),
                                            [&](const auto& each) { return each->shows(scene); });
            if (found == workspaces_.end()) return nullptr;
            if (shown_ != found->get()) {
              if (shown_) shown_->hide();
              shown_ = found->get();
              row_->addWidget(shown_, 1);
              shown_->set_for_export(true);
              shown_->show();
            }
            return shown_;
          },
          whose) {
  set_motion(false);
  row_->setContentsMargins(0, 0, 0, 0);
  row_->setSpacing(0);
  row_->addWidget(&guide_.panel());
  guide_.panel().setVisible(!picture_only);
  guide_.panel().set_for_export(true);
  guide_.panel().fit_to(size.width());
  make_style_root(window_);
  window_.resize(size);
  window_.show();
  QObject::connect(&guide_, &LessonGuide::failed, &window_, [this](const QString& sentence) { problem_ = sentence; });
  guide_.open(lesson, 0);
  wait();
}

LessonStage::~LessonStage() {
  guide_.close();
}

void LessonStage::wait() {
  while (problem_.isEmpty() && (!guide_.active() || !guide_.settled()))
    QCoreApplication::processEvents(QEventLoop::WaitForMoreEvents);
  QCoreApplication::processEvents();  // what came last finds its place
  const QString problem = problem_.isEmpty() && guide_.active() ? guide_.problem() : problem_;
  if (!problem.isEmpty()) throw Error(problem.toStdString());
}

void LessonStage::show(int step, double seconds) {
  if (step < 0 || step >= guide_.player().steps())
    throw Error("the lesson has " + std::to_string(guide_.player().steps()) + " steps; there is no step " +
                std::to_string(step + 1));
  if (guide_.player().step() != step) guide_.player().go_to(step);
  wait();
  guide_.player().scrub(seconds);
  wait();
}

void LessonStage::answer() {
  guide_.reveal();
  wait();
}

std::vector<QWidget*> LessonStage::parts() {
  if (QWidget* focus = window_.focusWidget()) focus->clearFocus();  // its ring is no part of the picture
  std::vector<QWidget*> beside;
  if (!picture_only_) beside.push_back(&guide_.panel());
  if (shown_) beside.push_back(shown_);
  return beside;
}

}  // namespace statescope
