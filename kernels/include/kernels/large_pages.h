// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

namespace statescope::kernels {

constexpr std::uintptr_t large_page = std::uintptr_t{2} << 20;  // bytes

/// Wishes that the whole large pages inside fresh memory are backed by such, which the system may or may not
/// heed: each is then touched for the first time once instead of 512 times, and addresses are translated faster.
void ask_for_large_pages(void* begin, std::size_t size);

}  // namespace statescope::kernels
