// SPDX-License-Identifier: GPL-3.0-or-later
// Every view in both themes, small and large, at 100 % and 200 % text: something is drawn, nothing warns. With
// STATESCOPE_GRABS set to a folder the pictures can be looked at.
#include <gtest/gtest.h>

#include <QApplication>
#include <QFile>
#include <QTemporaryDir>
#include <thread>

#include "dynamics_samples.h"
#include "view_samples.h"

namespace statescope {
namespace {

struct Sample {
  const char* name;
  QSize size;
  std::function<std::unique_ptr<View>()> make;
};

std::vector<Sample> all_samples() {
  const auto heat_map = [](std::shared_ptr<const HeatMapData> data, qint64 column, qint64 row) {
    auto view = std::make_unique<HeatMapView>();
    view->set_data(std::move(data));
    view->set_cursor_column(column);
    view->set_selected_row(row);
    return view;
  };
  const auto bars = [](std::shared_ptr<const BarsData> data, qint64 selected) {
    auto view = std::make_unique<BarsView>();
    view->set_data(std::move(data));
    view->set_selected(selected);
    return view;
  };
  return {
      {"delta", {560, 400}, [=] { return heat_map(samples::step_sizes(512, 11), 7, -1); }},
      {"state", {560, 400}, [=] { return heat_map(samples::states(96, 16), -1, 24); }},
      {"overview",
       {300, 220},
       [=] {
         auto data = samples::step_sizes(8, 11);
         data->title = {{QStringLiteral("All layers"), {}}};
         data->subtitle.clear();
         data->row_axis = QStringLiteral("layers");
         data->row_label = [](qint64 i) { return QString::number(i); };
         auto view = heat_map(data, 7, 3);
         view->set_selected_cell(3, 7);
         return view;
       }},
      {"wide", {900, 420}, [=] { return heat_map(samples::waves(1536, 4096), 2000, -1); }},
      {"curves",
       {760, 230},
       [] {
         auto view = std::make_unique<CurvesView>();
         view->set_data(samples::trajectories(16, 11));
         view->set_highlighted(6);
         view->set_cursor(7);
         return view;
       }},
      {"curves_long",
       {760, 230},
       [] {
         auto view = std::make_unique<CurvesView>();
         view->set_data(samples::trajectories(16, 4096));
         view->set_highlighted(12);
         view->set_cursor(1000);
         return view;
       }},
      {"candidates", {290, 180}, [=] { return bars(samples::candidates(), 1); }},
      {"contributions", {290, 130}, [=] { return bars(samples::contributions(), 4); }},
      {"half_lives", {290, 130}, [=] { return bars(samples::half_lives(), 6); }},
      {"equation",
       {290, 260},
       [] {
         auto view = std::make_unique<EquationView>();
         view->set_update(samples::update(), samples::place);
         return view;
       }},
      {"equation_wide",
       {560, 230},
       [] {
         auto view = std::make_unique<EquationView>();
         view->set_update(samples::update(), samples::place);
         return view;
       }},
      {"memory",
       {760, 230},
       [] {
         auto view = std::make_unique<CurvesView>();
         view->set_data(samples::memory(2000));
         view->set_cursor(1500);
         return view;
       }},
      {"s_plane",
       {440, 380},
       [] {
         auto view = std::make_unique<PolePlaneView>();
         view->set_data(samples::s_plane());
         view->set_selected(0);
         return view;
       }},
      {"z_plane",
       {440, 380},
       [] {
         auto view = std::make_unique<PolePlaneView>();
         view->set_data(samples::z_plane());
         return view;
       }},
      {"phase_plane",
       {440, 380},
       [] {
         auto view = std::make_unique<PhaseView>();
         view->set_data(samples::oscillation(600, false));
         view->set_cursor(240, 0.5);
         return view;
       }},
      {"phase_space",
       {440, 380},
       [] {
         auto view = std::make_unique<PhaseView>();
         view->set_data(samples::oscillation(900, true));
         view->set_cursor(400);
         return view;
       }},
      {"convolution",
       {760, 420},
       [] {
         auto view = std::make_unique<ConvolutionView>();
         view->set_data(samples::forgetting(200));
         view->set_cursor(60, 0.62);
         return view;
       }},
      {"bode",
       {440, 320},
       [] {
         auto view = std::make_unique<BodeView>();
         view->set_data(samples::resonance());
         view->set_cursor(2);
         return view;
       }},
      {"signal",
       {560, 200},
       [] {
         auto view = std::make_unique<SignalView>();
         view->set_data(samples::memory(500));
         view->set_drawable(true);
         return view;
       }},
      {"message",
       {300, 160},
       [] {
         auto view = std::make_unique<HeatMapView>();
         view->set_message(QStringLiteral("Type a prompt and press Enter to see how the step size opens and closes."));
         return view;
       }},
  };
}

class Gallery : public testing::TestWithParam<std::tuple<ThemeKind, double>> {
 protected:
  void TearDown() override {
    set_text_scale(1.0);
    apply_theme(*qApp, ThemeKind::dark);
  }
};

TEST_P(Gallery, EveryViewDrawsSomethingAtEverySize) {
  const auto [kind, scale] = GetParam();
  apply_theme(*qApp, kind);
  set_text_scale(scale);
  for (const Sample& sample : all_samples()) {
    const auto view = sample.make();
    for (const double size : {0.1, 0.5, 1.0}) {
      view->resize(size == 1.0 ? sample.size * scale : sample.size * size);
      const QString name = QStringLiteral("%1_%2_%3")
                               .arg(QLatin1String(sample.name), QLatin1String(theme().dark() ? "dark" : "light"))
                               .arg(scale);
      const QImage image = samples::grab(*view, size == 1.0 ? name : name + QStringLiteral("_x%1").arg(size));
      if (size < 1.0) continue;
      QImage blank(image.size(), image.format());
      blank.fill(image.pixel(0, image.height() - 1));
      EXPECT_GT(samples::differing_pixels(image, blank), image.width() * image.height() / 200) << sample.name;
      EXPECT_FALSE(view->accessibleName().isEmpty()) << sample.name;
    }
  }
}

// In a window of all of them, painted in one frame, each on a thread of its own.
TEST_P(Gallery, SideBySideEveryViewLooksAsItDoesAlone) {
  const auto [kind, scale] = GetParam();
  apply_theme(*qApp, kind);
  set_text_scale(scale);
  QWidget window;
  window.resize(2400, 2400);
  QPoint place;
  int below = 0, painted = 0;
  const std::vector<Sample> every = all_samples();
  std::vector<View*> views;
  for (const Sample& sample : every) {
    if (place.x() + sample.size.width() > window.width()) place = {0, below};
    views.push_back(sample.make().release());
    views.back()->setParent(&window);
    views.back()->setGeometry({place, sample.size});
    below = std::max(below, place.y() + sample.size.height());
    place.rx() += sample.size.width();
  }
  window.show();
  for (View* view : views) view->update();
  View::paint_with([&painted](int count, const std::function<void(int)>& paint) {
    painted += count;
    std::vector<std::jthread> threads;
    for (int i = 0; i < count; ++i) threads.emplace_back(paint, i);
  });
  const QImage together = window.grab().toImage();
  View::paint_with({});
  ASSERT_EQ(painted, std::ssize(views));
  for (std::size_t i = 0; i < views.size(); ++i) {
    const auto alone = every[i].make();
    alone->resize(every[i].size);
    // What is kept is drawn for the first time, then kept, then shown as it was kept.
    for (int frame = 0; frame < 3; ++frame) {
      EXPECT_EQ(samples::differing_pixels(together.copy(views[i]->geometry()), alone->grab().toImage()), 0)
          << every[i].name << ", frame " << frame;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Themes, Gallery,
                         testing::Combine(testing::Values(ThemeKind::dark, ThemeKind::light),
                                          testing::Values(1.0, 2.0)));

TEST(Pictures, KeepTextAsTextInSvgAndTwiceThePixelsInPng) {
  for (const Sample& sample : all_samples()) {
    const auto view = sample.make();
    view->resize(sample.size);
    EXPECT_EQ(view->picture(2.0).size(), sample.size * 2) << sample.name;
    EXPECT_FALSE(samples::svg_text(view->svg()).isEmpty()) << sample.name;
  }
}

TEST(Pictures, CurvesAndBarsStayVectorsInSvg) {
  CurvesView curves;
  curves.set_data(samples::trajectories(16, 11));
  curves.resize(600, 240);
  int shapes = 0;
  const QByteArray svg = curves.svg();
  EXPECT_TRUE(samples::svg_text(svg, &shapes).contains(QStringLiteral("Channel 241")));
  EXPECT_GE(shapes, 16);
  EXPECT_FALSE(svg.contains("<image"));
}

TEST(Pictures, AreSavedAsTheirEndingSays) {
  CurvesView curves;
  curves.set_data(samples::trajectories(16, 11));
  curves.resize(600, 240);
  const QTemporaryDir folder;
  for (const auto& [name, start] : {std::pair("a.svg", "<?xml"), {"a.PDF", "%PDF"}, {"a.png", "\x89PNG"}}) {
    curves.save_picture(folder.filePath(QLatin1String(name)));
    QFile file(folder.filePath(QLatin1String(name)));
    ASSERT_TRUE(file.open(QIODevice::ReadOnly)) << name;
    const QByteArray bytes = file.readAll();
    EXPECT_TRUE(bytes.startsWith(start)) << name;
    if (bytes.startsWith("%PDF")) {
      EXPECT_TRUE(bytes.contains("/MediaBox [0 0 450")) << "96 pixels are 72 points";
    }
  }
}

TEST(Pictures, CannotBeWrittenIntoAMissingFolder) {
  EquationView view;
  view.set_update(samples::update(), samples::place);
  view.resize(300, 300);
  EXPECT_THROW(view.save_picture(QStringLiteral("/no/such/folder/picture.svg")), std::runtime_error);
}

}  // namespace
}  // namespace statescope
