// SPDX-License-Identifier: GPL-3.0-or-later
// A user at the Dynamics workspace.
#include <QCheckBox>
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QTest>
#include <QUndoStack>
#include <cmath>
#include <fstream>

#include "engine/scene/scene.h"
#include "mouse.h"
#include "widgets/convolution_view.h"
#include "widgets/matrix_editor.h"
#include "widgets/phase_view.h"
#include "widgets/pole_plane_view.h"
#include "widgets/segmented_control.h"
#include "widgets/signal_view.h"
#include "widgets/transport_bar.h"
#include "widgets/value_slider.h"
#include "window_fixture.h"
#include "workspaces/dynamics_examples.h"
#include "workspaces/dynamics_workspace.h"

namespace statescope::test {
namespace {

class DynamicsTest : public WindowTest {
 protected:
  void enter() {
    window->show_workspace(u("dynamics"));
    ASSERT_TRUE(ready()) << notice().toStdString();
  }
  bool ready() {
    return wait_until([this] { return workspace().settled(); }, 60000);
  }
  DynamicsWorkspace& workspace() { return dynamic_cast<DynamicsWorkspace&>(*window->workspace(u("dynamics"))); }
  DynamicsDocument& document() { return workspace().document(); }
  const LtiResult& result() { return *document().result(); }
  Transport& time() { return workspace().transport_bar().transport(); }
  PolePlaneView& s_plane() { return find<PolePlaneView>("dynamics_s_plane"); }
  PolePlaneView& z_plane() { return find<PolePlaneView>("dynamics_z_plane"); }

  double of_preset(const char* key) { return parameter(std::get<Preset>(document().run().system), key); }
  void choose(const char* box, const char* text) {
    auto& choices = find<QComboBox>(box);
    choices.setCurrentText(u(text));
    Q_EMIT choices.activated(choices.currentIndex());
    ASSERT_TRUE(ready());
  }
  void type_cell(Symbol matrix, int row, int column, const char* text) {
    find<MatrixEditor>("dynamics_matrices").select(matrix, row, column);
    auto& cell = find<QLineEdit>("matrix_cell");
    cell.selectAll();
    QTest::keyClicks(&cell, u(text));
    QTest::keyClick(&cell, Qt::Key_Return);
    ASSERT_TRUE(ready());
  }
};

TEST_F(DynamicsTest, a_dragged_pole_becomes_another_spring_and_damper) {
  enter();
  ASSERT_EQ(result().modes[0].lambda.real(), -0.2);
  const Complex to(-1, 1.5);
  drag(s_plane(), s_plane().place_of(result().modes[0].lambda), s_plane().place_of(to));
  ASSERT_TRUE(ready());
  // k = m|λ|², c = −2m Re λ; its conjugate comes along.
  EXPECT_NEAR(of_preset("stiffness"), std::norm(to), 1e-9);
  EXPECT_NEAR(of_preset("damping"), 2, 1e-9);
  EXPECT_NEAR(std::abs(result().modes[0].lambda - to), 0, 1e-9);
  EXPECT_NEAR(std::abs(result().modes[1].lambda - std::conj(to)), 0, 1e-9);
  EXPECT_NEAR(std::abs(z_plane().poles()[0] - std::exp(0.05 * to)), 0, 1e-9);
  EXPECT_EQ(find<CurvesView>("dynamics_output").data()->curves[1].values[300], result().recurrence[300]);
  EXPECT_EQ(document().undo_stack().count(), 1) << "the whole drag is one step";
  EXPECT_TRUE(result().parts.hold({})) << "where the hand rests every page has its numbers";

  const LtiRun dragged = document().run();
  trigger("undo");
  ASSERT_TRUE(ready());
  EXPECT_EQ(of_preset("stiffness"), 4);
  EXPECT_EQ(result().modes[0].lambda.real(), -0.2);
  trigger("redo");
  ASSERT_TRUE(ready());
  EXPECT_EQ(document().run(), dragged);
}

// Its eigenvalues are so sensitive that a search in the rounded matrix finds them elsewhere.
TEST_F(DynamicsTest, eigenvalues_of_legs_stay_where_the_hand_leaves_them) {
  enter();
  LtiScene scene = document().scene();
  scene.run.system = make_preset("hippo-legs");
  set_parameter(std::get<Preset>(scene.run.system), "N", 32);
  document().open_scene(scene);
  ASSERT_TRUE(wait_until([this] { return result().states_count() == 32; }));
  std::vector<Complex> wanted = s_plane().poles();
  const auto taken = std::min_element(wanted.begin(), wanted.end(),
                                      [](Complex a, Complex b) { return std::abs(a + 16.0) < std::abs(b + 16.0); });
  drag(s_plane(), s_plane().place_of(*taken), s_plane().place_of(*taken + 3.4));
  ASSERT_TRUE(ready());
  ASSERT_TRUE(std::holds_alternative<DenseSystem>(document().run().system));
  EXPECT_NEAR(s_plane().poles()[taken - wanted.begin()].real(), taken->real() + 3.4, 0.1);
  *taken = s_plane().poles()[taken - wanted.begin()];
  EXPECT_EQ(s_plane().poles(), wanted);
  drag_slider("dynamics_delta", 400);
  ASSERT_TRUE(ready());
  EXPECT_EQ(s_plane().poles(), wanted) << "they do not depend on Δ";
  for (const char* step : {"undo", "undo", "redo"}) {
    trigger(step);
    ASSERT_TRUE(ready());
  }
  EXPECT_EQ(s_plane().poles(), wanted);

  const QString path = QString::fromStdString((folder.path() / "legs.json").string());
  window->save_scene_to(path);
  scene = document().scene();
  workspace().open_example(1);
  ASSERT_TRUE(ready());
  window->open_path(path);
  ASSERT_TRUE(wait_until([&] { return document().scene() == scene; })) << notice().toStdString();
  EXPECT_EQ(s_plane().poles(), wanted) << "a saved scene says where they are";
  type_cell(Symbol::C, 0, 1, "1/3");
  EXPECT_EQ(s_plane().poles(), wanted) << "A is the same";
  type_cell(Symbol::A, 0, 0, "-1.5");
  EXPECT_TRUE(document().run().eigenvalues.empty()) << "they were those of another A";
}

TEST_F(DynamicsTest, yes_or_no_of_a_system_is_a_box_to_check) {
  enter();
  choose("dynamics_system", "LMU");
  const Eigen::MatrixXd whole = result().system.dense.A;
  auto& box = find<QCheckBox>("dynamics_halved");
  EXPECT_FALSE(box.isChecked());
  box.click();
  ASSERT_TRUE(ready());
  EXPECT_EQ(result().system.dense.A, whole / 2);
  trigger("undo");
  ASSERT_TRUE(ready());
  EXPECT_FALSE(box.isChecked());
}

TEST_F(DynamicsTest, keys_keep_the_frequency_or_the_damping) {
  enter();
  const Mode before = result().modes[0];
  drag(s_plane(), s_plane().place_of(before.lambda), s_plane().place_of({-1.2, 1.4}), Qt::ShiftModifier);
  ASSERT_TRUE(ready());
  EXPECT_NEAR(result().modes[0].natural_frequency, before.natural_frequency, 1e-9);
  EXPECT_GT(result().modes[0].damping, 5 * before.damping);
  trigger("undo");
  ASSERT_TRUE(ready());
  drag(s_plane(), s_plane().place_of(before.lambda), s_plane().place_of({-0.15, 1.2}), Qt::ControlModifier);
  ASSERT_TRUE(ready());
  EXPECT_NEAR(result().modes[0].damping, before.damping, 1e-9);
  EXPECT_LT(result().modes[0].natural_frequency, 0.7 * before.natural_frequency);
}

TEST_F(DynamicsTest, the_step_slider_moves_the_poles_and_the_map_of_the_method) {
  enter();
  choose("dynamics_method", "Forward Euler");
  const double delta = drag_slider("dynamics_delta", 700);
  ASSERT_TRUE(ready());
  ASSERT_GT(delta, 0.2);
  EXPECT_EQ(result().run.rule.delta, delta);
  const Complex lambda = result().modes[0].lambda;
  EXPECT_NEAR(std::abs(z_plane().poles()[0] - (1.0 + delta * lambda)), 0, 1e-12);
  const PlaneRegion& stable = *s_plane().data()->region;  // |1 + Δs| < 1
  EXPECT_EQ(stable.shape, PlaneRegion::Shape::inside);
  EXPECT_DOUBLE_EQ(stable.center, -1 / delta);
  EXPECT_DOUBLE_EQ(stable.radius, 1 / delta);
  EXPECT_FALSE(stable.contains(lambda)) << "steps as large as this gain energy";
  EXPECT_TRUE(find<QLabel>("dynamics_verdict").text().contains(u("outside the unit circle")));
  EXPECT_EQ(time().length(), result().length()) << "the same seconds in fewer samples";
}

TEST_F(DynamicsTest, a_cell_that_is_typed_makes_own_matrices_and_is_one_step_back) {
  enter();
  type_cell(Symbol::A, 1, 0, "-9");
  ASSERT_TRUE(std::holds_alternative<DenseSystem>(document().run().system));
  EXPECT_EQ(std::get<DenseSystem>(document().run().system).A(1, 0), -9);
  EXPECT_NEAR(result().modes[0].natural_frequency, 3, 1e-12) << "√9";
  EXPECT_NEAR(std::abs(s_plane().poles()[0] - result().modes[0].lambda), 0, 1e-12);
  EXPECT_EQ(find<QComboBox>("dynamics_system").currentText(), u("Own matrices"));
  const LtiRun edited = document().run();

  type_cell(Symbol::B, 0, 0, "a lot");
  EXPECT_TRUE(find<QLabel>("matrix_message").text().contains(u("“a lot” is not a number")));
  EXPECT_EQ(document().run(), edited);

  trigger("undo");
  ASSERT_TRUE(ready());
  EXPECT_EQ(of_preset("stiffness"), 4);
  EXPECT_EQ(find<MatrixEditor>("dynamics_matrices").matrices().A.at(1, 0), -4);
}

TEST_F(DynamicsTest, own_matrices_grow_by_a_state) {
  enter();
  choose("dynamics_system", "Own matrices");
  const std::vector<double> before = result().recurrence;
  drag_slider("dynamics_states", 3);
  ASSERT_TRUE(ready());
  ASSERT_EQ(result().states_count(),
            document().run().h0.empty() ? std::get<DenseSystem>(document().run().system).states() : 0);
  EXPECT_EQ(result().controllable, result().states_count()) << "the input reaches the new states";
  EXPECT_EQ(result().recurrence, before) << "which the output does not read yet";
}

TEST_F(DynamicsTest, a_step_that_does_not_exist_is_said_and_nothing_is_lost) {
  enter();
  choose("dynamics_system", "Leaky integrator");
  choose("dynamics_method", "Bilinear");
  const auto before = document().result();
  // 1 − ½Δλ = 0
  type_cell(Symbol::A, 0, 0, "40");
  EXPECT_TRUE(notice().contains(u("no step at Δ = 0.05"))) << notice().toStdString();
  EXPECT_EQ(document().result(), before);
  trigger("undo");
  ASSERT_TRUE(ready());
  EXPECT_EQ(result().system.dense.A(0, 0), -1);
  EXPECT_TRUE(wait_until([this] { return notice().isEmpty(); })) << "nobody asks for it any more";
}

TEST_F(DynamicsTest, an_example_says_what_it_is_for_as_long_as_it_is_that) {
  enter();
  const QString sentence = dynamics_examples()[0].sentence;
  auto& verdict = find<QLabel>("dynamics_verdict");
  auto& examples = find<QComboBox>("dynamics_examples");
  EXPECT_TRUE(verdict.text().startsWith(sentence));
  EXPECT_EQ(examples.currentIndex(), 0);
  choose("dynamics_method", "Bilinear");
  EXPECT_FALSE(verdict.text().contains(sentence));
  EXPECT_EQ(examples.currentIndex(), -1);
  trigger("undo");
  ASSERT_TRUE(ready());
  EXPECT_TRUE(verdict.text().startsWith(sentence));
  EXPECT_EQ(examples.currentIndex(), 0);
}

TEST_F(DynamicsTest, a_click_in_the_portrait_starts_there_and_the_theatre_says_so) {
  enter();
  auto& phase = find<PhaseView>("dynamics_phase");
  const QPoint place(phase.width() * 2 / 3, phase.height() / 2);
  const QPointF start = phase.number_at(place);
  click(phase, place);
  ASSERT_TRUE(ready());
  ASSERT_EQ(document().run().h0.size(), 2u);
  EXPECT_EQ(document().run().h0[0], start.x());
  EXPECT_EQ(document().run().h0[1], start.y());
  EXPECT_EQ(phase.data()->start, (std::vector<double>{start.x(), start.y()}));
  EXPECT_EQ(document().undo_stack().count(), 1);
  find<SegmentedControl>("dynamics_pages").selected(1);
  ASSERT_TRUE(ready());
  const ConvolutionData& shown = *find<ConvolutionView>("dynamics_convolution").data();
  const Eigen::VectorXd h0 = Eigen::Vector2d(start.x(), start.y());
  EXPECT_NEAR(shown.free[0], result().step.C * result().step.A * h0, 1e-12);
  double sum = shown.free[9];
  for (int j = 0; j <= 9; ++j) sum += shown.kernel[9 - j] * shown.signal[j];
  EXPECT_NEAR(shown.recurrence[9], sum, 1e-12);
}

TEST_F(DynamicsTest, a_click_in_space_starts_at_the_depth_of_the_present_start) {
  enter();
  LtiScene scene = document().scene();
  scene.run.system = make_preset("hippo-legs");
  scene.run.h0 = {0.2, -0.3, 0.1, 0.4, 0, 0, 0, 0};
  scene.view = {};
  scene.view.three_d = true;
  scene.view.axes[0] = 0;
  scene.view.axes[1] = 1;
  scene.view.axes[2] = 3;
  document().open_scene(scene);
  ASSERT_TRUE(ready());
  auto& phase = find<PhaseView>("dynamics_phase");
  ASSERT_TRUE(phase.data()->in_space());
  ASSERT_EQ(phase.data()->start, (std::vector<double>{0.2, -0.3, 0.4}));
  const QPoint place(phase.width() - 30, phase.height() - 30);
  ASSERT_FALSE(phase.point_near(place));
  const std::vector<double> start = phase.start_at(place);
  click(phase, place);
  ASSERT_TRUE(ready());
  const std::vector<double>& h0 = document().run().h0;
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(h0[i == 2 ? 3 : i], start[i], 1e-12);
  EXPECT_NEAR(h0[2], 0.1, 1e-12);  // what is not shown stays
  EXPECT_NE(start, (std::vector<double>{0.2, -0.3, 0.4}));
}

TEST_F(DynamicsTest, principal_directions_are_axes_of_the_portrait_too) {
  enter();
  choose("dynamics_system", "Random, stable");
  choose("dynamics_axis_0", "p₁");
  const LtiSeries& series = document().series();
  ASSERT_EQ(series.principal.size(), 3u);
  EXPECT_GE(series.directions.shares[0], series.directions.shares[1]);
  auto& phase = find<PhaseView>("dynamics_phase");
  double along = 0;
  for (std::int64_t n = 0; n < result().states_count(); ++n)
    along += series.directions.V(n, 0) * result().states[static_cast<std::size_t>(n)][100];
  EXPECT_NEAR(phase.data()->axes[0].values[100], along, 1e-12);
  // Starting there is starting with a state that the two axes show there; the directions are then of another course.
  const Eigen::VectorXd direction = series.directions.V.col(0);
  const QPoint place(phase.width() / 2, phase.height() / 2);
  const QPointF start = phase.number_at(place);
  click(phase, place);
  ASSERT_TRUE(ready());
  const std::vector<double>& h0 = document().run().h0;
  EXPECT_NEAR(direction.dot(Eigen::Map<const Eigen::VectorXd>(h0.data(), direction.size())), start.x(), 1e-9);
  EXPECT_NEAR(h0[1], start.y(), 1e-9);
  EXPECT_EQ(document().scene().view.axes[0], -1);
  EXPECT_EQ(std::get<LtiScene>(parse_scene(to_text(document().scene()), "s")).view, document().scene().view);
}

TEST_F(DynamicsTest, drawing_with_the_mouse_is_the_input) {
  enter();
  auto& input = find<SignalView>("dynamics_input_curve");
  const QPointF from = input.place_of(0, 100), to = input.place_of(0, 200);
  const double height = input.place_of(0, 400).y() - 30;
  drag(input, {from.x(), height}, {to.x(), height});
  ASSERT_TRUE(ready());
  EXPECT_EQ(document().run().input.kind, SignalKind::drawn);
  EXPECT_NEAR(result().input[150], input.number_at({0, height}).y(), 1e-9) << "a level stroke";
  EXPECT_EQ(result().length(), 500);
  EXPECT_EQ(document().undo_stack().count(), 1);
}

TEST_F(DynamicsTest, cursor_moves_every_view) {
  enter();
  time().set_position(200);
  EXPECT_EQ(document().scene().cursor, 200);
  for (const char* name : {"dynamics_states", "dynamics_input_curve", "dynamics_output"})
    EXPECT_EQ(find<CurvesView>(name).cursor(), 200) << name;
  auto& states = find<CurvesView>("dynamics_states");
  click(states, states.place_of(1, 320));
  EXPECT_LE(std::abs(document().scene().cursor - 320), 2);
  EXPECT_EQ(states.highlighted(), 1);
  EXPECT_EQ(document().undo_stack().count(), 0);
}

TEST_F(DynamicsTest, a_saved_scene_restores_the_same_bits) {
  enter();
  drag(s_plane(), s_plane().place_of(result().modes[0].lambda), s_plane().place_of({-0.7, 1.1}));
  ASSERT_TRUE(ready());
  type_cell(Symbol::C, 0, 1, "1/3");
  time().set_position(123);
  const LtiScene scene = document().scene();
  const std::vector<double> output = result().recurrence;
  const QString path = QString::fromStdString((folder.path() / "dynamics.json").string());
  window->save_scene_to(path);
  workspace().open_example(1);
  ASSERT_TRUE(ready());
  ASSERT_NE(document().scene(), scene);
  window->open_path(path);
  ASSERT_TRUE(wait_until([&] { return document().scene() == scene; })) << notice().toStdString();
  EXPECT_EQ(result().recurrence, output);
  EXPECT_EQ(time().position(), 123);
}

TEST_F(DynamicsTest, a_dropped_table_is_the_input_and_a_bad_one_gets_a_sentence) {
  enter();
  std::ofstream(folder.path() / "input.csv") << "u\n0.5\n-0.25\n1.75\n";
  window->open_path(QString::fromStdString((folder.path() / "input.csv").string()));
  ASSERT_TRUE(wait_until([this] { return result().length() == 3; })) << notice().toStdString();
  EXPECT_EQ(result().input, (std::vector<double>{0.5, -0.25, 1.75}));
  EXPECT_EQ(find<ValueSlider>("dynamics_length").value(), 3) << "what there is, not what may be";
  EXPECT_EQ(find<QLabel>("dynamics_file").text(), u("input.csv · 3 samples"));
  std::ofstream(folder.path() / "bad.csv") << "u\n0.5\nhalf\n";
  window->open_path(QString::fromStdString((folder.path() / "bad.csv").string()));
  ASSERT_TRUE(wait_until([this] { return !notice().isEmpty(); }));
  EXPECT_TRUE(notice().contains(u("bad.csv"))) << notice().toStdString();
  EXPECT_EQ(result().length(), 3) << "nothing is lost";
  trigger("undo");
  ASSERT_TRUE(ready());
  EXPECT_EQ(result().length(), 500);
}

TEST_F(DynamicsTest, a_run_that_ends_at_once_leaves_no_picture_of_the_one_before) {
  enter();
  ASSERT_TRUE(find<PhaseView>("dynamics_phase").data());
  std::ofstream(folder.path() / "huge.csv") << "u\n1e300\n-1e300\n";
  window->open_path(QString::fromStdString((folder.path() / "huge.csv").string()));
  ASSERT_TRUE(wait_until([this] { return result().length() == 0; })) << notice().toStdString();
  EXPECT_FALSE(find<PhaseView>("dynamics_phase").data());
  EXPECT_FALSE(find<CurvesView>("dynamics_states").data());
  trigger("undo");
  ASSERT_TRUE(ready());
  EXPECT_TRUE(find<PhaseView>("dynamics_phase").data());
}

TEST_F(DynamicsTest, a_column_of_a_table_is_chosen_by_its_name) {
  enter();
  std::ofstream(folder.path() / "two.csv") << "t,u\n0,0.5\n1,-0.25\n2,1.75\n";
  window->open_path(QString::fromStdString((folder.path() / "two.csv").string()));
  ASSERT_TRUE(wait_until([this] { return result().length() == 3; })) << notice().toStdString();
  EXPECT_EQ(result().input, (std::vector<double>{0, 1, 2}));
  choose("dynamics_column", "Column u");
  EXPECT_EQ(result().input, (std::vector<double>{0.5, -0.25, 1.75}));
  trigger("undo");
  ASSERT_TRUE(ready());
  EXPECT_EQ(result().input, (std::vector<double>{0, 1, 2}));
  EXPECT_EQ(find<QComboBox>("dynamics_column").currentIndex(), 0);
}

TEST_F(DynamicsTest, a_scene_that_cannot_be_computed_leaves_its_reason_and_an_example) {
  const QString path = QString::fromStdString((folder.path() / "lost.json").string());
  std::ofstream(path.toStdString()) << R"({"format": "statescope-scene", "version": 1, "experiment": {"kind": "lti",
    "system": {"preset": "oscillator"}, "input": {"kind": "csv", "file": "lost.csv"}}})";
  window->open_path(path);
  ASSERT_TRUE(wait_until([this] { return workspace().document().result() != nullptr; }, 60000));
  ASSERT_TRUE(ready());
  EXPECT_TRUE(notice().contains(u("lost.csv"))) << notice().toStdString();
}

TEST_F(DynamicsTest, every_example_opens_on_every_page) {
  enter();
  const auto examples = dynamics_examples();
  for (int i = 0; i < static_cast<int>(examples.size()); ++i) {
    workspace().open_example(i);
    ASSERT_TRUE(ready()) << examples[static_cast<std::size_t>(i)].file.toStdString();
    EXPECT_TRUE(notice().isEmpty()) << notice().toStdString();
    if (result().diverges_at < 0) {
      EXPECT_LE(result().difference, 1e-10 * std::max(1.0, result().scale));
    }
    for (const auto page : {LtiView::Page::motion, LtiView::Page::convolution, LtiView::Page::frequency}) {
      workspace().show_page(page);
      EXPECT_FALSE(window->grab().isNull());
    }
  }
}

}  // namespace
}  // namespace statescope::test
