// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "cuda/blas.h"
#include "cuda/check.h"
#include "cuda/conv_backward.h"
#include "cuda/cross_entropy.h"
#include "cuda/elementwise_backward.h"
#include "cuda/fft_conv.h"
#include "cuda/linear_backward.h"
#include "cuda/partial_sums.h"
#include "cuda/ssd.h"
#include "kernels/cuda_host_ops.h"

namespace statescope::kernels {
namespace {

using cuda::check;

// Device memory for as long as one call takes. Rows lie without gaps.
template <class T>
class Copy {
 public:
  explicit Copy(std::int64_t count) : count_(count) {
    void* p = nullptr;
    check(cudaMalloc(&p, static_cast<std::size_t>(std::max<std::int64_t>(count, 1)) * sizeof(T)), "cudaMalloc");
    memory_.reset(static_cast<T*>(p));
  }
  Copy(const T* host, std::int64_t count) : Copy(count) {
    if (host) transfer(memory_.get(), count, host, count, 1, count, cudaMemcpyHostToDevice);
    absent_ = !host;
  }
  explicit Copy(const MatrixView<const T>& m) : Copy(m.rows * m.cols) {
    if (m) transfer(memory_.get(), m.cols, m.data, m.stride, m.rows, m.cols, cudaMemcpyHostToDevice);
    absent_ = !m;
  }
  explicit Copy(const MatrixView<T>& m) : Copy(MatrixView<const T>(m)) {}

  /// Null for what the caller did not give.
  T* data() const { return absent_ ? nullptr : memory_.get(); }
  void to(const MatrixView<T>& m) const {
    if (m) transfer(m.data, m.stride, memory_.get(), m.cols, m.rows, m.cols, cudaMemcpyDeviceToHost);
  }
  void to(T* host) const {
    if (host) transfer(host, count_, memory_.get(), count_, 1, count_, cudaMemcpyDeviceToHost);
  }

 private:
  static void transfer(T* to, std::int64_t to_stride, const T* from, std::int64_t from_stride, std::int64_t rows,
                       std::int64_t cols, cudaMemcpyKind kind) {
    if (rows == 0 || cols == 0) return;
    const auto bytes = [](std::int64_t count) { return static_cast<std::size_t>(count) * sizeof(T); };
    check(
        cudaMemcpy2D(to, bytes(to_stride), from, bytes(from_stride), bytes(cols), static_cast<std::size_t>(rows), kind),
        "cudaMemcpy2D");
  }
  struct Release {
    void operator()(void* p) const { cudaFree(p); }
  };
  std::unique_ptr<T, Release> memory_;
  std::int64_t count_;
  bool absent_ = false;
};
using Floats = Copy<float>;

std::int64_t floats_in(std::int64_t bytes) {
  return (bytes + 3) / 4;
}

class HostOps final : public CudaHostOps {
 public:
  explicit HostOps(int device) : device_(device) {
    select();
    cublasHandle_t blas = nullptr;
    cuda::check_blas(cublasCreate(&blas), "starting cuBLAS");
    blas_.reset(blas);
  }

  void ssd(const SsdArgs<float>& args) override {
    select();
    const Floats x(args.x), delta(args.delta), A(args.A, args.heads()), B(args.B), C(args.C),
        D(args.D, args.D_per_channel ? args.x.cols : args.heads()), h(args.h, args.x.cols * args.states()),
        y(args.x.rows * args.x.cols);
    cuda::SsdArgs on_device;
    on_device.T = args.x.rows;
    on_device.H = args.heads();
    on_device.P = args.head_channels();
    on_device.N = args.states();
    on_device.groups = args.groups;
    on_device.x = x.data();
    on_device.B = B.data();
    on_device.C = C.data();
    on_device.x_rows = on_device.y_rows = {args.x.cols, 0};
    on_device.B_rows = on_device.C_rows = {args.B.cols, 0};
    on_device.delta = delta.data();
    on_device.delta_rows = {args.heads(), 0};
    on_device.A = A.data();
    on_device.D = D.data();
    on_device.D_per_channel = args.D_per_channel;
    on_device.h = h.data();
    on_device.y = y.data();
    on_device.chunk = args.chunk;
    const Floats workspace(floats_in(cuda::ssd_workspace(on_device)));
    on_device.workspace = workspace.data();
    cuda::ssd(on_device, nullptr);
    h.to(args.h);
    y.to(args.y);
  }

  void fft_conv(const FftConvArgs<float>& args) override {
    select();
    const std::int64_t T = args.x.rows, L = args.kernel.rows, E = args.x.cols;
    if (T == 0 || E == 0) return;
    const Floats x(args.x), kernel(args.kernel), D(args.D, E);
    cuda::FftConv::create({1, T, L, E, fft_conv_length(T, L)})
        ->forward({x.data(), kernel.data(), D.data(), x.data()}, nullptr);
    x.to(args.y);
  }

  void fft_conv_backward(const FftConvBackwardArgs<float>& args) override {
    select();
    const std::int64_t T = args.x.rows, L = args.kernel.rows, E = args.x.cols;
    if (E == 0) return;
    if (T == 0) {
      for (std::int64_t s = 0; s < L; ++s) std::fill_n(args.dkernel.row(s), E, 0.0f);
      if (args.dD) std::fill_n(args.dD, E, 0.0f);
      return;
    }
    const Floats x(args.x), kernel(args.kernel), D(args.D, E), dy(args.dy), dkernel(L * E), dD(E);
    cuda::FftConv::create({1, T, L, E, fft_conv_length(T, L)})
        ->backward({x.data(), kernel.data(), D.data(), dy.data(), dy.data(), dkernel.data(), dD.data()}, nullptr);
    dy.to(args.dx);
    dkernel.to(args.dkernel);
    dD.to(args.dD);
  }

  void softmax(const SoftmaxArgs<float>& args) override {
    select();
    const Floats x(args.x);
    cuda::softmax(x.data(), args.x.rows, args.x.cols, args.log, x.data(), nullptr);
    x.to(args.y);
  }

  void softmax_backward(const SoftmaxBackwardArgs<float>& args) override {
    select();
    const Floats y(args.y), dy(args.dy);
    cuda::softmax_backward(y.data(), dy.data(), args.y.rows, args.y.cols, args.log, dy.data(), nullptr);
    dy.to(args.dx);
  }

  void cross_entropy(const CrossEntropyArgs<float>& args) override {
    select();
    const std::int64_t T = args.logits.rows;
    const Floats logits(args.logits), losses(T), loss(1), count(1);
    const Copy<std::int32_t> targets(args.targets, T);
    cuda::CrossEntropyArgs on_device;
    on_device.T = T;
    on_device.V = args.logits.cols;
    on_device.logits = logits.data();
    on_device.targets = targets.data();
    on_device.dloss = args.dloss;
    on_device.losses = losses.data();
    on_device.loss = loss.data();
    on_device.dlogits = args.dlogits ? logits.data() : nullptr;
    on_device.count = count.data();
    cuda::cross_entropy(on_device, nullptr);
    loss.to(args.loss);
    losses.to(args.losses);
    logits.to(args.dlogits);
  }

  void embedding_backward(const EmbeddingBackwardArgs<float>& args) override {
    select();
    const Floats dy(args.dy), dtable(args.dtable);
    const Copy<std::int32_t> tokens(args.tokens, args.dy.rows);
    cuda::embedding_backward(tokens.data(), dy.data(), args.dy.rows, args.dy.cols, dtable.data(), nullptr);
    dtable.to(args.dtable);
  }

  void rms_norm_backward(const RmsNormBackwardArgs<float>& args) override {
    select();
    const std::int64_t T = args.s.rows, D = args.s.cols;
    const Floats s(args.s), weight(args.weight, D), dy(args.dy), dsum(args.dsum), ds(T * D), dweight(D),
        workspace(floats_in(cuda::norm_backward_workspace(T, D)));
    cuda::NormBackwardArgs on_device;
    on_device.T = T;
    on_device.D = D;
    on_device.s = s.data();
    on_device.weight = weight.data();
    on_device.dy = dy.data();
    on_device.dsum = dsum.data();
    on_device.epsilon = args.epsilon;
    on_device.ds = ds.data();
    on_device.dweight = dweight.data();
    on_device.workspace = workspace.data();
    cuda::rms_norm_backward(on_device, nullptr);
    ds.to(args.ds);
    dweight.to(args.dweight);
  }

  void causal_conv_backward(const CausalConvBackwardArgs<float>& args) override {
    select();
    const std::int64_t T = args.x.rows, E = args.x.cols, K = args.weight.rows;
    const Floats x(args.x), weight(args.weight), bias(args.bias, E), history(args.history), dy(args.dy), dx(T * E),
        dweight(K * E), dbias(E), dhistory(args.dhistory), dhistory_before((K - 1) * E);
    cuda::ConvBackwardArgs on_device;
    on_device.T = T;
    on_device.E = E;
    on_device.K = static_cast<int>(K);
    on_device.x = x.data();
    on_device.dy = dy.data();
    on_device.weight = weight.data();
    on_device.bias = bias.data();
    on_device.history = history.data();
    on_device.dhistory = dhistory.data();
    on_device.dx = dx.data();
    on_device.dweight = dweight.data();
    on_device.dbias = args.dbias ? dbias.data() : nullptr;
    on_device.dhistory_before = dhistory_before.data();
    const Floats workspace(floats_in(cuda::conv_backward_workspace(on_device)));
    on_device.workspace = workspace.data();
    cuda::causal_conv_backward(on_device, nullptr);
    dx.to(args.dx);
    dweight.to(args.dweight);
    dbias.to(args.dbias);
    dhistory_before.to(args.dhistory);
  }

  void linear_backward(const LinearBackwardArgs<float>& args) override {
    select();
    const std::int64_t T = args.dy.rows, M = args.dy.cols, K = args.dx ? args.dx.cols : args.dW.cols;
    const Floats x(args.x), W(args.W), dy(args.dy), dx(args.dx ? T * K : 0), dW(args.dW ? M * K : 0), dbias(M),
        workspace(floats_in(cuda::linear_backward_workspace(T, M)));
    cuda::LinearBackwardArgs on_device;
    on_device.T = T;
    on_device.M = M;
    on_device.K = K;
    on_device.x = x.data();
    on_device.W = W.data();
    on_device.dy = dy.data();
    on_device.dx = args.dx ? dx.data() : nullptr;
    on_device.dW = args.dW ? dW.data() : nullptr;
    on_device.dbias = args.dbias ? dbias.data() : nullptr;
    on_device.workspace = workspace.data();
    cuda::linear_backward(on_device, blas_.get());
    dx.to(args.dx);
    dW.to(args.dW);
    dbias.to(args.dbias);
  }

  void softplus_backward(const SoftplusBackwardArgs<float>& args) override {
    select();
    const std::int64_t T = args.y.rows, E = args.y.cols;
    const Floats y(args.y), dy(args.dy), dbias(E), workspace(cuda::partials_of(T) * E);
    cuda::softplus_backward(y.data(), dy.data(), T, E, dy.data(), args.dbias ? dbias.data() : nullptr, workspace.data(),
                            nullptr);
    dy.to(args.dx);
    dbias.to(args.dbias);
  }

  void gate_backward(const GateBackwardArgs<float>& args) override {
    select();
    const Floats y(args.y), z(args.z), dout(args.dout);
    cuda::gate_backward(y.data(), z.data(), dout.data(), args.y.rows, args.y.cols, y.data(), z.data(), nullptr);
    y.to(args.dy);
    z.to(args.dz);
  }

 private:
  struct Destroy {
    void operator()(cublasHandle_t blas) const { cublasDestroy(blas); }
  };
  void select() const { check(cudaSetDevice(device_), "cudaSetDevice"); }

  int device_;
  std::unique_ptr<std::remove_pointer_t<cublasHandle_t>, Destroy> blas_;
};

}  // namespace

std::unique_ptr<CudaHostOps> CudaHostOps::create(int device) {
  return std::make_unique<HostOps>(device);
}

}  // namespace statescope::kernels
