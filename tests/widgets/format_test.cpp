// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/format.h"

#include <gtest/gtest.h>

#include <limits>

namespace statescope {
namespace {

std::string text(const QString& string) {
  return string.toStdString();
}

TEST(FormatNumber, KeepsFourSignificantDigits) {
  EXPECT_EQ(text(format_number(0.106831)), "0.1068");
  EXPECT_EQ(text(format_number(0.74)), "0.7400");
  EXPECT_EQ(text(format_number(-2.81943)), "−2.819");
  EXPECT_EQ(text(format_number(412.06)), "412.1");
  EXPECT_EQ(text(format_number(12345.6)), "12346");
  EXPECT_EQ(text(format_number(-0.00053187)), "−0.0005319");
}

TEST(FormatNumber, RoundsIntoTheNextDecadeWithoutGainingADigit) {
  EXPECT_EQ(text(format_number(0.99996)), "1.000");
  EXPECT_EQ(text(format_number(999.96)), "1000");
}

TEST(FormatNumber, WritesExtremesAsPowersOfTen) {
  EXPECT_EQ(text(format_number(1.5e-7)), "1.500e−7");
  EXPECT_EQ(text(format_number(-3.2e9)), "−3.200e9");
  EXPECT_EQ(text(format_number(std::numeric_limits<double>::denorm_min())), "4.941e−324");
}

TEST(FormatNumber, NamesWhatIsNotANumber) {
  EXPECT_EQ(text(format_number(std::numeric_limits<double>::quiet_NaN())), "NaN");
  EXPECT_EQ(text(format_number(-std::numeric_limits<double>::infinity())), "−∞");
  EXPECT_EQ(text(format_number(-0.0)), "0");
}

TEST(FormatTick, DropsTrailingZerosOnlyBehindThePoint) {
  EXPECT_EQ(text(format_tick(0.30000000000000004)), "0.3");
  EXPECT_EQ(text(format_tick(-200)), "−200");
  EXPECT_EQ(text(format_tick(2e-6)), "2e−6");
}

TEST(FormatPercent, NeverRoundsSomethingToNothing) {
  EXPECT_EQ(text(format_percent(0.2113)), "21.1\u00A0%");
  EXPECT_EQ(text(format_percent(0.00004)), "<0.1\u00A0%");
  EXPECT_EQ(text(format_percent(0.0)), "0.0\u00A0%");
}

TEST(CsvNumber, ReadsBackAsTheSameValue) {
  for (const float value : {0.1F, -1.0F / 3.0F, 3.4e38F, 1e-45F}) EXPECT_EQ(csv_number(value).toFloat(), value);
  for (const double value : {0.1, -1.0 / 3.0, 1.7e308}) EXPECT_EQ(csv_number(value).toDouble(), value);
  EXPECT_EQ(text(csv_number(0.1F)), "0.1");
}

TEST(CsvField, QuotesWhatWouldBreakTheRow) {
  EXPECT_EQ(text(csv_field(QStringLiteral(","))), "\",\"");
  EXPECT_EQ(text(csv_field(QStringLiteral("say \"h\"\n"))), "\"say \"\"h\"\"\n\"");
  EXPECT_EQ(text(csv_field(QStringLiteral("plain"))), "plain");
}

TEST(VisibleToken, ShowsBlanks) {
  EXPECT_EQ(text(visible_token(QStringLiteral(" me"))), "·me");
  EXPECT_EQ(text(visible_token(QStringLiteral("\n"))), "↵");
  EXPECT_EQ(text(visible_token({})), "∅");
}

}  // namespace
}  // namespace statescope
