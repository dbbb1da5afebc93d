// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/svg.h"

#include <QBuffer>
#include <QFontInfo>
#include <QPaintEngine>
#include <QPainter>
#include <QPainterPath>
#include <cmath>
#include <limits>

namespace statescope {
namespace {

// A thousandth of a pixel is seen by nobody.
QString number(double value) {
  return QString::number(std::round(value * 1000) / 1000, 'g', 10);
}

QString attribute(const char* name, const QString& value) {
  return QStringLiteral(" %1=\"%2\"").arg(QLatin1String(name), value.toHtmlEscaped());
}
QString attribute(const char* name, double value) {
  return attribute(name, number(value));
}

QString paint(const char* name, const QColor& color) {
  QString text = attribute(name, color.name());
  if (color.alpha() < 255) text += attribute((QByteArray(name) + "-opacity").constData(), color.alphaF());
  return text;
}

QString data_of(const QPainterPath& path) {
  QString text;
  for (int i = 0; i < path.elementCount(); ++i) {
    const QPainterPath::Element at = path.elementAt(i);
    constexpr char16_t letters[] = u"MLC ";  // a curve is one element and two more with its other points
    text += QChar(letters[at.type]) + number(at.x) + QLatin1Char(' ') + number(at.y);
  }
  return text;
}

class SvgEngine : public QPaintEngine {
 public:
  SvgEngine(const QSize& size, const QString& title)
      : QPaintEngine(AllFeatures & ~(PatternBrush | PerspectiveTransform | ConicalGradientFill | RadialGradientFill |
                                     PorterDuff | RasterOpModes)),
        page_(QPointF(), QSizeF(size)) {
    text_ = QStringLiteral(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
                "xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"%1\" height=\"%2\" "
                "viewBox=\"0 0 %1 %2\">\n<title>%3</title>\n")
                .arg(size.width())
                .arg(size.height())
                .arg(title.toHtmlEscaped());
  }
  QByteArray document() {
    leave_clip();
    return (text_ + QStringLiteral("</svg>\n")).toUtf8();
  }

  bool begin(QPaintDevice*) override { return true; }
  bool end() override { return true; }
  Type type() const override { return SVG; }

  void updateState(const QPaintEngineState& now) override {
    pen_ = now.pen();
    brush_ = now.brush();
    transform_ = now.transform();
    opacity_ = now.opacity();
  }

  void drawPath(const QPainterPath& path) override { write_path(path, brush_); }

  void drawPolygon(const QPointF* points, int count, PolygonDrawMode mode) override {
    if (count == 0) return;
    QPainterPath path(points[0]);
    for (int i = 1; i < count; ++i) path.lineTo(points[i]);
    if (mode != PolylineMode) path.closeSubpath();
    path.setFillRule(mode == WindingMode ? Qt::WindingFill : Qt::OddEvenFill);
    write_path(path, mode == PolylineMode ? QBrush(Qt::NoBrush) : brush_);
  }
  using QPaintEngine::drawPolygon;

  void drawImage(const QRectF& box, const QImage& image, const QRectF& source, Qt::ImageConversionFlags) override {
    QByteArray bytes;
    QBuffer buffer(&bytes);
    buffer.open(QIODevice::WriteOnly);
    const QRect part = source.toAlignedRect();
    (part == image.rect() ? image : image.copy(part)).save(&buffer, "PNG");
    QString element = attribute("x", box.x()) + attribute("y", box.y()) + attribute("width", box.width()) +
                      attribute("height", box.height()) + QStringLiteral(" preserveAspectRatio=\"none\"");
    if (!painter()->testRenderHint(QPainter::SmoothPixmapTransform))
      element += QStringLiteral(" image-rendering=\"pixelated\"");
    element += QStringLiteral(" xlink:href=\"data:image/png;base64,%1\"").arg(QString::fromLatin1(bytes.toBase64()));
    write(QStringLiteral("<image") + element + place() + QStringLiteral("/>"));
  }
  void drawPixmap(const QRectF& box, const QPixmap& pixmap, const QRectF& source) override {
    drawImage(box, pixmap.toImage(), source, Qt::AutoColor);
  }

  void drawTextItem(const QPointF& at, const QTextItem& item) override {
    const QFont font = item.font();
    QStringList families = font.families();
    for (QString& family : families) family = QLatin1Char('\'') + family + QLatin1Char('\'');
    QString element = attribute("x", at.x()) + attribute("y", at.y()) +
                      attribute("font-family", families.join(QLatin1Char(','))) +
                      attribute("font-size", QFontInfo(font).pixelSize());
    if (font.weight() != QFont::Normal) element += attribute("font-weight", font.weight());
    if (font.italic()) element += QStringLiteral(" font-style=\"italic\"");
    element += QStringLiteral(" xml:space=\"preserve\"") + paint("fill", pen_.color()) + place();
    write(QStringLiteral("<text%1>%2</text>").arg(element, item.text().toHtmlEscaped()));
  }

 private:
  void write_path(const QPainterPath& path, const QBrush& brush) {
    const bool fills = brush.style() != Qt::NoBrush, strokes = pen_.style() != Qt::NoPen;
    if (path.isEmpty() || !(fills || strokes)) return;
    QString element = attribute("d", data_of(path)) + (fills ? fill_of(brush) : QStringLiteral(" fill=\"none\""));
    if (fills && path.fillRule() == Qt::OddEvenFill) element += QStringLiteral(" fill-rule=\"evenodd\"");
    if (strokes) element += stroke();
    write(QStringLiteral("<path") + element + place() + QStringLiteral("/>"));
  }

  QString fill_of(const QBrush& brush) {
    if (brush.style() != Qt::LinearGradientPattern) return paint("fill", brush.color());
    const auto& gradient = *static_cast<const QLinearGradient*>(brush.gradient());
    const QString id = QStringLiteral("g%1").arg(++gradients_);
    QString stops;
    for (const auto& [offset, color] : gradient.stops())
      stops += QStringLiteral("<stop") + attribute("offset", offset) + attribute("stop-color", color.name()) +
               attribute("stop-opacity", color.alphaF()) + QStringLiteral("/>");
    write(QStringLiteral("<linearGradient gradientUnits=\"userSpaceOnUse\"") + attribute("id", id) +
          attribute("x1", gradient.start().x()) + attribute("y1", gradient.start().y()) +
          attribute("x2", gradient.finalStop().x()) + attribute("y2", gradient.finalStop().y()) + QLatin1Char('>') +
          stops + QStringLiteral("</linearGradient>"));
    return attribute("fill", QStringLiteral("url(#%1)").arg(id));
  }

  QString stroke() const {
    const double width = pen_.widthF() > 0 ? pen_.widthF() : 1;
    QString text = paint("stroke", pen_.color()) + attribute("stroke-width", width);
    if (pen_.isCosmetic()) text += QStringLiteral(" vector-effect=\"non-scaling-stroke\"");
    if (pen_.capStyle() != Qt::FlatCap)
      text += attribute("stroke-linecap", QLatin1String(pen_.capStyle() == Qt::RoundCap ? "round" : "square"));
    if (pen_.joinStyle() == Qt::RoundJoin) text += attribute("stroke-linejoin", QStringLiteral("round"));
    if (pen_.joinStyle() == Qt::BevelJoin) text += attribute("stroke-linejoin", QStringLiteral("bevel"));
    if (pen_.style() == Qt::SolidLine) return text;
    QStringList lengths;  // of dashes, in widths of the pen
    for (const double length : pen_.dashPattern()) lengths.append(number(length * width));
    return text + attribute("stroke-dasharray", lengths.join(QLatin1Char(' '))) +
           attribute("stroke-dashoffset", pen_.dashOffset() * width);
  }

  QString place() const {
    QString text;
    if (opacity_ < 1) text += attribute("opacity", opacity_);
    if (transform_.isIdentity()) return text;
    QStringList numbers;
    for (const double value : {transform_.m11(), transform_.m12(), transform_.m21(), transform_.m22()})
      numbers.append(QString::number(value, 'g', 10));
    numbers << number(transform_.dx()) << number(transform_.dy());
    return text + attribute("transform", QStringLiteral("matrix(%1)").arg(numbers.join(QLatin1Char(' '))));
  }

  // Elements with the same clip, a rectangle, stand in one group.
  void write(const QString& element) {
    QRectF clip = page_;
    if (painter()->hasClipping()) clip &= transform_.mapRect(painter()->clipBoundingRect());
    if (!systemClip().isEmpty()) clip &= QRectF(systemClip().boundingRect());
    if (clip.isEmpty()) return;
    if (clip != clip_) {
      leave_clip();
      clip_ = clip;
      if (clip_ != page_)
        text_ += QStringLiteral(
                     "<clipPath id=\"c%1\"><rect x=\"%2\" y=\"%3\" width=\"%4\" height=\"%5\"/></clipPath>\n"
                     "<g clip-path=\"url(#c%1)\">\n")
                     .arg(++clips_)
                     .arg(number(clip_.x()), number(clip_.y()), number(clip_.width()), number(clip_.height()));
    }
    text_ += element + QLatin1Char('\n');
  }
  void leave_clip() {
    if (clip_ != page_) text_ += QStringLiteral("</g>\n");
    clip_ = page_;
  }

  const QRectF page_;
  QRectF clip_ = page_;
  QString text_;
  int clips_ = 0, gradients_ = 0;
  QPen pen_;
  QBrush brush_;
  QTransform transform_;
  double opacity_ = 1;
};

class SvgDevice : public QPaintDevice {
 public:
  SvgDevice(const QSize& size, SvgEngine& engine) : size_(size), engine_(engine) {}
  QPaintEngine* paintEngine() const override { return &engine_; }

 protected:
  int metric(PaintDeviceMetric metric) const override {
    constexpr int dots_per_inch = 96;  // an SVG unit is a logical pixel, so that text keeps its size
    switch (metric) {
      case PdmWidth:
        return size_.width();
      case PdmHeight:
        return size_.height();
      case PdmWidthMM:
        return static_cast<int>(std::lround(size_.width() * 25.4 / dots_per_inch));
      case PdmHeightMM:
        return static_cast<int>(std::lround(size_.height() * 25.4 / dots_per_inch));
      case PdmDpiX:
      case PdmDpiY:
      case PdmPhysicalDpiX:
      case PdmPhysicalDpiY:
        return dots_per_inch;
      case PdmDepth:
        return 32;
      case PdmNumColors:
        return std::numeric_limits<int>::max();
      case PdmDevicePixelRatio:
        return 1;
      default:
        return QPaintDevice::metric(metric);
    }
  }

 private:
  QSize size_;
  SvgEngine& engine_;
};

}  // namespace

QByteArray svg_of(const QSize& size, const QString& title, const std::function<void(QPainter&)>& draw) {
  SvgEngine engine(size, title);
  SvgDevice device(size, engine);
  QPainter painter(&device);
  draw(painter);
  painter.end();
  return engine.document();
}

}  // namespace statescope
