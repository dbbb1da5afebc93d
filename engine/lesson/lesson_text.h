// SPDX-License-Identifier: GPL-3.0-or-later
// The lines of a lesson's text, read one at a time.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/error.h"
#include "engine/io/json.h"
#include "engine/io/json_error.h"
#include "engine/io/utf8.h"
#include "engine/lesson/lesson.h"

namespace statescope {

inline constexpr std::size_t max_lesson_bytes = 1 << 20;

/// Where readers put what is wrong.
class LessonFindings {
 public:
  explicit LessonFindings(std::vector<LessonFinding>& all) : all_(all) {}
  void add(int line, std::string sentence) { all_.push_back({line, std::move(sentence)}); }
  std::size_t size() const { return all_.size(); }

  /// What `read` throws is a finding of that line. False when it threw.
  template <class Read>
  bool in_line(int line, Read read) {
    try {
      read();
      return true;
    } catch (const JsonError& error) {
      add(line, in_quotes(error.where) + " " + error.problem + " at byte " + std::to_string(error.byte));
    } catch (const Error& error) {
      add(line, error.what());
    }
    return false;
  }

 private:
  std::vector<LessonFinding>& all_;
};

/// Without blanks at both ends; of `trimmed_text` without empty lines, too.
std::string_view trimmed(std::string_view text);
std::string trimmed_text(std::string_view text);
/// The first word, and what follows it.
std::pair<std::string_view, std::string_view> split_word(std::string_view text);

struct LessonLine {
  int number = 0;         // from 1
  std::string_view text;  // without the end of line
};
std::vector<LessonLine> lines_of(std::string_view text);

/// A place in a scene as a lesson writes it: experiment.methods.0.order.
std::string dotted(const nlohmann::json::json_pointer& at);

/// Throws Error for a formula in what is shown as it is written.
void require_plain(std::string_view text);
/// Throws Error when a text in the JSON is the path of something that exists and lies outside the folder, also by a
/// link.
void require_inside(const nlohmann::json& value, const std::filesystem::path& folder);

/// What LESSON.md says of one line. They throw Error.
double number_of(std::string_view text);
LessonCue cue_of(std::string_view line);
LessonVariation variation_of(std::string_view line);

}  // namespace statescope
