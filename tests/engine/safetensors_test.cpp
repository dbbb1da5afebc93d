// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/io/safetensors.h"
#include "message_of.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <bit>
#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "engine/error.h"
#include "paths.h"

namespace statescope {
namespace {

using test::message_of;

namespace fs = std::filesystem;

// The bytes of a file with this header, its length in front, and this many bytes of data: 1, 2, 3, ...
std::string file_bytes(const std::string& header, std::size_t data_bytes) {
  std::string bytes;
  for (int shift = 0; shift < 64; shift += 8) {
    bytes.push_back(static_cast<char>(static_cast<std::uint64_t>(header.size()) >> shift));
  }
  bytes += header;
  for (std::size_t i = 1; i <= data_bytes; ++i) bytes.push_back(static_cast<char>(i));
  return bytes;
}

template <typename T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::string one_tensor(const std::string& dtype, std::size_t count, const std::string& data) {
  const std::string header = R"({"t":{"dtype":")" + dtype + R"(","shape":[)" + std::to_string(count) +
                             R"(],"data_offsets":[0,)" + std::to_string(data.size()) + "]}}";
  return file_bytes(header, 0) + data;
}

class TemporaryFolder : public testing::Test {
 protected:
  TemporaryFolder() : folder_(testing::TempDir() + "safetensors_XXXXXX") {
    if (mkdtemp(folder_.data()) == nullptr) throw std::runtime_error("no temporary folder");
  }
  ~TemporaryFolder() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

 private:
  std::string folder_;
};

TEST(Safetensors, ReadsNamesShapesMetadataAndBytes) {
  const std::string header = R"({"__metadata__":{"format":"pt","note":"\u00e9"},)"
                             R"("b":{"shape":[],"data_offsets":[6,10],"dtype":"I32"},)"
                             R"("a":{"dtype":"U8","shape":[2,3],"data_offsets":[0,6]},)"
                             R"("none":{"dtype":"F64","shape":[3,0],"data_offsets":[6,6]}}   )";
  const auto file = SafetensorsFile::from_bytes(file_bytes(header, 10), "x");
  ASSERT_EQ(file.tensors().size(), 3U);
  EXPECT_EQ(file.metadata().at("note"), "\u00E9");
  EXPECT_EQ(file.find("a")->shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(file.find("b")->elements(), 1U);
  EXPECT_EQ(file.at("none").elements(), 0U);
  EXPECT_EQ(file.find("c"), nullptr);
  EXPECT_EQ(file.read_ids("b"), (std::vector<std::int32_t>{0x0A090807}));
  const auto bytes = file.data(file.at("a"));
  ASSERT_EQ(bytes.size(), 6U);
  EXPECT_EQ(std::to_integer<int>(bytes[5]), 6);
  EXPECT_NE(message_of([&] { (void)file.at("c"); }).find("x: has no tensor \"c\""), std::string::npos);
  EXPECT_NE(message_of([&] { (void)file.read_f32("a"); }).find("x: tensor \"a\": elements of type U8"),
            std::string::npos);
  EXPECT_NE(message_of([&] { (void)file.read_ids("a"); }).find("ids need I32 or I64"), std::string::npos);
}

TEST(Safetensors, OpensARealCheckpoint) {
  const SafetensorsFile file(test::asset("models/mamba-lab/model.safetensors"));
  const auto& [name, info] = *file.tensors().begin();
  EXPECT_EQ(info.dtype, Dtype::bf16);
  const auto values = file.read_f32(name);
  ASSERT_EQ(values.size(), info.elements());
  double sum_of_squares = 0;
  for (const float value : values) sum_of_squares += static_cast<double>(value) * value;
  EXPECT_TRUE(std::isfinite(sum_of_squares));
  EXPECT_GT(sum_of_squares, 0);
}

struct BadFile {
  const char* name;
  std::string bytes;
  const char* message;
};

void PrintTo(const BadFile& bad, std::ostream* out) {
  *out << bad.name;
}

class SafetensorsRefuses : public testing::TestWithParam<BadFile> {};

TEST_P(SafetensorsRefuses, WithASentence) {
  const std::string message = message_of([&] { (void)SafetensorsFile::from_bytes(GetParam().bytes, "x.safetensors"); });
  EXPECT_EQ(message.find("x.safetensors: "), 0U) << message;
  EXPECT_NE(message.find(GetParam().message), std::string::npos) << message;
}

BadFile bad_header(const char* name, const std::string& header, const char* message, std::size_t data_bytes = 8) {
  return {name, file_bytes(header, data_bytes), message};
}

// One tensor "t" whose description is given.
BadFile bad_tensor(const char* name, const std::string& members, const char* message, std::size_t data_bytes = 8) {
  return bad_header(name, R"({"t":{)" + members + "}}", message, data_bytes);
}

std::string two_tensors(const std::string& first, const std::string& second) {
  return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + first +
         R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}";
}

const std::string huge = "[9223372036854775807,9223372036854775807]";

INSTANTIATE_TEST_SUITE_P(
    HeaderLength, SafetensorsRefuses,
    testing::Values(BadFile{"EmptyFile", "", "has 0 bytes, too few"},
                    BadFile{"SevenBytes", std::string(7, '\1'), "has 7 bytes, too few"},
                    BadFile{"LongerThanTheFile", std::string("\3\0\0\0\0\0\0\0{}", 10), "says 3 bytes where 2 follow"},
                    BadFile{"AllOnes", std::string(8, '\xFF') + "{}", "says 18446744073709551615 bytes"},
                    BadFile{"Zero", std::string(8, '\0'), "unexpected end of input"}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    HeaderText, SafetensorsRefuses,
    testing::Values(
        bad_header("NotJson", "hello", "is not valid JSON"),
        bad_header("Truncated", R"({"t":{"dtype":"U8")", "at byte 26"),
        bad_header("TrailingText", "{} {}", "at byte 11", 0),
        bad_header("NulByte", std::string("{}\0", 3), "at byte 10", 0),
        bad_header("InvalidUtf8", "{\"\xFF\":1}", "ill-formed UTF-8"),
        bad_header("AnArray", "[]", "the header is an array"), bad_header("ANumber", "12", "the header is a number"),
        bad_header("Deep", std::string(1000, '['), "the header is an array"),
        bad_tensor("DeepShape", R"("dtype":"U8","shape":[[[[)", "tensor \"t\" has an array for its \"shape\""),
        bad_header("DuplicateTensor", R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"a":{}})",
                   "has the key \"a\" twice"),
        bad_header("DuplicateMetadata", R"({"__metadata__":{},"__metadata__":{}})", "\"__metadata__\" twice"),
        bad_header("DuplicateMetadataKey", R"({"__metadata__":{"a":"b","a":"c"}})", "metadata key \"a\" twice"),
        bad_header("MetadataNumber", R"({"__metadata__":{"a":1}})", "metadata has a number where only strings"),
        bad_header("MetadataNested", R"({"__metadata__":{"a":{}}})", "metadata has an object where only strings"),
        bad_header("MetadataString", R"({"__metadata__":"a"})", "metadata has a string where only strings"),
        bad_header("TensorIsNumber", R"({"t":3})", "tensor \"t\" has a number"),
        bad_header("TensorIsNull", R"({"t":null})", "tensor \"t\" has null")),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    TensorDescription, SafetensorsRefuses,
    testing::Values(
        bad_tensor("UnknownDtype", R"("dtype":"F12","shape":[8],"data_offsets":[0,8])",
                   "\"t\" has the unknown dtype \"F12\""),
        bad_tensor("DtypeNumber", R"("dtype":3,"shape":[8],"data_offsets":[0,8])",
                   "\"t\" has a number for its \"dtype\""),
        bad_tensor("UnknownKey", R"("dtype":"U8","shape":[8],"data_offsets":[0,8],"x":1)",
                   "\"t\" has the unknown key \"x\""),
        bad_tensor("DuplicateKey", R"("dtype":"U8","dtype":"U8","shape":[8])", "\"t\" has the key \"dtype\" twice"),
        bad_tensor("NoDtype", R"("shape":[8],"data_offsets":[0,8])", "\"t\" lacks its dtype"),
        bad_tensor("NoShape", R"("dtype":"U8","data_offsets":[0,8])", "\"t\" lacks its dtype, shape"),
        bad_tensor("NoOffsets", R"("dtype":"U8","shape":[8])", "\"t\" lacks its dtype, shape or data_offsets"),
        bad_tensor("OneOffset", R"("dtype":"U8","shape":[8],"data_offsets":[0])", "\"t\" must have two data_offsets"),
        bad_tensor("ThreeOffsets", R"("dtype":"U8","shape":[8],"data_offsets":[0,8,9])",
                   "\"t\" must have two data_offsets"),
        bad_tensor("NegativeExtent", R"("dtype":"U8","shape":[-8],"data_offsets":[0,8])",
                   "\"t\" has a number in its shape that is negative"),
        bad_tensor("FractionalExtent", R"("dtype":"U8","shape":[8.0],"data_offsets":[0,8])",
                   "\"t\" has a number in its shape"),
        bad_tensor("ExtentBeyond64Bits", R"("dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,8])",
                   "\"t\" has a number in its shape"),
        bad_tensor("ExtentBeyond63Bits", R"("dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,8])",
                   "\"t\" has a number in its shape"),
        bad_tensor("NegativeOffset", R"("dtype":"U8","shape":[8],"data_offsets":[-1,8])",
                   "\"t\" has a number in its data_offsets that is negative"),
        bad_tensor("SizeOverflows", R"("dtype":"U8","shape":)" + huge + R"(,"data_offsets":[0,8])",
                   "overflows 64 bits"),
        // 2^61 elements of 8 bytes are 2^64, which is 0 in 64 bits.
        bad_tensor("SizeWrapsToZero", R"("dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0])",
                   "overflows 64 bits", 0),
        bad_tensor("TooManyDimensions",
                   R"("dtype":"U8","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,8])",
                   "more than 32 dimensions"),
        bad_tensor("ShapeTooLarge", R"("dtype":"F32","shape":[3],"data_offsets":[0,8])",
                   "\"t\" needs 12 bytes for its shape and dtype but has data_offsets [0, 8]"),
        bad_tensor("ShapeTooSmall", R"("dtype":"F32","shape":[1],"data_offsets":[0,8])", "\"t\" needs 4 bytes")),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Layout, SafetensorsRefuses,
    testing::Values(
        bad_tensor("Reversed", R"("dtype":"U8","shape":[8],"data_offsets":[8,0])",
                   "\"t\" has reversed data_offsets [8, 0]"),
        bad_tensor("PastTheEnd", R"("dtype":"U8","shape":[9],"data_offsets":[0,9])",
                   "\"t\" has data_offsets [0, 9] past the end of the 8 bytes"),
        bad_tensor("FarPastTheEnd",
                   R"("dtype":"U8","shape":[8],"data_offsets":[18446744073709551607,18446744073709551615])",
                   "past the end"),
        bad_header("Overlap", two_tensors("[0,4]", "[3,7]"), "\"b\" overlaps another at data offset 3", 7),
        bad_header("SamePlace", two_tensors("[0,4]", "[0,4]"), "overlaps another at data offset 0", 4),
        bad_header("HoleBetween", two_tensors("[5,9]", "[0,4]"), "\"a\" leaves a hole in the data at offset 4", 9),
        bad_header("HoleInFront", two_tensors("[1,5]", "[5,9]"), "\"a\" leaves a hole in the data at offset 0", 9),
        bad_header("TrailingBytes", two_tensors("[0,4]", "[4,8]"), "2 bytes after data offset 8 belong to no tensor",
                   10),
        bad_header("DataWithoutTensors", "{}", "8 bytes after data offset 0 belong to no tensor")),
    [](const auto& param) { return param.param.name; });

// Not in the table above, where every run of the program would build its 100 MB.
TEST(Safetensors, RefusesAHeaderAboveTheFormatsLimit) {
  const std::string bytes = std::string("\1\xE1\xF5\5\0\0\0\0", 8) + std::string(100'000'001, ' ');
  EXPECT_NE(message_of([&] {
              (void)SafetensorsFile::from_bytes(bytes, "x");
            }).find("says 100000001 bytes where 100000001 follow and at most 100000000"),
            std::string::npos);
}

TEST(SafetensorsDecode, F16IsExactForEveryPattern) {
  std::vector<std::uint16_t> patterns(1 << 16);
  for (std::size_t i = 0; i < patterns.size(); ++i) patterns[i] = static_cast<std::uint16_t>(i);
  const auto file = SafetensorsFile::from_bytes(one_tensor("F16", patterns.size(), raw(patterns)), "x");
  const auto values = file.read_f32("t");
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    const int exponent = (patterns[i] >> 10) & 31;
    const int fraction = patterns[i] & 1023;
    const float value = values[i];
    ASSERT_EQ(std::signbit(value), (patterns[i] & 0x8000) != 0) << i;
    if (exponent == 31) {
      ASSERT_EQ(std::isnan(value), fraction != 0) << i;
      ASSERT_EQ(std::isinf(value), fraction == 0) << i;
    } else {
      const double expected =
          exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 15 - 10);
      ASSERT_EQ(std::fabs(static_cast<double>(value)), expected) << i;
    }
  }
}

TEST(SafetensorsDecode, Bf16AndF32KeepTheirBits) {
  const std::vector<std::uint16_t> bf16{0x3F80, 0xC049, 0x0001, 0x8000, 0x7F80, 0xFF80, 0x7FC1};
  const auto from_bf16 = SafetensorsFile::from_bytes(one_tensor("BF16", bf16.size(), raw(bf16)), "x").read_f32("t");
  for (std::size_t i = 0; i < bf16.size(); ++i) {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(from_bf16[i]), static_cast<std::uint32_t>(bf16[i]) << 16);
  }
  const std::vector<std::uint32_t> f32{0x3F800001, 0x00000001, 0x80000000, 0xFF800000, 0x7FC00123};
  const auto from_f32 = SafetensorsFile::from_bytes(one_tensor("F32", f32.size(), raw(f32)), "x").read_f32("t");
  for (std::size_t i = 0; i < f32.size(); ++i) EXPECT_EQ(std::bit_cast<std::uint32_t>(from_f32[i]), f32[i]);
}

TEST(SafetensorsDecode, F64RoundsOnceToNearest) {
  const std::vector<double> values{1.0 + 0x1p-24, 1.0 + 0x1p-24 + 0x1p-50, 0x1p-149, 1e300, -0.1};
  const auto file = SafetensorsFile::from_bytes(one_tensor("F64", values.size(), raw(values)), "x");
  EXPECT_EQ(file.read_f64("t"), values);
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(file.read_f32("t"), (std::vector<float>{1.0F, 1.0F + 0x1p-23F, 0x1p-149F, infinity, -0.1F}));
}

TEST(SafetensorsDecode, IdsOf64BitsMustFit32) {
  const std::vector<std::int64_t> good{0, 50279, -1};
  EXPECT_EQ(SafetensorsFile::from_bytes(one_tensor("I64", 3, raw(good)), "x").read_ids("t"),
            (std::vector<std::int32_t>{0, 50279, -1}));
  const std::vector<std::int64_t> bad{1, std::int64_t{1} << 31};
  const auto file = SafetensorsFile::from_bytes(one_tensor("I64", 2, raw(bad)), "x");
  EXPECT_NE(message_of([&] { (void)file.read_ids("t"); }).find("the id 2147483648 at element 1"), std::string::npos);
}

using SafetensorsPaths = TemporaryFolder;

TEST_F(SafetensorsPaths, OnlyRegularFilesAreOpened) {
  const auto message = [](const std::string& path) { return message_of([&] { (void)SafetensorsFile(path); }); };
  EXPECT_NE(message(path("absent")).find("absent: cannot be read (No such file"), std::string::npos);
  EXPECT_NE(message(path(".")).find("is a directory"), std::string::npos);
  EXPECT_NE(message("/dev/zero").find("is not a regular file"), std::string::npos);
  ASSERT_EQ(mkfifo(path("fifo").c_str(), 0600), 0);
  EXPECT_NE(message(path("fifo")).find("is not a regular file"), std::string::npos);
  std::ofstream(path("empty")).flush();
  EXPECT_NE(message(path("empty")).find("has 0 bytes"), std::string::npos);
}

using SafetensorsWriting = TemporaryFolder;

TEST_F(SafetensorsWriting, PiecesInAnyOrderReadBack) {
  const std::string target = path("trace.safetensors");
  SafetensorsWriter writer(target, {{"flags", Dtype::u8, {3}}, {"ids", Dtype::i32, {2}}, {"h", Dtype::f32, {2, 3}}},
                           {{"format", "statescope-trace"}, {"prompt", "a\"\n\xFF"}});
  writer.write("h", 3, std::vector<float>{4, 5, 6});
  writer.write("ids", 0, std::vector<std::int32_t>{-7, 8});
  writer.write("h", 0, std::vector<float>{1, 2, 3});
  writer.write_bytes("flags", 1, std::as_bytes(std::span("\5", 1)));
  EXPECT_FALSE(fs::exists(target));
  writer.commit();
  EXPECT_EQ(files(), 1U);

  const SafetensorsFile file(target);
  EXPECT_EQ(file.read_f32("h"), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(file.at("h").shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(file.read_ids("ids"), (std::vector<std::int32_t>{-7, 8}));
  EXPECT_EQ(std::to_integer<int>(file.data(file.at("flags"))[1]), 5);
  EXPECT_EQ(file.metadata().at("prompt"), "a\"\n\uFFFD");
  EXPECT_EQ(file.at("h").begin % 4, 0U);  // behind the narrower type though declared after it
  std::ifstream stream(target, std::ios::binary);
  std::uint64_t header_bytes = 0;
  stream.read(reinterpret_cast<char*>(&header_bytes), sizeof(header_bytes));
  EXPECT_EQ(header_bytes % 8, 0U);
}

TEST_F(SafetensorsWriting, NothingRemainsUnlessCommitted) {
  const std::string target = path("trace.safetensors");
  std::ofstream(target) << "older";
  { SafetensorsWriter writer(target, {{"h", Dtype::f32, {4}}}, {}); }
  EXPECT_EQ(files(), 1U);
  EXPECT_EQ(fs::file_size(target), 5U);
}

TEST_F(SafetensorsWriting, OffsetsBeyond4GiBLandWhereTheyBelong) {
  const std::string target = path("large.safetensors");
  const std::int64_t rows = 3 * (std::int64_t{1} << 29);  // 6 GiB of floats, sparse on disk
  SafetensorsWriter writer(target, {{"h", Dtype::f32, {rows, 1}}, {"z", Dtype::f32, {1}}}, {});
  writer.write("h", static_cast<std::uint64_t>(rows) - 1, std::vector<float>{2.5F});
  writer.write("z", 0, std::vector<float>{3.5F});
  writer.commit();
  const SafetensorsFile file(target);
  const auto bytes = file.data(file.at("h"));
  float last = 0;
  decode_f32(Dtype::f32, bytes.subspan(bytes.size() - 4), &last);
  EXPECT_EQ(last, 2.5F);
  EXPECT_EQ(file.read_f32("z"), std::vector<float>{3.5F});
}

TEST_F(SafetensorsWriting, RefusesWhatCannotBeWritten) {
  const auto make = [&](const std::vector<TensorDeclaration>& tensors, const std::string& target) {
    return message_of([&] { SafetensorsWriter(target, tensors, {}); });
  };
  const std::string target = path("t");
  const std::vector<TensorDeclaration> good{{"a", Dtype::f32, {2}}};
  EXPECT_NE(make({{"a", Dtype::f32, {2}}, {"a", Dtype::u8, {1}}}, target).find("used twice"), std::string::npos);
  EXPECT_NE(make({{"__metadata__", Dtype::f32, {2}}}, target).find("reserved"), std::string::npos);
  EXPECT_NE(make({{"a", Dtype::f32, {-2}}}, target).find("negative or too large"), std::string::npos);
  EXPECT_NE(make({{"a", Dtype::f64, {1LL << 62}}}, target).find("negative or too large"), std::string::npos);
  EXPECT_NE(make(good, path("no/such/t")).find("cannot be written (No such file"), std::string::npos);

  SafetensorsWriter writer(target, good, {});
  const std::vector<float> two{1, 2};
  const std::vector<std::int32_t> ids{1, 2};
  EXPECT_NE(message_of([&] { writer.write("b", 0, two); }).find("\"b\" was not declared"), std::string::npos);
  EXPECT_NE(message_of([&] { writer.write("a", 1, two); }).find("has 8 bytes, too few for 8 at its byte 4"),
            std::string::npos);
  EXPECT_NE(message_of([&] { writer.write("a", 1ULL << 62, two); }).find("too few"), std::string::npos);
  EXPECT_NE(message_of([&] { writer.write("a", 0, ids); }).find("declared as F32 but written as I32"),
            std::string::npos);
  fs::create_directory(target);
  EXPECT_NE(message_of([&] { writer.commit(); }).find("cannot be written (Is a directory)"), std::string::npos);
  EXPECT_EQ(files(), 1U);  // only the directory
}

TEST_F(SafetensorsWriting, AFullDiskIsAnErrorAndLeavesNothing) {
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);  // stands in for the full disk
  const rlimit small{1 << 16, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string message = message_of([&] { SafetensorsWriter(path("t"), {{"a", Dtype::u8, {1 << 17}}}, {}); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_NE(message.find("cannot be written (File too large)"), std::string::npos) << message;
  EXPECT_EQ(files(), 0U);
}

}  // namespace
}  // namespace statescope
