// SPDX-License-Identifier: GPL-3.0-or-later
// A user at the Model workspace: what is typed, clicked and played shows in every view.
#include <QComboBox>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QListView>
#include <QPlainTextEdit>
#include <QTest>

#include "engine/io/safetensors.h"
#include "paths.h"
#include "widgets/bars_view.h"
#include "widgets/curves_view.h"
#include "widgets/equation_view.h"
#include "widgets/heat_map_view.h"
#include "widgets/prompt_bar.h"
#include "widgets/scrubber.h"
#include "widgets/segmented_control.h"
#include "widgets/token_strip.h"
#include "widgets/transport_bar.h"
#include "window_fixture.h"

namespace statescope::test {
namespace {

const SafetensorsFile& golden() {
  static const SafetensorsFile file(test::test_data("mamba-lab/golden.safetensors"));
  return file;
}

TEST_F(WindowTest, first_start_opens_on_a_living_picture) {
  window->start();
  ASSERT_TRUE(settled());
  EXPECT_EQ(ids_of(document().run()), golden().read_ids("p0.ids"));
  EXPECT_TRUE(window->windowTitle().startsWith(u("mamba-lab")));
  EXPECT_EQ(find<PromptBar>("prompt").text(), u(sample_text));
  EXPECT_EQ(find<TokenStrip>("tokens").count(), 11);
  EXPECT_TRUE(transport().playing());
  EXPECT_EQ(transport().length(), 11);
  EXPECT_TRUE(find<QLabel>("status").text().contains(u("11 tokens")));
  EXPECT_TRUE(notice().isEmpty());

  EXPECT_EQ(find<HeatMapView>("layer_map").data()->rows, 512);
  EXPECT_EQ(find<HeatMapView>("layer_map").data()->columns, 11);
  EXPECT_EQ(find<HeatMapView>("state_map").data()->columns, 16);
  EXPECT_EQ(find<HeatMapView>("overview").data()->rows, 8);
  EXPECT_EQ(find<CurvesView>("channel").data()->curves.size(), 16u);
  EXPECT_FALSE(find<BarsView>("candidates").data()->bars.empty());
  EXPECT_EQ(find<BarsView>("half_lives").data()->bars.size(), 16u);
  EXPECT_EQ(find<BarsView>("writes").data()->bars.size(), 11u);
  EXPECT_TRUE(find<EquationView>("equation").state_update());
  EXPECT_EQ(document().undo_stack().count(), 0) << "there is nothing to undo at the start";
}

TEST_F(WindowTest, shortcut_to_the_prompt_lets_one_type) {
  open_sample();
  window->activateWindow();
  QApplication::processEvents();
  trigger("focus_prompt");
  ASSERT_NE(window->focusWidget(), nullptr);
  QTest::keyClicks(window->focusWidget(), u("x"));
  EXPECT_TRUE(find<PromptBar>("prompt").text().contains(QLatin1Char('x')));
}

TEST_F(WindowTest, palette_begins_with_what_is_done_to_files) {
  trigger("palette");
  const auto& list = find<QListView>("palette_list");
  EXPECT_EQ(list.model()->index(0, 0).data().toString(), u("Open model folder…"));
}

// Also of a workspace that nobody has entered yet: its first scene brings a page of its own.
TEST_F(WindowTest, palette_opens_any_page_from_anywhere) {
  struct Page {
    const char *typed, *workspace, *pages;
    int index;
  };
  for (const Page& page : {Page{"frequency", "dynamics", "dynamics_pages", 2},
                           {"s4 kernel", "memory", "memory_pages", 1},
                           {"theorem", "selectivity", "selectivity_pages", 2},
                           {"roofline", "profile", "profile_tabs", 2},
                           {"motion", "dynamics", "dynamics_pages", 0}}) {
    trigger("palette");
    auto& query = find<QLineEdit>("palette_query");
    QTest::keyClicks(&query, u(page.typed));
    QTest::keyClick(&query, Qt::Key_Return);
    EXPECT_EQ(window->current().id(), u(page.workspace)) << page.typed;
    auto& pages = find<SegmentedControl>(page.pages);
    EXPECT_TRUE(wait_until([&] { return window->current().settled() && pages.current() == page.index; }, 60000))
        << page.typed << ' ' << pages.current();
  }
}

TEST_F(WindowTest, typed_prompt_runs_on_enter_and_half_typed_text_survives_other_changes) {
  open_sample();
  run_prompt(u("And God said, Let there be"));
  ASSERT_TRUE(settled());
  EXPECT_EQ(text_of(document().run()), u("And God said, Let there be"));
  EXPECT_EQ(ids_of(document().run()), golden().read_ids("p1.ids"));
  EXPECT_EQ(find<TokenStrip>("tokens").count(), transport().length());
  EXPECT_EQ(find<HeatMapView>("layer_map").data()->columns, transport().length());
  type_prompt(u("half typ"));
  trigger("next_layer");
  ASSERT_TRUE(settled());
  EXPECT_EQ(find<PromptBar>("prompt").text(), u("half typ"));
  EXPECT_EQ(document().scene().view.layer, 4);
}

TEST_F(WindowTest, generate_goes_on_live_with_the_known_text) {
  open_sample();
  std::vector<int> lengths;
  QObject::connect(&document(), &ModelDocument::run_changed, window.get(),
                   [&] { lengths.push_back(find<TokenStrip>("tokens").count()); });
  click(find<QWidget>("generate"), {10, 10});
  EXPECT_EQ(document().activity(), Activity::generating);
  ASSERT_TRUE(settled());
  const std::vector<std::int32_t> greedy = golden().read_ids("p0.greedy");
  EXPECT_EQ(document().scene().run.generated, greedy);
  EXPECT_EQ(std::ssize(ids_of(document().run())), 11 + 48);
  EXPECT_TRUE(text_of(document().run()).startsWith(u(sample_text) + u(", when I came to Jerusalem, I was a great")))
      << text_of(document().run()).toStdString();
  EXPECT_EQ(transport().length(), 59);
  ASSERT_FALSE(lengths.empty());
  EXPECT_EQ(lengths.back(), 59);
  EXPECT_TRUE(std::is_sorted(lengths.begin(), lengths.end()));
}

TEST_F(WindowTest, stop_in_mid_generation_keeps_what_is_there) {
  open_sample();
  document().set_sampling({}, 1000);
  trigger("generate");
  ASSERT_TRUE(wait_until([this] { return document().run()->trace.length() > 13; }));
  trigger("stop");
  ASSERT_TRUE(settled());
  const std::int64_t length = document().run()->trace.length();
  EXPECT_GT(length, 13);
  EXPECT_LT(length, 1011);
  EXPECT_EQ(std::ssize(document().scene().run.generated), length - 11);
  EXPECT_EQ(document().undo_stack().undoText(), u("Generate"));
  document().set_sampling({}, 5);
  trigger("generate");
  ASSERT_TRUE(settled());
  EXPECT_EQ(document().run()->trace.length(), length + 5);
}

TEST_F(WindowTest, rewinding_and_generating_again_gives_the_same_text) {
  open_sample();
  document().set_sampling({0.9, 50, 0.95, 7}, 20);
  trigger("generate");
  ASSERT_TRUE(settled());
  const std::vector<std::int32_t> first = ids_of(document().run());
  ASSERT_EQ(first.size(), 31u);
  transport().set_position(15);
  trigger("rewind");
  ASSERT_TRUE(settled());
  EXPECT_EQ(ids_of(document().run()), std::vector(first.begin(), first.begin() + 16));
  document().set_sampling({0.9, 50, 0.95, 7}, 15);
  trigger("generate");
  ASSERT_TRUE(settled());
  EXPECT_EQ(ids_of(document().run()), first);

  transport().set_position(3);  // a cut inside the prompt
  transport().pause();
  trigger("rewind");
  ASSERT_TRUE(settled());
  EXPECT_EQ(ids_of(document().run()), std::vector(first.begin(), first.begin() + 4));
  EXPECT_EQ(find<PromptBar>("prompt").text(), text_of(document().run()));
}

TEST_F(WindowTest, keys_and_scrubber_move_every_view) {
  open_sample();
  transport().restart();
  auto& strip = find<TokenStrip>("tokens");
  const auto expect_at = [&](int token) {
    ASSERT_TRUE(settled());
    EXPECT_EQ(document().scene().cursor, token);
    EXPECT_EQ(transport().position(), token);
    EXPECT_EQ(strip.cursor(), token);
    EXPECT_TRUE(find<BarsView>("writes").data()->faint_from == token + 1);
    EXPECT_EQ(find<BarsView>("candidates").data()->bars[0].value,
              predictions(document().run()->model(), document().run()->trace, token, token + 1)[0].next[0].probability);
  };
  QTest::keyClick(window.get(), Qt::Key_Right);
  QTest::keyClick(window.get(), Qt::Key_Right);
  QTest::keyClick(window.get(), Qt::Key_Right);
  QTest::keyClick(window.get(), Qt::Key_Left);
  expect_at(2);
  QTest::keyClick(window.get(), Qt::Key_End);
  expect_at(10);
  QTest::keyClick(window.get(), Qt::Key_Home);
  expect_at(0);
  Scrubber& scrubber = model().transport_bar().scrubber();
  QTest::mousePress(&scrubber, Qt::LeftButton, {}, QPoint(int(scrubber.x_of(7)), scrubber.height() / 2));
  expect_at(7);
  QMouseEvent drag(QEvent::MouseMove, QPointF(scrubber.x_of(4), 10),
                   scrubber.mapToGlobal(QPointF(scrubber.x_of(4), 10)), Qt::NoButton, Qt::LeftButton, Qt::NoModifier);
  QApplication::sendEvent(&scrubber, &drag);
  QTest::mouseRelease(&scrubber, Qt::LeftButton, {}, QPoint(int(scrubber.x_of(4)), 10));
  expect_at(4);
  click(strip, strip.chip_rect(6).center());
  expect_at(6);
}

TEST_F(WindowTest, playing_shows_every_token_and_loops) {
  open_sample();
  transport().set_speed(100);
  std::vector<std::int64_t> seen;
  QObject::connect(&document(), &ModelDocument::cursor_changed, window.get(),
                   [&] { seen.push_back(document().scene().cursor); });
  trigger("restart");
  QTest::keyClick(window.get(), Qt::Key_Space);
  ASSERT_TRUE(wait_until([this] { return !transport().playing(); }));
  EXPECT_EQ(document().scene().cursor, 10);
  EXPECT_TRUE(std::is_sorted(seen.begin() + 1, seen.end()));
  QTest::keyClick(window.get(), Qt::Key_L);
  trigger("play");
  int rounds = 0;
  QObject::connect(&transport(), &Transport::position_changed, window.get(), [&, last = 0](int position) mutable {
    rounds += position < last;
    last = position;
  });
  EXPECT_TRUE(wait_until([&] { return rounds >= 3; }));
  EXPECT_TRUE(transport().playing());
  transport().pause();
  EXPECT_TRUE(settled());
}

TEST_F(WindowTest, playing_goes_on_while_tokens_come) {
  open_sample();
  document().set_sampling({}, 1000);
  transport().set_speed(40);
  transport().restart();
  trigger("generate");
  transport().play();
  EXPECT_TRUE(wait_until([this] { return document().scene().cursor >= 14; }));
  EXPECT_EQ(document().activity(), Activity::generating);
  EXPECT_TRUE(transport().playing());
  trigger("stop");
}

TEST_F(WindowTest, clicks_lead_from_layer_to_channel_to_state) {
  open_sample();
  auto& overview = find<HeatMapView>("overview");
  click(overview, overview.cell_rect(6, 4).center());
  ASSERT_TRUE(settled());
  EXPECT_EQ(document().scene().view.layer, 6);
  EXPECT_EQ(document().scene().cursor, 4);

  auto& map = find<HeatMapView>("layer_map");
  const QPointF place = map.rect().center();
  const auto cell = map.cell_at(place.toPoint());
  ASSERT_TRUE(cell);
  click(map, place);
  ASSERT_TRUE(settled());
  EXPECT_EQ(document().scene().view.channel, cell->first);
  EXPECT_EQ(document().scene().cursor, cell->second);
  EXPECT_EQ(document().focus()->channel, cell->first);

  auto& states = find<HeatMapView>("state_map");
  const QPointF other_place = states.cell_rect(document().focus()->order[100], 11).center().toPoint();
  const auto state = states.cell_at(other_place);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->second, 11);
  click(states, other_place);
  ASSERT_TRUE(settled());
  EXPECT_EQ(document().scene().view.channel, state->first);
  EXPECT_EQ(document().scene().view.state, 11);
  EXPECT_EQ(find<CurvesView>("channel").highlighted(), 11);

  const Focus& focus = *document().focus();
  const StateUpdate truth = state_update(focus.run->model(), *focus.track, *focus.channel_states, state->first, 11,
                                         document().scene().cursor);
  const StateUpdate shown = *find<EquationView>("equation").state_update();
  EXPECT_EQ(shown.h, truth.h);
  EXPECT_EQ(shown.delta, truth.delta);
  EXPECT_EQ(shown.gate, truth.gate);
  EXPECT_NE(shown.h, 0);
  // The engine works in float32, the sum here in double.
  EXPECT_NEAR(shown.gate * shown.h_prev + shown.write, shown.h,
              1e-6 * (std::abs(shown.h) + std::abs(shown.write) + std::abs(shown.h_prev)));
}

TEST_F(WindowTest, map_of_B_picks_a_state_instead_of_a_channel) {
  open_sample();
  const std::int64_t channel = document().scene().view.channel;
  document().set_view({3, channel, 6, Summary::mean_delta, Quantity::B, ChannelOrder::widest}, u("Show tensor"));
  ASSERT_TRUE(settled());
  EXPECT_EQ(find<SegmentedControl>("map_switch").current(), 4);
  auto& map = find<HeatMapView>("layer_map");
  click(map, map.cell_rect(13, 2).center());
  ASSERT_TRUE(settled());
  EXPECT_EQ(document().scene().view.state, 13);
  EXPECT_EQ(document().scene().view.channel, channel);
}

TEST_F(WindowTest, switches_choose_tensor_order_and_summary) {
  open_sample();
  auto& map_switch = find<SegmentedControl>("map_switch");
  QTest::keyClick(&map_switch, Qt::Key_Right);
  ASSERT_TRUE(settled());
  EXPECT_EQ(document().scene().view.map, Quantity::gate);
  EXPECT_EQ(document().focus()->map_quantity, Quantity::gate);
  EXPECT_TRUE(find<HeatMapView>("layer_map").data()->diverging);
  QTest::keyClick(&find<SegmentedControl>("order_switch"), Qt::Key_Right);
  EXPECT_EQ(document().scene().view.order, ChannelOrder::index);
  EXPECT_TRUE(find<HeatMapView>("layer_map").data()->row_order.empty());
  QTest::keyClick(&find<QComboBox>("overview_switch"), Qt::Key_Down);
  EXPECT_EQ(document().scene().view.overview, Summary::state_norm);
  const auto& record = *document().run()->trace.tokens[5];
  EXPECT_EQ(find<HeatMapView>("overview").data()->value(2, 5), record.layers[2][Summary::state_norm]);
}

TEST_F(WindowTest, undo_and_redo_walk_through_view_prompt_and_generation) {
  open_sample();
  struct Moment {
    ModelScene scene;
    std::vector<std::int32_t> ids;
    Focus focus;
  };
  std::vector<Moment> moments;
  const auto remember = [&] {
    ASSERT_TRUE(settled());
    moments.push_back({document().scene(), ids_of(document().run()), *document().focus()});
  };
  const auto expect_at = [&](std::size_t i) {
    ASSERT_TRUE(settled());
    const Moment& moment = moments[i];
    EXPECT_EQ(document().scene().view, moment.scene.view) << i;
    EXPECT_EQ(document().scene().run, moment.scene.run) << i;
    EXPECT_EQ(ids_of(document().run()), moment.ids) << i;
    EXPECT_EQ(*document().focus()->map, *moment.focus.map) << i;
    EXPECT_EQ(*document().focus()->channel_states, *moment.focus.channel_states) << i;
  };
  document().set_sampling({}, 6);
  remember();
  for (int i = 0; i < 3; ++i) trigger("next_layer");  // one step back later
  remember();
  QTest::keyClick(&find<SegmentedControl>("map_switch"), Qt::Key_Right);
  remember();
  trigger("generate");
  remember();
  run_prompt(u("And God said"));
  remember();
  trigger("previous_layer");
  remember();
  EXPECT_EQ(document().undo_stack().count(), 6);
  EXPECT_NE(moments[3].ids, moments[2].ids);
  for (std::size_t i = moments.size() - 1; i-- > 0;) {
    trigger("undo");
    expect_at(i);
  }
  for (std::size_t i = 1; i < moments.size(); ++i) {
    trigger("redo");
    expect_at(i);
  }
}

TEST_F(WindowTest, sampling_form_and_document_agree) {
  open_sample();
  SamplingChoice choice{0.8, 40, 0.9, 11, 7};
  find<PromptBar>("prompt").sampling_changed(choice);
  EXPECT_EQ(document().scene().run.sampling.temperature, 0.8);
  EXPECT_EQ(document().scene().run.tokens_to_generate, 7);
  EXPECT_EQ(find<PromptBar>("prompt").sampling(), choice);
  trigger("undo");
  EXPECT_EQ(find<PromptBar>("prompt").sampling(), SamplingChoice());
}

TEST_F(WindowTest, closing_while_reading_or_generating_does_not_hang) {
  document().run_prompt(u("Let there be light. ").repeated(500));
  ASSERT_TRUE(wait_until([this] { return document().run() || document().activity() == Activity::working; }));
  window->close();
  window.reset();
  window = std::make_unique<MainWindow>(test::assets);
  window->show();
  open_sample();
  document().set_sampling({}, 100000);
  trigger("generate");
  ASSERT_TRUE(wait_until([this] { return document().run()->trace.length() > 12; }));
  window->close();
  window.reset();
}

}  // namespace
}  // namespace statescope::test
