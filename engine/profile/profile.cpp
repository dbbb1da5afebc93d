// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/profile/profile.h"

#include <limits>

#include "engine/error.h"
#include "engine/io/utf8.h"

namespace statescope {

std::int64_t saturating_sum(std::int64_t a, std::int64_t b) {
  return a > std::numeric_limits<std::int64_t>::max() - b ? std::numeric_limits<std::int64_t>::max() : a + b;
}

Work& Work::operator+=(const Work& more) {
  bytes = saturating_sum(bytes, more.bytes);
  operations = saturating_sum(operations, more.operations);
  exponentials = saturating_sum(exponentials, more.exponentials);
  return *this;
}

std::string stage_name(Stage stage) {
  switch (stage) {
    case Stage::embedding:
      return "embedding";
    case Stage::norm:
      return "norm";
    case Stage::in_projection:
      return "in-projection";
    case Stage::convolution:
      return "convolution";
    case Stage::x_projection:
      return "x-projection";
    case Stage::dt_projection:
      return "dt-projection";
    case Stage::scan:
      return "scan";
    case Stage::gate:
      return "gate";
    case Stage::out_projection:
      return "out-projection";
    case Stage::head:
      return "head";
    case Stage::sampling:
      return "sampling";
    case Stage::copy:
      return "copy";
  }
  return "";
}

Stage parse_stage(const std::string& name) {
  std::string known;
  for (const Stage stage : all_stages) {
    if (stage_name(stage) == name) return stage;
    known += (known.empty() ? "" : ", ") + stage_name(stage);
  }
  throw Error("there is no stage " + in_quotes(name) + "; the stages are " + known);
}

}  // namespace statescope
