// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/io/memory.h"

#include <cstdio>
#include <fstream>
#include <limits>

#include "engine/error.h"

namespace statescope {

std::int64_t available_memory() {
  std::ifstream meminfo("/proc/meminfo");
  for (std::string key; meminfo >> key;) {
    std::int64_t kibibytes = 0;
    if (key == "MemAvailable:" && meminfo >> kibibytes) return kibibytes * 1024;
    meminfo.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return std::numeric_limits<std::int64_t>::max();
}

void require_memory(std::int64_t bytes, const std::string& what) {
  const std::int64_t available = available_memory();
  if (bytes > available)
    throw Error(what + " needs " + format_bytes(bytes) + " of memory and " + format_bytes(available) + " is free");
}

std::string format_bytes(std::int64_t bytes) {
  static constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  int unit = 0;
  for (; value >= 1024 && unit < 4; ++unit) value /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  return text;
}

}  // namespace statescope
