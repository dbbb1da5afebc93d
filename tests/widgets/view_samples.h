// SPDX-License-Identifier: GPL-3.0-or-later
// Views filled with plausible numbers from a fixed seed, and helpers to look at them.
#pragma once

#include <QCoreApplication>
#include <QDir>
#include <QMouseEvent>
#include <QXmlStreamReader>
#include <cmath>
#include <random>

#include "widgets/bars_view.h"
#include "widgets/curves_view.h"
#include "widgets/equation_view.h"
#include "widgets/heat_map_view.h"

namespace statescope::samples {

inline QStringList tokens() {
  return {QStringLiteral("C"),     QStringLiteral("all"),    QStringLiteral("·me"), QStringLiteral("·Is"),
          QStringLiteral("hm"),    QStringLiteral("a"),      QStringLiteral("el"),  QStringLiteral("."),
          QStringLiteral("·Some"), QStringLiteral("·years"), QStringLiteral("·ago")};
}

inline QString token(qint64 i) {
  return tokens().at(i % tokens().size());
}

/// Δ over tokens and channels: positive, heavy-tailed, each channel with its own level.
inline std::shared_ptr<HeatMapData> step_sizes(qint64 rows, qint64 columns) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> values;
  for (qint64 r = 0; r < rows; ++r) {
    const float level = normal(random);
    for (qint64 c = 0; c < columns; ++c) values.push_back(std::exp(-2.5F + 0.6F * level + 0.4F * normal(random)));
  }
  auto data = std::make_shared<HeatMapData>();
  data->values = std::make_shared<const std::vector<float>>(std::move(values));
  data->rows = rows;
  data->columns = columns;
  data->title = {
      {QStringLiteral("Step size "), {}}, {QStringLiteral("Δ"), Symbol::delta}, {QStringLiteral(" — layer 3"), {}}};
  data->subtitle = QStringLiteral("widest first");
  data->row_axis = QStringLiteral("channels");
  data->column_axis = QStringLiteral("tokens");
  data->row_noun = QStringLiteral("channel");
  data->column_noun = QStringLiteral("token");
  data->quantity = QStringLiteral("Δ");
  data->unit = QStringLiteral("s");
  data->column_label = token;
  data->symbol = Symbol::delta;
  return data;
}

/// h of one token: signed, d_inner × d_state.
inline std::shared_ptr<HeatMapData> states(qint64 rows, qint64 columns, unsigned seed = 11) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values;
  for (qint64 i = 0; i < rows * columns; ++i) values.push_back(0.1F * normal(random) * std::exp(normal(random) * 0.5F));
  auto data = std::make_shared<HeatMapData>();
  data->values = std::make_shared<const std::vector<float>>(std::move(values));
  data->rows = rows;
  data->columns = columns;
  data->title = {{QStringLiteral("State "), {}}, {QStringLiteral("h"), Symbol::h}, {QStringLiteral(" after “.”"), {}}};
  data->row_axis = QStringLiteral("d_inner");
  data->column_axis = QStringLiteral("d_state");
  data->row_noun = QStringLiteral("channel");
  data->column_noun = QStringLiteral("state");
  data->quantity = QStringLiteral("h");
  data->row_label = data->column_label = [](qint64 i) { return QString::number(i); };
  data->diverging = true;
  return data;
}

/// Millions of cells, quickly: smooth waves, in which any moiré would show.
inline std::shared_ptr<HeatMapData> waves(qint64 rows, qint64 columns) {
  std::vector<float> down, across, values;
  for (qint64 r = 0; r < rows; ++r) down.push_back(static_cast<float>(std::sin(0.9 * static_cast<double>(r))));
  for (qint64 c = 0; c < columns; ++c)
    across.push_back(static_cast<float>(std::cos(3e-6 * static_cast<double>(c * c))));
  values.reserve(static_cast<std::size_t>(rows * columns));
  for (const float a : down) {
    for (const float b : across) values.push_back(a * 0.3F + b);
  }
  const auto data = states(1, 1);
  data->values = std::make_shared<const std::vector<float>>(std::move(values));
  data->rows = rows;
  data->columns = columns;
  return data;
}

inline std::shared_ptr<CurvesData> trajectories(int curves, qint64 points) {
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  auto data = std::make_shared<CurvesData>();
  for (int i = 0; i < curves; ++i) {
    std::vector<float> values;
    const double keep = 1.0 - std::pow(10.0, -0.3 - 0.1 * i);
    double h = 0.2 * normal(random);
    for (qint64 t = 0; t < points; ++t) values.push_back(static_cast<float>(h = keep * h + 0.05 * normal(random)));
    data->curves.push_back({QStringLiteral("state %1").arg(i), std::make_shared<const std::vector<float>>(values)});
  }
  data->title = {{QStringLiteral("Channel 241: sixteen states over the sentence"), {}}};
  data->x_axis = QStringLiteral("tokens");
  data->y_axis = QStringLiteral("h");
  data->y_unit = QStringLiteral("dimensionless");
  data->x_noun = QStringLiteral("token");
  data->x_label = token;
  return data;
}

inline std::shared_ptr<BarsData> candidates() {
  auto data = std::make_shared<BarsData>();
  data->bars = {{QStringLiteral("And"), 0.211},
                {QStringLiteral("The"), 0.144},
                {QStringLiteral("But"), 0.047},
                {QStringLiteral("<|endoftext|> a long special token"), 0.038},
                {QStringLiteral("I"), 0.032}};
  data->title = {{QStringLiteral("Next token"), {}}};
  data->subtitle = QStringLiteral("temperature 0");
  data->noun = QStringLiteral("token");
  data->percent = true;
  return data;
}

inline std::shared_ptr<BarsData> contributions() {
  auto data = std::make_shared<BarsData>();
  const double values[] = {0.31, 0.16, 0.09, 0.14, 0.21, 0.09, 0.06, -0.03, 0.1, 0.11, 0.02};
  for (int i = 0; i < 11; ++i) data->bars.push_back({token(i), values[i]});
  data->shape = BarsData::Shape::columns;
  data->title = {{QStringLiteral("What writes into it"), {}}};
  data->subtitle = QStringLiteral("Δ·B·x by token");
  data->noun = QStringLiteral("token");
  data->quantity = QStringLiteral("Δ·B·x");
  data->symbol = Symbol::B;
  data->faint_from = 8;
  return data;
}

inline std::shared_ptr<BarsData> half_lives() {
  auto data = std::make_shared<BarsData>();
  const double values[] = {0.4, 1.2, 2.3, 1.9, 5, 14, 30, 2, 80, 6, 410, 3, 0.9, 9, 33, 21};
  for (int i = 0; i < 16; ++i) data->bars.push_back({QString::number(i), values[i]});
  data->shape = BarsData::Shape::columns;
  data->title = {{QStringLiteral("Memory half-life"), {}}};
  data->subtitle = QStringLiteral("tokens ↑ · states →");
  data->noun = QStringLiteral("state");
  data->quantity = QStringLiteral("half-life");
  data->unit = QStringLiteral("tokens");
  data->symbol = Symbol::A;
  data->logarithmic = true;
  return data;
}

inline const StatePlace place{3, 241, 6};

inline StateUpdate update() {
  StateUpdate update;
  update.delta = 0.1068;
  update.A = -2.8194;
  update.B = -0.275;
  update.x = 0.197;
  update.h_prev = 0.0071;
  update.gate = std::exp(update.delta * update.A);
  update.write = update.delta * update.B * update.x;
  update.h = update.gate * update.h_prev + update.write;
  return update;
}

/// Moves the mouse over a view, shown or not.
inline void hover(View& view, const QPointF& point) {
  QMouseEvent move(QEvent::MouseMove, point, view.mapToGlobal(point), Qt::NoButton, Qt::NoButton, Qt::NoModifier);
  QCoreApplication::sendEvent(&view, &move);
}

/// Writes the picture to the folder named by STATESCOPE_GRABS, if there is one.
inline QImage grab(View& view, const QString& name) {
  const QImage image = view.grab().toImage();
  const QString folder = qEnvironmentVariable("STATESCOPE_GRABS");
  if (!folder.isEmpty()) {
    QDir().mkpath(folder);
    image.save(folder + QLatin1Char('/') + name + QStringLiteral(".png"));
  }
  return image;
}

/// Number of pixels that differ; −1 when the sizes do.
inline int differing_pixels(const QImage& a, const QImage& b, const QRect& within = {}) {
  if (a.size() != b.size()) return -1;
  const QRect area = within.isNull() ? a.rect() : within.intersected(a.rect());
  int count = 0;
  for (int y = area.top(); y <= area.bottom(); ++y) {
    for (int x = area.left(); x <= area.right(); ++x) count += a.pixel(x, y) != b.pixel(x, y);
  }
  return count;
}

/// All text of an SVG document; empty when it is not well-formed. `shapes` counts its paths, lines and images.
inline QString svg_text(const QByteArray& svg, int* shapes = nullptr) {
  QXmlStreamReader reader(svg);
  QString text;
  while (!reader.atEnd()) {
    reader.readNext();
    if (!reader.isStartElement()) continue;
    if (reader.name() == QLatin1String("text")) text += reader.readElementText() + QLatin1Char('\n');
    if (shapes && (reader.name() == QLatin1String("path") || reader.name() == QLatin1String("polyline"))) ++*shapes;
  }
  return reader.hasError() ? QString() : text;
}

}  // namespace statescope::samples
