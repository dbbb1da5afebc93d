// SPDX-License-Identifier: GPL-3.0-or-later
// Devices in the window, on a machine whose second device has no room.
#include <QAbstractButton>
#include <QComboBox>
#include <QLabel>

#include "kernels/cuda_error.h"
#include "paths.h"
#include "widgets/notice.h"
#include "window_fixture.h"
#include "workspaces/device_choice.h"
#include "workspaces/profile_workspace.h"

namespace statescope::test {
namespace {

Machine with_a_full_device() {
  return {[] {
            return std::vector<Device>{{"cpu", u("CPU")}, {"cuda:0", u("Small GPU")}};
          },
          [](const std::filesystem::path& path, Precision precision, const std::string& device, int threads) {
            if (device != "cpu")
              throw kernels::CudaOutOfMemory("the weights do not fit on device 0; choose a smaller model or the CPU");
            return load_with_tokenizer(path, precision, "cpu", threads);
          }};
}

class DeviceTest : public WindowTest {
 protected:
  DeviceTest() {
    window = std::make_unique<MainWindow>(test::assets, with_a_full_device());
    window->show();
  }
  static bool offers(Workspace& workspace) {
    return wait_until([&] { return box_of(workspace).count() == 2; });
  }
  static QComboBox& box_of(Workspace& workspace) { return *workspace.findChild<QComboBox*>(u("device_choice")); }
  static void choose(Workspace& workspace, int device) {
    box_of(workspace).setCurrentIndex(device);
    Q_EMIT box_of(workspace).activated(device);
  }
  bool told() {
    return wait_until([this] { return notice().contains(u("do not fit")); });
  }
  void accept() { window->current().notice().findChild<QAbstractButton*>(u("notice_action"))->click(); }
};

TEST_F(DeviceTest, model_that_does_not_fit_reads_on_the_cpu_when_the_user_agrees) {
  ASSERT_TRUE(offers(model()));
  EXPECT_FALSE(box_of(model()).isHidden());
  choose(model(), 1);
  model().open_sample();
  ASSERT_TRUE(told());
  EXPECT_EQ(document().run(), nullptr) << "not without being asked";
  accept();
  ASSERT_TRUE(settled());
  EXPECT_EQ(text_of(document().run()), u(sample_text));
  EXPECT_EQ(notice(), QString());
  EXPECT_EQ(box_of(model()).currentIndex(), 0);
  EXPECT_TRUE(model().facts().device.startsWith(u("CPU")));
}

TEST_F(DeviceTest, device_that_is_full_leaves_what_is_shown) {
  open_sample();
  ASSERT_TRUE(offers(model()));
  const RunPointer run = document().run();
  choose(model(), 1);
  ASSERT_TRUE(told());
  EXPECT_EQ(document().run(), run);
  EXPECT_EQ(box_of(model()).currentIndex(), 0) << "where what is shown runs";
  run_prompt(u("Let there be"));
  ASSERT_TRUE(settled());
  EXPECT_EQ(text_of(document().run()), u("Let there be"));
}

TEST_F(DeviceTest, recording_is_made_on_the_cpu_when_the_user_agrees) {
  auto& profile = dynamic_cast<ProfileWorkspace&>(*window->workspace(u("profile")));
  save_scene(
      [] {
        ProfileScene scene;
        scene.run.prompt = "Let there be";
        scene.run.device = "cuda:0";
        scene.view.tab = ProfileTab::stages;
        return scene;
      }(),
      folder / "gpu.json");
  window->open_path(QString::fromStdString((folder / "gpu.json").string()));
  ASSERT_TRUE(told());
  EXPECT_EQ(profile.document().recording().profile, nullptr);
  accept();
  ASSERT_TRUE(wait_until([&] { return profile.settled(); }, 60000));
  EXPECT_EQ(profile.document().recording().run.device, "cpu");
  EXPECT_EQ(profile.tab(), ProfileWorkspace::stages);
  EXPECT_EQ(box_of(profile).currentIndex(), 0);
  EXPECT_TRUE(profile.facts().device.startsWith(u("CPU"))) << profile.facts().device.toStdString();
}

TEST_F(WindowTest, with_the_cpu_alone_there_is_no_device_to_choose) {
  window = std::make_unique<MainWindow>(test::assets, Machine{[] {
                                                                return std::vector<Device>{{"cpu", u("CPU")}};
                                                              },
                                                              this_machine().load});
  window->show();
  open_sample();
  EXPECT_TRUE(model().findChild<DeviceChoice*>()->isHidden());
}

}  // namespace
}  // namespace statescope::test
