// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/svg.h"

#include <gtest/gtest.h>

#include <QPainter>
#include <QXmlStreamReader>

namespace statescope {
namespace {

struct Element {
  QString name, text;
  QXmlStreamAttributes attributes;
  QString clip;  // of the group that holds it
  double number(const char* key) const { return attributes.value(QLatin1String(key)).toDouble(); }
};

std::vector<Element> elements_of(const QByteArray& svg) {
  QXmlStreamReader reader(svg);
  std::vector<Element> elements;
  QString clip;
  while (!reader.atEnd()) {
    const auto token = reader.readNext();
    if (token == QXmlStreamReader::EndElement && reader.name() == QLatin1String("g")) clip.clear();
    if (token != QXmlStreamReader::StartElement) continue;
    if (reader.name() == QLatin1String("g")) clip = reader.attributes().value(QLatin1String("clip-path")).toString();
    Element element{reader.name().toString(), {}, reader.attributes(), clip};
    if (element.name == QLatin1String("text")) element.text = reader.readElementText();
    elements.push_back(element);
  }
  EXPECT_FALSE(reader.hasError()) << reader.errorString().toStdString();
  return elements;
}

std::vector<Element> named(const std::vector<Element>& elements, const char* name) {
  std::vector<Element> found;
  for (const Element& element : elements)
    if (element.name == QLatin1String(name)) found.push_back(element);
  return found;
}

TEST(Svg, ClipsWhatTheScreenClips) {
  const auto elements = elements_of(svg_of({200, 100}, {}, [](QPainter& painter) {
    painter.drawLine(0, 0, 200, 100);
    painter.translate(50, 20);
    painter.save();
    painter.setClipRect(QRectF(10, 10, 30, 40));
    painter.drawLine(-500, 0, 500, 5);
    painter.setClipRect(QRectF(20, 0, 100, 100), Qt::IntersectClip);
    painter.drawEllipse(QPointF(25, 30), 90, 90);
    painter.setClipRect(QRectF(-500, 0, 10, 10), Qt::IntersectClip);
    painter.drawLine(0, 0, 9, 9);  // nothing is left of it
    painter.restore();
    painter.drawLine(1, 2, 3, 4);
  }));
  const auto paths = named(elements, "path"), rects = named(elements, "rect");
  ASSERT_EQ(paths.size(), 4U);
  ASSERT_EQ(rects.size(), 2U);
  EXPECT_TRUE(paths[0].clip.isEmpty() && paths[3].clip.isEmpty());
  EXPECT_EQ(paths[1].clip, QStringLiteral("url(#c1)"));
  EXPECT_EQ(paths[2].clip, QStringLiteral("url(#c2)"));
  const auto box = [](const Element& e) {
    return QRectF(e.number("x"), e.number("y"), e.number("width"), e.number("height"));
  };
  EXPECT_EQ(box(rects[0]), QRectF(60, 30, 30, 40)) << "of the page, whatever is moved";
  EXPECT_EQ(box(rects[1]), QRectF(70, 30, 20, 40));
}

TEST(Svg, KeepsTextColoursAndGradients) {
  const auto elements = elements_of(svg_of({200, 100}, QStringLiteral("a < b"), [](QPainter& painter) {
    QFont font(QStringLiteral("Inter"));
    font.setPixelSize(13);
    font.setWeight(QFont::DemiBold);
    painter.setFont(font);
    painter.setPen(QColor(1, 2, 3, 51));
    painter.drawText(QPointF(10, 20), QStringLiteral("x < \"y\" & z"));
    QLinearGradient gradient(0, 0, 200, 0);
    gradient.setColorAt(0, Qt::black);
    gradient.setColorAt(1, Qt::white);
    painter.fillRect(QRectF(0, 50, 200, 10), gradient);
    QImage image(4, 2, QImage::Format_RGB32);
    image.fill(Qt::red);
    painter.drawImage(QRectF(5, 6, 70, 8), image);
  }));
  EXPECT_TRUE(named(elements, "title").size() == 1);
  const auto texts = named(elements, "text");
  ASSERT_EQ(texts.size(), 1U);
  EXPECT_EQ(texts[0].text, QStringLiteral("x < \"y\" & z"));
  EXPECT_EQ(texts[0].number("font-size"), 13);
  EXPECT_EQ(texts[0].number("font-weight"), 600);
  EXPECT_EQ(texts[0].attributes.value(QLatin1String("fill")), QLatin1String("#010203"));
  EXPECT_NEAR(texts[0].number("fill-opacity"), 0.2, 1e-3);
  ASSERT_EQ(named(elements, "linearGradient").size(), 1U);
  EXPECT_EQ(named(elements, "stop").size(), 2U);
  EXPECT_EQ(named(elements, "path").at(0).attributes.value(QLatin1String("fill")), QLatin1String("url(#g1)"));
  const auto images = named(elements, "image");
  ASSERT_EQ(images.size(), 1U);
  EXPECT_EQ(images[0].number("width"), 70);
}

}  // namespace
}  // namespace statescope
