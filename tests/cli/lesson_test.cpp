// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "command.h"
#include "engine/io/file.h"
#include "paths.h"
#include "test_checkpoint.h"

namespace statescope::test {
namespace {

namespace fs = std::filesystem;

const fs::path lessons = fs::path(test::assets).parent_path() / "lessons";

std::vector<std::string> all_lessons() {
  std::vector<std::string> names;
  for (const auto& each : fs::directory_iterator(lessons)) names.push_back(each.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

class Course : public testing::TestWithParam<std::string> {};

// Every scene at three times, every formula, every answer.
TEST_P(Course, has_no_mistakes) {
  const Outcome outcome = command({"lesson", "check", (lessons / GetParam()).string()});
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
}

INSTANTIATE_TEST_SUITE_P(Lessons, Course, testing::ValuesIn(all_lessons()), [](const auto& each) {
  std::string name = each.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(LessonCommand, begins_a_lesson_and_says_what_is_wrong_with_it) {
  const TemporaryFolder folder;
  const std::string path = (folder / "mine").string();
  EXPECT_EQ(command({"lesson", "new", path}).status, 0);
  EXPECT_EQ(command({"lesson", "check", path + "/lesson.md"}).status, 0);
  write_file(folder / "mine" / "scene.json", "{}");
  const Outcome broken = command({"lesson", "check", path});
  EXPECT_EQ(broken.status, 1);
  EXPECT_NE(broken.out.find("lesson.md:13: "), std::string::npos) << broken.out;
  EXPECT_EQ(command({"lesson", "new", path}).status, 1) << "nothing is overwritten";
  EXPECT_EQ(command({"lesson", "check", (folder / "nothing").string()}).status, 1);
  EXPECT_EQ(command({"lesson"}).status, 2);
  const Outcome misspelt = command({"lesson", "chek", path});
  EXPECT_EQ(misspelt.status, 2);
  EXPECT_NE(misspelt.err.find("chek"), std::string::npos) << misspelt.err;
}

}  // namespace
}  // namespace statescope::test
