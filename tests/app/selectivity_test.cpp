// SPDX-License-Identifier: GPL-3.0-or-later
// A user at the Selectivity workspace.
#include <QAbstractButton>
#include <QCheckBox>
#include <QComboBox>
#include <QLabel>
#include <QTest>
#include <QUndoStack>
#include <algorithm>
#include <cmath>
#include <filesystem>

#include "engine/scene/scene.h"
#include "widgets/curves_view.h"
#include "widgets/heat_map_view.h"
#include "widgets/notice.h"
#include "widgets/segmented_control.h"
#include "widgets/sequence_view.h"
#include "widgets/signal_view.h"
#include "widgets/transport_bar.h"
#include "widgets/value_slider.h"
#include "window_fixture.h"
#include "workspaces/gated_page.h"
#include "workspaces/selectivity_examples.h"
#include "workspaces/selectivity_pictures.h"
#include "workspaces/selectivity_workspace.h"
#include "workspaces/training_page.h"

namespace statescope::test {
namespace {

class SelectivityTest : public WindowTest {
 protected:
  void enter() {
    window->show_workspace(u("selectivity"));
    ASSERT_TRUE(ready()) << notice().toStdString();
  }
  bool ready() {
    return wait_until([this] { return workspace().settled() || !notice().isEmpty(); }, 60000) && workspace().settled();
  }
  SelectivityWorkspace& workspace() {
    return dynamic_cast<SelectivityWorkspace&>(*window->workspace(u("selectivity")));
  }
  SelectivityDocument& document() { return workspace().document(); }
  const SelectivityFrame& frame() { return *document().frame(); }
  const SelectivityReading& reading() { return *frame().reading; }
  Transport& time() { return workspace().transport_bar().transport(); }
  SequenceView& tokens() { return find<SequenceView>("selectivity_tokens"); }
  HeatMapView& map(int i) { return find<HeatMapView>(("selectivity_map_" + std::to_string(i)).c_str()); }
  const SequenceData& strip(int i) {
    return *find<SequenceView>(("selectivity_strip_" + std::to_string(i)).c_str()).data();
  }
};

TEST_F(SelectivityTest, first_look_compares_two_trained_systems) {
  enter();
  ASSERT_EQ(reading().length(), 80);
  EXPECT_EQ(time().length(), 80);
  EXPECT_EQ(reading().systems[0].asked, 16);
  EXPECT_GT(reading().systems[0].right, reading().systems[1].right) << "selection wins";
  // What is drawn is what the engine says.
  const LayerProbe& layer = reading().systems[0].probe.layers[0];
  EXPECT_EQ(map(0).data()->rows, layer.channels);
  EXPECT_EQ(map(0).data()->value(5, 40), layer.delta[static_cast<std::size_t>(40 * layer.channels + 5)]);
  for (std::size_t t = 64; t < 80; ++t) {
    const SystemReading& lower = reading().systems[1];
    const bool right = lower.predictions[t] == reading().rule.targets[t];
    EXPECT_EQ(strip(1).cells[t].look, right ? SequenceCell::Look::right : SequenceCell::Look::wrong);
    EXPECT_EQ(strip(1).cells[t].text, token_text(reading().task, lower.predictions[t]));
  }
  EXPECT_TRUE(find<QLabel>("selectivity_explanation").text().contains(u("same steps at every token")));
  EXPECT_TRUE(find<QLabel>("selectivity_fresh").text().contains(u("512")));
}

TEST_F(SelectivityTest, cursor_ties_all_views) {
  enter();
  time().set_position(20);
  ASSERT_TRUE(wait_until([this] { return frame().cursor == 20; }));
  EXPECT_EQ(document().undo_stack().count(), 0);
  const std::vector<double> kept = kept_amounts(reading().systems[0].layer(0), std::nullopt, 20, false);
  EXPECT_EQ(frame().systems[0].kept, kept);
  EXPECT_EQ(strip(0).shares[21], 0) << "not read yet";
  click(tokens(), tokens().cell_rect(33).center());
  ASSERT_TRUE(wait_until([this] { return frame().cursor == 33; }));
  EXPECT_EQ(time().position(), 33);
}

TEST_F(SelectivityTest, typing_edits_the_sequence_and_its_answers) {
  enter();
  ASSERT_EQ(
      reading().rule.targets[64],
      reading()
          .tokens[static_cast<std::size_t>(std::find(reading().rule.needed.begin(), reading().rule.needed.end(), true) -
                                           reading().rule.needed.begin())]);
  click(tokens(), tokens().cell_rect(0).center());
  tokens().setFocus();
  QTest::keyClicks(&tokens(), QStringLiteral("b"));
  ASSERT_TRUE(ready());
  EXPECT_EQ(reading().tokens[0], 2);
  EXPECT_EQ(reading().rule.targets[64], 2) << "the first letter is asked first";
  EXPECT_EQ(time().position(), 1) << "and the cursor goes on";
  QTest::keyClicks(&tokens(), QStringLiteral("!"));
  EXPECT_EQ(document().undo_stack().count(), 1) << "no token of the task";
  EXPECT_TRUE(notice().contains(u("“!” is no token"))) << notice().toStdString();
  workspace().notice().dismiss();
  trigger("undo");
  ASSERT_TRUE(ready());
  EXPECT_TRUE(document().state().run.tokens.empty());
  find<QAbstractButton>("selectivity_new").click();
  ASSERT_TRUE(ready());
  EXPECT_EQ(document().state().run.seed, 2u);
}

TEST_F(SelectivityTest, freezing_delta_takes_the_answers_away) {
  enter();
  const double before = document().fresh().now[0].accuracy();
  auto& freeze = find<QCheckBox>("selectivity_freeze_delta");
  freeze.click();
  ASSERT_TRUE(ready());
  EXPECT_TRUE(frame().systems[0].selection.constant);
  const LayerProbe& layer = reading().systems[0].probe.layers[0];
  EXPECT_EQ(layer.delta[0], layer.delta[static_cast<std::size_t>(50 * layer.channels)]);
  EXPECT_LT(document().fresh().now[0].accuracy(), before - 0.2);
  EXPECT_EQ(document().fresh().as_trained[0].accuracy(), before);
  find<QAbstractButton>("selectivity_as_trained").click();
  ASSERT_TRUE(ready());
  EXPECT_EQ(document().fresh().now[0].accuracy(), before);
  EXPECT_FALSE(freeze.isChecked());
  // The lower system has nothing to freeze.
  Q_EMIT find<SegmentedControl>("selectivity_system").selected(1);
  EXPECT_FALSE(freeze.isEnabled());
  Q_EMIT find<ValueSlider>("selectivity_scale").value_changed(4, true);
  ASSERT_TRUE(ready());
  EXPECT_EQ(document().state().run.systems[1].knobs.delta_scale, 4);
}

TEST_F(SelectivityTest, right_answers_by_length_of_both_systems) {
  enter();
  Q_EMIT find<SegmentedControl>("selectivity_by").selected(1);
  EXPECT_FALSE(workspace().settled());
  ASSERT_TRUE(wait_until([this] { return document().lengths().size() >= 3; }, 60000)) << notice().toStdString();
  const LengthAnswers at = document().lengths()[2];
  EXPECT_EQ(at.length, 256);
  auto& view = find<CurvesView>("selectivity_answers");
  ASSERT_EQ(view.data()->curves.size(), 2u);
  EXPECT_EQ(view.data()->curves[1].values[2], 100 * at.systems[1].accuracy());
  EXPECT_EQ(view.data()->x_label(2), u("256"));
  EXPECT_TRUE(find<QLabel>("selectivity_fresh").text().contains(u("at 64 tokens, which it learnt from")));
  trigger("undo");
  ASSERT_TRUE(ready());
  EXPECT_LT(document().lengths().size(), 9u) << "nobody looks any more: not up to 16,384";
  EXPECT_EQ(view.data()->points(), 16);
}

TEST_F(SelectivityTest, a_click_opens_a_channel_and_quantities_change_the_map) {
  enter();
  click(map(0), map(0).cell_rect(17, 30).center());
  Q_EMIT find<SegmentedControl>("selectivity_quantity").selected(3);
  ASSERT_TRUE(ready());
  EXPECT_EQ(document().state().view.channels[0], 17);
  const LayerProbe& layer = reading().systems[0].probe.layers[0];
  ASSERT_EQ(map(0).data()->rows, layer.states);
  EXPECT_EQ(map(0).data()->value(3, 30),
            layer.h[static_cast<std::size_t>((30 * layer.channels + 17) * layer.states + 3)]);
  EXPECT_EQ(map(1).data()->rows, reading().systems[1].probe.layers[0].channels) << "all of them";
  find<QAbstractButton>("selectivity_all_channels").click();
  ASSERT_TRUE(ready());
  EXPECT_EQ(map(0).data()->rows, layer.channels);
}

TEST_F(SelectivityTest, systems_are_chosen_from_what_is_there) {
  enter();
  ASSERT_TRUE(wait_until([this] { return document().choices().size() >= 2; }));
  auto& box = find<QComboBox>("selectivity_model_1");
  ASSERT_EQ(box.count(), static_cast<int>(document().choices().size()));
  const auto& choices = document().choices();
  const auto same = std::find_if(choices.begin(), choices.end(), [this](const ModelChoice& choice) {
    return choice.model == document().state().run.systems[0].model;
  });
  const int index = static_cast<int>(same - choices.begin());
  box.setCurrentIndex(index);
  Q_EMIT box.activated(index);
  ASSERT_TRUE(ready());
  EXPECT_EQ(reading().systems[0].predictions, reading().systems[1].predictions);
}

TEST_F(SelectivityTest, every_example_opens_and_a_saved_scene_restores_the_same_bits) {
  enter();
  for (int i = 0; i < static_cast<int>(selectivity_examples().size()); ++i) {
    workspace().show_example(i);
    ASSERT_TRUE(ready()) << selectivity_examples()[static_cast<std::size_t>(i)].file.toStdString();
    EXPECT_TRUE(notice().isEmpty()) << notice().toStdString();
    EXPECT_FALSE(window->grab().isNull());
  }
  workspace().replace_token(3, u("c"));
  time().set_position(40);
  ASSERT_TRUE(ready());
  const std::vector<float> h = reading().systems[1].probe.layers[1].h;
  const QString path = QString::fromStdString((folder.path() / "selectivity.json").string());
  window->save_scene_to(path);
  workspace().new_sequence();
  ASSERT_TRUE(wait_until([this] { return workspace().settled(); }, 60000));  // the notice still says "saved"
  window->open_path(path);
  ASSERT_TRUE(wait_until([this] { return frame().cursor == 40 && reading().tokens[3] == 3; }))
      << notice().toStdString();
  EXPECT_EQ(reading().systems[1].probe.layers[1].h, h);
}

// One letter among six tokens, which a small network learns in some dozens of steps.
Recipe tiny_recipe() {
  Recipe recipe = TrainingScene::first_recipe();
  recipe.task.length = 6;
  recipe.task.vocab = 6;
  recipe.task.memorise = 1;
  recipe.network.d_model = 16;
  recipe.network.d_state = 4;
  recipe.network.dt_rank = 1;
  recipe.optimiser.steps = 400;
  recipe.optimiser.warmup = 10;
  recipe.batch = 16;
  recipe.evaluate_every = 20;
  recipe.evaluation_sequences = 16;
  return recipe;
}

double mean(const std::vector<double>& values, std::size_t first, std::size_t count) {
  double sum = 0;
  for (std::size_t i = first; i < first + count; ++i) sum += values[i];
  return sum / static_cast<double>(count);
}

TEST_F(SelectivityTest, a_network_learns_while_it_is_watched) {
  window->show_workspace(u("selectivity"));
  Q_EMIT find<SegmentedControl>("selectivity_pages").selected(1);
  TrainingPage& page = workspace().training();
  TrainingDocument& document = page.document();
  page.set_recipe(tiny_recipe());
  EXPECT_FALSE(find<QAbstractButton>("training_pause").isEnabled());
  find<QAbstractButton>("training_start").click();
  const auto steps = [&document] { return document.snapshot() ? document.snapshot()->step() : -1; };
  ASSERT_TRUE(wait_until([&] { return steps() >= 60 || !notice().isEmpty(); }, 60000)) << notice().toStdString();
  find<QAbstractButton>("training_pause").click();
  ASSERT_EQ(document.phase(), TrainingDocument::Phase::paused);
  // A step that was under way ends; then nothing moves but by hand.
  wait_until([] { return false; }, 300);
  const std::int64_t before = steps();
  find<QAbstractButton>("training_step").click();
  ASSERT_TRUE(wait_until([&] { return steps() > before; }));
  EXPECT_EQ(steps(), before + 1) << "from the step that is shown";
  const std::vector<double>& loss = document.snapshot()->run->loss;
  EXPECT_LT(mean(loss, loss.size() - 10, 10), 0.8 * mean(loss, 0, 10)) << "it learns";
  EXPECT_EQ(find<CurvesView>("training_loss").data()->curves.size(), 1u);
  EXPECT_EQ(find<HeatMapView>("training_map").data()->columns, 7);
  EXPECT_TRUE(find<QLabel>("training_sentence").text().contains(u("of fresh answers are right")));
  EXPECT_EQ(scene_kind(workspace().scene({})), "training");

  // Another run with the same seed: the earlier curve stays, and the steps are the same bits.
  find<QAbstractButton>("training_start").click();
  ASSERT_TRUE(wait_until([&] { return steps() >= 30; }, 60000));
  ASSERT_EQ(document.earlier().size(), 1u);
  EXPECT_EQ(document.earlier()[0]->loss[20], document.snapshot()->run->loss[20]);
  EXPECT_EQ(find<CurvesView>("training_loss").data()->curves.size(), 2u);

  // What is kept can be compared.
  QString kept_in;
  QObject::connect(&document, &TrainingDocument::kept, window.get(), [&kept_in](const QString& to) { kept_in = to; });
  find<QAbstractButton>("training_keep").click();
  ASSERT_TRUE(wait_until([&] { return !kept_in.isEmpty(); }));
  const auto offered = [&] {
    const auto& choices = workspace().document().choices();
    return std::any_of(choices.begin(), choices.end(),
                       [&](const ModelChoice& choice) { return choice.model == kept_in.toStdString(); });
  };
  EXPECT_TRUE(wait_until(offered));
  std::filesystem::remove_all(kept_in.toStdString());
  find<QAbstractButton>("training_discard").click();
  EXPECT_EQ(document.phase(), TrainingDocument::Phase::idle);
  EXPECT_EQ(document.snapshot(), nullptr);
}

TEST_F(SelectivityTest, every_page_has_a_history_of_its_own) {
  window->show_workspace(u("selectivity"));  // Compare still reads
  Q_EMIT find<SegmentedControl>("selectivity_pages").selected(2);
  GatedPage& theorem = workspace().theorem();
  const GatedScene first = theorem.scene();
  auto& x = find<QComboBox>("gated_x");
  Q_EMIT x.activated(1);
  ASSERT_NE(theorem.scene(), first);
  ASSERT_TRUE(wait_until([this] { return document().frame() && workspace().settled(); }, 60000))
      << notice().toStdString();
  Q_EMIT find<SegmentedControl>("selectivity_pages").selected(1);
  TrainingPage& training = workspace().training();
  const Recipe recipe = training.recipe();
  auto& width = find<ValueSlider>("training_width");
  Q_EMIT find<QComboBox>("training_presets").activated(1);
  width.set_value(32);
  Q_EMIT width.value_changed(32, false);
  width.set_value(16);
  Q_EMIT width.value_changed(16, true);
  EXPECT_EQ(training.recipe().network.d_model, 16);
  EXPECT_EQ(training.undo_stack().count(), 2) << "a drag is one step";
  trigger("undo");
  EXPECT_EQ(training.recipe().network.d_model, 64);
  EXPECT_EQ(width.value(), 64);
  trigger("undo");
  EXPECT_EQ(training.recipe(), recipe);
  trigger("undo");
  EXPECT_NE(theorem.scene(), first) << "of another page";
  Q_EMIT find<SegmentedControl>("selectivity_pages").selected(2);
  trigger("undo");
  EXPECT_EQ(theorem.scene(), first);
}

TEST_F(SelectivityTest, a_recipe_that_cannot_be_is_refused_in_one_sentence) {
  window->show_workspace(u("selectivity"));
  Q_EMIT find<SegmentedControl>("selectivity_pages").selected(1);
  Recipe recipe = tiny_recipe();
  recipe.task.memorise = 7;
  workspace().training().set_recipe(recipe);
  find<QAbstractButton>("training_start").click();
  ASSERT_TRUE(wait_until([this] { return !notice().isEmpty(); }));
  EXPECT_TRUE(notice().contains(u("memorise"))) << notice().toStdString();
  EXPECT_EQ(workspace().training().document().phase(), TrainingDocument::Phase::idle);
}

TEST_F(SelectivityTest, the_theorem_holds_under_zoh_and_z_can_be_drawn) {
  enter();
  Q_EMIT find<SegmentedControl>("selectivity_pages").selected(2);
  GatedPage& page = workspace().theorem();
  ASSERT_TRUE(ready());
  EXPECT_LT(page.result()->zoh_difference, 1e-14);
  EXPECT_GT(page.result()->euler_difference, 0.1);
  EXPECT_EQ(time().length(), 400);
  time().set_position(123);
  EXPECT_EQ(find<CurvesView>("gated_states").cursor(), 123);
  Q_EMIT find<SignalView>("gated_drawn").drawn(std::vector<double>(400, -2.0), true);
  ASSERT_TRUE(ready());
  EXPECT_NEAR(page.result()->gate[7], 1 / (1 + std::exp(2.0)), 1e-15);
  const QString path = QString::fromStdString((folder.path() / "gate.json").string());
  window->save_scene_to(path);
  trigger("undo");
  EXPECT_TRUE(wait_until([&] { return page.result()->gate[7] != page.result()->gate[200]; }));
  window->open_path(path);
  EXPECT_TRUE(wait_until([&] { return page.result()->gate[7] == page.result()->gate[200]; }));
  EXPECT_EQ(page.scene().run.z.kind, SignalKind::drawn);
  EXPECT_EQ(page.scene().cursor, 123);
}

TEST_F(SelectivityTest, the_axis_of_z_holds_all_of_it_and_stays_while_one_draws_to_its_edge) {
  enter();
  Q_EMIT find<SegmentedControl>("selectivity_pages").selected(2);
  ASSERT_TRUE(ready());
  auto& view = find<SignalView>("gated_drawn");
  EXPECT_EQ(view.data()->y_max, 5);
  for (const auto& [z, end] : {std::pair(8.0, 10.0), {10.0, 10.0}, {2.0, 5.0}}) {
    Q_EMIT view.drawn(std::vector<double>(400, z), true);
    ASSERT_TRUE(ready());
    EXPECT_EQ(view.data()->y_max, end) << z;
    EXPECT_EQ(view.data()->y_min, -end) << z;
  }
}

TEST_F(SelectivityTest, long_models_are_shown_shorter_and_both_answer_one_task) {
  enter();
  ASSERT_TRUE(wait_until([this] { return document().choices().size() >= 2; }));
  const auto choose = [this](const char* box, const std::string& model) {
    const auto& choices = document().choices();
    const auto found =
        std::find_if(choices.begin(), choices.end(), [&](const ModelChoice& choice) { return choice.model == model; });
    ASSERT_NE(found, choices.end());
    Q_EMIT find<QComboBox>(box).activated(static_cast<int>(found - choices.begin()));
    ASSERT_TRUE(ready()) << notice().toStdString();
  };
  EXPECT_EQ(find<QComboBox>("selectivity_model_0").currentText(), u("S6 in a Mamba block · 64 tokens"));
  choose("selectivity_model_0", "bundled:copying-256-plain-s6");
  EXPECT_EQ(reading().length(), 272);
  // The lower one learnt from 64 tokens, where it has two of three right; at 256 it is lost.
  EXPECT_LT(document().fresh().now[1].accuracy(), 0.3);
  choose("selectivity_model_0", "bundled:copying-4096-plain-s6");
  EXPECT_EQ(reading().length(), longest_shown + 16);
  EXPECT_TRUE(notice().isEmpty()) << notice().toStdString();
  // Attention has no state: its strip has no colours, its map says why, and the sentence about the other stands alone.
  choose("selectivity_model_0", "bundled:associative-recall-attention");
  EXPECT_FALSE(map(0).data() && map(0).data()->rows > 0);
  EXPECT_TRUE(find<QLabel>("selectivity_explanation").text().contains(u("has no state")));
  EXPECT_TRUE(find<QLabel>("selectivity_explanation").text().contains(u("of its state")));
}

TEST_F(SelectivityTest, what_cannot_be_read_leaves_what_was_there) {
  enter();
  SelectivityScene scene = document().state();
  scene.run.systems[1].model = "bundled:nothing";
  workspace().open_scene(scene, {});
  ASSERT_TRUE(wait_until([this] { return !notice().isEmpty(); }));
  EXPECT_TRUE(notice().contains(u("nothing")));
  EXPECT_EQ(document().state().run.systems[1].model, "bundled:selective-copying-s4d");
  EXPECT_TRUE(workspace().settled());
}

}  // namespace
}  // namespace statescope::test
