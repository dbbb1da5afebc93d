// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/io/wav.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string_view>

#include "engine/error.h"

namespace statescope {
namespace {

constexpr std::int64_t max_channels = 1024;
constexpr int pcm = 1, ieee_float = 3, extensible = 0xFFFE;

[[noreturn]] void refuse(const std::string& where, std::size_t offset, const std::string& what) {
  throw Error(where + ": byte " + std::to_string(offset) + ": " + what);
}

std::uint64_t little_endian(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  return value;
}

bool is_tag(std::span<const std::byte> bytes, std::string_view tag) {
  return std::memcmp(bytes.data(), tag.data(), tag.size()) == 0;
}

// The chunk "fmt ". `at` is its byte offset in the file.
WavLayout parse_format(std::span<const std::byte> chunk, std::size_t at, const std::string& where) {
  if (chunk.size() < 16) refuse(where, at, "the format of the sound is cut off; save the file again");
  const auto field = [&](std::size_t offset, std::size_t size) {
    return static_cast<std::int64_t>(little_endian(chunk.subspan(offset, size)));
  };
  WavLayout layout;
  std::int64_t format = field(0, 2);
  layout.channels = field(2, 2);
  layout.sample_rate = field(4, 4);
  const std::int64_t frame_bytes = field(12, 2);
  layout.bits = static_cast<int>(field(14, 2));
  if (format == extensible) {
    if (chunk.size() < 40) refuse(where, at, "the extensible format of the sound is cut off; save the file again");
    format = field(24, 2);  // the first bytes of the GUID
  }
  layout.is_float = format == ieee_float;
  const bool known = format == pcm ? layout.bits == 8 || layout.bits == 16 || layout.bits == 24 || layout.bits == 32
                                   : layout.is_float && (layout.bits == 32 || layout.bits == 64);
  if (!known)
    refuse(where, at,
           "format " + std::to_string(format) + " with " + std::to_string(layout.bits) +
               " bits is not read; save the sound as PCM of 8, 16, 24 or 32 bits or as float");
  if (layout.channels < 1 || layout.channels > max_channels || layout.sample_rate < 1 ||
      frame_bytes != layout.channels * layout.bits / 8)
    refuse(where, at, "channels, sample rate and frame size do not belong together; save the file again");
  return layout;
}

double sample_of(std::span<const std::byte> bytes, const WavLayout& layout) {
  const std::uint64_t raw = little_endian(bytes);
  if (layout.is_float)
    return layout.bits == 32 ? static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(raw)))
                             : std::bit_cast<double>(raw);
  if (layout.bits == 8) return (static_cast<double>(raw) - 128) / 128;  // the one width without a sign
  const int unused = 64 - layout.bits;
  return std::ldexp(static_cast<double>(static_cast<std::int64_t>(raw << unused) >> unused), 1 - layout.bits);
}

}  // namespace

WavLayout parse_wav(std::span<const std::byte> bytes, const std::string& where) {
  if (bytes.size() < 12 || !is_tag(bytes, "RIFF") || !is_tag(bytes.subspan(8), "WAVE"))
    refuse(where, 0, "this is not a WAV file; it must begin with RIFF and WAVE");
  WavLayout layout;
  bool has_format = false;
  std::size_t at = 12;
  while (bytes.size() - at >= 8) {
    const auto header = bytes.subspan(at, 8);
    const std::size_t body = at + 8;
    const std::size_t size = std::min<std::size_t>(little_endian(header.subspan(4)), bytes.size() - body);
    if (is_tag(header, "fmt ")) {
      layout = parse_format(bytes.subspan(body, size), at, where);
      has_format = true;
    } else if (is_tag(header, "data")) {
      if (!has_format) refuse(where, at, "the sound comes before its format; save the file again");
      layout.data = body;
      layout.frames = static_cast<std::int64_t>(size) / (layout.channels * layout.bits / 8);
      if (layout.frames == 0) refuse(where, at, "the file holds no sound; record some");
      return layout;
    }
    at = std::min(body + size + size % 2, bytes.size());  // chunks begin at even offsets
  }
  refuse(where, at, "the file ends before its sound begins; save it again");
}

std::vector<double> wav_samples(std::span<const std::byte> bytes, const WavLayout& layout, std::int64_t channel,
                                std::int64_t first, std::int64_t count, const std::string& where) {
  if (channel < 0 || channel >= layout.channels)
    throw Error(where + ": there is no channel " + std::to_string(channel) + "; the sound has " +
                std::to_string(layout.channels) + ", counted from 0");
  first = std::clamp<std::int64_t>(first, 0, layout.frames);
  count = std::clamp<std::int64_t>(count, 0, layout.frames - first);
  const auto width = static_cast<std::size_t>(layout.bits / 8);
  std::vector<double> samples(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto frame = static_cast<std::size_t>(first) + i;
    const std::size_t at =
        layout.data + (frame * static_cast<std::size_t>(layout.channels) + static_cast<std::size_t>(channel)) * width;
    samples[i] = sample_of(bytes.subspan(at, width), layout);
    if (!std::isfinite(samples[i])) refuse(where, at, "a sample is not a finite number; save the sound again");
  }
  return samples;
}

}  // namespace statescope
