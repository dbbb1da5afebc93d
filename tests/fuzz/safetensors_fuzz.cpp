// SPDX-License-Identifier: GPL-3.0-or-later
// Opens arbitrary bytes as a safetensors file and reads whatever it accepts.
#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/error.h"
#include "engine/io/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto file = statescope::SafetensorsFile::from_bytes({reinterpret_cast<const char*>(data), size}, "fuzz");
    for (const auto& [name, info] : file.tensors()) {
      try {
        (void)file.read_f64(name);
      } catch (const statescope::Error&) {  // a dtype that is not real
        (void)file.read_ids(name);
      }
    }
  } catch (const statescope::Error&) {  // the only way to refuse input
  }
  return 0;
}
