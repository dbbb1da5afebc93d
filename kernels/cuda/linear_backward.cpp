// SPDX-License-Identifier: GPL-3.0-or-later
#include "cuda/linear_backward.h"

#include "cuda/blas.h"
#include "cuda/check.h"
#include "cuda/partial_sums.h"

namespace statescope::kernels::cuda {

std::int64_t linear_backward_workspace(std::int64_t T, std::int64_t M) {
  return partials_of(T) * M * static_cast<std::int64_t>(sizeof(float));
}

void linear_backward(const LinearBackwardArgs& args, cublasHandle_t blas) {
  cudaStream_t stream = nullptr;
  check_blas(cublasGetStream(blas, &stream), "the gradient of a matrix product");
  const auto T = static_cast<int>(args.T), M = static_cast<int>(args.M), K = static_cast<int>(args.K);
  // C = A B, or C = A Bᵀ, of column-major matrices: our rows are its columns. A sum of nothing is zero.
  const auto multiply = [&](const float* A, const float* B, cublasOperation_t of_B, int B_rows, float* C, int columns,
                            int terms) {
    if (K == 0 || columns == 0) return;
    const float one = 1, zero = 0;
    if (terms == 0)
      check(cudaMemsetAsync(C, 0, sizeof(float) * static_cast<std::size_t>(K) * static_cast<std::size_t>(columns),
                            stream),
            "clearing a gradient");
    else
      check_blas(cublasSgemm(blas, CUBLAS_OP_N, of_B, K, columns, terms, &one, A, K, B, B_rows, &zero, C, K),
                 "the gradient of a matrix product");
  };
  if (args.dx) multiply(args.W, args.dy, CUBLAS_OP_N, M, args.dx, T, M);
  if (args.dW) multiply(args.x, args.dy, CUBLAS_OP_T, M, args.dW, M, T);
  if (args.dbias) column_dots(args.dy, nullptr, nullptr, args.T, args.M, args.workspace, args.dbias, stream);
}

}  // namespace statescope::kernels::cuda
