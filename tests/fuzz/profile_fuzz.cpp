// SPDX-License-Identifier: GPL-3.0-or-later
// Reads arbitrary bytes as a saved profile and, when they are one, draws every conclusion from it and saves it again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "engine/error.h"
#include "engine/profile/files.h"
#include "engine/profile/statistics.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace statescope;
  try {
    const Profile profile = parse_profile({reinterpret_cast<const char*>(data), size}, "fuzz");
    for (const StageStatistics& stage : stage_statistics(profile.zones)) {
      std::int64_t counted = 0;
      for (const std::int64_t count : duration_histogram(profile.zones, stage.stage, stage.on_device).counts)
        counted += count;
      if (counted != stage.count) std::abort();
      if (roofline_point(stage, profile.ceilings).sentence.empty()) std::abort();
    }
    for (const StageComparison& stage : compare(profile, profile))
      if (comparison_sentence(stage).empty()) std::abort();
    to_trace_events(profile);
    to_csv(profile);
    const std::string text = to_text(profile);
    if (to_text(parse_profile(text, "again")) != text) std::abort();
  } catch (const Error&) {  // the only way to refuse input
  }
  return 0;
}
