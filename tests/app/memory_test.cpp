// SPDX-License-Identifier: GPL-3.0-or-later
// A user at the Memory workspace.
#include <QAbstractButton>
#include <QApplication>
#include <QComboBox>
#include <QFileDialog>
#include <QLabel>
#include <QTest>
#include <QTimer>
#include <QUndoStack>
#include <cmath>
#include <fstream>

#include "engine/scene/scene.h"
#include "widgets/bars_view.h"
#include "widgets/heat_map_view.h"
#include "widgets/segmented_control.h"
#include "widgets/signal_view.h"
#include "widgets/transport_bar.h"
#include "widgets/value_slider.h"
#include "window_fixture.h"
#include "workspaces/memory_examples.h"
#include "workspaces/memory_workspace.h"

namespace statescope::test {
namespace {

class MemoryTest : public WindowTest {
 protected:
  void enter() {
    window->show_workspace(u("memory"));
    ASSERT_TRUE(ready()) << notice().toStdString();
  }
  bool ready() {
    return wait_until([this] { return workspace().settled() || !notice().isEmpty(); }, 60000) && workspace().settled();
  }
  MemoryWorkspace& workspace() { return dynamic_cast<MemoryWorkspace&>(*window->workspace(u("memory"))); }
  MemoryDocument& memory() { return workspace().document(); }
  const MemoryFrame& frame() { return *memory().frame(); }
  Transport& time() { return workspace().transport_bar().transport(); }
  SignalView& panel(int i) { return find<SignalView>(("memory_panel_" + std::to_string(i)).c_str()); }
};

TEST_F(MemoryTest, first_look_shows_two_memories_of_one_signal) {
  enter();
  ASSERT_EQ(frame().methods.size(), 2u);
  EXPECT_TRUE(panel(0).isVisible() && panel(1).isVisible());
  EXPECT_FALSE(panel(2).isVisible());
  EXPECT_EQ(time().length(), 800);
  EXPECT_EQ(time().position(), frame().cursor);
  // What is drawn is what the engine says, at the places it is drawn at.
  const auto& data = *panel(1).data();
  const HippoMemory& legt = *frame().set->memories[1];
  for (const qint64 place : {500, 560, 580}) {
    const double s = legt.past(frame().cursor) - frame().set->x[static_cast<std::size_t>(place)];
    EXPECT_DOUBLE_EQ(data.curves[1].values[place],
                     legt.reconstruction(frame().cursor, Eigen::VectorXd::Constant(1, s))(0));
  }
  EXPECT_TRUE(std::isnan(data.curves[1].values[300])) << "before the window nothing is remembered";
  EXPECT_TRUE(std::isnan(data.curves[1].values[700])) << "the future is not known";
  EXPECT_TRUE(find<QLabel>("memory_explanation").text().contains(u("LegS")));
  EXPECT_EQ(find<BarsView>("memory_coefficients").data()->bars.size(), 24u);
  EXPECT_EQ(find<HeatMapView>("memory_matrix").data()->rows, 24);
}

TEST_F(MemoryTest, order_slider_sharpens_every_memory_and_is_one_step_back) {
  enter();
  const double before = frame().methods[0].error;
  const double order = drag_slider("memory_order", 80);
  ASSERT_TRUE(ready());
  EXPECT_GT(order, 60);
  for (const MemoryMethod& method : memory().run().methods) EXPECT_EQ(method.hippo.order, order);
  EXPECT_EQ(frame().methods[0].coefficients.size(), static_cast<std::size_t>(order));
  EXPECT_LT(frame().methods[0].error, before / 2);
  EXPECT_EQ(memory().undo_stack().count(), 1);
  trigger("undo");
  ASSERT_TRUE(ready());
  EXPECT_DOUBLE_EQ(frame().methods[0].error, before);
}

TEST_F(MemoryTest, finer_steps_keep_the_signal_the_moment_and_what_legs_remembers) {
  enter();
  const double now = frame().set->memories[0]->past(frame().cursor), error = frame().methods[0].error;
  auto& slider = find<ValueSlider>("memory_delta");
  Q_EMIT slider.value_changed(0.0025, true);
  ASSERT_TRUE(ready());
  EXPECT_EQ(frame().set->length(), 1600);
  EXPECT_NEAR(frame().set->memories[0]->past(frame().cursor), now, 0.0051);
  EXPECT_NEAR(frame().methods[0].error, error, 0.05 * error) << "twice as fine, the same memory";
}

TEST_F(MemoryTest, window_slider_changes_what_legt_forgets) {
  enter();
  Q_EMIT find<ValueSlider>("memory_theta").value_changed(0.5, true);
  ASSERT_TRUE(ready());
  EXPECT_EQ(frame().methods[1].reach, 0.5);
  const auto& remembered = panel(1).data()->curves[1].values;
  EXPECT_TRUE(std::isnan(remembered[470])) << "0.55 s ago";
  EXPECT_FALSE(std::isnan(remembered[490]));
}

TEST_F(MemoryTest, drawing_with_the_mouse_is_the_signal) {
  enter();
  find<QAbstractButton>("memory_draw").click();
  SignalView& view = panel(0);
  const QPoint from = view.place_of(0, 200).toPoint(), to = view.place_of(0, 400).toPoint();
  const int high = view.rect().top() + view.height() / 3;
  // The value at that height, from two places of the curve.
  const auto& before = view.data()->curves[0].values;
  const double y0 = view.place_of(0, 0).y(), y1 = view.place_of(0, 120).y();
  const double expected = before[0] + (high - y0) / (y1 - y0) * (before[120] - before[0]);
  QTest::mousePress(&view, Qt::LeftButton, Qt::NoModifier, {from.x(), high});
  for (int step = 1; step <= 8; ++step) QTest::mouseMove(&view, {from.x() + (to.x() - from.x()) * step / 8, high});
  QTest::mouseRelease(&view, Qt::LeftButton, Qt::NoModifier, {to.x(), high});
  ASSERT_TRUE(ready());
  EXPECT_EQ(memory().run().input.kind, SignalKind::drawn);
  const std::vector<double>& signal = *frame().set->signal;
  ASSERT_EQ(signal.size(), 800u);
  for (const std::size_t sample : {280u, 300u, 320u}) EXPECT_NEAR(signal[sample], expected, 1e-9) << "a level stroke";
  EXPECT_EQ(memory().undo_stack().count(), 1);
  trigger("undo");
  ASSERT_TRUE(ready());
  EXPECT_EQ(memory().run().input.kind, SignalKind::band_noise);
}

TEST_F(MemoryTest, cursor_moves_every_view) {
  enter();
  time().set_position(100);
  ASSERT_TRUE(wait_until([this] { return frame().cursor == 100; }));
  EXPECT_EQ(memory().state().memory.cursor, 100);
  EXPECT_EQ(memory().undo_stack().count(), 0);
  const Eigen::VectorXd c = frame().set->memories[0]->coefficients(100);
  EXPECT_EQ(find<BarsView>("memory_coefficients").data()->bars[3].value, c(3));
  EXPECT_TRUE(std::isnan(panel(0).data()->curves[1].values[101]));
  // A click on a picture goes there.
  click(panel(0), panel(0).place_of(0, 250));
  ASSERT_TRUE(wait_until([this] { return std::abs(frame().cursor - 250) <= 2; }));
}

TEST_F(MemoryTest, methods_are_added_chosen_and_taken_away) {
  enter();
  find<QAbstractButton>("memory_add").click();
  ASSERT_TRUE(ready());
  ASSERT_EQ(frame().methods.size(), 3u);
  EXPECT_TRUE(panel(2).isVisible());
  EXPECT_EQ(memory().state().memory.view.method, 2);
  EXPECT_EQ(find<QComboBox>("memory_family").currentText(), u("FouT"));
  find<QComboBox>("memory_family").setCurrentText(u("LagT"));
  ASSERT_TRUE(ready());
  EXPECT_EQ(memory().run().methods[2].hippo.family, HippoFamily::lagt);
  find<QAbstractButton>("memory_remove").click();
  ASSERT_TRUE(ready());
  EXPECT_EQ(frame().methods.size(), 2u);
  EXPECT_FALSE(panel(2).isVisible());
}

TEST_F(MemoryTest, every_example_opens) {
  enter();
  const auto& examples = memory_examples();
  for (int i = 0; i < static_cast<int>(examples.size()); ++i) {
    workspace().show_example(i);
    ASSERT_TRUE(ready()) << examples[static_cast<std::size_t>(i)].file.toStdString() << notice().toStdString();
    EXPECT_TRUE(notice().isEmpty()) << notice().toStdString();
    EXPECT_EQ(find<QLabel>("memory_explanation").text(), examples[static_cast<std::size_t>(i)].sentence);
    EXPECT_EQ(find<QComboBox>("memory_examples").currentIndex(), i);
    EXPECT_FALSE(window->grab().isNull());
  }
  workspace().show_example(2);  // a constant
  ASSERT_TRUE(ready());
  EXPECT_LT(frame().methods[0].error, 1e-12);
  EXPECT_GT(frame().methods[3].error, 1e-2) << "LagT fades";
}

TEST_F(MemoryTest, what_is_no_longer_an_example_is_told_by_its_numbers) {
  enter();
  workspace().show_example(1);  // four orders of one family
  ASSERT_TRUE(ready());
  EXPECT_EQ(find<CurvesView>("memory_error_ago").data()->curves[2].name, u("N = 32"));
  Q_EMIT find<ValueSlider>("memory_order").value_changed(5, true);
  ASSERT_TRUE(ready());
  EXPECT_TRUE(find<QLabel>("memory_explanation").text().startsWith(u("The same signal in 5 numbers and in 96")));
  EXPECT_EQ(find<QComboBox>("memory_examples").currentIndex(), -1);
}

TEST_F(MemoryTest, large_text_leaves_choices_their_words) {
  enter();
  window->resize(1280, 800);
  set_text_scale(2);
  QApplication::processEvents();
  EXPECT_GT(find<QComboBox>("memory_family").width(), scaled(110));
  set_text_scale(1);
}

TEST_F(MemoryTest, chain_shows_the_kernel_that_it_computes) {
  enter();
  find<SegmentedControl>("memory_pages").selected(1);
  Q_EMIT find<ValueSlider>("chain_order").value_changed(16, true);
  ASSERT_TRUE(ready());
  const S4Result& chain = *memory().chain();
  EXPECT_EQ(chain.lambda.size(), 16);
  EXPECT_LT(chain.difference, 1e-12);
  EXPECT_EQ(find<CurvesView>("chain_kernel").data()->curves[0].values[7], chain.dense[7]);
  EXPECT_EQ(find<HeatMapView>("chain_normal").data()->rows, 16);
  EXPECT_EQ(time().length(), chain.run.length);
  ASSERT_EQ(chain.run.delta, 0.01);
  EXPECT_EQ(workspace().transport_bar().text_at(35), u("lag 0.35 s")) << "as the picture's axis says";
  EXPECT_EQ(scene_kind(workspace().scene({})), "s4");
}

TEST_F(MemoryTest, a_saved_scene_restores_the_same_bits) {
  enter();
  find<QAbstractButton>("memory_add").click();
  ASSERT_TRUE(ready());
  time().set_position(333);
  ASSERT_TRUE(ready());
  const auto coefficients = frame().methods[2].coefficients;
  const QString path = QString::fromStdString((folder.path() / "memory.json").string());
  window->save_scene_to(path);
  workspace().show_example(1);
  ASSERT_TRUE(wait_until([this] { return workspace().settled(); }, 60000));  // the notice still says "saved"
  window->open_path(path);
  ASSERT_TRUE(wait_until([this] { return frame().methods.size() == 3 && frame().cursor == 333; }))
      << notice().toStdString();
  EXPECT_EQ(frame().methods[2].coefficients, coefficients);
  EXPECT_EQ(frame().methods[2].reconstruction.size(), 800u);
}

TEST_F(MemoryTest, a_long_signal_is_drawn_by_its_extremes_and_remembered_whole) {
  enter();
  MemoryState next = memory().state();
  next.memory.run.input.kind = SignalKind::sine;
  next.memory.run.input.length = 1'000'000;
  next.memory.run.input.frequency = 0.001;
  memory().change(next, u("long"));
  ASSERT_TRUE(ready());
  EXPECT_EQ(frame().set->length(), 1'000'000);
  EXPECT_LE(frame().set->x.size(), 1200u);
  time().set_position(777'777);
  ASSERT_TRUE(wait_until([this] { return frame().cursor == 777'777; }));
  const HippoMemory alone(memory().run().methods[0], frame().set->signal, memory().run().delta);
  const Eigen::VectorXd c = alone.coefficients(777'777);
  EXPECT_EQ(frame().methods[0].coefficients[5], c(5));
}

TEST_F(MemoryTest, a_dropped_wav_is_the_signal_at_its_own_rate) {
  enter();
  const std::filesystem::path path = folder.path() / "tone.wav";
  const unsigned char
      header[] = {'R', 'I', 'F', 'F', 36 + 200, 0, 0,   0,   'W', 'A',  'V',  'E', 'f', 'm',  't',
                  ' ', 16,  0,   0,   0,        1, 0,   1,   0,   0x40, 0x1F, 0,   0,   0x80, 0x3E,
                  0,   0,   2,   0,   16,       0, 'd', 'a', 't', 'a',  200,  0,   0,   0};  // 8 kHz, mono, 16 bits
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(header), sizeof header);
  for (int i = 0; i < 100; ++i) file.put(0).put(static_cast<char>(i % 50));
  file.close();
  window->open_path(QString::fromStdString(path.string()));
  ASSERT_TRUE(wait_until([this] { return frame().set->length() == 100; })) << notice().toStdString();
  EXPECT_EQ(memory().run().delta, 1.0 / 8000);
  EXPECT_EQ((*frame().set->signal)[49], 49 * 256 / 32768.0);

  window->open_path(QString::fromStdString((folder.path() / "none.wav").string()));
  EXPECT_FALSE(notice().isEmpty());
  EXPECT_EQ(frame().set->length(), 100) << "nothing is lost";
}

TEST_F(MemoryTest, a_table_is_chosen_in_the_list_of_signals_and_then_its_column) {
  enter();
  const QString path = QString::fromStdString((folder.path() / "two.csv").string());
  std::ofstream(path.toStdString()) << "t,u\n0,0.5\n1,-0.25\n2,1.75\n";
  QTimer user;  // at the dialog that asks for a file
  QObject::connect(&user, &QTimer::timeout, [&user, &path] {
    auto* dialog = qobject_cast<QFileDialog*>(QApplication::activeModalWidget());
    if (!dialog) return;
    user.stop();
    dialog->selectFile(path);
    QMetaObject::invokeMethod(dialog, "accept");
  });
  user.start(10);
  auto& signals_list = find<QComboBox>("memory_signal");
  const int tables = signals_list.findData(static_cast<int>(SignalKind::csv));
  ASSERT_GE(tables, 0);
  EXPECT_FALSE(find<QAbstractButton>("memory_open").isVisible());
  Q_EMIT signals_list.activated(tables);
  ASSERT_TRUE(wait_until([this] { return frame().set->length() == 3; })) << notice().toStdString();
  EXPECT_EQ(*frame().set->signal, (std::vector<double>{0, 1, 2}));
  EXPECT_TRUE(find<QAbstractButton>("memory_open").isVisible());
  EXPECT_EQ(signals_list.placeholderText(), u("two.csv"));
  auto& column = find<QComboBox>("memory_column");
  column.setCurrentText(u("Column u"));
  Q_EMIT column.activated(column.currentIndex());
  ASSERT_TRUE(ready());
  EXPECT_EQ(*frame().set->signal, (std::vector<double>{0.5, -0.25, 1.75}));
  EXPECT_EQ(find<QLabel>("memory_file").text(), u("two.csv · 3 samples"));
}

}  // namespace
}  // namespace statescope::test
