// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace statescope {

/// What a WAV file (RIFF, little endian) says about itself: PCM of 8, 16, 24 or 32 bits, or float of 32 or 64, plain or
/// "extensible". All sizes are inside the file.
struct WavLayout {
  std::int64_t sample_rate = 0;  // Hz
  std::int64_t channels = 0;
  std::int64_t frames = 0;  // samples of each channel
  int bits = 0;             // of one sample
  bool is_float = false;
  std::size_t data = 0;  // byte offset of the first frame
};

/// Throws Error naming `where` and the byte offset for anything else. A data chunk that says more than the file holds,
/// as of a recording that was cut off, ends with the file.
WavLayout parse_wav(std::span<const std::byte> bytes, const std::string& where);

/// `count` samples of a channel from frame `first` on, fewer at the end; integers scaled so that full scale is 1.
/// Throws Error for a channel that the file lacks and for a sample that is not finite.
std::vector<double> wav_samples(std::span<const std::byte> bytes, const WavLayout& layout, std::int64_t channel,
                                std::int64_t first, std::int64_t count, const std::string& where);

}  // namespace statescope
