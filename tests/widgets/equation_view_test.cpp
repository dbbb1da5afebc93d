// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/equation_view.h"

#include <gtest/gtest.h>

#include <QRegularExpression>
#include <limits>

#include "view_samples.h"

namespace statescope {
namespace {

std::string sentence(double gate) {
  return memory_sentence(gate).plain().toStdString();
}

TEST(MemorySentence, SaysHowMuchIsKeptAndWhenItIsHalved) {
  EXPECT_EQ(sentence(0.7400),
            "74\u00A0% of the old value is kept. At this rate a value written now is halved after 2.3 tokens.");
  EXPECT_EQ(sentence(0.99),
            "99.0\u00A0% of the old value is kept. At this rate a value written now is halved after 69 tokens.");
  EXPECT_EQ(memory_sentence(0.5).strong.toStdString(), "halved by the next token");
}

TEST(MemorySentence, SpeaksOfThousandsOfTokensNearOne) {
  EXPECT_NE(sentence(0.99999).find("kept for thousands of tokens"), std::string::npos);
  EXPECT_NE(sentence(1.0).find("kept for thousands of tokens"), std::string::npos);
}

TEST(MemorySentence, SaysWhenTheOldValueIsGone) {
  EXPECT_NE(sentence(0.2).find("more than halved by the next token"), std::string::npos);
  EXPECT_NE(sentence(1e-6).find("Nothing of the old value is kept"), std::string::npos);
  EXPECT_NE(sentence(0.0).find("Nothing of the old value is kept"), std::string::npos);
}

TEST(MemorySentence, NamesGatesThatShouldNotBe) {
  EXPECT_NE(sentence(1.05).find("unstable"), std::string::npos);
  EXPECT_NE(sentence(std::numeric_limits<double>::quiet_NaN()).find("not a finite number"), std::string::npos);
}

TEST(Equation, WritesTheActualNumbersIntoThePicture) {
  EquationView view;
  view.resize(560, 240);
  view.set_update(samples::update(), samples::place);
  const QString text = samples::svg_text(view.svg());
  for (const char* number : {"0.7400", "0.1068", "−2.819", "−0.2750", "0.1970", "0.007100", "−0.0005319"}) {
    EXPECT_TRUE(text.contains(QString::fromUtf8(number))) << number;
  }
}

TEST(Equation, NeedsMoreHeightWhereItIsNarrow) {
  EquationView view;
  view.set_update(samples::update(), samples::place);
  EXPECT_GT(view.heightForWidth(240), view.heightForWidth(600));
}

TEST(Equation, BeginsNoLineWithAFullStop) {
  EquationView view;
  StateUpdate update = samples::update();
  update.gate = 0.5;  // "halved by the next token", bold, and a full stop that is not
  view.set_update(update, samples::place);
  const QRegularExpression stop(QStringLiteral("<text x=\"([\\d.]+)\"[^>]*>\\.</text>"));
  for (int width = 200; width < 400; width += 2) {
    view.resize(width, 400);
    const QRegularExpressionMatch found = stop.match(QString::fromUtf8(view.svg()));
    ASSERT_TRUE(found.hasMatch());
    EXPECT_GT(found.captured(1).toDouble(), 20) << "at a width of " << width;
  }
}

// What stands below it would jump from token to token.
TEST(Equation, KeepsTheHeightThatItOnceNeeded) {
  EquationView view;
  view.resize(282, 240);
  StateUpdate update = samples::update();
  view.set_update(update, samples::place);
  const int first = view.heightForWidth(282);
  update.gate = 0.2;  // a longer sentence
  view.set_update(update, samples::place);
  const int taller = view.heightForWidth(282);
  ASSERT_GT(taller, first);
  view.set_update(samples::update(), samples::place);
  EXPECT_EQ(view.heightForWidth(282), taller);
  view.resize(600, 240);
  EXPECT_LT(view.heightForWidth(600), taller);
}

TEST(Equation, CsvHoldsEveryFactor) {
  EquationView view;
  const StateUpdate update = samples::update();
  view.set_update(update, samples::place);
  const QStringList lines = view.csv().split(QLatin1Char('\n'), Qt::SkipEmptyParts);
  ASSERT_EQ(lines.size(), 10);
  double product = 1;
  for (const char* factor : {"delta,", "B,", "x,"}) {
    for (const QString& line : lines) {
      if (line.startsWith(QLatin1String(factor))) product *= line.section(QLatin1Char(','), 1).toDouble();
    }
  }
  EXPECT_DOUBLE_EQ(product, update.write);
}

}  // namespace
}  // namespace statescope
