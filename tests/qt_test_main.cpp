// SPDX-License-Identifier: GPL-3.0-or-later
#include "qt_test_main.h"

#include <gtest/gtest.h>

#include <QApplication>
#include <QSettings>
#include <QStandardPaths>
#include <QTemporaryDir>

#include "widgets/theme.h"

namespace statescope::test {
namespace {

void fail_on_warning(QtMsgType type, const QMessageLogContext&, const QString& message) {
  if (type == QtDebugMsg || type == QtInfoMsg) return;
  // What the offscreen platform lacks: raising windows, size hints.
  if (message.startsWith(QStringLiteral("This plugin does not support"))) return;
  ADD_FAILURE() << "Qt says: " << message.toStdString();
}

}  // namespace

int run_qt_tests(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM")) qputenv("QT_QPA_PLATFORM", "offscreen");
  const QTemporaryDir settings;
  QStandardPaths::setTestModeEnabled(true);
  QSettings::setPath(QSettings::NativeFormat, QSettings::UserScope, settings.path());
  QCoreApplication::setOrganizationName(QStringLiteral("statescope-tests"));
  QCoreApplication::setApplicationName(QStringLiteral("statescope-tests"));
  QApplication application(argc, argv);
  qInstallMessageHandler(fail_on_warning);
  apply_theme(application, ThemeKind::dark);
  return RUN_ALL_TESTS();
}

}  // namespace statescope::test
