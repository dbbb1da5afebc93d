// SPDX-License-Identifier: GPL-3.0-or-later
// What writing a file leaves as it was.
#include "engine/io/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "engine/io/safetensors.h"
#include "message_of.h"
#include "test_checkpoint.h"

namespace statescope {
namespace {

namespace fs = std::filesystem;
using namespace test;

std::string text_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST(WriteFile, FollowsALinkAndLeavesIt) {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "there.json", link = folder.path() / "link.json";
  write_file(file, "old");
  fs::create_symlink("there.json", link);
  write_file(link, "new");
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(text_of(file), "new");
}

// As /dev/stdout is, which a rename would replace.
TEST(WriteFile, WritesIntoAPipe) {
  const TemporaryFolder folder;
  const fs::path pipe = folder.path() / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const int reader = open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  write_file(pipe, "numbers");
  EXPECT_TRUE(fs::is_fifo(pipe));
  char text[16] = {};
  EXPECT_EQ(read(reader, text, sizeof text), 7);
  EXPECT_STREQ(text, "numbers");
  close(reader);
  const std::string refused = message_of([&] { SafetensorsWriter(pipe.string(), {{"x", Dtype::f32, {1}}}, {}); });
  EXPECT_NE(refused.find("name a file"), std::string::npos) << refused;
  EXPECT_TRUE(fs::is_fifo(pipe));
}

TEST(WriteFile, SaysWhatFailedAndLeavesNothing) {
  const TemporaryFolder folder;
  const std::string message = message_of([&] { write_file(folder.path() / "absent" / "x.json", "text"); });
  EXPECT_NE(message.find("cannot be written (No such file or directory); check the folder"), std::string::npos)
      << message;
  fs::create_directory(folder.path() / "taken");
  EXPECT_FALSE(message_of([&] { write_file(folder.path() / "taken", "text"); }).empty());
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

}  // namespace
}  // namespace statescope
