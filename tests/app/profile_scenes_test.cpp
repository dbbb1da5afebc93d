// SPDX-License-Identifier: GPL-3.0-or-later
// Scenes of the Profile workspace, in the real window and without one: opened, saved, undone, drawn.
#include <QComboBox>
#include <QImage>
#include <QTest>

#include "engine/profile/files.h"
#include "paths.h"
#include "picture.h"
#include "settings.h"
#include "widgets/profile/timeline_page.h"
#include "widgets/segmented_control.h"
#include "widgets/transport_bar.h"
#include "window_fixture.h"
#include "workspaces/profile_workspace.h"

namespace statescope::test {
namespace {

class ProfileScenes : public WindowTest {
 protected:
  ~ProfileScenes() override { set_motion(true); }

  ProfileWorkspace& workspace() { return dynamic_cast<ProfileWorkspace&>(*window->workspace(u("profile"))); }
  bool shown() {
    return wait_until([this] { return window->current().settled(); }, 60000);
  }
  QString path(const char* name) const { return QString::fromStdString((folder / name).string()); }
  void open(const Scene& scene) {
    save_scene(scene, folder / "opened.json");
    window->open_path(path("opened.json"));
    ASSERT_TRUE(shown()) << notice().toStdString();
    EXPECT_EQ(window->current().id(), u("profile"));
    EXPECT_EQ(notice(), QString());
  }
  Scene saved() {
    window->save_scene_to(path("saved.json"));
    return load_scene(folder / "saved.json");
  }
  QImage rendered(const Scene& scene) {
    save_scene(scene, folder / "drawn.json");
    render({path("drawn.json"), path("drawn.png"), {1000, 700}, 1}, test::assets);
    return QImage(path("drawn.png"));
  }

  // Two tokens read at once, one more after them, on a made-up clock.
  Profile made_up_profile() const {
    Profile profile;
    profile.title = "made up, 3 tokens";
    profile.model = "made up";
    profile.device = "CPU, 2 threads";
    profile.precision = "f32";
    profile.tokens = 3;
    profile.generated = 1;
    profile.zones = {{Stage::embedding, -1, false, 100, 200, 2, {64, 0, 0}},
                     {Stage::scan, 0, false, 300, 2300, 2, {4096, 9000, 128}},
                     {Stage::embedding, -1, false, 5000, 5100, 1, {32, 0, 0}},
                     {Stage::scan, 0, false, 5200, 6000, 1, {2048, 4500, 64}}};
    profile.ceilings = {"CPU, 2 threads", 3e10, 2e10, 2e11, 2e11, 5e9};
    profile.memory = {1000, 200, 300, 40};
    return profile;
  }
  ProfileScene scene_of_file(ProfileTab tab, std::optional<Stage> stage) const {
    save_profile(made_up_profile(), folder / "run.json");
    ProfileScene scene;
    scene.run.file = "run.json";
    scene.view = {400, 5900, stage, tab};
    scene.cursor = 5000;  // where the second pass begins
    return scene;
  }
};

TEST_F(ProfileScenes, theatre_of_given_pairs_comes_back_at_its_step) {
  TheatreScene scene;
  scene.run.algorithm = ScanAlgorithm::chunked;
  scene.run.chunk = 3;
  scene.run.pairs = {{0.5, 1}, {0.25, -2}, {0.9, 0.5}, {1, 0}, {0.1, 3}};
  scene.run.h0 = 2;
  scene.cursor = 4;
  open(scene);
  EXPECT_EQ(workspace().tab(), ProfileWorkspace::theatre);
  EXPECT_EQ(workspace().transport_bar().transport().position(), 4);
  EXPECT_EQ(workspace().document().theatre()->states[0], 0.5 * 2 + 1);
  EXPECT_EQ(saved(), Scene(scene));

  QTest::keyClick(&find<SegmentedControl>("profile_algorithm"), Qt::Key_Right);
  ASSERT_TRUE(shown());
  EXPECT_EQ(workspace().document().theatre()->algorithm, ScanAlgorithm::fused);
  trigger("undo");
  ASSERT_TRUE(shown());
  EXPECT_EQ(saved(), Scene(scene));
  trigger("redo");
  ASSERT_TRUE(shown());
  EXPECT_EQ(workspace().document().theatre()->algorithm, ScanAlgorithm::fused);

  const QImage picture = rendered(scene);
  EXPECT_EQ(picture.size(), QSize(1000, 700));
  EXPECT_EQ(rendered(scene), picture);
  scene.cursor = 1;
  EXPECT_NE(rendered(scene), picture) << "another step is another picture";
}

TEST_F(ProfileScenes, theatre_of_a_model_plays_the_states_that_model_has) {
  open_sample();
  TheatreScene scene;
  scene.run.algorithm = ScanAlgorithm::hillis_steele;
  scene.run.layer = document().scene().view.layer;
  scene.run.channel = document().scene().view.channel;
  scene.run.state = document().scene().view.state;
  scene.run.first = 3;
  scene.run.length = 5;
  scene.cursor = 2;
  open(scene);
  const std::int64_t N = document().run()->sizes().d_state;
  const auto& h = *document().focus()->channel_states;
  for (std::int64_t t = 0; t < 5; ++t)  // in double here, in float32 there
    EXPECT_NEAR(workspace().document().theatre()->states[static_cast<std::size_t>(t)],
                h[static_cast<std::size_t>((t + 3) * N + scene.run.state)], 1e-5);
  EXPECT_EQ(saved(), Scene(scene));
}

TEST_F(ProfileScenes, saved_profile_comes_back_with_tab_zoom_stage_and_cursor) {
  const ProfileScene scene = scene_of_file(ProfileTab::roofline, Stage::scan);
  open(scene);
  EXPECT_EQ(workspace().tab(), ProfileWorkspace::roofline);
  EXPECT_EQ(workspace().timeline_page().window().first, 400);
  EXPECT_EQ(workspace().timeline_page().window().last, 5900);
  EXPECT_EQ(workspace().transport_bar().transport().position(), 1);
  EXPECT_EQ(workspace().document().recording().profile->title, "made up, 3 tokens");
  EXPECT_EQ(saved(), Scene(scene));
  EXPECT_EQ(Settings().recent().first(), path("saved.json"));

  ProfileScene other = scene;
  other.run.against = "run.json";
  other.view = {0, 0, std::nullopt, ProfileTab::compare};
  other.cursor = 100;
  open(other);
  EXPECT_EQ(workspace().document().differences().size(), 2U);
  EXPECT_EQ(saved(), Scene(other));
  trigger("undo");
  ASSERT_TRUE(shown());
  EXPECT_EQ(workspace().tab(), ProfileWorkspace::roofline);
  EXPECT_EQ(workspace().timeline_page().window().last, 5900);

  const QImage picture = rendered(scene);
  EXPECT_EQ(rendered(scene), picture);
  EXPECT_NE(rendered(other), picture);
}

TEST_F(ProfileScenes, run_is_recorded_anew_with_the_scenes_settings) {
  ProfileScene scene;
  scene.run.prompt = "Let there be";
  scene.run.read = 24;
  scene.run.tokens = 3;
  scene.run.precision = Precision::bf16;
  scene.run.threads = 1;
  scene.view.tab = ProfileTab::memory;
  open(scene);
  const Profile& profile = *workspace().document().recording().profile;
  EXPECT_EQ(profile.tokens, 24 + 3);
  EXPECT_EQ(profile.generated, 3);
  EXPECT_EQ(profile.precision, "bf16");
  auto again = std::get<ProfileScene>(saved());
  again.cursor = scene.cursor;  // nanoseconds of another run
  EXPECT_EQ(again, scene);
  // Once it has a file, the scene names that.
  workspace().document().save(path("kept.json"));
  EXPECT_EQ(std::get<ProfileScene>(saved()).run.file, "kept.json");
}

TEST_F(ProfileScenes, what_cannot_be_opened_leaves_what_was_there) {
  open(scene_of_file(ProfileTab::stages, Stage::embedding));
  const Scene before = saved();
  ProfileScene broken;
  broken.run.file = "absent.json";
  save_scene(broken, folder / "broken.json");
  window->open_path(path("broken.json"));
  ASSERT_TRUE(wait_until([this] { return notice().contains(u("absent.json")); }));
  ASSERT_TRUE(shown());
  EXPECT_EQ(saved(), before);
  TheatreScene outside;
  outside.run.layer = 99;
  save_scene(outside, folder / "outside.json");
  window->open_path(path("outside.json"));
  ASSERT_TRUE(wait_until([this] { return notice().contains(u("layer 99")); }));
  ASSERT_TRUE(shown());
  EXPECT_EQ(saved(), before);
  EXPECT_NE(message_of([&] { rendered(outside); }).find("layer 99"), std::string::npos);
}

TEST_F(ProfileScenes, dropped_profile_is_shown_where_profiles_are) {
  save_profile(made_up_profile(), folder / "run.json");
  window->open_path(path("run.json"));
  ASSERT_TRUE(shown());
  EXPECT_EQ(window->current().id(), u("profile"));
  EXPECT_EQ(workspace().document().recording().profile->tokens, 3);
  EXPECT_EQ(Settings().recent().first(), path("run.json"));
}

TEST_F(ProfileScenes, last_workspace_comes_back_alive) {
  window->show_workspace(u("profile"));
  window = std::make_unique<MainWindow>(test::assets);
  EXPECT_EQ(window->current().id(), u("profile"));
  window->show();
  window->start();
  EXPECT_TRUE(wait_until([this] { return workspace().document().recording().profile != nullptr; }, 60000))
      << "the sample is read for it";
}

}  // namespace
}  // namespace statescope::test
