// SPDX-License-Identifier: GPL-3.0-or-later
// The profiler's pages on a made-up recording: what is logic is tested as functions, every page is drawn in both
// themes.
#include <gtest/gtest.h>

#include <QTest>
#include <array>

#include "controls.h"
#include "engine/profile/statistics.h"
#include "engine/profile/theatre.h"
#include "view_samples.h"
#include "widgets/imgui_view.h"
#include "widgets/profile/compare_page.h"
#include "widgets/profile/memory_page.h"
#include "widgets/profile/roofline_page.h"
#include "widgets/profile/stage_look.h"
#include "widgets/profile/stages_page.h"
#include "widgets/profile/sweep_page.h"
#include "widgets/profile/theatre_page.h"
#include "widgets/profile/units.h"

namespace statescope {
namespace {

// `passes` passes over `layers` layers of six stages; a stage takes 100 ns times its number, and `slower` as much.
Profile made_up(int passes, int layers, double slower = 1) {
  constexpr std::array stages{Stage::norm, Stage::in_projection, Stage::convolution,
                              Stage::scan, Stage::gate,          Stage::out_projection};
  Profile profile;
  profile.model = "made-up";
  profile.precision = "f32";
  profile.ceilings = {"a machine", 30e9, 25e9, 100e9, 200e9, 5e9};
  profile.memory = {18'000'000, 130'000, 300'000, 16'000};
  std::int64_t time = 0;
  const auto add = [&](Stage stage, int layer, std::int64_t tokens, double length) {
    ProfileZone zone{stage, layer, false, time, time + static_cast<std::int64_t>(length), tokens, {}};
    zone.work = {static_cast<std::int64_t>(length * 10), static_cast<std::int64_t>(length * 20), 0};
    profile.zones.push_back(zone);
    time = zone.end;
  };
  for (int pass = 0; pass < passes; ++pass) {
    const std::int64_t tokens = pass == 0 ? 16 : 1;
    add(Stage::embedding, -1, tokens, 50);
    for (int layer = 0; layer < layers; ++layer)
      for (std::size_t s = 0; s < stages.size(); ++s)
        add(stages[s], layer, tokens, 100.0 * static_cast<double>(s + 1) * slower);
    add(Stage::head, -1, 1, 900);
    profile.tokens += tokens;
  }
  profile.generated = passes - 1;
  return profile;
}

std::shared_ptr<ZoneLanes> lanes_of(const Profile& profile) {
  auto lanes = std::make_shared<ZoneLanes>();
  lanes->append(profile.zones);
  return lanes;
}

std::shared_ptr<const ProfileSummary> summary_of(const Profile& profile) {
  auto summary = std::make_shared<ProfileSummary>();
  summary->title = u("made-up · 16 tokens read");
  summary->stages = stage_statistics(profile.zones);
  for (const StageStatistics& stage : summary->stages)
    summary->histograms.push_back(duration_histogram(profile.zones, stage.stage, stage.on_device));
  summary->roof = roofline(profile);
  summary->ceilings = profile.ceilings;
  summary->memory = profile.memory;
  summary->tokens = profile.tokens;
  return summary;
}

std::shared_ptr<const Theatre> theatre_of(ScanAlgorithm algorithm) {
  std::vector<ScanPair> pairs;
  for (int i = 0; i < 8; ++i) pairs.push_back({0.5 + 0.05 * i, 0.1 * i - 0.3});
  return std::make_shared<const Theatre>(scan_theatre(algorithm, pairs, 0, 4));
}

TEST(ZoneLanes, finds_passes_and_layers_whatever_the_pieces_it_comes_in) {
  const Profile profile = made_up(3, 4);
  const auto whole = lanes_of(profile);
  ZoneLanes pieces;
  for (const ProfileZone& zone : profile.zones) pieces.append({&zone, 1});
  for (const ZoneLanes* lanes : {const_cast<const ZoneLanes*>(whole.get()), const_cast<const ZoneLanes*>(&pieces)}) {
    ASSERT_EQ(lanes->lanes().size(), 1u);
    ASSERT_EQ(lanes->passes().size(), 3u);
    EXPECT_EQ(lanes->passes()[0].tokens, 16);
    EXPECT_EQ(lanes->passes()[1].number, 16) << "the first generated token comes after those read";
    EXPECT_EQ(lanes->lanes()[0].layers.size(), 12u);
    EXPECT_EQ(lanes->end(), profile.zones.back().end);
  }
}

TEST(VisibleRuns, show_single_zones_when_they_are_wide_and_columns_when_they_are_not) {
  const Profile profile = made_up(1, 1);
  const auto end = static_cast<double>(profile.zones.back().end);
  const auto wide = visible_runs(profile.zones, 0, end, 1000);
  ASSERT_EQ(wide.size(), profile.zones.size());
  for (std::size_t i = 0; i < wide.size(); ++i) EXPECT_EQ(wide[i].zone, static_cast<std::int64_t>(i));
  EXPECT_DOUBLE_EQ(wide.back().right, 1000);

  const auto two = visible_runs(profile.zones, 0, end, 2);
  ASSERT_FALSE(two.empty());
  EXPECT_LE(two.size(), 3u);
  for (const ZoneRun& run : two) EXPECT_LE(run.right, 2);
}

TEST(VisibleRuns, cost_the_width_not_the_zones_and_leave_gaps_empty) {
  std::vector<ProfileZone> zones(1'000'000);
  for (std::size_t i = 0; i < zones.size(); ++i) {
    zones[i].begin = static_cast<std::int64_t>(i) * 10 + (i >= zones.size() / 2 ? 10'000'000 : 0);
    zones[i].end = zones[i].begin + 10;
    zones[i].stage = i % 3 == 0 ? Stage::scan : Stage::gate;
  }
  const auto runs = visible_runs(zones, 0, 20e6, 1000);
  EXPECT_LE(runs.size(), 1000u);
  for (const ZoneRun& run : runs) EXPECT_FALSE(run.left > 251 && run.right < 749) << "nothing ran between";
  EXPECT_EQ(visible_runs(zones, 95, 125, 300).size(), 4u) << "zoomed in: two whole zones and two cut ones";
  EXPECT_EQ(zone_at(zones, 25), 2);
  EXPECT_EQ(zone_at(zones, 6e6), -1);
  EXPECT_TRUE(visible_runs({}, 0, 1, 100).empty());
}

TEST(TimesByLayer, count_the_part_inside_the_window) {
  const Profile profile = made_up(1, 2);
  const auto all = times_by_layer(profile.zones, 0, 1e9, 2);
  EXPECT_EQ(all[0][static_cast<std::size_t>(Stage::scan)], 400);
  EXPECT_EQ(all[2][static_cast<std::size_t>(Stage::head)], 900);
  const auto part = times_by_layer(profile.zones, 0, 50 + 60, 2);
  EXPECT_EQ(part[0][static_cast<std::size_t>(Stage::norm)], 60);
  EXPECT_EQ(part[0][static_cast<std::size_t>(Stage::in_projection)], 0);
}

TEST(TimeWindow, keeps_the_time_under_the_pointer_and_stays_inside) {
  TimeWindow window;
  window.zoom(0.25, 0.5, 1000);
  EXPECT_DOUBLE_EQ(window.first, 125);
  EXPECT_DOUBLE_EQ(window.last, 625);
  window.pan(-1e9, 1000);
  EXPECT_DOUBLE_EQ(window.first, 0);
  for (int i = 0; i < 40; ++i) window.zoom(0.5, 0.5, 1000);
  EXPECT_DOUBLE_EQ(window.last - window.first, TimeWindow::shortest);
  window.zoom(0.5, 1e6, 1000);
  EXPECT_TRUE(window.everything());
}

TEST(Ticks, are_round_and_in_the_unit_of_their_step) {
  const auto milliseconds = time_ticks(0, 160e6, 8);
  ASSERT_EQ(milliseconds.size(), 9u);
  EXPECT_EQ(milliseconds[1].text, u("20\u00A0ms"));
  const auto nanoseconds = time_ticks(100, 200, 10);
  EXPECT_EQ(nanoseconds.front().text, u("100\u00A0ns"));
  EXPECT_EQ(octave_ticks(1, 1 << 20, 11).back().text, u("1 M"));
  EXPECT_EQ(duration_text(1234), u("1.23\u00A0µs"));
  EXPECT_EQ(bytes_text(18.2e6), u("18.2\u00A0MB"));
  EXPECT_TRUE(time_ticks(5, 5, 10).empty());
}

TEST(TheatreRows, keep_the_present_row_in_sight) {
  EXPECT_EQ(visible_rows(6, 10, 5).count, 6);
  for (double row = 0; row < 40; ++row) {
    const TheatreRows rows = visible_rows(40, 9, row);
    EXPECT_GE(row, rows.first);
    EXPECT_LT(row, rows.first + rows.count);
  }
}

class ProfilePages : public Controls {
 protected:
  ProfilePages() {
    const Profile a = made_up(4, 3), b = made_up(6, 3, 0.7);
    timeline.set_recording(lanes_of(a), u("made-up"), a.ceilings);
    stages.set_summary(summary_of(a));
    roofline.set_summary(summary_of(a));
    memory.set_summary(summary_of(a));
    compare.set_sides({lanes_of(a), u("before")}, {lanes_of(b), u("after")});
    compare.set_differences(statescope::compare(a, b));
    theatre.set_theatre(theatre_of(ScanAlgorithm::blelloch));
    theatre.set_step(4, 0.5);
    for (const std::int64_t length : {256, 512, 1024})
      for (const SweepWork work : all_sweep_works) {
        SweepPoint point;
        point.work = work;
        point.device = "cpu";
        point.length = length;
        point.seconds = point.fastest = point.slowest = 1e-6 * static_cast<double>(length) * (1 + int(work));
        point.repeats = 3;
        sweep.add_point(point);
      }
  }

  ProfileSelection selection;
  TimelinePage timeline{selection};
  StagesPage stages{selection};
  RooflinePage roofline{selection};
  MemoryPage memory;
  ComparePage compare{selection};
  TheatrePage theatre;
  SweepPage sweep;
  const std::array<std::pair<Page*, const char*>, 7> pages{{{&timeline, "timeline"},
                                                            {&stages, "stages"},
                                                            {&roofline, "roofline"},
                                                            {&memory, "memory"},
                                                            {&compare, "compare"},
                                                            {&theatre, "theatre"},
                                                            {&sweep, "sweep"}}};
};

TEST_F(ProfilePages, draw_in_both_themes_at_every_size_and_hand_over_their_numbers) {
  for (const ThemeKind kind : {ThemeKind::dark, ThemeKind::light})
    for (const double scale : {1.0, 2.0}) {
      set_text_scale(scale);
      apply_theme(*qApp, kind);
      for (const auto& [page, name] : pages) {
        ImGuiView view;
        view.show_page(page);
        for (const QSize size : {QSize(60, 40), QSize(980, 620)}) {
          view.resize(size);
          const QImage image = view.picture(1);
          if (size.width() < 100) continue;
          QImage blank(image.size(), image.format());
          blank.fill(theme().background);
          EXPECT_GT(samples::differing_pixels(image, blank), 4000) << name;
          save_grab(view,
                    QStringLiteral("profile_%1_%2_%3").arg(u(name), u(theme().dark() ? "dark" : "light")).arg(scale));
        }
        EXPECT_GT(page->csv().count(QLatin1Char('\n')), 3) << name;
        EXPECT_FALSE(view.accessibleName().isEmpty()) << name;
        EXPECT_FALSE(samples::svg_text(view.svg()).isEmpty()) << name;
      }
    }
}

TEST_F(ProfilePages, say_so_while_there_is_nothing) {
  ProfileSelection none;
  TimelinePage empty(none);
  empty.set_empty_text(u("Press Run."));
  ImGuiView view;
  view.show_page(&empty);
  view.resize(400, 300);
  EXPECT_TRUE(samples::svg_text(view.svg()).contains(u("Press Run.")));
}

TEST_F(ProfilePages, every_rung_plays_from_first_to_last_step) {
  for (const ScanAlgorithm algorithm : kernels::scan_algorithms) {
    theatre.set_theatre(theatre_of(algorithm));
    ImGuiView view;
    view.show_page(&theatre);
    view.resize(900, 500);
    QImage before;
    for (int step = 0; step <= static_cast<int>(theatre.theatre()->steps.size()); ++step) {
      theatre.set_step(step, 0);
      const QImage image = view.picture(1);
      EXPECT_NE(image, before) << step;
      before = image;
    }
  }
}

TEST_F(ProfilePages, follow_mouse_and_keys) {
  ImGuiView view;
  view.show_page(&timeline);
  view.resize(900, 600);
  view.show();
  ASSERT_TRUE(QTest::qWaitForWindowExposed(&view));
  const QPoint middle = timeline.axis_box(view.rect()).center().toPoint();
  QTest::keyClick(&view, Qt::Key_Plus);
  ASSERT_FALSE(timeline.window().everything());
  const double first = timeline.window().first;
  QTest::keyClick(&view, Qt::Key_Right);
  EXPECT_GT(timeline.window().first, first);
  QTest::mouseDClick(&view, Qt::LeftButton, {}, middle);
  EXPECT_TRUE(QTest::qWaitFor([&] { return timeline.window().everything(); }));
  QTest::mouseRelease(&view, Qt::LeftButton, {}, middle);

  view.show_page(&stages);
  QTest::keyClick(&view, Qt::Key_Down);
  EXPECT_TRUE(selection.stage.has_value());
  EXPECT_FALSE(view.live());
}

TEST_F(Controls, stage_colours_are_told_apart_from_the_ground) {
  for (const ThemeKind kind : {ThemeKind::dark, ThemeKind::light}) {
    const Theme t = Theme::make(kind);
    for (const Stage stage : all_stages) {
      EXPECT_GE(contrast_ratio(stage_color(stage, t), t.background), 1.9) << stage_name(stage);
      EXPECT_GE(contrast_ratio(ink_on(stage_color(stage, t)), stage_color(stage, t)), 4.5) << stage_name(stage);
    }
    EXPECT_EQ(stage_color(Stage::scan, t), t.symbol(Symbol::h));
    EXPECT_EQ(stage_color(Stage::dt_projection, t), t.symbol(Symbol::delta));
  }
}

}  // namespace
}  // namespace statescope
