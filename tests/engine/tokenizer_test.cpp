// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/io/tokenizer.h"
#include "message_of.h"

#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/io/utf8.h"
#include "paths.h"

namespace statescope {
namespace {

using test::message_of;

using nlohmann::json;
using Ids = std::vector<std::int32_t>;
using Words = std::vector<std::string>;

std::string utf8_of(std::uint32_t point) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | ((point >> shift) & 0x3F)); };
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) return {static_cast<char>(0xC0 | (point >> 6)), tail(0)};
  if (point < 0x10000) return {static_cast<char>(0xE0 | (point >> 12)), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | (point >> 18)), tail(12), tail(6), tail(0)};
}

// How tokenizer.json spells bytes: space is U+0120, newline U+010A, printable Latin-1 is itself.
std::string spelled(const std::string& bytes) {
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    std::uint32_t point = byte;
    if (byte <= 0x20) point = 0x100U + byte;
    if (byte >= 0x7F && byte <= 0xA0) point = 0x121U + byte - 0x7FU;
    if (byte == 0xAD) point = 0x143;
    out += utf8_of(point);
  }
  return out;
}

const json byte_level = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}};
const json bytes_only = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};

// A description whose vocabulary has each byte under its own value as id, then the words from 256 on.
json byte_tokenizer(const Words& words = {}) {
  json vocabulary = json::object();
  for (int byte = 0; byte < 256; ++byte) vocabulary[spelled(std::string(1, static_cast<char>(byte)))] = byte;
  for (const std::string& word : words) {
    const auto next = vocabulary.size();
    vocabulary.emplace(spelled(word), next);
  }
  return {{"version", "1.0"},
          {"added_tokens", json::array()},
          {"normalizer", {{"type", "NFC"}}},
          {"pre_tokenizer", byte_level},
          {"post_processor", nullptr},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", json::array()}}}};
}

Tokenizer from(const json& description) {
  return Tokenizer::from_json(description.dump(), "t.json");
}

// The words that the text is cut into, given what they should be: a tokenizer with just these whole words shows any
// other cut as different pieces.
Words words_of(const std::string& text, const Words& expected, const json& pre_tokenizer = byte_level) {
  json description = byte_tokenizer(expected);
  description["pre_tokenizer"] = pre_tokenizer;
  description["model"]["ignore_merges"] = true;
  const Tokenizer tokenizer = from(description);
  Words words;
  for (const std::int32_t id : tokenizer.encode(text)) words.emplace_back(tokenizer.token_bytes(id));
  return words;
}

const Tokenizer& bundled() {
  static const Tokenizer tokenizer = Tokenizer::load(test::asset("models/mamba-lab/tokenizer.json"));
  return tokenizer;
}

TEST(Tokenizer, BundledModelGivesTheReferenceIds) {
  EXPECT_EQ(bundled().encode("Call me Ishmael. Some years ago"),
            (Ids{35, 361, 415, 696, 3821, 65, 481, 14, 3175, 730, 2146}));
  EXPECT_EQ(bundled().encode("And God said, Let there be"), (Ids{2419, 617, 599, 12, 1589, 460, 297}));
  EXPECT_EQ(bundled().vocab_size(), 4096);
  EXPECT_EQ(bundled().find("<|endoftext|>"), 0);
  EXPECT_TRUE(bundled().is_special(0));
  EXPECT_FALSE(bundled().is_special(35));
  EXPECT_EQ(bundled().token_text(0), "<|endoftext|>");
  EXPECT_EQ(bundled().token_bytes(415), " me");
  EXPECT_EQ(bundled().find(" me"), 415);
  EXPECT_EQ(bundled().encode("<|endoftext|>C"), (Ids{0, 35}));
  EXPECT_EQ(bundled().encode(""), Ids{});
}

TEST(TokenizerWords, FollowTheGpt2Pattern) {
  const auto expect = [](const std::string& text, const Words& words) { EXPECT_EQ(words_of(text, words), words); };
  expect("I'll say don't, we've", {"I", "'ll", " say", " don", "'t", ",", " we", "'ve"});
  expect("I'LL it's'", {"I", "'", "LL", " it", "'s", "'"});  // contractions are lower case only
  expect("  two", {" ", " two"});
  expect("a   b", {"a", "  ", " b"});
  expect("end   ", {"end", "   "});
  expect("a\n\nb", {"a", "\n", "\n", "b"});
  expect("a \n b", {"a", " \n", " b"});
  expect("\r\n", {"\r\n"});
  expect("\tx", {"\t", "x"});
  expect("in 1851, 7th", {"in", " 1851", ",", " 7", "th"});
  expect("x\u00B2\u0661", {"x", "\u00B2\u0661"});  // other numbers and Arabic digits are \p{N}
  expect("\u4E2D\u6587\u3002 \u65E5\u672C", {"\u4E2D\u6587", "\u3002", " \u65E5\u672C"});
  expect("a \U0001F469\u200D\U0001F680!", {"a", " \U0001F469\u200D\U0001F680!"});
  expect("q\u0323x", {"q", "\u0323", "x"});  // a mark without a composed form is no letter
  expect("caf\u00E9", {"caf\u00E9"});
  expect("a\u0085b", {"a", "\u0085", "b"});  // NEL is white space,
  expect("a\u0085\u0085b", {"a", "\u0085", "\u0085", "b"});
  expect("a\u180E.b", {"a", "\u180E.", "b"});  // U+180E is not,
  expect("a\u00A0\u2003b", {"a", "\u00A0", "\u2003", "b"});
  expect("a\u200B.b", {"a", "\u200B.", "b"});  // nor the zero width space
}

TEST(TokenizerWords, AreNormalisedToNfcFirst) {
  EXPECT_EQ(words_of("cafe\u0301", {"caf\u00E9"}), Words{"caf\u00E9"});
  json description = byte_tokenizer();
  description["normalizer"] = nullptr;
  EXPECT_EQ(from(description).decode(from(description).encode("e\u0301")), "e\u0301");
}

TEST(TokenizerWords, SplitBehaviorsMatchTheReference) {
  // The table in the tests of the reference implementation.
  const auto split = [](const std::string& behavior) {
    const json step = {
        {"type", "Split"}, {"pattern", {{"Regex", R"(\w+|[^\w\s]+)"}}}, {"behavior", behavior}, {"invert", true}};
    return json{{"type", "Sequence"}, {"pretokenizers", {step, bytes_only}}};
  };
  const auto expect = [&](const std::string& behavior, const Words& words) {
    EXPECT_EQ(words_of("How are you doing?", words, split(behavior)), words) << behavior;
  };
  expect("Removed", {"How", "are", "you", "doing", "?"});
  expect("Isolated", {"How", " ", "are", " ", "you", " ", "doing", "?"});
  expect("MergedWithPrevious", {"How ", "are ", "you ", "doing", "?"});
  expect("MergedWithNext", {"How", " are", " you", " doing", "?"});
  expect("Contiguous", {"How", " ", "are", " ", "you", " ", "doing?"});
}

TEST(TokenizerWords, StepsFollowEachOther) {
  const json digits = {{"type", "Digits"}, {"individual_digits", true}};
  const json digit_runs = {{"type", "Digits"}, {"individual_digits", false}};
  const json dots = {{"type", "Split"}, {"pattern", {{"String", "."}}}, {"behavior", "Removed"}, {"invert", false}};
  const auto sequence = [](const json& first, const json& second) {
    return json{{"type", "Sequence"}, {"pretokenizers", {first, second}}};
  };
  Words words{"a", "1", "2", "b"};
  EXPECT_EQ(words_of("a12b", words, sequence(digits, byte_level)), words);
  words = {"x ", "12\u00BD", "y"};
  EXPECT_EQ(words_of("x 12\u00BDy", words, sequence(digit_runs, bytes_only)), words);
  words = {"ab", "c"};
  EXPECT_EQ(words_of("ab.c..", words, sequence(dots, bytes_only)), words);
  const json prefix = {{"type", "ByteLevel"}, {"add_prefix_space", true}};
  words = {" Hi", " you"};
  EXPECT_EQ(words_of("Hi you", words, prefix), words);
  EXPECT_EQ(words_of(" Hi you", words, prefix), words);
}

TEST(TokenizerWords, LlamaPatternKeepsDigitGroupsAndNewlines) {
  const json split = {
      {"type", "Split"},
      {"pattern",
       {{"Regex",
         R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"}}},
      {"behavior", "Isolated"},
      {"invert", false}};
  const Words words{"I", "'LL", " pay", " ", "123", "4", "!\n", " ", " \u180E", "ok"};
  EXPECT_EQ(
      words_of("I'LL pay 1234!\n  \u180Eok", words, {{"type", "Sequence"}, {"pretokenizers", {split, bytes_only}}}),
      words);
}

TEST(TokenizerMerges, TakeTheLowestRankThenTheLeftmost) {
  json description = byte_tokenizer({"ab", "bc", "abc", "aa", "aaaa"});
  description["model"]["merges"] = {"b c", "a b", "ab c", "a a", "aa aa"};
  const Tokenizer strings = from(description);
  EXPECT_EQ(strings.encode("abc"), (Ids{'a', 257}));  // b c ranks before a b
  EXPECT_EQ(strings.encode("ab"), (Ids{256}));
  EXPECT_EQ(strings.encode("aaa"), (Ids{259, 'a'}));
  EXPECT_EQ(strings.encode("aaaaaaa"), (Ids{260, 259, 'a'}));
  description["model"]["merges"] = json::parse(R"([["b","c"],["a","b"],["ab","c"],["a","a"],["aa","aa"]])");
  EXPECT_EQ(from(description).encode("abcaaa"), (Ids{'a', 257, 259, 'a'}));
}

TEST(TokenizerMerges, AreIgnoredForWholeWordsOnRequest) {
  json description = byte_tokenizer({"bc", "abc"});
  description["model"]["merges"] = {"b c"};
  EXPECT_EQ(from(description).encode("abc"), (Ids{'a', 256}));
  description["model"]["ignore_merges"] = true;
  EXPECT_EQ(from(description).encode("abc abc"), (Ids{257, ' ', 'a', 256}));
}

TEST(TokenizerMerges, UnknownBytesBecomeTheUnknownToken) {
  json description = byte_tokenizer();
  description["model"]["vocab"].erase("x");
  description["model"]["vocab"]["<unk>"] = 300;
  EXPECT_EQ(from(description).encode("axxb"), (Ids{'a', 'b'}));
  description["model"]["unk_token"] = "<unk>";
  EXPECT_EQ(from(description).encode("axxb"), (Ids{'a', 300, 300, 'b'}));
  description["model"]["fuse_unk"] = true;
  EXPECT_EQ(from(description).encode("axxbx"), (Ids{'a', 300, 'b', 300}));
  description["model"]["unk_token"] = "<gone>";
  EXPECT_EQ(from(description).encode("ab"), (Ids{'a', 'b'}));
  EXPECT_NE(message_of([&] { (void)from(description).encode("x"); }).find("the unknown token \"<gone>\""),
            std::string::npos);
}

json added(std::int32_t id, const std::string& content, const json& options = json::object()) {
  json token = {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
                {"rstrip", false}, {"normalized", false}, {"special", false}};
  token.update(options);
  return token;
}

Ids encode_with(const json& added_tokens, const std::string& text) {
  json description = byte_tokenizer();
  description["added_tokens"] = added_tokens;
  return from(description).encode(text);
}

TEST(TokenizerAddedTokens, AreFoundAnywhereLongestFirst) {
  const json tokens = json::array({added(300, "<s>"), added(301, "<s><s>"), added(302, "st")});
  EXPECT_EQ(encode_with(tokens, "a<s>b"), (Ids{'a', 300, 'b'}));
  EXPECT_EQ(encode_with(tokens, "<s><s><s>"), (Ids{301, 300}));
  EXPECT_EQ(encode_with(tokens, "<sst>"), (Ids{'<', 's', 302, '>'}));
}

TEST(TokenizerAddedTokens, TakeWhiteSpaceAlong) {
  const json left = json::array({added(300, "<m>", {{"lstrip", true}})});
  EXPECT_EQ(encode_with(left, "a \u2003<m> b"), (Ids{'a', 300, ' ', 'b'}));
  const json right = json::array({added(300, "<m>", {{"rstrip", true}})});
  EXPECT_EQ(encode_with(right, "a <m>\t\u00A0b"), (Ids{'a', ' ', 300, 'b'}));
  const json both = json::array({added(300, "<m>", {{"lstrip", true}, {"rstrip", true}})});
  EXPECT_EQ(encode_with(both, " <m> <m>\u2000"), (Ids{300, 300}));
}

TEST(TokenizerAddedTokens, SingleWordsStandAlone) {
  const json tokens = json::array({added(300, "<m>", {{"single_word", true}})});
  EXPECT_EQ(encode_with(tokens, "<m> a<m> <m>, <m>"), (Ids{300, ' ', 'a', '<', 'm', '>', ' ', 300, ',', ' ', 300}));
  EXPECT_EQ(encode_with(tokens, "\u0330<m>"), (Ids{0xCC, 0xB0, '<', 'm', '>'}));  // a combining mark is of a word
  EXPECT_EQ(encode_with(tokens, "<m>_"), (Ids{'<', 'm', '>', '_'}));
}

TEST(TokenizerAddedTokens, NormalizedOnesMatchTheNormalisedText) {
  const json raw = json::array({added(300, "\u1E0D")});
  const json normalized = json::array({added(300, "d\u0323", {{"normalized", true}})});
  EXPECT_EQ(encode_with(raw, "\u1E0D"), (Ids{300}));
  EXPECT_EQ(encode_with(raw, "d\u0323"), (Ids{0xE1, 0xB8, 0x8D}));
  EXPECT_EQ(encode_with(normalized, "xd\u0323"), (Ids{'x', 300}));
  EXPECT_EQ(encode_with(normalized, "x\u1E0D"), (Ids{'x', 300}));
  // A raw token between them keeps letter and mark apart.
  EXPECT_EQ(encode_with(json::array({added(301, "<|>"), normalized[0]}), "d<|>\u0323"), (Ids{'d', 301, 0xCC, 0xA3}));
}

TEST(TokenizerAddedTokens, RunsOfSpacesAreTokensOfTheirOwn) {
  const json spaces =
      json::array({added(300, "    ", {{"normalized", true}}), added(301, "  ", {{"normalized", true}})});
  EXPECT_EQ(encode_with(spaces, "a       b"), (Ids{'a', 300, 301, ' ', 'b'}));
}

TEST(Tokenizer, TemplatesSurroundTheSequence) {
  json description = byte_tokenizer();
  description["added_tokens"] = json::array({added(300, "<s>", {{"special", true}})});
  const json sequence = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  const json begin = {{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}};
  const json tokens = {{"<s>", {{"id", "<s>"}, {"ids", {300}}, {"tokens", {"<s>"}}}}};
  json processor = {{"type", "TemplateProcessing"}, {"single", {begin, sequence}}, {"special_tokens", tokens}};
  description["post_processor"] = {{"type", "Sequence"}, {"processors", {byte_level, processor}}};
  EXPECT_EQ(from(description).encode("a"), (Ids{300, 'a'}));
  processor["single"] = json::array({begin});
  description["post_processor"] = processor;
  EXPECT_NE(message_of([&] { from(description); }).find("the sequence exactly once"), std::string::npos);
}

TEST(Tokenizer, DecodesToValidUtf8) {
  json description = byte_tokenizer({"ab"});
  description["model"]["vocab"]["\u4E2D"] = 400;  // spells no bytes, stands for itself
  const Tokenizer tokenizer = from(description);
  EXPECT_EQ(tokenizer.decode(Ids{256, 0xE4, 0xB8, 0xAD, 400, 0xFF}), "ab\u4E2D\u4E2D\uFFFD");
  EXPECT_EQ(tokenizer.decode(Ids{'a', 399, -1, 1 << 30, 'b'}), "ab");  // holes and ids out of range
  EXPECT_EQ(tokenizer.token_text(0xE4), "\uFFFD");
  EXPECT_EQ(tokenizer.token_bytes(0xE4), "\xE4");
  EXPECT_EQ(tokenizer.token_text(399), "[399]");
  EXPECT_EQ(tokenizer.vocab_size(), 401);
}

TEST(Tokenizer, RefusesInvalidUtf8ByOffset) {
  EXPECT_NE(message_of([] { (void)bundled().encode("ab\xFFz"); }).find("not valid UTF-8 at byte 2"), std::string::npos);
}

TEST(Tokenizer, RoundTripsAnyTextToItsNfc) {
  std::mt19937 random(7);
  const std::vector<std::pair<std::uint32_t, std::uint32_t>> blocks{
      {0x00, 0x7F},     {0x20, 0x20},     {0x80, 0x24F},    {0x300, 0x36F},     {0x1100, 0x11FF},   {0x2000, 0x206F},
      {0x4E00, 0x9FFF}, {0xAC00, 0xD7A3}, {0xE000, 0xFFFF}, {0x1F300, 0x1FAFF}, {0x10000, 0x10FFFF}};
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (int i = 0; i < 60; ++i) {
      const auto& [low, high] = blocks[random() % blocks.size()];
      text += utf8_of(low + random() % (high - low + 1));
    }
    ASSERT_EQ(bundled().decode(bundled().encode(text)), to_nfc(text)) << round;
  }
}

TEST(Tokenizer, LongWordsTakeNoQuadraticTime) {
  json description = byte_tokenizer({"aa", "aaaa", "  ", "    "});
  description["model"]["merges"] = {"a a", "aa aa", "\u0120 \u0120", "\u0120\u0120 \u0120\u0120"};
  const Tokenizer merging = from(description);
  const std::size_t size = 1 << 20;
  for (const char c : {'a', ' '}) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(merging.encode(std::string(size, c)).size(), size / 4);
    EXPECT_EQ(bundled().decode(bundled().encode(std::string(size, c))).size(), size);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10))
        << "for " << size << " of '" << c << "'";
  }
}

TEST(Tokenizer, HostilePatternsEndInASentence) {
  json description = byte_tokenizer();
  const json split = {
      {"type", "Split"}, {"pattern", {{"Regex", "(a+)+$"}}}, {"behavior", "Isolated"}, {"invert", false}};
  description["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", {split, byte_level}}};
  const Tokenizer tokenizer = from(description);
  EXPECT_NE(message_of([&] { (void)tokenizer.encode(std::string(64, 'a') + "c"); }).find("pattern fails on the text"),
            std::string::npos);
}

struct BadTokenizer {
  const char* name;
  const char* pointer;  // JSON pointer of what is replaced
  json value;
  const char* message;
};

void PrintTo(const BadTokenizer& bad, std::ostream* out) {
  *out << bad.name;
}

class TokenizerRefuses : public testing::TestWithParam<BadTokenizer> {};

TEST_P(TokenizerRefuses, NamingThePart) {
  json description = byte_tokenizer({"ab"});
  description[json::json_pointer(GetParam().pointer)] = GetParam().value;
  const std::string message = message_of([&] { from(description); });
  EXPECT_EQ(message.find("t.json"), 0U) << message;
  EXPECT_NE(message.find(GetParam().message), std::string::npos) << message;
}

json split_step(const json& pattern, const char* behavior) {
  return {{"type", "Split"}, {"pattern", pattern}, {"behavior", behavior}, {"invert", false}};
}

INSTANTIATE_TEST_SUITE_P(
    Parts, TokenizerRefuses,
    testing::Values(
        BadTokenizer{"Version", "/version", "2.0", "the version \"2.0\""},
        BadTokenizer{"NoModel", "/model", nullptr, "(model): a JSON object is needed"},
        BadTokenizer{"WordPiece", "/model/type", "WordPiece", "the type \"WordPiece\" is not supported"},
        BadTokenizer{"Unigram", "/model/type", "Unigram", "the type \"Unigram\" is not supported"},
        BadTokenizer{"ByteFallback", "/model/byte_fallback", true, "byte_fallback is not supported"},
        BadTokenizer{"Dropout", "/model/dropout", 0.1, "a dropout other than 0"},
        BadTokenizer{"Prefix", "/model/continuing_subword_prefix", "##", "\"continuing_subword_prefix\""},
        BadTokenizer{"Suffix", "/model/end_of_word_suffix", "</w>", "\"end_of_word_suffix\""},
        BadTokenizer{"VocabArray", "/model/vocab", json::array({1}), "\"vocab\" must be an object"},
        BadTokenizer{"NegativeId", "/model/vocab/b", -1, "\"b\" has the id -1"},
        BadTokenizer{"HugeId", "/model/vocab/b", 4294967296, "\"b\" has the id 4294967296"},
        BadTokenizer{"StringId", "/model/vocab/b", "7", "\"b\" must be an integer"},
        BadTokenizer{"SharedId", "/model/vocab/b", 65, "the id 65 belongs to two tokens"},
        BadTokenizer{"MergesObject", "/model/merges", json::object(), "\"merges\" must be an array"},
        BadTokenizer{"MergeOfThree", "/model/merges", {"a b c"}, "merge 0 is not two tokens"},
        BadTokenizer{"MergeNumber", "/model/merges", {"a b", 3}, "merge 1 is neither a string"},
        BadTokenizer{"MergeUnknown", "/model/merges", {"b a"}, "merge 0 needs the token \"ba\""},
        BadTokenizer{"Lowercase", "/normalizer", {{"type", "Lowercase"}}, "(normalizer): the type \"Lowercase\""},
        BadTokenizer{"NoPreTokenizer", "/pre_tokenizer", nullptr, "no ByteLevel step"},
        BadTokenizer{"Metaspace", "/pre_tokenizer", {{"type", "Metaspace"}}, "the type \"Metaspace\""},
        BadTokenizer{"StepAfterByteLevel",
                     "/pre_tokenizer",
                     {{"type", "Sequence"}, {"pretokenizers", {byte_level, byte_level}}},
                     "must be the last step"},
        BadTokenizer{"BadRegex", "/pre_tokenizer", split_step({{"Regex", "(a"}}, "Isolated"),
                     "the pattern \"(a\" cannot be used"},
        BadTokenizer{"BadBehavior", "/pre_tokenizer", split_step({{"Regex", "a"}}, "Glued"),
                     "the Split behavior \"Glued\""},
        BadTokenizer{"BadPattern", "/pre_tokenizer", split_step(3, "Isolated"), "a JSON object is needed"},
        BadTokenizer{"BertProcessor", "/post_processor", {{"type", "BertProcessing"}}, "the type \"BertProcessing\""},
        BadTokenizer{"Decoder", "/decoder", {{"type", "WordPiece"}}, "(decoder): the type \"WordPiece\""},
        BadTokenizer{"AddedTokenTakesAnId", "/added_tokens", json::array({added(97, "<s>")}),
                     "which is also another token's"},
        BadTokenizer{"AddedTokenContradictsVocab", "/added_tokens", json::array({added(300, "b")}),
                     "has the id 300 and another one"},
        BadTokenizer{"AddedTokenTwice", "/added_tokens", json::array({added(300, "<s>"), added(301, "<s>")}),
                     "and another one"},
        BadTokenizer{"AddedTokenHuge", "/added_tokens", json::array({added(300, std::string(1025, 'x'))}),
                     "longer than 1024"}),
    [](const auto& param) { return param.param.name; });

TEST(Tokenizer, RefusesBrokenFiles) {
  EXPECT_NE(message_of([] { (void)Tokenizer::load("/no/such/tokenizer.json"); }).find("No such file"),
            std::string::npos);
  EXPECT_NE(message_of([] { (void)Tokenizer::from_json("{\"a\"", "t.json"); }).find("t.json: is not valid JSON"),
            std::string::npos);
  EXPECT_NE(message_of([] { (void)Tokenizer::from_json("[]", "t.json"); }).find("t.json: a JSON object"),
            std::string::npos);
}

}  // namespace
}  // namespace statescope
