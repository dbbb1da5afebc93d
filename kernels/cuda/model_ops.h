// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/cuda_backend.h"

namespace statescope::kernels::cuda {

// The elementwise operations of CudaBackend, enqueued.
void rms_norm(const DeviceMatrix& x, const float* weight, float epsilon, const DeviceMatrix& y, cudaStream_t stream);
void rms_norm(const DeviceMatrix& x, const float* weight, float epsilon, const DeviceMatrix& y, const KeptRows& kept,
              cudaStream_t stream);
void embedding(const std::int32_t* ids, const DeviceMatrix& table, const DeviceMatrix& y, cudaStream_t stream);
void causal_conv(const DeviceConvArgs& args, cudaStream_t stream);
void map(const DeviceMatrix& from, const DeviceMatrix& to, Mapping mapping, const float* bias, cudaStream_t stream);
void square_states(const float* h_all, std::int64_t N, const DeviceMatrix& out, cudaStream_t stream);

/// Exponentials and multiply-adds on registers only, for the limits of the device; returns how many were enqueued.
double spin_exponentials(float* scratch, int blocks, cudaStream_t stream);
double spin_multiply_adds(float* scratch, int blocks, cudaStream_t stream);
/// Reads `bytes` and keeps a sum of them.
void read_all(const void* data, std::int64_t bytes, float* scratch, int blocks, cudaStream_t stream);
constexpr int spin_threads = 256;

}  // namespace statescope::kernels::cuda
