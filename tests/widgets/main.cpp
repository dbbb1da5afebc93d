// SPDX-License-Identifier: GPL-3.0-or-later
// Runs the widget tests. A Qt warning (a bad connection, a painter misused, an unknown style) fails the test it
// happens in.
#include <gtest/gtest.h>

#include <QApplication>

#include "widgets/theme.h"

namespace {

void fail_on_warning(QtMsgType type, const QMessageLogContext&, const QString& message) {
  if (type == QtDebugMsg || type == QtInfoMsg) return;
  // The offscreen platform says this of every window with a minimum size.
  if (message.startsWith(QStringLiteral("This plugin does not support propagateSizeHints"))) return;
  ADD_FAILURE() << "Qt says: " << message.toStdString();
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  // No window opens unless one is asked for.
  if (qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM")) qputenv("QT_QPA_PLATFORM", "offscreen");
  QApplication application(argc, argv);
  qInstallMessageHandler(fail_on_warning);
  statescope::apply_theme(application, statescope::ThemeKind::dark);
  return RUN_ALL_TESTS();
}
