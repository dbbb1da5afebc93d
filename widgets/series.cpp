// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/series.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace statescope {
namespace {

constexpr qint64 block_length = 64;      // places in a block fit into eight bits
constexpr qint64 long_series = 1 << 14;  // numbers that are not worth a summary are looked through

template <typename Number>
Extremes found_in(const std::vector<Number>& values, qint64 begin, qint64 end) {
  Extremes found;
  Number low = 0, high = 0;
  for (qint64 i = begin; i < end; ++i) {
    const Number value = values[static_cast<std::size_t>(i)];
    if (!std::isfinite(value)) continue;
    if (found.first < 0) {
      found = {i, i, i, i};
      low = high = value;
    }
    found.last = i;
    if (value < low) {
      low = value;
      found.lowest = i;
    }
    if (value > high) {
      high = value;
      found.highest = i;
    }
  }
  return found;
}

// `found` of a part, then of the part behind it as well.
template <typename Number>
void extend(Extremes& found, const Extremes& behind, const std::vector<Number>& values) {
  if (behind.first < 0) return;
  if (found.first < 0) {
    found = behind;
    return;
  }
  const auto value = [&values](qint64 i) { return values[static_cast<std::size_t>(i)]; };
  found.last = behind.last;
  if (value(behind.lowest) < value(found.lowest)) found.lowest = behind.lowest;
  if (value(behind.highest) > value(found.highest)) found.highest = behind.highest;
}

}  // namespace

struct Series::Blocks {
  // Places in the block; `first` is −1 where nothing is finite.
  struct Block {
    std::int8_t first = -1, lowest = 0, highest = 0, last = 0;
  };
  std::vector<Block> blocks;

  Extremes at(qint64 index) const {
    const Block& block = blocks[static_cast<std::size_t>(index)];
    const qint64 begin = index * block_length;
    if (block.first < 0) return {};
    return {begin + block.first, begin + block.lowest, begin + block.highest, begin + block.last};
  }
};

void Series::sum_up() {
  if (size() < long_series) return;
  auto made = std::make_shared<Blocks>();
  visit([&made](const auto& values) {
    const auto count = static_cast<qint64>(values.size()) / block_length;
    made->blocks.resize(static_cast<std::size_t>(count));
    for (qint64 i = 0; i < count; ++i) {
      const qint64 begin = i * block_length;
      const Extremes found = found_in(values, begin, begin + block_length);
      if (found.first < 0) continue;
      const auto place = [begin](qint64 at) { return static_cast<std::int8_t>(at - begin); };
      made->blocks[static_cast<std::size_t>(i)] = {place(found.first), place(found.lowest), place(found.highest),
                                                   place(found.last)};
    }
  });
  blocks_ = std::move(made);
}

Extremes Series::extremes(qint64 begin, qint64 end) const {
  return visit([&](const auto& values) {
    const qint64 first_block = (begin + block_length - 1) / block_length, end_block = end / block_length;
    if (!blocks_ || first_block >= end_block) return found_in(values, begin, end);
    Extremes found = found_in(values, begin, first_block * block_length);
    for (qint64 i = first_block; i < end_block; ++i) extend(found, blocks_->at(i), values);
    extend(found, found_in(values, end_block * block_length, end), values);
    return found;
  });
}

}  // namespace statescope
