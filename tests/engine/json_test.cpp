// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/io/json.h"
#include "message_of.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "engine/error.h"
#include "paths.h"

namespace statescope {
namespace {

using test::message_of;

TEST(Json, ReadsADocument) {
  const auto json = parse_json(R"( {"a": [1, -2, 0.5, true, null, "\u00e9"], "b": {"c": {}}} )", "x.json");
  EXPECT_EQ(json.dump(), "{\"a\":[1,-2,0.5,true,null,\"\u00E9\"],\"b\":{\"c\":{}}}");
}

struct BadJson {
  const char* name;
  std::string text;
  const char* message;
};

void PrintTo(const BadJson& bad, std::ostream* out) {
  *out << bad.name;
}

class JsonRefuses : public testing::TestWithParam<BadJson> {};

TEST_P(JsonRefuses, WithFileAndByte) {
  const std::string message = message_of([&] { (void)parse_json(GetParam().text, "x.json"); });
  EXPECT_EQ(message.find("x.json: "), 0U) << message;
  EXPECT_NE(message.find(GetParam().message), std::string::npos) << message;
}

INSTANTIATE_TEST_SUITE_P(
    BadInput, JsonRefuses,
    testing::Values(BadJson{"Empty", "", "unexpected end of input"},
                    BadJson{"Truncated", R"({"a": [1, 2)", "at byte 11"},
                    BadJson{"DuplicateKey", R"({"a": 1, "b": {"a": 2}, "a": 3})", "the key \"a\" twice at byte 27"},
                    BadJson{"TrailingGarbage", R"({"a": 1} x)", "at byte 9"},
                    BadJson{"TextAfterNul", std::string("{}\0x", 4), "a NUL byte at byte 2"},
                    BadJson{"NotANumber", R"({"a": NaN})", "at byte 6"},
                    BadJson{"NumberOverflow", R"({"a": 1e999})", "number overflow"},
                    BadJson{"InvalidUtf8", "{\"a\": \"x\xFF\"}", "ill-formed UTF-8 byte) at byte 8"},
                    BadJson{"Surrogate", "\"\\ud800\"", "surrogate"},
                    BadJson{"TooDeep", std::string(65, '['), "deeper than 64 levels at byte 65"}),
    [](const auto& param) { return param.param.name; });

TEST(Json, RefusesTenMillionLevelsWithoutRecursion) {
  EXPECT_NE(message_of([] { (void)parse_json(std::string(10'000'000, '['), "x.json"); }).find("at byte 65"),
            std::string::npos);
}

TEST(Json, AllowsTheDepthLimitItself) {
  EXPECT_NO_THROW((void)parse_json(std::string(64, '[') + std::string(64, ']'), "x.json"));
}

TEST(Json, GettersNameTheKeyAndTheType) {
  const auto json =
      parse_json(R"({"n": 7, "x": 2.5, "t": true, "s": "v", "none": null, "huge": 9223372036854775808})", "");
  EXPECT_EQ(get_int(json, "n", "c"), 7);
  EXPECT_EQ(get_number(json, "n", "c"), 7.0);
  EXPECT_EQ(get_number(json, "x", "c"), 2.5);
  EXPECT_TRUE(get_bool(json, "t", "c"));
  EXPECT_EQ(get_string(json, "s", "c"), "v");
  EXPECT_EQ(get_int_or(json, "none", 3, "c"), 3);
  EXPECT_EQ(get_string_or(json, "absent", "d", "c"), "d");
  EXPECT_EQ(message_of([&] { get_int(json, "x", "c.json"); }).find("c.json: \"x\" must be an integer, not number"), 0U);
  EXPECT_EQ(message_of([&] { get_bool_or(json, "s", true, "c"); }).find("c: \"s\" must be true or false, not string"),
            0U);
  EXPECT_EQ(message_of([&] { get_int(json, "none", "c"); }).find("c: the key \"none\" is missing"), 0U);
  EXPECT_EQ(message_of([&] { get_int(json, "huge", "c"); }).find("c: \"huge\" is larger than 9223372036854775807"), 0U);
  EXPECT_EQ(message_of([&] { get_int(nlohmann::json(3), "n", "c"); }).find("c: a JSON object is needed"), 0U);
}

TEST(Json, TextFilesAreLimitedAndRegular) {
  const std::string path = test::asset("models/mamba-lab/config.json");
  EXPECT_EQ(read_text_file(path, 1 << 20).front(), '{');
  EXPECT_NE(message_of([&] { read_text_file(path, 10); }).find("at most 10 are read"), std::string::npos);
  EXPECT_NE(message_of([&] { read_text_file("/dev/zero", 10); }).find("not a regular file"), std::string::npos);
  EXPECT_NE(message_of([&] { read_text_file("/", 10); }).find("is a directory"), std::string::npos);
  EXPECT_NE(message_of([&] { read_text_file("/no/such", 10); }).find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace statescope
