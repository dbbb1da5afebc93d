// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>

#include "kernels/device_memory.h"

namespace statescope::kernels::cuda {

/// y = x Wᵀ by cuBLAS, whose choice of an algorithm is kept for the next product of the same shape: choosing takes the
/// host longer than all else that it does for one.
class MatrixProducts {
 public:
  /// On the calling thread's device, which it will use `workspace` of.
  MatrixProducts(void* workspace, std::int64_t workspace_bytes);

  /// y = x Wᵀ, or y += x Wᵀ, enqueued; x [T, K] and W [M, K] of one type, y [T, M] of that or float32. Sums in float32,
  /// in the same order each time. Throws CudaError.
  void multiply(const DeviceMatrix& x, const DeviceMatrix& W, const DeviceMatrix& y, bool accumulate,
                cudaStream_t stream);

 private:
  template <class T, cublasStatus_t (*destroy)(T)>
  struct Destroy {
    using pointer = T;
    void operator()(T object) const { destroy(object); }
  };
  template <class T, cublasStatus_t (*destroy)(T)>
  using Owned = std::unique_ptr<std::remove_pointer_t<T>, Destroy<T, destroy>>;
  using Layout = Owned<cublasLtMatrixLayout_t, &cublasLtMatrixLayoutDestroy>;

  struct Plan {
    Owned<cublasLtMatmulDesc_t, &cublasLtMatmulDescDestroy> product;
    Layout W, x, y;
    cublasLtMatmulAlgo_t algorithm;
  };
  // Sizes, strides, types, and how the addresses are aligned.
  using Shape = std::array<std::int64_t, 12>;
  static Layout layout(const DeviceMatrix& m);
  Plan plan(const DeviceMatrix& x, const DeviceMatrix& W, const DeviceMatrix& y) const;

  Owned<cublasLtHandle_t, &cublasLtDestroy> blas_;
  void* workspace_;
  std::size_t workspace_bytes_;
  std::map<Shape, Plan> plans_;
};

}  // namespace statescope::kernels::cuda
