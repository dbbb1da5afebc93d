// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace statescope {

/// An nlohmann SAX handler with what every strict reader shares: the name of the input and the byte reached, for
/// messages, and the depth, limited. nlohmann's parser keeps its own stack on the heap, so depth costs no recursion.
/// A handler stops by calling fail().
class JsonSax : public nlohmann::json_sax<nlohmann::json> {
 public:
  JsonSax(std::string where, int max_depth) : where_(std::move(where)), max_depth_(max_depth) {}

  /// Parses one JSON value that is the whole text, which begins at byte `file_offset` of the input. Throws Error.
  void run(std::string_view text, std::size_t file_offset = 0);

  bool start_object(std::size_t) override { return enter(); }
  bool start_array(std::size_t) override { return enter(); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool binary(binary_t&) override { return false; }  // does not occur in JSON text
  bool parse_error(std::size_t position, const std::string& last_token, const nlohmann::detail::exception& e) override;

 protected:
  [[noreturn]] void fail(const std::string& problem) const;
  int depth() const { return depth_; }

 private:
  bool enter();
  bool leave();

  std::string where_;
  int max_depth_;
  int depth_ = 0;
  std::size_t file_offset_ = 0;
  std::size_t position_ = 0;  // bytes of the text read so far
};

}  // namespace statescope
