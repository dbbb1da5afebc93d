// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/io/memory.h"

#include <cstdio>
#include <fstream>
#include <limits>

#include "engine/error.h"

namespace statescope {

namespace {

// The number of kibibytes after `key` in a file of /proc, as bytes.
std::int64_t bytes_after(const char* file, const std::string& key, std::int64_t fallback) {
  std::ifstream lines(file);
  for (std::string word; lines >> word;) {
    std::int64_t kibibytes = 0;
    if (word == key && lines >> kibibytes) return kibibytes * 1024;
    lines.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return fallback;
}

}  // namespace

std::int64_t available_memory() {
  return bytes_after("/proc/meminfo", "MemAvailable:", std::numeric_limits<std::int64_t>::max());
}

std::int64_t peak_memory() {
  return bytes_after("/proc/self/status", "VmHWM:", 0);
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

std::string with_commas(std::int64_t count) {
  std::string digits = std::to_string(count);
  for (std::int64_t i = std::ssize(digits) - 3; i > 0; i -= 3) digits.insert(static_cast<std::size_t>(i), ",");
  return digits;
}

}  // namespace statescope
