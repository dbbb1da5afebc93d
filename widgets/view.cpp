// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/view.h"

#include <QBuffer>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QElapsedTimer>
#include <QFileDialog>
#include <QFontMetricsF>
#include <QGuiApplication>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QMenu>
#include <QMessageBox>
#include <QPaintEngine>
#include <QPainter>
#include <QSaveFile>
#include <QThreadPool>
#include <QToolTip>
#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/error.h"
#include "widgets/pdf.h"
#include "widgets/svg.h"
#include "widgets/text_metrics.h"

namespace statescope {
namespace {

constexpr int long_text = 1000;  // whose scaled size tells text sizes apart

View::SideBySide side_by_side;
std::vector<View*> changed;  // since they were last painted; only the interface thread knows of it

// A read-out broken between its parts; a part that is wider than a line is cut.
QStringList lines_of(const QString& text, const TextMetrics& metrics, double width) {
  const QString between = QStringLiteral(" · ");
  QStringList lines;
  for (const QString& part : text.split(between)) {
    const QString longer = lines.isEmpty() ? part : lines.back() + between + part;
    if (lines.isEmpty() || metrics.horizontalAdvance(longer) > width)
      lines.push_back(metrics.elidedText(part, Qt::ElideMiddle, width));
    else
      lines.back() = longer;
  }
  return lines;
}

// What a view lies on: it covers that, so that nobody paints it first.
QColor ground_of(const QWidget* widget) {
  for (; widget; widget = widget->isWindow() ? nullptr : widget->parentWidget()) {
    const QString surface = widget->property("surface").toString();
    if (surface == QLatin1String("background")) break;
    if (surface == QLatin1String("surface")) return theme().surface;
    if (!surface.isEmpty()) return theme().raised;
  }
  return theme().background;
}

}  // namespace

View::View(QWidget* parent) : QWidget(parent) {
  setFocusPolicy(Qt::StrongFocus);
  setMouseTracking(true);
  setAttribute(Qt::WA_OpaquePaintEvent);
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, [this] {
    updateGeometry();
    place_title_control();
    update();
  });
}

View::~View() {
  std::erase(changed, this);
}

void View::paint_with(SideBySide threads) {
  side_by_side = std::move(threads);
}

void View::update() {
  is_ahead_ = false;
  if (!std::exchange(changed_, true)) changed.push_back(this);
  QWidget::update();
}

void View::set_message(const QString& message) {
  if (message == message_) return;
  message_ = message;
  update();
}

void View::set_title_control(QWidget* control) {
  title_control_ = control;
  control->setParent(this);
  control->show();
  place_title_control();
}

void View::place_title_control() {
  if (!title_control_) return;
  const int line = static_cast<int>(std::ceil(QFontMetricsF(font(TextRole::strong)).height()));
  title_control_->setGeometry(0, 0, std::min(title_control_->sizeHint().width(), width()), line + scaled(2));
}

QImage View::picture(double scale) const {
  QImage image((QSizeF(size()) * scale).toSize().expandedTo(QSize(1, 1)), QImage::Format_ARGB32_Premultiplied);
  image.setDevicePixelRatio(scale);
  image.fill(theme().background);
  QPainter painter(&image);
  painter.setRenderHint(QPainter::Antialiasing);
  draw(painter, rect(), true);
  return image;
}

QByteArray View::svg() const {
  return svg_of(size(), accessibleName(), [this](QPainter& painter) {
    painter.fillRect(rect(), theme().background);
    draw(painter, rect(), true);
  });
}

void View::copy_data() const {
  const std::function<QString()> job = long_csv();
  if (!job) return QGuiApplication::clipboard()->setText(csv());
  QThreadPool::globalInstance()->start([job] {
    const QString text = job();
    QMetaObject::invokeMethod(qApp, [text] { QGuiApplication::clipboard()->setText(text); });
  });
}

void View::copy_picture() const {
  QGuiApplication::clipboard()->setImage(picture());
}

void View::save_picture(const QString& path) const {
  QByteArray bytes;
  if (path.endsWith(QStringLiteral(".svg"), Qt::CaseInsensitive)) {
    bytes = svg();
  } else if (path.endsWith(QStringLiteral(".pdf"), Qt::CaseInsensitive)) {
    bytes = pdf_of(size(), accessibleName(), [this](QPainter& painter) {
      painter.fillRect(rect(), theme().background);
      draw(painter, rect(), true);
    });
  } else {
    QBuffer buffer(&bytes);
    buffer.open(QIODevice::WriteOnly);
    picture().save(&buffer, "PNG");
  }
  QSaveFile file(path);
  if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size() || !file.commit()) {
    throw Error(
        QStringLiteral("%1 cannot be written (%2); choose another folder").arg(path, file.errorString()).toStdString());
  }
}

void View::save_picture_as() {
  const QString path =
      QFileDialog::getSaveFileName(this, tr("Save picture"), QStringLiteral("statescope.svg"),
                                   tr("SVG picture (*.svg);;PDF picture (*.pdf);;PNG picture (*.png)"));
  if (path.isEmpty()) return;
  try {
    save_picture(path);
  } catch (const Error& error) {
    QMessageBox::warning(this, tr("Save picture"), QString::fromUtf8(error.what()));
  }
}

// The first view of a frame that is asked for its picture paints those of the others as well.
void View::paintEvent(QPaintEvent* event) {
  if (changed_) paint_side_by_side(*window());
  QPainter painter(this);
  const bool to_pixels = painter.paintEngine()->type() == QPaintEngine::Raster;
  const double ratio = painter.device()->devicePixelRatioF();
  if (std::exchange(is_ahead_, false) && to_pixels && ahead_.devicePixelRatio() == ratio &&
      ahead_.size() == size() * ratio) {
    return painter.drawImage(QPointF(0, 0), ahead_);
  }
  painter.fillRect(event->rect(), ground_of(this));
  paint(painter);
}

void View::paint_side_by_side(const QWidget& window) {
  std::vector<View*> views;
  std::erase_if(changed, [&](View* view) {
    if (view->window() != &window || !view->isVisible() || view->visibleRegion().isEmpty()) return false;
    view->changed_ = false;
    if (view->paints_on_any_thread()) views.push_back(view);
    return true;
  });
  if (views.size() < 2 || !side_by_side) return;
  // The longest first, so that the threads are done at about the same time.
  std::sort(views.begin(), views.end(), [](const View* a, const View* b) { return a->painting_ns_ > b->painting_ns_; });
  side_by_side(static_cast<int>(views.size()), [&](int i) { views[static_cast<std::size_t>(i)]->paint_ahead(); });
}

void View::paint_ahead() {
  const double ratio = devicePixelRatioF();
  const QSize pixels = size() * ratio;
  if (ratio != std::floor(ratio)) return;  // a view may begin and end between pixels
  if (ahead_.size() != pixels) ahead_ = QImage(pixels, QImage::Format_RGB32);
  if (ahead_.isNull()) return;  // of no size, or no memory
  ahead_.setDevicePixelRatio(ratio);
  ahead_.fill(ground_of(this));
  QPainter painter(&ahead_);
  paint(painter);
  is_ahead_ = true;
}

void View::paint(QPainter& painter) {
  QElapsedTimer clock;
  clock.start();
  tips_.clear();
  painter.setRenderHint(QPainter::Antialiasing);
  on_screen_ = true;
  draw(painter, rect(), false);
  on_screen_ = false;
  painting_ns_ = clock.nsecsElapsed();
}

// While a hand drags, a picture is seldom needed twice; so it is kept when it is for the first time.
void View::draw_kept(QPainter& painter, bool stale, const std::function<void(QPainter&)>& paint) const {
  const double ratio = devicePixelRatioF();
  if (!on_screen_ || painter.paintEngine()->type() != QPaintEngine::Raster ||
      painter.device()->devicePixelRatioF() != ratio)
    return paint(painter);
  if (stale || kept_.theme != theme().kind || kept_.text_size != scaled(long_text)) {
    kept_.image = {};
    kept_.theme = theme().kind;
    kept_.text_size = scaled(long_text);
    return paint(painter);
  }
  if (const QSize pixels = (QSizeF(size()) * ratio).toSize(); kept_.image.size() != pixels) {
    kept_.image = QImage(pixels, QImage::Format_RGB32);
    kept_.image.setDevicePixelRatio(ratio);
    kept_.image.fill(ground_of(this));
    Tips before = std::exchange(tips_, {});
    QPainter picture(&kept_.image);
    picture.setRenderHint(QPainter::Antialiasing);
    paint(picture);
    kept_.tips = std::exchange(tips_, std::move(before));
  }
  tips_.insert(tips_.end(), kept_.tips.begin(), kept_.tips.end());
  painter.drawImage(0, 0, kept_.image);
}

void View::contextMenuEvent(QContextMenuEvent* event) {
  QMenu menu(this);
  connect(menu.addAction(tr("Copy data (CSV)")), &QAction::triggered, this, &View::copy_data);
  connect(menu.addAction(tr("Copy picture")), &QAction::triggered, this, &View::copy_picture);
  connect(menu.addAction(tr("Save picture as…")), &QAction::triggered, this, &View::save_picture_as);
  menu.exec(event->globalPos());
}

void View::keyPressEvent(QKeyEvent* event) {
  if (event->matches(QKeySequence::Copy)) {
    copy_data();
  } else {
    QWidget::keyPressEvent(event);
  }
}

bool View::event(QEvent* event) {
  if (event->type() != QEvent::Paint) is_ahead_ = false;  // it may change what is to be seen
  if (event->type() == QEvent::Resize || event->type() == QEvent::LayoutRequest) place_title_control();
  if (event->type() == QEvent::ToolTip) {
    const auto* help = static_cast<QHelpEvent*>(event);
    for (const auto& [area, text] : tips_) {
      if (area.contains(help->pos())) {
        QToolTip::showText(help->globalPos(), text, this);
        return true;
      }
    }
  }
  return QWidget::event(event);
}

bool View::header_fits_one_line(double width, const RichText& title, const QString& subtitle) const {
  if (title.empty() || subtitle.isEmpty()) return true;
  return text_width(title, font(TextRole::strong)) + TextMetrics(font(TextRole::caption)).horizontalAdvance(subtitle) +
             scaled(16) <=
         width;
}

double View::header_height(double width, const RichText& title, const QString& subtitle) const {
  if (title.empty() && subtitle.isEmpty()) return 0;
  const double line = std::ceil(QFontMetricsF(font(TextRole::strong)).height());
  return (header_fits_one_line(width, title, subtitle) ? line : 2 * line) + scaled(8);
}

QRectF View::draw_header(QPainter& painter, const QRectF& area, const RichText& title, const QString& subtitle) const {
  const bool one_line = header_fits_one_line(area.width(), title, subtitle);
  const double line = std::ceil(QFontMetricsF(font(TextRole::strong)).height());
  QRectF row(area.left(), area.top(), area.width(), line);
  const bool control_is_title = title_control_ && !title_control_->isHidden() && on_screen_;
  if (control_is_title) {
    row.setLeft(std::min(row.right(), row.left() + title_control_->width() + scaled(8)));
  } else {
    draw_rich_text(painter, row, title, font(TextRole::strong));
    if (text_width(title, font(TextRole::strong)) > row.width() + 0.5) add_tip(row, plain_text(title));
    if (!one_line) row.translate(0, line);
  }
  painter.setFont(font(TextRole::caption));
  painter.setPen(theme().muted);
  draw_elided(painter, row, one_line || control_is_title ? Qt::AlignRight : Qt::AlignLeft, subtitle);
  return area.adjusted(0, header_height(area.width(), title, subtitle), 0, 0);
}

void View::draw_message(QPainter& painter, const QRectF& area) const {
  painter.setFont(font(TextRole::body));
  painter.setPen(theme().muted);
  const double margin = std::min<double>(scaled(16), area.width() / 8);
  painter.drawText(area.adjusted(margin, 0, -margin, 0), Qt::AlignCenter | Qt::TextWordWrap, message_);
}

void View::draw_readout(QPainter& painter, const QRectF& area, const QPointF& anchor, const QString& text) const {
  const QFont text_font = font(TextRole::caption);
  const TextMetrics metrics(text_font);
  const double padding = scaled(8);
  const QStringList lines = lines_of(text, metrics, std::max(0.0, area.width() - 2 * padding));
  double widest = 0;
  for (const QString& line : lines) widest = std::max(widest, metrics.horizontalAdvance(line));
  const QSizeF size(widest + 2 * padding, metrics.height() + metrics.lineSpacing() * (lines.size() - 1) + padding);
  QRectF card(QPointF(anchor.x() + scaled(14), anchor.y() - size.height() - scaled(8)), size);
  if (card.right() > area.right()) card.moveRight(std::max(area.left() + size.width(), anchor.x() - scaled(14)));
  if (card.right() > area.right()) card.moveRight(area.right());
  if (card.top() < area.top()) card.moveTop(anchor.y() + scaled(18));
  if (card.bottom() > area.bottom()) card.moveBottom(area.bottom());

  painter.setPen(QPen(mix(theme().hairline, theme().muted, 0.4), 1));
  painter.setBrush(theme().raised);
  painter.drawRoundedRect(card.adjusted(0.5, 0.5, -0.5, -0.5), 5, 5);
  painter.setFont(text_font);
  painter.setPen(theme().text);
  painter.drawText(card, Qt::AlignCenter, lines.join(QLatin1Char('\n')));
}

void View::draw_elided(QPainter& painter, const QRectF& area, Qt::Alignment alignment, const QString& text) const {
  const TextMetrics metrics(painter.font());
  QString shown = text;
  if (metrics.horizontalAdvance(text) > area.width() + 0.5) {
    shown = metrics.elidedText(text, Qt::ElideRight, area.width());
    add_tip(area, text);
  }
  painter.drawText(area, static_cast<int>(alignment) | Qt::AlignVCenter | Qt::TextDontClip | Qt::TextSingleLine, shown);
}

}  // namespace statescope
