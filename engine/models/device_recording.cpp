// SPDX-License-Identifier: GPL-3.0-or-later
#include "device_recording.h"

#include <algorithm>

namespace statescope {
namespace {

constexpr std::size_t slot_count = 4;
// Large enough that a copy runs at the speed of the bus, small enough that the first begins early and the last is
// short.
constexpr std::int64_t slot_floats = std::int64_t{1} << 18;
constexpr std::int64_t aligned(std::int64_t floats) {
  return (floats + 63) / 64 * 64;
}

}  // namespace

float* DeviceRecording::reserve(Quantity quantity, std::int64_t layer, std::int64_t first, std::int64_t tokens,
                                std::int64_t width) {
  Item item;
  item.quantity = quantity;
  item.layer = layer;
  item.first = first;
  item.tokens = tokens;
  item.size = tokens * width;
  return reserve(item);
}

float* DeviceRecording::reserve_snapshot(std::int64_t layer, std::int64_t tokens, std::int64_t conv_size,
                                         std::int64_t h_size) {
  Item item;
  item.snapshot = true;
  item.layer = layer;
  item.tokens = tokens;
  item.size = conv_size + h_size;
  item.conv_size = conv_size;
  return reserve(item);
}

float* DeviceRecording::reserve(Item item) {
  constexpr auto float_bytes = static_cast<std::int64_t>(sizeof(float));
  if (memory_.slots.empty()) memory_.slots.resize(slot_count);
  if (pending_.empty()) pending_.resize(memory_.slots.size());
  RecordingMemory::Slot* slot = &memory_.slots[current_];
  if (used_ > 0 && (used_ + item.size) * float_bytes > slot->device.bytes()) {
    send();
    slot = &memory_.slots[current_];
  }
  if (used_ == 0) {
    deliver(current_);
    const std::int64_t bytes = std::max(slot_floats, aligned(item.size)) * float_bytes;
    if (slot->device.bytes() < bytes) {
      slot->device = backend_.allocate(bytes);
      slot->host = backend_.allocate_pinned(bytes);
    }
  }
  item.offset = used_;
  used_ += aligned(item.size);
  pending_[current_].items.push_back(item);
  return slot->device.as<float>(item.offset * float_bytes);
}

void DeviceRecording::send() {
  RecordingMemory::Slot& slot = memory_.slots[current_];
  pending_[current_].copied = backend_.copy_to_host_aside(slot.host.data(), slot.device.data(),
                                                          std::min(used_ * 4, slot.device.bytes()), backend_.mark());
  current_ = (current_ + 1) % pending_.size();
  used_ = 0;
}

void DeviceRecording::deliver(std::size_t slot) {
  Pending& pending = pending_[slot];
  if (pending.items.empty()) return;
  backend_.wait(pending.copied);
  for (const Item& item : pending.items) {
    const auto* values = memory_.slots[slot].host.as<const float>(item.offset * 4);
    if (item.snapshot)
      recorder_->record_snapshot(item.layer, item.tokens,
                                 {{values, values + item.conv_size}, {values + item.conv_size, values + item.size}});
    else
      recorder_->record(item.quantity, item.layer, item.first, {values, item.tokens, item.size / item.tokens});
  }
  pending.items.clear();
}

void DeviceRecording::finish() {
  if (used_ > 0) send();
  for (std::size_t i = 0; i < pending_.size(); ++i) deliver((current_ + i) % pending_.size());
}

}  // namespace statescope
