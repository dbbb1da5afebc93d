// SPDX-License-Identifier: GPL-3.0-or-later
// Everything that was trained opens in Model.
#include <QSignalSpy>
#include <filesystem>

#include "engine/run/readings.h"
#include "widgets/bars_view.h"
#include "widgets/curves_view.h"
#include "widgets/equation_view.h"
#include "widgets/heat_map_view.h"
#include "widgets/segmented_control.h"
#include "window_fixture.h"

namespace statescope::test {
namespace {

namespace fs = std::filesystem;

class GridTest : public WindowTest {
 protected:
  void open(const fs::path& model) {
    window->open_path(QString::fromStdString(model.string()));
    ASSERT_TRUE(settled()) << model << notice().toStdString();
    ASSERT_TRUE(notice().isEmpty()) << model << notice().toStdString();
    ASSERT_EQ(document().run()->model().info().folder, model);
  }
  const ModelInfo& info() { return document().run()->model().info(); }
  void look(std::int64_t channel, std::int64_t state, Quantity map) {
    document().set_view({1, channel, state, Summary::update_norm, map, ChannelOrder::widest}, u("Look"));
    ASSERT_TRUE(settled());
  }
};

TEST_F(GridTest, every_bundled_model_opens) {
  int opened = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(fs::path(test::assets) / "models")) {
    if (!fs::exists(entry.path() / "config.json")) continue;
    open(entry.path());
    const bool state = info().state_kind != StateKind::none;
    EXPECT_EQ(find<EquationView>("equation").state_update().has_value(), state) << entry.path();
    EXPECT_EQ(find<HeatMapView>("state_map").data() != nullptr, state) << entry.path();
    EXPECT_TRUE(find<HeatMapView>("layer_map").data()) << entry.path();
    EXPECT_TRUE(find<HeatMapView>("overview").data()) << entry.path();
    EXPECT_FALSE(window->grab().isNull());
    ++opened;
  }
  EXPECT_GT(opened, 20);
}

TEST_F(GridTest, constants_of_a_channel_are_shown_as_what_they_are) {
  open(fs::path(test::assets) / "models" / "copying-256-plain-s4d-complex");
  look(5, 2, Quantity::C);
  const HeatMapData& map = *find<HeatMapView>("layer_map").data();
  EXPECT_EQ(map.rows, 16) << "real numbers of eight pairs";
  EXPECT_EQ(map.value(2, 0), map.value(2, 7));
  EXPECT_TRUE(map.subtitle.contains(u("channel 5")));
  const float of_channel_5 = map.value(2, 0);
  look(6, 2, Quantity::C);
  EXPECT_NE(find<HeatMapView>("layer_map").data()->value(2, 0), of_channel_5);
  const StateUpdate& update = *find<EquationView>("equation").state_update();
  EXPECT_NE(update.turn, 0);
  EXPECT_NEAR(update.h, update.gate * update.h_prev + update.write, 1e-6 * (1 + std::abs(update.h)));
  EXPECT_EQ(find<HeatMapView>("state_map").data()->value(6, 2), static_cast<float>(update.h));
}

TEST_F(GridTest, without_a_state_model_says_so_and_shows_what_there_is) {
  open(fs::path(test::assets) / "models" / "associative-recall-attention");
  EXPECT_EQ(document().scene().view.map, Quantity::y);
  EXPECT_EQ(find<CurvesView>("channel").data()->curves.size(), 2u) << "x and y";
  EXPECT_FALSE(find<BarsView>("half_lives").isVisible());
  EXPECT_TRUE(find<HeatMapView>("state_map").message().contains(u("keeps 1.0 KiB of every token")));
  EXPECT_EQ(plain_text(find<HeatMapView>("layer_map").data()->title), u("Output y in layer 0")) << "of no scan";
  EXPECT_FALSE(find<SegmentedControl>("order_switch").isEnabled()) << "by a Δ that it has not";
  look(3, 0, Quantity::delta);
  EXPECT_FALSE(find<HeatMapView>("layer_map").data());
  // What has a state is shown again as ever.
  open(fs::path(test::assets) / "models" / "copying-256-plain-s6");
  EXPECT_TRUE(find<BarsView>("half_lives").isVisible());
  EXPECT_TRUE(find<HeatMapView>("layer_map").data());
}

}  // namespace
}  // namespace statescope::test
