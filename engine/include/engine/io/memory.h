// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>

namespace statescope {

/// Bytes the machine could hand out without swapping (MemAvailable), or a very large number where it does not say.
std::int64_t available_memory();

/// Largest resident memory of this process so far in bytes (VmHWM), or 0 where the machine does not say.
std::int64_t peak_memory();

/// Throws Error "<what> needs 3.2 GiB of memory and 1.1 GiB is free" when `bytes` would not fit.
void require_memory(std::int64_t bytes, const std::string& what);

/// "3.2 GiB", "512 KiB".
std::string format_bytes(std::int64_t bytes);
/// "1,048,576"; `count` is not negative.
std::string with_commas(std::int64_t count);

}  // namespace statescope
