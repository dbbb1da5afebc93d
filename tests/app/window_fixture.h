// SPDX-License-Identifier: GPL-3.0-or-later
// The real main window, driven as a user would.
#pragma once

#include <gtest/gtest.h>

#include <QString>
#include <functional>
#include <memory>
#include <vector>

#include "main_window.h"
#include "model/focus.h"
#include "paths.h"
#include "test_checkpoint.h"
#include "widgets/transport.h"
#include "workspaces/model_workspace.h"

namespace statescope::test {

inline QString u(const char* text) {
  return QString::fromUtf8(text);
}

/// Handles events until `done` holds; false when that takes longer than `milliseconds`.
bool wait_until(const std::function<bool()>& done, int milliseconds = 10000);

/// The text of all tokens of a run, and their ids.
QString text_of(const RunPointer& run);
std::vector<std::int32_t> ids_of(const RunPointer& run);

/// Fails the test where a number differs in any bit.
void expect_same_numbers(const Focus& a, const Focus& b);

inline const std::filesystem::path tiny_model = test::test_data("mamba-tiny");
inline const char* sample_text = "Call me Ishmael. Some years ago";

/// A window with the user's settings empty and motion off; nothing is open yet.
class WindowTest : public testing::Test {
 protected:
  WindowTest();
  ~WindowTest() override;

  /// First start: the bundled model reads the sample sentence. Waits until all is shown.
  void open_sample();
  /// Waits until nothing is under way and the numbers of the scene are there.
  bool settled();

  ModelWorkspace& model() { return dynamic_cast<ModelWorkspace&>(*window->workspace(u("model"))); }
  ModelDocument& document() { return model().document(); }
  Transport& transport();
  QString notice() const;
  void trigger(const char* action);
  /// Types into the prompt box in place of what is there.
  void type_prompt(const QString& text);
  void run_prompt(const QString& text);
  void click(QWidget& widget, const QPointF& place);
  /// Holds the handle of a ValueSlider, moves it there, lets go; answers with the value it says.
  double drag_slider(const char* name, int to);

  template <class Widget>
  Widget& find(const char* name) {
    auto* widget = window->findChild<Widget*>(QLatin1String(name));
    if (!widget) throw std::runtime_error(std::string("no widget is named ") + name);
    return *widget;
  }

  TemporaryFolder folder;
  std::unique_ptr<MainWindow> window;
};

}  // namespace statescope::test
