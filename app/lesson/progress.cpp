// SPDX-License-Identifier: GPL-3.0-or-later
#include "lesson/progress.h"

#include <QSettings>
#include <QUrl>
#include <algorithm>

#include "settings.h"

namespace statescope {
namespace {

QString key(const QString& lesson, const char* what) {
  // A slash would begin a group.
  return QStringLiteral("lessons/%1/%2").arg(QString::fromLatin1(QUrl::toPercentEncoding(lesson)), QLatin1String(what));
}

// A cell of a CSV file: quoted where it has to be.
QString cell(QString text) {
  if (!text.contains(u',') && !text.contains(u'"') && !text.contains(u'\n')) return text;
  return u'"' + text.replace(u'"', QStringLiteral("\"\"")) + u'"';
}

}  // namespace

QString lesson_id(const Lesson& lesson) {
  return QString::fromStdString(lesson.folder.filename().string() + ": " + lesson.title);
}

int LessonProgress::last_step(const QString& lesson) const {
  return std::max(QSettings().value(key(lesson, "step"), 0).toInt(), 0);
}

std::set<int> LessonProgress::done(const QString& lesson) const {
  std::set<int> steps;
  for (const QString& step : QSettings().value(key(lesson, "done")).toStringList()) steps.insert(step.toInt());
  return steps;
}

void LessonProgress::reach(const QString& lesson, int step) {
  std::set<int> steps = done(lesson);
  steps.insert(step);
  QStringList list;
  for (const int each : steps) list << QString::number(each);
  const auto settings = saved_later();
  settings->setValue(key(lesson, "done"), list);
  settings->setValue(key(lesson, "step"), step);
}

void LessonProgress::record(const Answer& answer) {
  std::vector<Answer> all = answers();
  std::erase_if(all, [&](const Answer& each) { return each.lesson == answer.lesson && each.step == answer.step; });
  all.push_back(answer);
  const auto settings = saved_later();
  settings->beginWriteArray(QStringLiteral("answers"), static_cast<int>(all.size()));
  for (int i = 0; i < static_cast<int>(all.size()); ++i) {
    settings->setArrayIndex(i);
    const Answer& each = all[static_cast<std::size_t>(i)];
    settings->setValue(QStringLiteral("lesson"), each.lesson);
    settings->setValue(QStringLiteral("step"), each.step);
    settings->setValue(QStringLiteral("answer"), each.answer);
    settings->setValue(QStringLiteral("truth"), each.truth);
    settings->setValue(QStringLiteral("right"), each.right);
  }
  settings->endArray();
}

std::vector<LessonProgress::Answer> LessonProgress::answers() const {
  std::vector<Answer> all;
  QSettings settings;
  const int count = settings.beginReadArray(QStringLiteral("answers"));
  for (int i = 0; i < count; ++i) {
    settings.setArrayIndex(i);
    const auto text = [&](const char* name) { return settings.value(QLatin1String(name)).toString(); };
    all.push_back({text("lesson"), text("step"), text("answer"), text("truth"),
                   settings.value(QStringLiteral("right")).toBool()});
  }
  settings.endArray();
  return all;
}

QString LessonProgress::csv() const {
  const LessonSeed whose = seed();
  QString text = QStringLiteral("lesson,step,answer,truth,right,class_seed,name\n");
  for (const Answer& each : answers())
    text += QStringList{cell(each.lesson),
                        cell(each.step),
                        cell(each.answer),
                        cell(each.truth),
                        each.right ? QStringLiteral("1") : QStringLiteral("0"),
                        cell(QString::fromStdString(whose.seed)),
                        cell(QString::fromStdString(whose.name))}
                .join(u',') +
            u'\n';
  return text;
}

LessonSeed LessonProgress::seed() const {
  const QSettings settings;
  return {settings.value(QStringLiteral("class/seed")).toString().toStdString(),
          settings.value(QStringLiteral("class/name")).toString().toStdString()};
}

void LessonProgress::set_seed(const LessonSeed& seed) {
  const auto settings = saved_later();
  settings->setValue(QStringLiteral("class/seed"), QString::fromStdString(seed.seed));
  settings->setValue(QStringLiteral("class/name"), QString::fromStdString(seed.name));
}

}  // namespace statescope
