// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/large_pages.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace statescope::kernels {

void ask_for_large_pages(void* begin, std::size_t size) {
#if defined(__linux__)
  const std::uintptr_t first = (reinterpret_cast<std::uintptr_t>(begin) + large_page - 1) / large_page * large_page;
  const std::uintptr_t end = (reinterpret_cast<std::uintptr_t>(begin) + size) / large_page * large_page;
  if (first < end) madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
#else
  (void)begin, (void)size;
#endif
}

}  // namespace statescope::kernels
