// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/formula.h"

#include <gtest/gtest.h>

#include <QAbstractTextDocumentLayout>
#include <QApplication>
#include <QImage>
#include <QPainter>
#include <QTextBlock>
#include <QTextDocument>
#include <cmath>

namespace statescope {
namespace {

FormulaLayout layout(const char* tex, double pixels = 40, FormulaStyle style = FormulaStyle::display) {
  return {parse_formula(tex), pixels, style};
}
double height(const char* tex, FormulaStyle style = FormulaStyle::display) {
  return layout(tex, 40, style).size().height();
}

QImage picture(const FormulaLayout& formula, double scale = 1, std::optional<Symbol> highlighted = {}) {
  const QSizeF size = (formula.size() + QSizeF(8, 8)) * scale;
  QImage image(size.toSize(), QImage::Format_RGB32);
  image.fill(theme().surface);
  QPainter painter(&image);
  painter.scale(scale, scale);
  formula.draw(painter, {4, 4}, highlighted);
  return image;
}

qint64 pixels_of(const QImage& image, const QColor& color) {
  qint64 count = 0;
  for (int y = 0; y < image.height(); ++y)
    for (int x = 0; x < image.width(); ++x) count += image.pixel(x, y) == color.rgb();
  return count;
}

// The rows in which these columns have ink, first and last.
std::pair<int, int> ink_rows(const QImage& image, int left, int right) {
  std::pair<int, int> rows(image.height(), -1);
  for (int y = 0; y < image.height(); ++y) {
    for (int x = std::max(0, left); x < std::min(right, image.width()); ++x) {
      if (std::abs(qGray(image.pixel(x, y)) - qGray(image.pixel(0, 0))) < 60) continue;
      rows.first = std::min(rows.first, y);
      rows.second = y;
    }
  }
  return rows;
}

TEST(FormulaLayout, IsMadeOfItsParts) {
  EXPECT_GT(height("\\frac{x}{y}"), height("x") + height("y"));
  EXPECT_GT(height("\\frac{x}{y}"), height("\\frac{x}{y}", FormulaStyle::in_line));
  EXPECT_NEAR(height("\\frac{x}{y}", FormulaStyle::in_line), height("\\tfrac{x}{y}"), 1e-9);
  EXPECT_GT(height("\\sqrt{x}"), height("x"));
  EXPECT_GT(height("\\sum_{n=0}^N"), height("\\sum") + 30) << "limits stand below and above";
  EXPECT_LT(height("\\sum_{n=0}^N", FormulaStyle::in_line), height("\\sum_{n=0}^N") - 20);
  EXPECT_GT(height("\\begin{pmatrix}1\\\\2\\\\3\\end{pmatrix}"), 2 * 40.0);
  EXPECT_NEAR(layout("x\\quad x").size().width(), 2 * layout("x").size().width() + 40, 1.5);
  EXPECT_TRUE(layout("").size().isEmpty());
}

TEST(FormulaLayout, SpacesOperatorsButNotSigns) {
  const auto width = [](const char* tex) { return layout(tex).size().width(); };
  const double plain = width("a") + width("b") + width("-");
  EXPECT_NEAR(width("a-b") - plain, 2 * 4.0 / 18 * 40, 2) << "a medium space on either side";
  EXPECT_NEAR(width("-b"), width("-") + width("b"), 1);
  EXPECT_NEAR(width("a=b") - width("a") - width("=") - width("b"), 2 * 5.0 / 18 * 40, 2);
  EXPECT_NEAR(width("x_{a-b}"), width("x_{a{-}b}"), 1e-9) << "none in scripts";
}

TEST(FormulaLayout, ScriptsAreSmallerButReadable) {
  const auto advance = [](const char* tex, double pixels) {
    return layout(tex, pixels).size().width() - layout("x", pixels).size().width();
  };
  const double full = layout("mmmm").size().width();
  EXPECT_NEAR(advance("x^{mmmm}", 40) / full, 0.72, 0.05);
  EXPECT_NEAR(advance("x^{x^{mmmm}}", 40) / full, 0.58, 0.16);
  EXPECT_NEAR(advance("x^{mmmm}", 10) / (full / 4), 0.9, 0.07) << "at least nine pixels";
}

TEST(FormulaLayout, LettersStandOnTheBaselineAndBarsOnTheAxis) {
  const FormulaLayout formula = layout("I\\frac{\\quad I}{\\quad I}-");
  const QImage image = picture(formula);
  const int letter = static_cast<int>(layout("I").size().width());
  EXPECT_NEAR(ink_rows(image, 0, 4 + letter).second + 1, 4 + formula.baseline(), 1.5);
  const auto minus = ink_rows(image, image.width() - 18, image.width() - 12);
  const int gap = 4 + letter + 14;  // along the fraction's bar, left of its letters
  const auto bar = ink_rows(image, gap, gap + 4);
  EXPECT_LE(std::abs(minus.first - bar.first), 1);
  EXPECT_LE(std::abs(minus.second - bar.second), 1);
}

TEST(FormulaLayout, DelimitersGrow) {
  const auto left_edge = [](const char* tex) {
    const bool brace = std::string_view(tex).find('{') == 6;  // its point is at the left, its ends are not
    const auto rows = ink_rows(picture(layout(tex)), 0, brace ? 23 : 12);
    return rows.second - rows.first;
  };
  const int plain = left_edge("(x)");
  EXPECT_EQ(left_edge("\\left(x\\right)"), plain);
  for (const char* tex : {"\\left(\\frac{x}{y}\\right)", "\\left[\\frac{x}{y}\\right]", "\\left\\{\\frac{x}{y}\\right.",
                          "\\left|\\frac{x}{y}\\right|"})
    EXPECT_GT(left_edge(tex), 1.5 * plain) << tex;
}

TEST(FormulaLayout, SymbolsHaveTheThemesColours) {
  for (const ThemeKind kind : {ThemeKind::light, ThemeKind::dark}) {
    apply_theme(*qApp, kind);
    const QImage image = picture(layout("\\Delta\\bar{B}_t + k"));
    EXPECT_GT(pixels_of(image, theme().symbol(Symbol::delta)), 20);
    EXPECT_GT(pixels_of(image, theme().symbol(Symbol::B)), 20);
    EXPECT_GT(pixels_of(image, theme().text), 20);
    EXPECT_EQ(pixels_of(image, theme().symbol(Symbol::A)), 0);
    // An index belongs to its symbol, an exponent does not; words are no symbols.
    EXPECT_EQ(pixels_of(picture(layout("h_{mm}")), theme().text), 0);
    EXPECT_GT(pixels_of(picture(layout("h^{mm}")), theme().text), 20);
    EXPECT_EQ(pixels_of(picture(layout("\\text{hh}")), theme().symbol(Symbol::h)), 0);
    EXPECT_GT(pixels_of(picture(layout("Δ")), theme().symbol(Symbol::delta)), 20) << "as a character";
  }
}

TEST(FormulaLayout, DimsAllButTheHighlightedSymbol) {
  const QImage image = picture(layout("\\Delta A + k"), 1, Symbol::A);
  EXPECT_GT(pixels_of(image, theme().symbol(Symbol::A)), 20);
  EXPECT_EQ(pixels_of(image, theme().symbol(Symbol::delta)), 0);
  EXPECT_EQ(pixels_of(image, theme().text), 0);
}

TEST(FormulaLayout, LooksTheSameAtEveryScale) {
  const char* tex = "\\bar A = \\left(I - \\frac{\\Delta}{2}A\\right)^{-1} \\sqrt{x_t}";
  const QImage magnified = picture(layout(tex, 20), 3);
  const QImage large = picture(layout(tex, 60), 1).copy(-8, -8, magnified.width(), magnified.height());
  double difference = 0;
  for (int y = 12; y < large.height() - 12; ++y)
    for (int x = 12; x < large.width() - 12; ++x)
      difference += std::abs(qGray(large.pixel(x, y)) - qGray(magnified.pixel(x, y)));
  EXPECT_LT(difference / (large.width() * large.height()), 6);
}

TEST(FormulaLayout, SurvivesDeepNesting) {
  std::string tex = "x";
  for (int i = 0; i < 30; ++i) tex = "\\frac{1}{" + tex + "}";
  const QSizeF size = layout(tex.c_str()).size();
  EXPECT_TRUE(std::isfinite(size.height()));
  EXPECT_GT(size.height(), 300);
}

int objects(const QTextDocument& document) {
  return static_cast<int>(document.toRawText().count(QChar::ObjectReplacementCharacter));
}
void set_text(QTextDocument& document, const char* markdown) {
  document.setDefaultFont(font(TextRole::body));
  set_lesson_text(document, QString::fromUtf8(markdown));
}

TEST(LessonText, HoldsItsFormulasAsObjects) {
  QTextDocument document;
  set_text(document, "The state $h_t$, then $\\bar A$ costs \\$5 `$x$`.\n\n$$y = Ch$$\n\nEnd.\n\n    $z$ in code\n");
  EXPECT_EQ(objects(document), 3);
  EXPECT_EQ(accessible_text(document).toStdString(),
            "The state h t, then A bar costs $5 $x$.\ny equals C h\nEnd.\n$z$ in code");
  const QTextBlock display = document.begin().next();
  EXPECT_EQ(display.blockFormat().alignment(), Qt::AlignHCenter);
  EXPECT_NE(display.next().blockFormat().alignment(), Qt::AlignHCenter);
  const QTextCharFormat format = display.begin().fragment().charFormat();
  EXPECT_EQ(format.stringProperty(QTextFormat::ImageAltText).toStdString(), "y equals C h");
}

TEST(LessonText, KeepsAPercentSignWithItsNumberAndRoomBelowCode) {
  QTextDocument document;
  set_text(document, "About 0.05 % of it.\n\n    a = 1\n    b = 2\n\nEnd.");
  EXPECT_EQ(accessible_text(document).toStdString(), "About 0.05\u00A0% of it.\na = 1\nb = 2\nEnd.");
  const QTextBlock first = document.begin().next();
  EXPECT_EQ(first.blockFormat().bottomMargin(), 0);
  EXPECT_GT(first.next().blockFormat().bottomMargin(), 5);
}

TEST(LessonText, DisplaysFormulasInParagraphsOfTheirOwn) {
  QTextDocument document;
  set_text(document, "Before $$x$$ after.\n\n- item $$y$$ goes on\n- next");
  QStringList lines = accessible_text(document).split(QLatin1Char('\n'));
  EXPECT_EQ(lines.join(QLatin1Char('|')).toStdString(), "Before|x|after.|item|y|goes on|next");
  int items = 0;
  for (QTextBlock block = document.begin(); block.isValid(); block = block.next()) items += block.textList() != nullptr;
  EXPECT_EQ(items, 2);
}

TEST(LessonText, ShowsTheSourceOfABrokenFormula) {
  QTextDocument document;
  set_text(document, "A *good* $x$ and a bad $\\frac{1}{2$ one.");
  EXPECT_EQ(objects(document), 1);
  bool found = false;
  for (auto part = document.begin().begin(); !part.atEnd(); ++part) {
    const bool red = part.fragment().charFormat().foreground().color() == theme().danger;
    EXPECT_EQ(red, part.fragment().text() == QStringLiteral("$\\frac{1}{2$"));
    found |= red;
  }
  EXPECT_TRUE(found);
}

TEST(LessonText, KeepsCharactersForPrivateUseOut) {
  QTextDocument document;
  set_text(document, "\uE0000\uE001 $x$ \uE0007\uE001");
  EXPECT_EQ(objects(document), 1);
  EXPECT_EQ(accessible_text(document).toStdString(), "\uFFFD0\uFFFD x \uFFFD7\uFFFD");
}

TEST(LessonText, PutsFormulasOnTheBaseline) {
  apply_theme(*qApp, ThemeKind::light);
  // The same letter in the text and in formulas that hang more or less below it.
  for (const char* tex : {"$I$", "$I_j$", "$I\\frac{x}{\\frac{y}{z}}$", "$I\\int_{\\frac{x}{\\frac{y}{z}}}$"}) {
    QTextDocument document;
    document.setDefaultFont(font(TextRole::title));
    set_lesson_text(document, QStringLiteral("I ") + QString::fromUtf8(tex));
    QImage image(document.size().toSize(), QImage::Format_RGB32);
    image.fill(Qt::white);
    QPainter painter(&image);
    document.drawContents(&painter);
    painter.end();
    const QTextBlock block = document.begin();
    const double start = block.layout()->position().x() + block.layout()->lineAt(0).cursorToX(2);
    const auto text = ink_rows(image, 0, static_cast<int>(start) - 4);
    const auto letter = ink_rows(image, static_cast<int>(start) + 1, static_cast<int>(start) + 5);
    ASSERT_GT(text.second, 0);
    EXPECT_LE(std::abs(text.second - letter.second), 1) << tex;
  }
}

TEST(LessonText, ShrinksWhatIsWiderThanThePage) {
  QTextDocument document;
  set_text(document, "$$h_1 + h_2 + h_3 + h_4 + h_5 + h_6 + h_7 + h_8 + h_9 + x_1 + x_2 + x_3$$");
  const double ideal = document.idealWidth();
  document.setTextWidth(ideal / 2);
  EXPECT_LE(document.idealWidth(), ideal / 2 + 1);
  EXPECT_GT(document.idealWidth(), ideal / 4);
}

}  // namespace
}  // namespace statescope
