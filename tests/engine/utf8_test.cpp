// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/io/utf8.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace statescope {
namespace {

const std::string replacement_utf8 = "\uFFFD";

TEST(Utf8, FindsTheFirstInvalidByte) {
  EXPECT_EQ(first_invalid_utf8(""), std::nullopt);
  EXPECT_EQ(first_invalid_utf8("a\u00E9\u4E2D\U0010FFFF"), std::nullopt);
  EXPECT_EQ(first_invalid_utf8("ab\x80"), 2U);            // continuation without a lead
  EXPECT_EQ(first_invalid_utf8("a\xC0\xAF"), 1U);         // overlong
  EXPECT_EQ(first_invalid_utf8("a\xE0\x9F\xBF"), 1U);     // overlong
  EXPECT_EQ(first_invalid_utf8("\xED\xA0\x80"), 0U);      // surrogate
  EXPECT_EQ(first_invalid_utf8("\xF4\x90\x80\x80"), 0U);  // above U+10FFFF
  EXPECT_EQ(first_invalid_utf8("abc\xE4\xB8"), 3U);       // truncated
}

TEST(Utf8, ReplacesEachMaximalSubpartOnce) {
  // The examples of tables 3-8, 3-9 and 3-11 of the Unicode standard.
  EXPECT_EQ(replace_invalid_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
            replacement_utf8 + replacement_utf8 + replacement_utf8 + replacement_utf8 + replacement_utf8 +
                replacement_utf8 + replacement_utf8 + replacement_utf8 + "A");
  EXPECT_EQ(replace_invalid_utf8("\xED\xA0\x80\xED\xBF\xBF\x41"), replacement_utf8 + replacement_utf8 +
                                                                      replacement_utf8 + replacement_utf8 +
                                                                      replacement_utf8 + replacement_utf8 + "A");
  EXPECT_EQ(replace_invalid_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"),
            replacement_utf8 + replacement_utf8 + replacement_utf8 + replacement_utf8 + "A");
  EXPECT_EQ(replace_invalid_utf8("x\xF0\x9F\x9A"), "x" + replacement_utf8);
}

TEST(Utf8, StreamReleasesACodePointOnlyWhenComplete) {
  Utf8Stream stream;
  EXPECT_EQ(stream.push("a\xF0\x9F"), "a");
  EXPECT_EQ(stream.push("\x9A"), "");
  EXPECT_EQ(stream.push("\x80z"), "\U0001F680z");
  EXPECT_EQ(stream.push("\xE4\xB8"), "");
  EXPECT_EQ(stream.flush(), replacement_utf8);
  EXPECT_EQ(stream.flush(), "");
}

TEST(Utf8, StreamEqualsTheWholeWhereverItIsCut) {
  const std::string bytes = "e\u0301\U0001F469\u200D\xE1\x80\xE2\xF0\x91\x92\xFFz\xF0\x9F";
  for (std::size_t i = 0; i <= bytes.size(); ++i) {
    for (std::size_t j = i; j <= bytes.size(); ++j) {
      Utf8Stream stream;
      std::string out = stream.push(bytes.substr(0, i));
      out += stream.push(bytes.substr(i, j - i));
      out += stream.push(bytes.substr(j));
      out += stream.flush();
      ASSERT_EQ(out, replace_invalid_utf8(bytes)) << "cut at " << i << " and " << j;
    }
  }
}

TEST(Utf8, NormalisesToNfc) {
  EXPECT_EQ(to_nfc("cafe\u0301"), "caf\u00E9");
  EXPECT_EQ(to_nfc("\u1112\u1161\u11AB"), "\uD55C");    // Hangul jamo
  EXPECT_EQ(to_nfc("\u0958"), "\u0915\u093C");          // excluded from composition
  EXPECT_EQ(to_nfc("\u212B"), "\u00C5");                // singleton
  EXPECT_EQ(to_nfc("\uFB01"), "\uFB01");                // a compatibility character stays
  EXPECT_EQ(to_nfc("q\u0307\u0323"), "q\u0323\u0307");  // marks in canonical order
  EXPECT_EQ(to_nfc("a\u0315\u0300"), "\u00E0\u0315");   // composition past another mark
  EXPECT_EQ(to_nfc(to_nfc("\u1E0A\u0323")), "\u1E0C\u0307");
}

TEST(Utf8, NormalisesALongRunOfMarksInTime) {
  std::string text = "a";
  for (int i = 0; i < 200'000; ++i) text += "\u0301";
  for (int i = 0; i < 200'000; ++i) text += "\u0323";  // all of these belong before all of those
  const auto start = std::chrono::steady_clock::now();
  const std::string nfc = to_nfc(text);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  EXPECT_EQ(nfc.substr(0, 5), "\u1EA1\u0323");  // a with dot below, then the next dot below
  EXPECT_EQ(nfc.size(), text.size());           // 1 + 2 bytes became 3
}

TEST(Utf8, QuotesNamesForMessages) {
  EXPECT_EQ(in_quotes("a.b"), "\"a.b\"");
  EXPECT_EQ(in_quotes("a\nb\xFF"),
            "\"a\uFFFD"
            "b\uFFFD\"");
  EXPECT_EQ(in_quotes("\u00E9\u00E9\u00E9", 3), "\"\u00E9…\"");
}

}  // namespace
}  // namespace statescope
