// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/heat_map_view.h"

#include <QLinearGradient>
#include <QPaintEngine>
#include <QPainter>
#include <algorithm>
#include <cmath>

#include "cell_raster.h"
#include "engine/error.h"
#include "plot_paint.h"
#include "widgets/format.h"
#include "widgets/text_metrics.h"

namespace statescope {

struct HeatMapView::Layout {
  QRectF header, cells;
  QRectF row_ticks, column_ticks, scale;  // null when there is no room or nothing to say
};

struct HeatMapView::Raster {
  const HeatMapData* data = nullptr;
  QRectF window;
  QSize pixels;
  ThemeKind theme = ThemeKind::dark;
  double fade = -1;
  ShadeGrid from, target, shown;
  QImage image;

  ColorMap map;  // of map_theme, map_diverging, map_symbol
  std::optional<ThemeKind> map_theme;
  bool map_diverging = false;
  Symbol map_symbol = Symbol::h;
};

namespace {

// "rows 120–240 of 512" when only a part is visible.
QString part_text(const QString& axis, double first, double count, qint64 total) {
  if (count >= static_cast<double>(total)) return {};
  return HeatMapView::tr("%1 %2–%3 of %4")
      .arg(axis)
      .arg(static_cast<qint64>(first))
      .arg(static_cast<qint64>(std::ceil(first + count)) - 1)
      .arg(total);
}

}  // namespace

HeatMapView::HeatMapView(QWidget* parent) : View(parent), raster_(std::make_unique<Raster>()) {
  setAccessibleName(tr("Heat map"));
  fade_.setStartValue(0.0);
  fade_.setEndValue(1.0);
  fade_.setDuration(180);
  fade_.setEasingCurve(QEasingCurve::OutCubic);
  connect(&fade_, &QVariantAnimation::valueChanged, this, [this] { update(); });
}

HeatMapView::~HeatMapView() = default;

void HeatMapView::set_data(std::shared_ptr<const HeatMapData> data) {
  if (data == data_) return;
  std::vector<qint64> display_rows;
  if (data) {
    const auto cells = static_cast<std::size_t>(data->rows * data->columns);
    if (!data->values || data->rows < 0 || data->columns < 0 || data->values->size() != cells) {
      throw Error("heat map '" + plain_text(data->title).toStdString() + "': the number of values is not " +
                  std::to_string(data->rows) + " x " + std::to_string(data->columns));
    }
    if (!data->row_order.empty()) {
      display_rows.assign(static_cast<std::size_t>(data->rows), -1);
      bool permutation = data->row_order.size() == display_rows.size();
      for (std::size_t i = 0; permutation && i < data->row_order.size(); ++i) {
        const qint64 row = data->row_order[i];
        permutation = row >= 0 && row < data->rows && display_rows[static_cast<std::size_t>(row)] < 0;
        if (permutation) display_rows[static_cast<std::size_t>(row)] = static_cast<qint64>(i);
      }
      if (!permutation) {
        throw Error("heat map '" + plain_text(data->title).toStdString() +
                    "': the row order does not name every row once");
      }
    }
  }
  const bool same_shape = data && data_ && data->rows == data_->rows && data->columns == data_->columns;
  const bool same_order = same_shape && data->row_order == data_->row_order;
  data_ = std::move(data);
  display_rows_ = std::move(display_rows);
  fade_.stop();
  hover_ = same_shape ? hover_ : std::nullopt;
  if (!same_shape) reset_zoom();
  if (data_) {
    range_ = {data_->min, data_->max};
    if (std::isnan(range_.min) || std::isnan(range_.max)) {
      const auto robust =
          robust_range(data_->values->data(), static_cast<qint64>(data_->values->size()), data_->diverging);
      if (std::isnan(range_.min)) range_.min = robust.min;
      if (std::isnan(range_.max)) range_.max = robust.max;
    }
    if (!(range_.max > range_.min)) range_.max = range_.min + 1;
    setAccessibleDescription(plain_text(data_->title) + QStringLiteral(", ") + subtitle());
    if (same_order && motion() && isVisible()) {
      // Not drawn since the last call: keep fading from what is on the screen.
      if (raster_->data) raster_->from = raster_->shown;
      fade_.start();
    }
  }
  raster_->data = nullptr;
  update();
}

void HeatMapView::set_cursor_column(qint64 column) {
  if (column == cursor_column_) return;
  cursor_column_ = column;
  update();
}

void HeatMapView::set_selected_row(qint64 row) {
  if (row == selected_row_) return;
  selected_row_ = row;
  update();
}

void HeatMapView::set_selected_cell(qint64 row, qint64 column) {
  if (row == cell_row_ && column == cell_column_) return;
  cell_row_ = row;
  cell_column_ = column;
  update();
}

void HeatMapView::reset_zoom() {
  window_ = data_ ? QRectF(0, 0, static_cast<double>(data_->columns), static_cast<double>(data_->rows)) : QRectF();
  update();
}

void HeatMapView::set_visible_cells(const QRectF& cells) {
  if (!data_) return;
  const auto columns = static_cast<double>(data_->columns), rows = static_cast<double>(data_->rows);
  const double width = std::clamp(cells.width(), std::min(4.0, columns), columns);
  const double height = std::clamp(cells.height(), std::min(4.0, rows), rows);
  window_ =
      QRectF(std::clamp(cells.x(), 0.0, columns - width), std::clamp(cells.y(), 0.0, rows - height), width, height);
  update();
}

qint64 HeatMapView::row_at(qint64 display_row) const {
  return data_->row_order.empty() ? display_row : data_->row_order[static_cast<std::size_t>(display_row)];
}

qint64 HeatMapView::display_row_of(qint64 row) const {
  return display_rows_.empty() ? row : display_rows_[static_cast<std::size_t>(row)];
}

QString HeatMapView::subtitle() const {
  QStringList parts;
  if (!data_->column_axis.isEmpty()) parts << data_->column_axis + QStringLiteral(" →");
  if (!data_->row_axis.isEmpty()) parts << data_->row_axis + QStringLiteral(" ↓");
  QString text = parts.join(QStringLiteral(" · "));
  if (!data_->subtitle.isEmpty()) text += (text.isEmpty() ? QString() : QStringLiteral(", ")) + data_->subtitle;
  return text;
}

HeatMapView::Layout HeatMapView::layout(const QRectF& area) const {
  Layout result;
  result.header = area.adjusted(0, 0, 0, header_height(area.width(), data_->title, subtitle()) - area.height());
  QRectF body = area.adjusted(0, result.header.height(), 0, 0);
  const double line = caption_height() + scaled(6);
  if (body.height() > 4 * line) {
    result.scale = QRectF(body.left(), body.bottom() - line, body.width(), line);
    body.setBottom(body.bottom() - line);
  }
  const bool column_ticks = data_->column_label && body.height() > 3 * line;
  if (column_ticks) body.setBottom(body.bottom() - line);
  const bool all_rows_fit = body.height() / std::max(1.0, window_.height()) >= caption_height();
  if (data_->row_label && (data_->row_order.empty() || all_rows_fit)) {
    const TextMetrics metrics(font(TextRole::caption));
    double widest = 0;
    const qint64 step = std::max<qint64>(1, data_->rows / 64);
    for (qint64 row = 0; row < data_->rows; row += step) {
      widest = std::max(widest, metrics.horizontalAdvance(data_->row_label(row)));
    }
    widest = std::max(widest, metrics.horizontalAdvance(data_->row_label(data_->rows - 1)));
    const double gutter = std::ceil(std::min(widest, body.width() / 4)) + scaled(8);
    result.row_ticks = QRectF(body.left(), body.top(), gutter, body.height());
    body.setLeft(body.left() + gutter);
  }
  if (column_ticks) result.column_ticks = QRectF(body.left(), body.bottom(), body.width(), line);
  result.cells = body;
  return result;
}

const ColorMap& HeatMapView::color_map() const {
  Raster& raster = *raster_;
  if (raster.map_theme != theme().kind || raster.map_diverging != data_->diverging ||
      raster.map_symbol != data_->symbol) {
    raster.map = data_->diverging ? ColorMap::diverging(theme()) : ColorMap::sequential(theme(), data_->symbol);
    raster.map_theme = theme().kind;
    raster.map_diverging = data_->diverging;
    raster.map_symbol = data_->symbol;
  }
  return raster.map;
}

QImage HeatMapView::paint_grid(const ShadeGrid& grid, QSize pixels, double ratio) const {
  const int gap = std::max(1, static_cast<int>(ratio));
  const int gap_from = static_cast<int>(7 * ratio);
  QImage image = paint_shades(grid, window_, pixels, color_map(), gap, gap_from, theme().background.rgb());
  image.setDevicePixelRatio(ratio);
  return image;
}

QImage HeatMapView::cells_image(QSize pixels, double ratio) const {
  Raster& raster = *raster_;
  const bool fading = fade_.state() == QAbstractAnimation::Running;
  const double fade = fading ? fade_.currentValue().toDouble() : 1.0;
  const bool same_target = raster.data == data_.get() && raster.window == window_ && raster.pixels == pixels;
  if (same_target && raster.theme == theme().kind && raster.fade == fade) return raster.image;
  if (!same_target) raster.target = shade_cells(*data_, range_, window_, pixels);
  const bool blend = fading && raster.from.rows == raster.target.rows && raster.from.columns == raster.target.columns;
  raster.shown = blend ? blend_shades(raster.from, raster.target, fade) : raster.target;
  raster.image = paint_grid(raster.shown, pixels, ratio);
  raster.data = data_.get();
  raster.window = window_;
  raster.pixels = pixels;
  raster.theme = theme().kind;
  raster.fade = fade;
  return raster.image;
}

void HeatMapView::draw(QPainter& painter, const QRectF& area, bool for_export) const {
  if (!data_ || data_->rows == 0 || data_->columns == 0) {
    draw_message(painter, area);
    return;
  }
  const Layout place = layout(area);
  draw_header(painter, area, data_->title, subtitle());
  if (place.cells.width() < 1 || place.cells.height() < 1) return;

  // A vector picture holds the cells as one image; two pixels per unit keep their edges sharp.
  const bool raster_device = painter.paintEngine() && painter.paintEngine()->type() == QPaintEngine::Raster;
  const double ratio = raster_device ? painter.device()->devicePixelRatioF() : 2.0;
  const QSize pixels = (place.cells.size() * ratio).toSize().expandedTo(QSize(1, 1));
  if (for_export) {
    const ShadeGrid grid = shade_cells(*data_, range_, window_, pixels);
    painter.drawImage(place.cells, paint_grid(grid, pixels, ratio));
  } else {
    painter.drawImage(place.cells, cells_image(pixels, ratio));
  }
  draw_ticks(painter, place);
  draw_scale(painter, place);
  draw_markers(painter, place, for_export);
  if (!for_export) {
    if (hasFocus()) draw_focus_ring(painter, place.cells);
    if (hover_) draw_readout(painter, area, hover_point_, readout(hover_->first, hover_->second));
  }
}

void HeatMapView::draw_ticks(QPainter& painter, const Layout& place) const {
  const QFont tick_font = font(TextRole::caption);
  const TextMetrics metrics(tick_font);
  painter.setFont(tick_font);
  if (!place.row_ticks.isNull()) {
    const double size = place.cells.height() / window_.height();
    const qint64 step = tick_step(size, [&](qint64) { return caption_height(); });
    for (qint64 row = round_up(static_cast<qint64>(window_.top()), step); row < data_->rows; row += step) {
      const double y = place.cells.top() + (static_cast<double>(row) + 0.5 - window_.top()) * size;
      if (y > place.cells.bottom()) break;
      if (y < place.cells.top()) continue;
      painter.setPen(row_at(row) == selected_row_ ? theme().text : theme().muted);
      draw_elided(
          painter,
          {place.row_ticks.left(), y - caption_height() / 2, place.row_ticks.width() - scaled(8), caption_height()},
          Qt::AlignRight, data_->row_label(row_at(row)));
    }
  }
  if (!place.column_ticks.isNull()) {
    const double size = place.cells.width() / window_.width();
    const qint64 first = static_cast<qint64>(window_.left());
    const qint64 last = std::min(data_->columns, static_cast<qint64>(std::ceil(window_.right())));
    const double longest = scaled(72);
    const qint64 step = tick_step(size, [&](qint64 candidate) {
      // Steps too small for any label are not worth measuring thousands of them.
      double widest = scaled(12);
      if (static_cast<double>(candidate) * size < widest) return widest;
      for (qint64 c = round_up(first, candidate); c < last; c += candidate) {
        widest = std::max(widest, metrics.horizontalAdvance(data_->column_label(c)));
      }
      return std::min(widest, longest) + scaled(6);
    });
    for (qint64 column = round_up(first, step); column < last; column += step) {
      const double x = place.cells.left() + (static_cast<double>(column) + 0.5 - window_.left()) * size;
      if (x < place.cells.left() || x > place.cells.right()) continue;
      const QString label = metrics.elidedText(data_->column_label(column), Qt::ElideRight, longest);
      const double width = metrics.horizontalAdvance(label);
      const double left =
          std::clamp(x - width / 2, place.cells.left(), std::max(place.cells.left(), place.cells.right() - width));
      painter.setPen(column == cursor_column_ ? theme().text : theme().muted);
      painter.drawText(QPointF(left, place.column_ticks.bottom() - metrics.descent() - 1), label);
    }
  }
}

void HeatMapView::draw_scale(QPainter& painter, const Layout& place) const {
  if (place.scale.isNull()) return;
  const QFont tick_font = font(TextRole::caption);
  const TextMetrics metrics(tick_font);
  QString low = format_tick(range_.min), high = format_tick(range_.max);
  if (!data_->unit.isEmpty()) high += QLatin1Char(' ') + data_->unit;
  if (!data_->quantity.isEmpty()) low = data_->quantity + QStringLiteral("  ") + low;
  const double bar_width = scaled(88), space = scaled(6);
  const double high_width = metrics.horizontalAdvance(high), low_width = metrics.horizontalAdvance(low);
  const double needed = low_width + high_width + bar_width + 2 * space;
  if (needed > place.scale.width()) return;

  const QRectF line(place.scale.left(), place.scale.bottom() - caption_height(), place.scale.width(), caption_height());
  const QRectF bar(line.right() - high_width - space - bar_width, line.center().y() - scaled(3), bar_width, scaled(6));
  const ColorMap& map = color_map();
  QLinearGradient gradient(bar.topLeft(), bar.topRight());
  for (int i = 0; i <= 16; ++i) gradient.setColorAt(i / 16.0, QColor(map.color(static_cast<uchar>(1 + i * 254 / 16))));
  painter.setPen(QPen(theme().hairline, 1));
  painter.setBrush(gradient);
  painter.drawRoundedRect(bar, 2, 2);
  painter.setFont(tick_font);
  painter.setPen(theme().muted);
  painter.drawText(QRectF(line.right() - high_width, line.top(), high_width + 1, line.height()),
                   Qt::AlignLeft | Qt::AlignVCenter | Qt::TextDontClip, high);
  painter.drawText(QRectF(bar.left() - space - low_width, line.top(), low_width + 1, line.height()),
                   Qt::AlignLeft | Qt::AlignVCenter | Qt::TextDontClip, low);
  if (range_.min < 0 && range_.max > 0) {
    const double zero = bar.left() + bar.width() * -range_.min / (range_.max - range_.min);
    painter.setPen(QPen(theme().text, 1));
    painter.drawLine(QPointF(zero, bar.top() - 2), QPointF(zero, bar.bottom() + 2));
  }

  QStringList parts = {
      part_text(data_->row_axis.isEmpty() ? tr("rows") : data_->row_axis, window_.top(), window_.height(), data_->rows),
      part_text(data_->column_axis.isEmpty() ? tr("columns") : data_->column_axis, window_.left(), window_.width(),
                data_->columns)};
  parts.removeAll(QString());
  const QRectF rest(line.left(), line.top(), bar.left() - 2 * space - low_width - line.left() - scaled(8),
                    line.height());
  painter.setPen(theme().muted);
  if (rest.width() > scaled(60)) draw_elided(painter, rest, Qt::AlignLeft, parts.join(QStringLiteral(" · ")));
}

QRectF HeatMapView::cells_rect(const Layout& place, const QRectF& cells) const {
  const double sx = place.cells.width() / window_.width(), sy = place.cells.height() / window_.height();
  return {place.cells.left() + (cells.left() - window_.left()) * sx,
          place.cells.top() + (cells.top() - window_.top()) * sy, cells.width() * sx, cells.height() * sy};
}

void HeatMapView::draw_markers(QPainter& painter, const Layout& place, bool for_export) const {
  const auto rows = static_cast<double>(data_->rows), columns = static_cast<double>(data_->columns);
  const auto has_row = [this](qint64 row) { return row >= 0 && row < data_->rows; };
  const auto has_column = [this](qint64 column) { return column >= 0 && column < data_->columns; };
  // Cells smaller than the outline get one around them that can still be seen.
  const auto outline = [&](const QRectF& cells, const QColor& color, double width) {
    QRectF target = cells_rect(place, cells);
    if (target.width() < 5) target.adjust((target.width() - 5) / 2, 0, (5 - target.width()) / 2, 0);
    if (target.height() < 5) target.adjust(0, (target.height() - 5) / 2, 0, (5 - target.height()) / 2);
    painter.setBrush(Qt::NoBrush);
    QColor halo = theme().background;
    halo.setAlphaF(0.55F);
    painter.setPen(QPen(halo, width + 2));
    painter.drawRoundedRect(target, 2, 2);
    painter.setPen(QPen(color, width));
    painter.drawRoundedRect(target, 2, 2);
  };
  painter.save();
  painter.setClipRect(place.cells.adjusted(-2, -2, 2, 2));
  if (!for_export && hover_) {
    outline({static_cast<double>(hover_->second), static_cast<double>(display_row_of(hover_->first)), 1, 1},
            theme().muted, 1);
  }
  if (has_column(cursor_column_)) outline({static_cast<double>(cursor_column_), 0, 1, rows}, theme().text, 1.5);
  if (has_row(selected_row_)) {
    outline({0, static_cast<double>(display_row_of(selected_row_)), columns, 1}, theme().text, 1.5);
  }
  if (has_row(cell_row_) && has_column(cell_column_)) {
    outline({static_cast<double>(cell_column_), static_cast<double>(display_row_of(cell_row_)), 1, 1}, theme().text, 2);
  }
  painter.restore();
}

std::optional<std::pair<qint64, qint64>> HeatMapView::cell_at(const QPointF& point) const {
  if (!data_ || data_->rows == 0 || data_->columns == 0) return std::nullopt;
  const QRectF cells = layout(rect()).cells;
  if (!cells.contains(point)) return std::nullopt;
  const auto column =
      static_cast<qint64>(window_.left() + (point.x() - cells.left()) / cells.width() * window_.width());
  const auto row = static_cast<qint64>(window_.top() + (point.y() - cells.top()) / cells.height() * window_.height());
  return std::pair(row_at(std::clamp<qint64>(row, 0, data_->rows - 1)),
                   std::clamp<qint64>(column, 0, data_->columns - 1));
}

QRectF HeatMapView::cell_rect(qint64 row, qint64 column) const {
  if (!data_ || row < 0 || row >= data_->rows) return {};
  return cells_rect(layout(rect()), {static_cast<double>(column), static_cast<double>(display_row_of(row)), 1, 1});
}

QString HeatMapView::readout(qint64 row, qint64 column) const {
  const auto place = [](const QString& noun, const QString& fallback, qint64 index,
                        const std::function<QString(qint64)>& label, qint64 first) {
    QString text = (noun.isEmpty() ? fallback : noun) + QLatin1Char(' ') + QString::number(first + index);
    const QString name = label ? label(index) : QString();
    if (!name.isEmpty() && name != QString::number(index)) text += QStringLiteral(" “%1”").arg(name);
    return text;
  };
  QString value = format_number(data_->value(row, column));
  if (!data_->unit.isEmpty()) value += QLatin1Char(' ') + data_->unit;
  if (!data_->quantity.isEmpty()) value = data_->quantity + QStringLiteral(" = ") + value;
  return place(data_->column_noun, tr("column"), column, data_->column_label, data_->first_column) +
         QStringLiteral(" · ") + place(data_->row_noun, tr("row"), row, data_->row_label, 0) + QStringLiteral(" · ") +
         value;
}

namespace {

QString csv_of(const HeatMapData& data) {
  const auto label = [](const std::function<QString(qint64)>& name, qint64 index) {
    return csv_field(name ? name(index) : QString::number(index));
  };
  QString text = csv_field(data.row_noun.isEmpty() ? QStringLiteral("row") : data.row_noun);
  for (qint64 column = 0; column < data.columns; ++column) {
    text += QLatin1Char(',') + label(data.column_label, column);
  }
  text += QLatin1Char('\n');
  for (qint64 i = 0; i < data.rows; ++i) {
    const qint64 row = data.row_order.empty() ? i : data.row_order[static_cast<std::size_t>(i)];
    text += label(data.row_label, row);
    for (qint64 column = 0; column < data.columns; ++column) {
      text += QLatin1Char(',') + csv_number(data.value(row, column));
    }
    text += QLatin1Char('\n');
  }
  return text;
}

}  // namespace

QString HeatMapView::csv() const {
  return data_ ? csv_of(*data_) : QString();
}

std::function<QString()> HeatMapView::long_csv() const {
  constexpr qint64 quick_cells = 20'000;  // some milliseconds
  if (!data_ || data_->rows * data_->columns <= quick_cells) return {};
  return [data = data_] { return csv_of(*data); };
}

QSize HeatMapView::sizeHint() const {
  return {scaled(440), scaled(320)};
}
QSize HeatMapView::minimumSizeHint() const {
  return {scaled(140), scaled(96)};
}

}  // namespace statescope
