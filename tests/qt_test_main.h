// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace statescope::test {

/// main() of a test program with windows: runs every test inside a QApplication on an offscreen screen (unless
/// QT_QPA_PLATFORM asks for another), with the dark theme and with settings of its own. A Qt warning (a bad connection,
/// a painter misused, an unknown style) fails the test it happens in.
int run_qt_tests(int argc, char** argv);

}  // namespace statescope::test
