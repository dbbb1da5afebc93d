// SPDX-License-Identifier: GPL-3.0-or-later
// Every picture has its numbers, and every scene its picture.
#include "picture.h"

#include <QImage>
#include <QXmlStreamReader>
#include <filesystem>
#include <set>

#include "engine/error.h"
#include "engine/scene/scene.h"
#include "paths.h"
#include "widgets/bars_view.h"
#include "widgets/curves_view.h"
#include "widgets/equation_view.h"
#include "widgets/heat_map_view.h"
#include "window_fixture.h"
#include "workspaces/model_workspace.h"

namespace statescope::test {
namespace {

QString text(const std::filesystem::path& path) {
  return QString::fromStdString(path.string());
}

// Fields without quotes: the tokens of these tests hold no comma.
std::vector<QStringList> parse_csv(const QString& csv) {
  std::vector<QStringList> rows;
  for (const QString& line : csv.split(QLatin1Char('\n'), Qt::SkipEmptyParts)) rows.push_back(line.split(u','));
  return rows;
}

int colors_of(const QImage& image) {
  std::set<QRgb> colors;
  for (int y = 0; y < image.height(); y += 3)
    for (int x = 0; x < image.width(); x += 3) colors.insert(image.pixel(x, y));
  return static_cast<int>(colors.size());
}

int text_elements(const QByteArray& svg) {
  QXmlStreamReader xml(svg);
  int count = 0;
  while (!xml.atEnd()) count += xml.readNext() == QXmlStreamReader::StartElement && xml.name() == u("text");
  EXPECT_FALSE(xml.hasError()) << xml.errorString().toStdString();
  return count;
}

using PictureTest = WindowTest;

TEST_F(PictureTest, csv_of_a_view_is_what_the_focus_holds) {
  run_prompt(u("Call me Ishmael"));
  ASSERT_TRUE(settled());
  transport().pause();
  ASSERT_TRUE(settled());
  const Focus& focus = *document().focus();
  const std::int64_t T = focus.track->tokens;

  const auto map = parse_csv(find<HeatMapView>("layer_map").csv());
  ASSERT_EQ(std::ssize(map), 1 + 512);
  for (std::size_t row = 1; row < map.size(); ++row) {
    const std::int64_t channel = map[row][0].toLongLong();
    EXPECT_EQ(channel, focus.order[row - 1]);
    for (std::int64_t t = 0; t < T; ++t)
      ASSERT_EQ(map[row][1 + t].toFloat(), (*focus.map)[static_cast<std::size_t>(channel * T + t)]) << channel;
  }

  const auto curves = parse_csv(find<CurvesView>("channel").csv());
  ASSERT_EQ(std::ssize(curves), 1 + T);
  const qsizetype first = curves[0].size() - 16;
  for (std::int64_t t = 0; t < T; ++t)
    for (qsizetype n = 0; n < 16; ++n)
      EXPECT_EQ(curves[std::size_t(1 + t)][first + n].toFloat(),
                (*focus.channel_curves[std::size_t(n)])[std::size_t(t)]);

  const auto half_lives = parse_csv(find<BarsView>("half_lives").csv());
  for (std::size_t n = 0; n < 16; ++n) EXPECT_EQ(half_lives[1 + n][1].toDouble(), focus.half_lives[n]);

  const StateUpdate update = *find<EquationView>("equation").state_update();
  bool has_h = false;
  for (const QStringList& row : parse_csv(find<EquationView>("equation").csv()))
    if (row[0] == u("h")) has_h = row[1].toDouble() == update.h;
  EXPECT_TRUE(has_h);
}

TEST_F(PictureTest, every_view_has_a_vector_picture_with_real_text) {
  open_sample();
  const QList<View*> views = window->workspace(u("model"))->findChildren<View*>();
  for (View* view : views) EXPECT_GT(text_elements(view->svg()), 0) << view->objectName().toStdString();
  EXPECT_FALSE(views.empty());
}

TEST_F(PictureTest, workspace_is_saved_as_png_svg_and_pdf) {
  open_sample();
  save_workspace_picture(model(), text(folder / "a.png"), 2);
  const QImage image(text(folder / "a.png"));
  const QSize shown = model().size();
  EXPECT_EQ(image.height(), 2 * shown.height());
  EXPECT_GT(image.width(), 2 * shown.width());
  EXPECT_GT(colors_of(image), 100);
  save_workspace_picture(model(), text(folder / "a.svg"), 1);
  EXPECT_GT(text_elements(QByteArray::fromStdString(read_text(folder / "a.svg"))), 30);
  save_workspace_picture(model(), text(folder / "a.PDF"), 1);
  EXPECT_EQ(read_text(folder / "a.PDF").substr(0, 5), "%PDF-");
}

TEST_F(PictureTest, what_cannot_be_saved_leaves_no_file) {
  open_sample();
  const auto saving = [this](const std::filesystem::path& path, double scale) {
    return message_of([&] { save_workspace_picture(model(), text(path), scale); });
  };
  EXPECT_NE(saving(folder / "a.jpg", 1).find("must be .png, .svg or .pdf"), std::string::npos);
  EXPECT_NE(saving(folder / "missing" / "a.png", 1).find("cannot be written"), std::string::npos);
  EXPECT_NE(saving(folder / "a.png", 1000).find("does not fit"), std::string::npos);
  EXPECT_TRUE(folder.empty());
}

class RenderTest : public testing::Test {
 protected:
  RenderTest() {
    scene.run.prompt = sample_text;
    scene.run.generated = {267, 259};
    scene.view = {6, 77, 12, Summary::update_norm, Quantity::y, ChannelOrder::widest};
    scene.cursor = 9;
    save_scene(scene, folder / "scene.json");
  }
  ~RenderTest() override { set_motion(true); }
  QImage rendered(const char* name, double scale = 1) {
    render({text(folder / "scene.json"), text(folder / name), {1280, 800}, scale}, test::assets);
    return QImage(text(folder / name));
  }

  ModelScene scene;
  TemporaryFolder folder;
};

TEST_F(RenderTest, draws_the_scene_in_the_size_asked_and_always_the_same) {
  const QImage image = rendered("a.png");
  EXPECT_EQ(image.size(), QSize(1280, 800));
  EXPECT_GT(colors_of(image), 100);
  EXPECT_EQ(rendered("b.png"), image);
  EXPECT_EQ(rendered("c.png", 2).size(), QSize(2560, 1600));
  scene.cursor = 3;
  save_scene(scene, folder / "scene.json");
  EXPECT_NE(rendered("d.png"), image) << "another moment is another picture";
}

TEST_F(RenderTest, fails_with_a_sentence_and_without_a_file) {
  const auto failing = [this](const char* out) { return message_of([&] { rendered(out); }); };
  EXPECT_NE(failing("a.bmp").find("must be .png, .svg or .pdf"), std::string::npos);
  scene.run.model = "nowhere";
  save_scene(scene, folder / "scene.json");
  EXPECT_NE(failing("a.png").find("nowhere"), std::string::npos);
  scene.run.model = "bundled:mamba-lab";
  scene.run.generated = {4096};
  save_scene(scene, folder / "scene.json");
  EXPECT_NE(failing("a.png").find("4096"), std::string::npos);
  std::filesystem::remove(folder / "scene.json");
  EXPECT_NE(failing("a.png").find("scene.json"), std::string::npos);
  EXPECT_TRUE(folder.empty());
}

}  // namespace
}  // namespace statescope::test
