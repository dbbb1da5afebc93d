// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/convolution_view.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "convolution_stage.h"
#include "engine/error.h"
#include "plot_paint.h"
#include "widgets/format.h"
#include "widgets/text_metrics.h"

namespace statescope {
namespace {

double largest_of(const Series& values) {
  const Extremes found = values.extremes();
  return found.first < 0 ? 0 : std::max(std::fabs(values[found.lowest]), std::fabs(values[found.highest]));
}

}  // namespace

ConvolutionView::ConvolutionView(QWidget* parent) : View(parent) {
  setAccessibleName(tr("Convolution theatre"));
}

void ConvolutionView::set_data(std::shared_ptr<const ConvolutionData> data) {
  if (data == data_) return;
  if (data && (data->output.size() != data->length() || data->recurrence.size() != data->length() ||
               data->kernel.size() > data->length() || (!data->free.empty() && data->free.size() != data->length()))) {
    throw Error("convolution '" + plain_text(data->title).toStdString() +
                "': signal and outputs need the same length, and the kernel no more");
  }
  data_ = std::move(data);
  hover_.reset();
  if (data_) {
    const double signal = largest_of(data_->signal), kernel = largest_of(data_->kernel);
    const double output = std::max(largest_of(data_->output), largest_of(data_->recurrence));
    // A bound for every product, so that the scale of its row stands still while the kernel slides.
    const double sizes[] = {signal, kernel, signal * kernel, output, output};
    for (std::size_t row = 0; row < 5; ++row)
      largest_[row] = sizes[row] > 0 && std::isfinite(sizes[row]) ? sizes[row] : 1;
    cursor_ = std::clamp<qint64>(cursor_, 0, std::max<qint64>(0, data_->length() - 1));
    setAccessibleDescription(plain_text(data_->title) + QStringLiteral(", ") + data_->subtitle);
  }
  update();
}

void ConvolutionView::set_cursor(qint64 step, double phase) {
  if (step == cursor_ && phase == phase_) return;
  cursor_ = std::clamp<qint64>(step, 0, data_ ? std::max<qint64>(0, data_->length() - 1) : 0);
  phase_ = phase;
  update();
}

void ConvolutionView::set_window(int samples) {
  window_ = std::clamp(samples, 12, 400);
  hover_.reset();
  update();
}

double ConvolutionView::product(qint64 j, qint64 step) const {
  const qint64 lag = step - j;
  return lag >= 0 && lag < data_->kernel.size() ? data_->signal[j] * data_->kernel[lag] : 0;
}

ConvolutionView::Stage ConvolutionView::stage(const QRectF& area) const {
  Stage result;
  QRectF body = area.adjusted(0, header_height(area.width(), data_->title, data_->subtitle), 0, 0);
  const TextMetrics metrics(font(TextRole::caption));
  double label = 0;
  for (const Row row : all_rows) label = std::max(label, metrics.horizontalAdvance(row_name(row)));
  // With little room the names go, not the bars.
  const double gutter = label + scaled(28) < body.width() / 3 ? label + scaled(28) : 0;
  const double line = caption_height() + scaled(8);
  const bool sum_line = body.height() > 7 * line;
  result.gutter = QRectF(body.left(), body.top(), gutter, body.height());
  if (sum_line) {
    result.sum = QRectF(body.left() + gutter, body.bottom() - line, body.width() - gutter, line);
    body.setBottom(body.bottom() - line);
  }
  const double height = body.height() / 5;
  for (std::size_t row = 0; row < 5; ++row) {
    result.rows[row] = QRectF(body.left() + gutter, body.top() + static_cast<double>(row) * height + scaled(3),
                              body.width() - gutter, height - scaled(6));
  }
  result.act = Act(phase_, cursor_ + 1 < data_->length());
  // The cursor walks to three quarters of the window; then the samples walk past it.
  result.head = static_cast<double>(cursor_) + result.act.slid;
  const double span = std::min<double>(window_, static_cast<double>(std::max<qint64>(1, data_->length())));
  const double last = static_cast<double>(data_->length()) - span;
  result.first = std::clamp(result.head + 0.5 - 0.75 * span, 0.0, std::max(0.0, last));
  result.pitch = result.rows[0].width() / span;
  result.span = span;
  return result;
}

QPointF ConvolutionView::place_of(Row row, qint64 j) const {
  if (!data_) return {};
  const Stage where = stage(rect());
  double value = 0;
  switch (row) {
    case Row::signal:
      value = data_->signal[j];
      break;
    case Row::kernel:
      value = cursor_ - j >= 0 && cursor_ - j < data_->kernel.size() ? data_->kernel[cursor_ - j] : 0;
      break;
    case Row::products:
      value = product(j, cursor_);
      break;
    case Row::output:
      value = data_->output[j];
      break;
    case Row::recurrence:
      value = data_->recurrence[j];
      break;
  }
  const auto index = static_cast<std::size_t>(row);
  return {where.x_of(static_cast<double>(j)), where.y_of(index, value / largest_[index])};
}

std::optional<qint64> ConvolutionView::sample_at(const QPointF& place) const {
  if (!data_ || data_->length() == 0) return std::nullopt;
  const Stage where = stage(rect());
  if (place.x() < where.rows[0].left() || place.x() >= where.rows[0].right() || place.y() < where.rows[0].top() ||
      place.y() > where.rows[4].bottom()) {
    return std::nullopt;
  }
  const auto j = static_cast<qint64>(std::floor(where.first + (place.x() - where.rows[0].left()) / where.pitch));
  return j >= 0 && j < data_->length() ? std::optional(j) : std::nullopt;
}

QString ConvolutionView::readout(qint64 j) const {
  QString text = tr("sample %1").arg(j);
  if (data_->step > 0) text += tr(" (%1 s)").arg(format_number(static_cast<double>(j) * data_->step, 3));
  text += QStringLiteral(" · u = %1").arg(format_number(data_->signal[j]));
  const qint64 lag = cursor_ - j;
  if (lag >= 0 && lag < data_->kernel.size()) {
    text += tr(" · K[%1] = %2 · product = %3")
                .arg(lag)
                .arg(format_number(data_->kernel[lag]), format_number(product(j, cursor_)));
  }
  if (j <= cursor_) {
    text += tr(" · y = %1, by recurrence %2").arg(format_number(data_->output[j]), format_number(data_->recurrence[j]));
  }
  return text;
}

QString ConvolutionView::csv() const {
  if (!data_) return {};
  QString text = QStringLiteral("sample,u,K[cursor - sample],product,y by convolution,y by recurrence\n");
  for (qint64 j = 0; j < data_->length(); ++j) {
    const qint64 lag = cursor_ - j;
    const bool in_kernel = lag >= 0 && lag < data_->kernel.size();
    text += QString::number(j) + QLatin1Char(',') + data_->signal.csv(j) + QLatin1Char(',') +
            (in_kernel ? data_->kernel.csv(lag) : QStringLiteral("0")) + QLatin1Char(',') +
            csv_number(product(j, cursor_)) + QLatin1Char(',') + data_->output.csv(j) + QLatin1Char(',') +
            data_->recurrence.csv(j) + QLatin1Char('\n');
  }
  return text;
}

void ConvolutionView::mouseMoveEvent(QMouseEvent* event) {
  hover_ = sample_at(event->position());
  hover_place_ = event->position();
  setCursor(hover_ ? Qt::PointingHandCursor : Qt::ArrowCursor);
  if (hover_ && event->buttons().testFlag(Qt::LeftButton)) Q_EMIT step_clicked(*hover_);
  update();
}

void ConvolutionView::mouseReleaseEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton) return View::mouseReleaseEvent(event);
  if (const auto sample = sample_at(event->position())) Q_EMIT step_clicked(*sample);
}

void ConvolutionView::wheelEvent(QWheelEvent* event) {
  const double steps = (event->angleDelta().y() + event->angleDelta().x()) / 120.0;
  const int before = window_;
  if (data_ && steps != 0) set_window(static_cast<int>(std::lround(window_ * std::pow(1.2, -steps))));
  event->setAccepted(window_ != before);
}

void ConvolutionView::keyPressEvent(QKeyEvent* event) {
  if (!data_ || data_->length() == 0) return View::keyPressEvent(event);
  const auto step = [this](qint64 steps) {
    set_cursor(std::clamp<qint64>(cursor_ + steps, 0, data_->length() - 1));
    Q_EMIT step_clicked(cursor_);
  };
  switch (event->key()) {
    case Qt::Key_Left:
      return step(-1);
    case Qt::Key_Right:
      return step(1);
    case Qt::Key_Plus:
    case Qt::Key_Equal:
      return set_window(window_ * 4 / 5);
    case Qt::Key_Minus:
      return set_window(window_ * 5 / 4);
    case Qt::Key_0:
      return set_window(48);
    default:
      View::keyPressEvent(event);
  }
}

void ConvolutionView::leaveEvent(QEvent*) {
  hover_.reset();
  update();
}

QSize ConvolutionView::sizeHint() const {
  return {scaled(640), scaled(380)};
}
QSize ConvolutionView::minimumSizeHint() const {
  return {scaled(260), scaled(220)};
}

}  // namespace statescope
