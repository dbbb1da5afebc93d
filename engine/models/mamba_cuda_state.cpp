// SPDX-License-Identifier: GPL-3.0-or-later
// A model's state between the host, where it is a value in float32, and the device.
#include <algorithm>

#include "mamba_cuda.h"

namespace statescope {

using kernels::bytes_of;
using kernels::ElementType;

void MambaCuda::ensure_state() const {
  if (state_.h) return;
  const ModelSizes& s = layout_.info.sizes;
  const std::int64_t conv = s.layers * (s.d_conv - 1) * s.d_inner, states = s.d_state * s.d_inner;
  state_.h = cuda_->allocate(s.layers * states * 4);
  for (DeviceBuffer& history : state_.history) history = cuda_->allocate(conv * bytes_of(type_));
  state_.staging = cuda_->allocate(conv * 4);
  state_.spare = cuda_->allocate(states * 4);
  state_.host = cuda_->allocate_pinned((conv + s.layers * states) * 4);
  cuda_->wait();  // the copies beside the stream find cleared memory
}

float* MambaCuda::h(std::int64_t layer) const {
  const ModelSizes& s = layout_.info.sizes;
  return state_.h.as<float>() + layer * s.d_state * s.d_inner;
}

DeviceMatrix MambaCuda::history(std::int64_t layer, int which) const {
  const ModelSizes& s = layout_.info.sizes;
  const std::int64_t rows = s.d_conv - 1;
  return {state_.history[which].data(layer * rows * s.d_inner * bytes_of(type_)), type_, rows, s.d_inner, s.d_inner};
}

MambaCuda::HostPlace MambaCuda::host_place(std::int64_t layer) const {
  const ModelSizes& s = layout_.info.sizes;
  const std::int64_t conv = (s.d_conv - 1) * s.d_inner, states = s.d_state * s.d_inner;
  auto* host = state_.host.as<float>();
  return {host + layer * conv, conv, host + s.layers * conv + layer * states, states};
}

void MambaCuda::pack(std::int64_t layer, const LayerState& state) const {
  const HostPlace place = host_place(layer);
  std::copy_n(state.conv.begin(), place.conv_size, place.conv);
  std::copy_n(state.h.begin(), place.h_size, place.h);
}

void MambaCuda::unpack(std::int64_t layer, LayerState& state) const {
  const HostPlace place = host_place(layer);
  state.conv.assign(place.conv, place.conv + place.conv_size);
  state.h.assign(place.h, place.h + place.h_size);
}

void MambaCuda::push(std::int64_t first, std::int64_t count) const {
  const HostPlace place = host_place(first);
  float* staging = state_.staging.as<float>() + first * place.conv_size;
  cuda_->copy_to_device_aside(staging, place.conv, count * place.conv_size * 4);
  cuda_->hold_for(cuda_->copy_to_device_aside(h(first), place.h, count * place.h_size * 4));
  DeviceMatrix to = history(first, state_.current);
  to.rows *= count;
  cuda_->map({staging, ElementType::f32, to.rows, to.cols, to.stride}, to);
}

void MambaCuda::clear(std::int64_t first, std::int64_t count) const {
  const DeviceMatrix to = history(first, state_.current);
  cuda_->clear(to.data, count * to.rows * to.stride * bytes_of(type_));
  cuda_->clear(h(first), count * host_place(first).h_size * 4);
}

kernels::CudaBackend::Fence MambaCuda::pull(std::int64_t first, std::int64_t count, int which) const {
  const HostPlace place = host_place(first);
  float* staging = state_.staging.as<float>() + first * place.conv_size;
  DeviceMatrix from = history(first, which);
  from.rows *= count;
  cuda_->map(from, {staging, ElementType::f32, from.rows, from.cols, from.stride});
  const auto computed = cuda_->mark();
  cuda_->copy_to_host_aside(place.conv, staging, count * place.conv_size * 4, computed);
  return cuda_->copy_to_host_aside(place.h, h(first), count * place.h_size * 4, computed);
}

void MambaCuda::upload(const ModelState& state, std::int64_t first, std::int64_t count) const {
  for (std::int64_t layer = first; layer < first + count; ++layer)
    pack(layer, state.layers[static_cast<std::size_t>(layer)]);
  push(first, count);
}

void MambaCuda::upload(const ModelState& state) const {
  ensure_state();
  cuda_->wait();  // the pinned memory may still be on its way from a run that was cancelled
  upload(state, 0, layout_.info.sizes.layers);
}

void MambaCuda::download(ModelState& state) const {
  const std::int64_t layers = layout_.info.sizes.layers;
  cuda_->wait(pull(0, layers, state_.current));
  for (std::int64_t layer = 0; layer < layers; ++layer) unpack(layer, state.layers[static_cast<std::size_t>(layer)]);
}

}  // namespace statescope
