// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/profile/compare_page.h"

#include <QCoreApplication>
#include <algorithm>
#include <cmath>

#include "chart.h"
#include "widgets/colormap.h"
#include "widgets/format.h"
#include "widgets/profile/stage_look.h"

namespace statescope {
namespace {

constexpr int side_title = 22, side_gap = 16, section_gap = 24, header = 26, heads = 24, least_row_height = 18,
              most_row_height = 25;
constexpr double zoom_per_notch = 0.8;

QString tr(const char* text) {
  return QCoreApplication::translate("Profile", text);
}

}  // namespace

void ComparePage::set_sides(Side before, Side after) {
  if (before.recording != before_.recording || after.recording != after_.recording) window_ = {};
  before_ = std::move(before);
  after_ = std::move(after);
}

double ComparePage::length() const {
  return static_cast<double>(std::max(before_.recording->end(), after_.recording->end()));
}

double ComparePage::lanes_bottom(const QRectF& area, bool stages_only) const {
  return area.top() + ruler_height() + 2 * scaled(side_title) + lanes_height(*before_.recording, stages_only) +
         scaled(side_gap) + lanes_height(*after_.recording, stages_only);
}

// Where the window is low the table comes first: the differences are what the page is for.
bool ComparePage::stages_only(const QRectF& area) const {
  const double table =
      scaled(section_gap + header + heads) + static_cast<double>(differences_.size()) * scaled(least_row_height);
  return lanes_bottom(area, false) + table > area.bottom();
}

bool ComparePage::takes_wheel(const QRectF& area, QPointF place) const {
  return before_.recording && after_.recording && place.y() < lanes_bottom(area, stages_only(area));
}

// Of the lanes the stages, and every row.
double ComparePage::least_height() const {
  if (!before_.recording || !after_.recording) return Page::least_height();
  return lanes_bottom({}, true) + scaled(section_gap + header + heads) +
         static_cast<double>(differences_.size()) * scaled(least_row_height);
}

// Lower where the window is, so that every stage has its row.
double ComparePage::row_height(const QRectF& area) const {
  const double room = area.bottom() - lanes_bottom(area, stages_only(area)) - scaled(section_gap + header + heads);
  return std::clamp(room / std::max<double>(static_cast<double>(differences_.size()), 1),
                    double(scaled(least_row_height)), double(scaled(most_row_height)));
}

void ComparePage::interact(const QRectF& area, const Pointer& pointer) {
  if (!before_.recording || !after_.recording) return;
  const QRectF lanes(area.topLeft(), QPointF(area.right(), lanes_bottom(area, stages_only(area))));
  const double span = window_.end(length()) - window_.begin();
  if (pointer.double_clicked) window_ = {};
  if (pointer.wheel != 0 && takes_wheel(area, pointer.position))
    window_.zoom((pointer.position.x() - area.left()) / area.width(), std::pow(zoom_per_notch, pointer.wheel),
                 length());
  if (pointer.down && lanes.contains(pointer.press_position))
    window_.pan(-pointer.moved.x() / area.width() * span, length());
  if (!pointer.tapped) return;
  const double row = (pointer.position.y() - lanes.bottom() - scaled(section_gap + header + heads)) / row_height(area);
  if (row >= 0 && row < static_cast<double>(differences_.size()))
    selection_.stage = differences_[static_cast<std::size_t>(row)].stage;
}

bool ComparePage::key(int key) {
  if (!before_.recording || !after_.recording) return false;
  if (key == Qt::Key_Plus || key == Qt::Key_Equal || key == Qt::Key_Minus) {
    window_.zoom(0.5, key == Qt::Key_Minus ? 1.5 : 1 / 1.5, length());
    return true;
  }
  if (key != Qt::Key_0) return false;
  window_ = {};
  return true;
}

void ComparePage::draw(Canvas& canvas, const QRectF& area, const Pointer& pointer) const {
  if (!before_.recording || !after_.recording || before_.recording->count() == 0 || after_.recording->count() == 0)
    return draw_empty(canvas, area, empty_text_);
  const Theme& t = theme();
  const double first = window_.begin(), last = window_.end(length());
  const bool low = stages_only(area);
  const double bottom = lanes_bottom(area, low);
  const QRectF lanes(area.topLeft(), QPointF(area.right(), bottom));
  canvas.push_clip(lanes);
  draw_ruler(canvas, lanes, first, last);
  double y = area.top() + ruler_height();
  for (const auto& [side, letter] :
       {std::pair{&before_, QStringLiteral("A")}, std::pair{&after_, QStringLiteral("B")}}) {
    const double height = lanes_height(*side->recording, low);
    canvas.text({area.left(), y}, TextRole::strong, t.text, letter);
    canvas.text_in({area.left() + scaled(18), y, area.width() - scaled(18), canvas.line_height(TextRole::strong)},
                   Qt::AlignLeft, TextRole::caption, t.muted, side->title);
    y += scaled(side_title);
    draw_lanes(canvas, {*side->recording, {area.left(), y, area.width(), height}, first, last, selection_.stage, low},
               pointer.down ? Pointer() : pointer);
    y += height + scaled(side_gap);
  }
  canvas.pop_clip();

  const QRectF table =
      draw_page_header(canvas, {QPointF(area.left(), bottom + scaled(section_gap)), area.bottomRight()},
                       tr("Time for each token"), tr("orange: B takes longer · blue: B is faster"));
  const double number = scaled(96), name = scaled(150);
  const double a_right = table.left() + name + number, b_right = a_right + number;
  const double ratio_right = b_right + scaled(84);
  const QRectF bars(ratio_right + scaled(24), table.top() + scaled(heads), table.right() - ratio_right - scaled(34), 0);
  const auto head = [&](double right, const QString& text) {
    canvas.text_in({right - number, table.top(), number, double(scaled(heads))}, Qt::AlignRight, TextRole::caption,
                   t.muted, text);
  };
  head(a_right, tr("A"));
  head(b_right, tr("B"));
  head(ratio_right, tr("B ÷ A"));
  const double pitch = row_height(area);
  double widest = 0;
  for (const StageComparison& each : differences_) widest = std::max(widest, std::abs(each.difference));
  const double middle = bars.center().x();
  y = table.top() + scaled(heads);
  for (const StageComparison& each : differences_) {
    const QRectF row(table.left(), y, table.width(), pitch);
    if (row.bottom() > area.bottom() + 1) break;
    if (selection_.stage == each.stage) canvas.fill(row, t.raised, scaled(6));
    const double mark = scaled(8);
    canvas.fill({row.left() + scaled(10), row.center().y() - mark / 2, mark, mark}, stage_color(each.stage, t),
                scaled(2));
    canvas.text_in({row.left() + scaled(26), y, name - scaled(30), row.height()}, Qt::AlignLeft, TextRole::body, t.text,
                   stage_label(each.stage) + (each.on_device ? tr(" · GPU") : QString()));
    const auto cell = [&](double right, const QString& text, const QColor& color) {
      canvas.text_in({right - number, y, number, row.height()}, Qt::AlignRight, TextRole::numbers, color, text);
    };
    const QString none = QStringLiteral("–");
    cell(a_right, each.before ? duration_text(each.before_per_token) : none, t.muted);
    cell(b_right, each.after ? duration_text(each.after_per_token) : none, t.muted);
    if (each.before && each.after) {
      cell(ratio_right, QStringLiteral("%1 ×").arg(format_number(each.ratio, 3)), t.text);
      const double reach = widest > 0 ? each.difference / widest * bars.width() / 2 : 0;
      canvas.fill({std::min(middle, middle + reach), row.center().y() - scaled(3), std::max(std::abs(reach), 1.0),
                   double(scaled(6))},
                  reach > 0 ? negative_color(t) : positive_color(t), scaled(2));
    }
    y += pitch;
  }
  canvas.line({middle, table.top() + scaled(heads)}, {middle, std::min(y, area.bottom())}, t.hairline);
  if (pointer.inside && !pointer.down && pointer.position.y() > table.top() + scaled(heads)) {
    const auto row = static_cast<std::size_t>((pointer.position.y() - table.top() - scaled(heads)) / row_height(area));
    if (row < differences_.size())
      draw_card(canvas, area, pointer.position, QString::fromStdString(comparison_sentence(differences_[row])),
                stage_color(differences_[row].stage, t), {});
  }
}

QString ComparePage::csv() const {
  QString text = QStringLiteral("stage,lane,a_ns_per_token,b_ns_per_token,difference_ns_per_token,ratio\n");
  for (const StageComparison& each : differences_)
    text += QStringLiteral("%1,%2,%3,%4,%5,%6\n")
                .arg(stage_label(each.stage), each.on_device ? QStringLiteral("gpu") : QStringLiteral("cpu"),
                     each.before ? csv_number(each.before_per_token) : QString(),
                     each.after ? csv_number(each.after_per_token) : QString(),
                     each.before && each.after ? csv_number(each.difference) : QString(),
                     each.before && each.after ? csv_number(each.ratio) : QString());
  return text;
}

QString ComparePage::name() const {
  return tr("Two runs side by side");
}

}  // namespace statescope
