// SPDX-License-Identifier: GPL-3.0-or-later
#include "cuda/matrix_products.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "cuda/blas.h"

namespace statescope::kernels::cuda {
namespace {

// Prompts of some dozens of lengths; then the choices are made anew.
constexpr std::size_t most_plans = 256;
constexpr char what[] = "a matrix product";

cudaDataType_t blas_type(ElementType type) {
  switch (type) {
    case ElementType::bf16:
      return CUDA_R_16BF;
    case ElementType::f16:
      return CUDA_R_16F;
    case ElementType::f32:
      return CUDA_R_32F;
    case ElementType::i8:
      break;
  }
  throw CudaError("8-bit activations are not multiplied on a CUDA device; choose f32, bf16 or f16");
}

// The largest power of two, to 256, that all rows begin at a multiple of.
std::uint32_t alignment(const DeviceMatrix& m) {
  const auto bits = reinterpret_cast<std::uintptr_t>(m.data) |
                    static_cast<std::uintptr_t>(m.stride * bytes_of(m.type)) | std::uintptr_t{256};
  return static_cast<std::uint32_t>(bits & ~(bits - 1));
}

}  // namespace

MatrixProducts::MatrixProducts(void* workspace, std::int64_t workspace_bytes)
    : workspace_(workspace), workspace_bytes_(static_cast<std::size_t>(workspace_bytes)) {
  cublasLtHandle_t blas = nullptr;
  check_blas(cublasLtCreate(&blas), "starting cuBLAS");
  blas_.reset(blas);
}

MatrixProducts::Layout MatrixProducts::layout(const DeviceMatrix& m) {
  // Our rows are its columns.
  cublasLtMatrixLayout_t layout = nullptr;
  check_blas(cublasLtMatrixLayoutCreate(&layout, blas_type(m.type), static_cast<std::uint64_t>(m.cols),
                                        static_cast<std::uint64_t>(m.rows), m.stride),
             what);
  return Layout(layout);
}

MatrixProducts::Plan MatrixProducts::plan(const DeviceMatrix& x, const DeviceMatrix& W, const DeviceMatrix& y) const {
  Plan plan;
  cublasLtMatmulDesc_t product = nullptr;
  check_blas(cublasLtMatmulDescCreate(&product, CUBLAS_COMPUTE_32F, CUDA_R_32F), what);
  plan.product.reset(product);
  const cublasOperation_t transposed = CUBLAS_OP_T;
  check_blas(cublasLtMatmulDescSetAttribute(product, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof(transposed)),
             what);
  plan.W = layout(W);
  plan.x = layout(x);
  plan.y = layout(y);

  cublasLtMatmulPreference_t created = nullptr;
  check_blas(cublasLtMatmulPreferenceCreate(&created), what);
  const Owned<cublasLtMatmulPreference_t, &cublasLtMatmulPreferenceDestroy> preference(created);
  const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, auto value) {
    check_blas(cublasLtMatmulPreferenceSetAttribute(created, attribute, &value, sizeof(value)), what);
  };
  prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace_bytes_);
  // Parts of a sum stay in float32 until they are added up.
  prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, std::uint32_t{CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE});
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment(W));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment(x));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment(y));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment(y));
  cublasLtMatmulHeuristicResult_t best{};
  int found = 0;
  check_blas(cublasLtMatmulAlgoGetHeuristic(blas_.get(), product, plan.W.get(), plan.x.get(), plan.y.get(),
                                            plan.y.get(), created, 1, &best, &found),
             what);
  check_blas(found > 0 ? best.state : CUBLAS_STATUS_NOT_SUPPORTED, what);
  plan.algorithm = best.algo;
  return plan;
}

void MatrixProducts::multiply(const DeviceMatrix& x, const DeviceMatrix& W, const DeviceMatrix& y, bool accumulate,
                              cudaStream_t stream) {
  const auto number = [](ElementType type) { return static_cast<std::int64_t>(type); };
  const Shape shape{x.rows,         W.rows,         x.cols,         x.stride,     W.stride,     y.stride,
                    number(x.type), number(y.type), number(W.type), alignment(x), alignment(W), alignment(y)};
  auto found = plans_.find(shape);
  if (found == plans_.end()) {
    if (plans_.size() >= most_plans) plans_.clear();
    found = plans_.emplace(shape, plan(x, W, y)).first;
  }
  const Plan& plan = found->second;
  const float one = 1, beta = accumulate ? 1 : 0;
  check_blas(
      cublasLtMatmul(blas_.get(), plan.product.get(), &one, W.data, plan.W.get(), x.data, plan.x.get(), &beta, y.data,
                     plan.y.get(), y.data, plan.y.get(), &plan.algorithm, workspace_, workspace_bytes_, stream),
      what);
}

}  // namespace statescope::kernels::cuda
