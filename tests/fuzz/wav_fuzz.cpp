// SPDX-License-Identifier: GPL-3.0-or-later
// Reads arbitrary bytes as a WAV file and, when they are one, every sample of its first and last channel.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "engine/error.h"
#include "engine/io/wav.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace statescope;
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  try {
    const WavLayout layout = parse_wav(bytes, "fuzz");
    for (const std::int64_t channel : {std::int64_t{0}, layout.channels - 1}) {
      const auto samples = wav_samples(bytes, layout, channel, 0, layout.frames, "fuzz");
      if (static_cast<std::int64_t>(samples.size()) != layout.frames) std::abort();
      if (!layout.is_float)
        for (const double sample : samples)
          if (sample < -1 || sample >= 1) std::abort();
    }
  } catch (const Error&) {  // the only way to refuse input
  }
  return 0;
}
