// SPDX-License-Identifier: GPL-3.0-or-later
// A user at the Profile workspace.
#include <QAbstractButton>
#include <QComboBox>
#include <QFile>
#include <QLabel>
#include <QTest>
#include <algorithm>

#include "engine/profile/files.h"
#include "widgets/fact_table.h"
#include "widgets/imgui_view.h"
#include "widgets/navigation_rail.h"
#include "widgets/segmented_control.h"
#include "widgets/transport_bar.h"
#include "window_fixture.h"
#include "workspaces/profile_workspace.h"

namespace statescope::test {
namespace {

class ProfileTest : public WindowTest {
 protected:
  void enter() {
    open_sample();
    find<QComboBox>("profile_generate").setCurrentIndex(1);
    window->show_workspace(u("profile"));
    ASSERT_TRUE(recorded());
  }
  bool recorded() {
    return wait_until(
        [this] { return profile().recording().profile && profile().work() == ProfileDocument::Work::none; }, 60000);
  }
  ProfileWorkspace& workspace() { return dynamic_cast<ProfileWorkspace&>(*window->workspace(u("profile"))); }
  ProfileDocument& profile() { return workspace().document(); }
  Transport& steps() { return find<TransportBar>("profile_transport").transport(); }
};

TEST_F(ProfileTest, first_look_runs_the_model_and_shows_where_the_time_goes) {
  enter();
  const Recording& recording = profile().recording();
  EXPECT_EQ(recording.profile->tokens, 11 + 8);
  EXPECT_EQ(recording.lanes->count(), std::ssize(recording.profile->zones));
  EXPECT_GT(recording.summary->ceilings.read_bandwidth, 0);
  EXPECT_EQ(find<NavigationRail>("rail").current(), u("profile"));
  const auto& shares = find<FactTable>("profile_shares_table").rows();
  EXPECT_TRUE(std::any_of(shares.begin(), shares.end(), [](const auto& row) { return row.name == u("scan"); }));
  EXPECT_FALSE(find<QLabel>("profile_bound").text().isEmpty());
  EXPECT_EQ(steps().length(), static_cast<int>(recording.lanes->passes().size()));
  EXPECT_FALSE(find<ImGuiView>("profile_view").live()) << "nothing moves, so nothing is drawn";
  window->show_workspace(u("model"));
  EXPECT_TRUE(find<QWidget>("model_workspace").isVisible());
  EXPECT_EQ(document().undo_stack().count(), 0);
}

TEST_F(ProfileTest, every_tab_is_drawn_and_named) {
  enter();
  auto& view = find<ImGuiView>("profile_view");
  QString before;
  for (int tab = 0; tab < 7; ++tab) {
    workspace().show_tab(static_cast<ProfileWorkspace::Tab>(tab));
    QCoreApplication::processEvents();
    EXPECT_NE(view.accessibleName(), before);
    before = view.accessibleName();
    EXPECT_FALSE(window->grab().isNull());
  }
}

TEST_F(ProfileTest, theatre_plays_the_models_own_numbers_on_the_transport) {
  enter();
  workspace().show_tab(ProfileWorkspace::theatre);
  ASSERT_TRUE(wait_until([this] { return profile().theatre() && steps().length() > 1; }));
  const Theatre& theatre = *profile().theatre();
  EXPECT_EQ(steps().length(), static_cast<int>(theatre.steps.size()) + 1);
  EXPECT_EQ(theatre.input.size(), 8u);
  // The states it ends with are those the model has.
  const auto& states = *document().focus()->channel_states;
  const std::int64_t N = document().run()->sizes().d_state;
  for (std::int64_t t = 0; t < 8; ++t)
    EXPECT_NEAR(theatre.states[static_cast<std::size_t>(t)],
                states[static_cast<std::size_t>(t * N + document().scene().view.state)], 1e-5);
  steps().step(1);
  EXPECT_EQ(steps().position(), 1);
}

TEST_F(ProfileTest, kept_run_is_compared_with_the_next) {
  enter();
  find<QAbstractButton>("profile_keep").click();
  find<QComboBox>("profile_threads").setCurrentIndex(find<QComboBox>("profile_threads").count() - 1);
  const auto first = profile().recording().profile;
  find<QAbstractButton>("profile_run").click();
  ASSERT_TRUE(
      wait_until([&] { return profile().recording().profile && profile().recording().profile != first; }, 60000));
  ASSERT_TRUE(recorded());
  ASSERT_TRUE(wait_until([this] { return !profile().differences().empty(); }));
  EXPECT_EQ(profile().kept().profile, first);
}

TEST_F(ProfileTest, saved_profile_opens_again_and_a_broken_one_says_why) {
  enter();
  const QString path = QString::fromStdString((folder.path() / "profile.json").string());
  profile().save(path);
  const auto saved = profile().recording().profile;
  window->open_path(path);
  ASSERT_TRUE(wait_until([&] { return profile().recording().profile != saved; }));
  ASSERT_TRUE(recorded());
  EXPECT_EQ(profile().recording().profile->zones.size(), saved->zones.size());

  QFile broken(path);
  ASSERT_TRUE(broken.open(QIODevice::WriteOnly));
  broken.write("{}");
  broken.close();
  ProfileRun absent;
  absent.file = path.toStdString();
  profile().record(absent);
  ASSERT_TRUE(wait_until([&] { return notice().contains(u("profile.json")); })) << notice().toStdString();
}

TEST_F(ProfileTest, stop_keeps_what_was_recorded) {
  enter();
  find<QComboBox>("profile_generate").setCurrentIndex(4);
  workspace().run();
  const auto before = profile().recording().profile;
  ASSERT_TRUE(wait_until(
      [&] { return profile().recording().profile != before && profile().recording().lanes->passes().size() > 2; },
      60000));
  profile().stop();
  ASSERT_TRUE(recorded());
  EXPECT_GT(profile().recording().profile->zones.size(), 10u);
}

}  // namespace
}  // namespace statescope::test
