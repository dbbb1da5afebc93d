// SPDX-License-Identifier: GPL-3.0-or-later
// Opening, dropping and saving: what works shows, what does not is said in one sentence and nothing is lost.
#include <QAction>
#include <QDropEvent>
#include <QMenu>
#include <QMimeData>
#include <QTest>
#include <QTimer>
#include <filesystem>

#include "engine/scene/scene.h"
#include "paths.h"
#include "settings.h"
#include "widgets/button.h"
#include "widgets/equation_view.h"
#include "widgets/prompt_bar.h"
#include "window_fixture.h"
#include "workspace.h"

namespace statescope::test {
namespace {

namespace fs = std::filesystem;

QString text(const fs::path& path) {
  return QString::fromStdString(path.string());
}

class FilesTest : public WindowTest {
 protected:
  // A drag that ends over the window.
  void drop(QMimeData& data) {
    QDragEnterEvent enter(QPoint(300, 300), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(window.get(), &enter);
    EXPECT_TRUE(enter.isAccepted());
    QDropEvent event(QPointF(300, 300), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(window.get(), &event);
  }
  void drop(const fs::path& path) {
    QMimeData data;
    data.setUrls({QUrl::fromLocalFile(text(path))});
    drop(data);
  }
  void expect_nothing_changed(const std::function<void()>& action, const QString& in_notice) {
    ASSERT_TRUE(settled());
    const ModelScene scene = document().scene();
    const RunPointer run = document().run();
    const int undo_steps = document().undo_stack().count();
    action();
    ASSERT_TRUE(wait_until([&] { return notice().contains(in_notice); })) << notice().toStdString();
    ASSERT_TRUE(settled());
    EXPECT_EQ(notice().count(QLatin1Char('\n')), 0);
    EXPECT_EQ(document().scene(), scene);
    EXPECT_EQ(document().run(), run);
    EXPECT_EQ(document().undo_stack().count(), undo_steps);
  }
  std::string model_name() { return document().run()->model().info().name; }
  fs::path copy_of_tiny(const fs::path& to) {
    fs::create_directories(to.parent_path());
    fs::copy(tiny_model, to, fs::copy_options::recursive);
    return to;
  }
};

TEST_F(FilesTest, checkpoint_without_tokenizer_is_read_as_ids_and_undo_brings_the_old_model_back) {
  open_sample();
  window->open_path(text(tiny_model));
  ASSERT_TRUE(settled());
  EXPECT_EQ(model_name(), "mamba-tiny");
  EXPECT_TRUE(window->windowTitle().startsWith(u("mamba-tiny")));
  EXPECT_GT(document().run()->trace.length(), 3);
  EXPECT_FALSE(document().scene().run.prompt_ids.empty());
  EXPECT_LT(document().scene().view.channel, 48);

  run_prompt(u("3, 1 4,1"));
  ASSERT_TRUE(settled());
  EXPECT_EQ(ids_of(document().run()), (std::vector<std::int32_t>{3, 1, 4, 1}));
  EXPECT_EQ(text_of(document().run()), u("3141"));
  expect_nothing_changed([&] { run_prompt(u("Call me")); }, u("type numbers such as 1, 2, 3"));
  EXPECT_EQ(find<PromptBar>("prompt").text(), u("Call me")) << "what was typed is not lost";
  expect_nothing_changed([&] { run_prompt(u("3, 97")); }, u("97"));

  trigger("undo");
  trigger("undo");
  ASSERT_TRUE(settled());
  EXPECT_EQ(model_name(), "mamba-lab");
  EXPECT_EQ(text_of(document().run()), u(sample_text));
  EXPECT_EQ(document().scene().view.channel, 241);
}

TEST_F(FilesTest, model_with_a_smaller_vocabulary_opens_although_the_prompt_does_not_fit) {
  MambaSpec large;
  large.sizes.vocab = 500;
  fs::create_directory(folder / "large");
  write_checkpoint(folder / "large", large);
  window->open_path(text(folder / "large"));
  ASSERT_TRUE(settled());
  run_prompt(u("400, 450"));
  ASSERT_TRUE(settled());
  window->open_path(text(tiny_model));
  ASSERT_TRUE(settled());
  EXPECT_EQ(model_name(), "mamba-tiny") << notice().toStdString();
}

TEST_F(FilesTest, anything_useful_can_be_dropped) {
  open_sample();
  drop(tiny_model);
  ASSERT_TRUE(settled());
  EXPECT_EQ(model_name(), "mamba-tiny");

  ModelScene scene;
  scene.run.prompt = "And God said";
  scene.view.layer = 5;
  scene.cursor = 2;
  save_scene(scene, folder / "dropped.json");
  drop(folder / "dropped.json");
  ASSERT_TRUE(settled());
  transport().pause();
  EXPECT_EQ(model_name(), "mamba-lab");
  EXPECT_EQ(document().scene().view, scene.view);
  EXPECT_EQ(text_of(document().run()), u("And God said"));

  write_text(folder / "prompt.txt", "Let there be light");
  drop(folder / "prompt.txt");
  ASSERT_TRUE(settled());
  EXPECT_EQ(text_of(document().run()), u("Let there be light"));

  QMimeData words;
  words.setText(u("and there was light"));
  drop(words);
  ASSERT_TRUE(settled());
  EXPECT_EQ(text_of(document().run()), u("and there was light"));
  EXPECT_TRUE(notice().isEmpty()) << notice().toStdString();
}

TEST_F(FilesTest, file_menu_offers_what_was_opened_before) {
  const fs::path tiny = copy_of_tiny(folder / "small-one");
  window->open_path(text(tiny));
  ASSERT_TRUE(settled());
  trigger("open_bundled");
  ASSERT_TRUE(settled());
  trigger("file_menu");
  QAction* recent = nullptr;
  for (QAction* action : window->findChild<QMenu*>()->actions())
    if (action->text() == u("small-one")) recent = action;
  ASSERT_NE(recent, nullptr);
  recent->trigger();
  ASSERT_TRUE(settled());
  EXPECT_EQ(model_name(), "small-one");
  window->findChild<QMenu*>()->close();
}

TEST_F(FilesTest, broken_files_are_refused_and_the_old_model_stays) {
  open_sample();
  const fs::path broken = copy_of_tiny(folder / "broken");
  fs::resize_file(broken / "model.safetensors", fs::file_size(broken / "model.safetensors") - 100);
  expect_nothing_changed([&] { window->open_path(text(broken)); }, text(broken / "model.safetensors"));
  expect_nothing_changed([&] { window->open_path(text(folder / "missing")); }, u("does not exist"));
  fs::create_directory(folder / "empty");
  expect_nothing_changed([&] { window->open_path(text(folder / "empty")); }, u("model.safetensors"));

  write_text(folder / "cut.json",
             R"({"format": "statescope-scene", "version": 1, "experiment": {"kind": "model-run",)");
  expect_nothing_changed([&] { window->open_path(text(folder / "cut.json")); }, u("cut.json"));
  write_text(folder / "key.json", R"({"format": "statescope-scene", "version": 1, "colour": 3,
      "experiment": {"kind": "model-run", "model": "bundled:mamba-lab", "prompt": "a"}})");
  expect_nothing_changed([&] { window->open_path(text(folder / "key.json")); }, u("colour"));
  ModelScene elsewhere;
  elsewhere.run.model = "not/there";
  elsewhere.run.prompt = "a";
  save_scene(elsewhere, folder / "elsewhere.json");
  expect_nothing_changed([&] { window->open_path(text(folder / "elsewhere.json")); }, u("not/there"));
  write_text(folder / "empty.txt", "");
  expect_nothing_changed([&] { window->open_path(text(folder / "empty.txt")); }, u("prompt is empty"));

  trigger("generate");
  ASSERT_TRUE(settled());
  EXPECT_EQ(document().run()->trace.length(), 59) << "and it still works";
}

TEST_F(FilesTest, start_with_a_broken_file_shows_the_bundled_model_and_says_why) {
  fs::create_directory(folder / "empty");
  window->open_path(text(folder / "empty"));
  ASSERT_TRUE(settled());
  EXPECT_EQ(model_name(), "mamba-lab");
  EXPECT_TRUE(wait_until([this] { return notice().contains(text(folder / "empty")); })) << notice().toStdString();
}

TEST_F(FilesTest, start_with_a_missing_path_shows_the_bundled_model_and_says_why) {
  window->open_path(text(folder / "missing"));
  ASSERT_TRUE(settled());
  EXPECT_EQ(model_name(), "mamba-lab");
  EXPECT_TRUE(wait_until([this] { return notice().contains(u("does not exist")); })) << notice().toStdString();
}

TEST_F(FilesTest, disagreeing_config_is_told_behind_a_chip) {
  MambaSpec spec;
  nlohmann::json config = config_of(spec);
  config["num_hidden_layers"] = 9;
  write_checkpoint(folder.path(), random_mamba(spec), config);
  window->open_path(text(folder.path()));
  ASSERT_TRUE(settled());
  QTest::mouseClick(&find<Button>("chip_conflicts"), Qt::LeftButton);
  EXPECT_TRUE(notice().contains(u("9"))) << notice().toStdString();
  EXPECT_TRUE(notice().contains(u("2")));
}

TEST_F(FilesTest, saved_scene_restores_everything_bit_for_bit) {
  open_sample();
  document().set_sampling({0.8, 40, 0.9, 5}, 30);
  trigger("generate");
  ASSERT_TRUE(settled());
  document().set_view({6, 77, 12, Summary::update_norm, Quantity::y, ChannelOrder::index}, u("Look"));
  transport().set_position(33);
  ASSERT_TRUE(settled());
  const ModelScene scene = document().scene();
  const Focus focus = *document().focus();
  const StateUpdate update = *find<EquationView>("equation").state_update();
  const std::vector<std::int32_t> ids = ids_of(document().run());
  window->save_scene_to(text(folder / "saved.json"));
  EXPECT_EQ(load_model_scene(folder / "saved.json"), scene);

  run_prompt(u("And God said"));
  ASSERT_TRUE(settled());
  window->open_path(text(tiny_model));
  ASSERT_TRUE(settled());
  window->open_path(text(folder / "saved.json"));
  ASSERT_TRUE(settled());
  transport().pause();
  EXPECT_EQ(document().scene(), scene);
  EXPECT_EQ(ids_of(document().run()), ids);
  expect_same_numbers(*document().focus(), focus);
  EXPECT_EQ(find<EquationView>("equation").state_update()->h, update.h);

  // The same in a window that has never seen anything else.
  window = std::make_unique<MainWindow>(test::assets);
  window->show();
  window->open_path(text(folder / "saved.json"));
  ASSERT_TRUE(settled());
  transport().pause();
  EXPECT_EQ(document().scene(), scene);
  expect_same_numbers(*document().focus(), focus);
  EXPECT_EQ(document().undo_stack().count(), 0);
}

TEST_F(FilesTest, saving_a_scene_that_came_with_statescope_asks_for_a_place) {
  const fs::path assets = folder / "assets";
  fs::create_directories(assets);
  for (const fs::directory_entry& part : fs::directory_iterator(test::assets))
    if (part.path().filename() != "scenes") fs::create_symlink(fs::absolute(part), assets / part.path().filename());
  fs::copy(fs::path(test::assets) / "scenes", assets / "scenes");
  fs::copy_file(assets / "scenes" / "dynamics-spring.json", folder / "own.json");
  window = std::make_unique<MainWindow>(assets);
  window->show();
  // Saves, and says whether it was asked for a place.
  const auto asked = [&] {
    bool dialog = false;
    QTimer::singleShot(0, [&] {
      if (QWidget* shown = QApplication::activeModalWidget()) dialog = shown->close();
    });
    trigger("save_scene");
    QTest::qWait(50);
    return dialog;
  };
  for (const auto& [file, bundled] :
       {std::pair(assets / "scenes" / "dynamics-spring.json", true), std::pair(folder / "own.json", false)}) {
    window->open_path(text(file));
    Workspace& dynamics = *window->workspace(u("dynamics"));
    ASSERT_TRUE(wait_until([&] { return dynamics.settled(); }));
    const auto written = fs::last_write_time(file);
    EXPECT_EQ(asked(), bundled) << file;
    EXPECT_EQ(fs::last_write_time(file) == written, bundled) << file;
  }
}

TEST_F(FilesTest, model_beside_its_scene_travels_with_it) {
  const fs::path model = copy_of_tiny(folder / "lesson" / "models" / "tiny");
  window->open_path(text(model));
  ASSERT_TRUE(settled());
  const std::vector<std::int32_t> ids = ids_of(document().run());
  window->save_scene_to(text(folder / "lesson" / "scene.json"));
  EXPECT_EQ(load_model_scene(folder / "lesson" / "scene.json").run.model, "models/tiny");
  window->save_scene_to(text(model / "inside.json"));
  trigger("open_bundled");
  ASSERT_TRUE(settled());
  fs::rename(folder / "lesson", folder / "moved");
  for (const fs::path& scene :
       {folder / "moved" / "scene.json", folder / "moved" / "models" / "tiny" / "inside.json"}) {
    window->open_path(text(scene));
    ASSERT_TRUE(settled());
    EXPECT_EQ(notice(), QString());
    EXPECT_EQ(ids_of(document().run()), ids);
    EXPECT_EQ(model_name(), "tiny");
  }
}

TEST_F(FilesTest, scene_that_cannot_be_written_is_told) {
  open_sample();
  window->save_scene_to(text(folder / "missing" / "scene.json"));
  EXPECT_TRUE(notice().contains(u("cannot be written"))) << notice().toStdString();
}

TEST_F(FilesTest, settings_survive_and_forget_what_is_gone) {
  Settings settings;
  settings.set_theme_kind(ThemeKind::light);
  settings.set_text_scale(7);
  write_text(folder / "a.json", "a");
  write_text(folder / "b.json", "b");
  for (const char* name : {"a.json", "b.json", "a.json"}) settings.add_recent(text(folder / name));
  EXPECT_EQ(Settings().theme_kind(), ThemeKind::light);
  EXPECT_EQ(Settings().text_scale(), 2.0) << "brought into range";
  EXPECT_EQ(Settings().recent(), (QStringList{text(folder / "a.json"), text(folder / "b.json")}));
  fs::remove(folder / "a.json");
  EXPECT_EQ(Settings().recent(), QStringList{text(folder / "b.json")});
}

}  // namespace
}  // namespace statescope::test
