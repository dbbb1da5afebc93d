// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "cuda/attention.h"
#include "cuda/blas.h"
#include "cuda/check.h"
#include "cuda/conv_backward.h"
#include "cuda/cross_entropy.h"
#include "cuda/elementwise_backward.h"
#include "cuda/fft_conv.h"
#include "cuda/linear_backward.h"
#include "cuda/model_ops.h"
#include "cuda/partial_sums.h"
#include "cuda/selective_scan.h"
#include "cuda/training_kernels.h"
#include "kernels/training_ops.h"

namespace statescope::kernels {
namespace {

using cuda::check;
using Matrix = MatrixView<float>;
using ConstMatrix = MatrixView<const float>;

std::size_t bytes_of(std::int64_t floats) {
  return static_cast<std::size_t>(floats) * sizeof(float);
}
std::int64_t floats_in(std::int64_t bytes) {
  return (bytes + 3) / 4;
}

std::shared_ptr<float[]> device_memory(std::int64_t floats) {
  void* memory = nullptr;
  const std::size_t bytes = bytes_of(std::max<std::int64_t>(floats, 1));
  check(cudaMalloc(&memory, bytes), "cudaMalloc");
  std::shared_ptr<float[]> owned(static_cast<float*>(memory), [](float* p) { cudaFree(p); });
  check(cudaMemset(memory, 0, bytes), "cudaMemset");
  return owned;
}

DeviceMatrix device_matrix(const ConstMatrix& m) {
  return {const_cast<float*>(m.data), ElementType::f32, m.rows, m.cols, m.stride};
}

// One stream, which waits for the zeros of new memory: an operation is enqueued and the call returns, so scratch memory
// is free again for the next.
class CudaTrainingOps final : public TrainingOps<float> {
 public:
  CudaTrainingOps(int device, bool tf32) : device_(device) {
    select();
    cudaStream_t stream = nullptr;
    check(cudaStreamCreate(&stream), "cudaStreamCreate");
    stream_.reset(stream);
    cublasHandle_t blas = nullptr;
    cuda::check_blas(cublasCreate(&blas), "starting cuBLAS");
    blas_.reset(blas);
    cuda::check_blas(cublasSetStream(blas, stream), "starting cuBLAS");
    if (tf32) cuda::check_blas(cublasSetMathMode(blas, CUBLAS_TF32_TENSOR_OP_MATH), "starting cuBLAS");
  }

  bool on_host() const override { return false; }
  std::shared_ptr<float[]> allocate(std::int64_t count) const override {
    select();
    return device_memory(count);
  }
  void upload(std::span<const float> values, Matrix to) const override {
    select();
    copy({values.data(), to.rows, to.cols}, to, cudaMemcpyHostToDevice);
    wait();
  }
  std::vector<float> download(ConstMatrix from) const override {
    select();
    std::vector<float> values(static_cast<std::size_t>(from.rows * from.cols));
    const bool constant = from.stride == 0;  // every row is the first
    copy(constant ? ConstMatrix(from.data, 1, from.cols) : from, {values.data(), constant ? 1 : from.rows, from.cols},
         cudaMemcpyDeviceToHost);
    wait();
    for (std::int64_t r = 1; constant && r < from.rows; ++r)
      std::copy_n(values.data(), from.cols, values.data() + r * from.cols);
    return values;
  }

  void linear(ConstMatrix x, ConstMatrix W, const float* bias, Matrix y) const override {
    select();
    if (y.rows == 0 || y.cols == 0) return;
    const float one = 1, zero = 0;
    cuda::check_blas(
        cublasSgemm(blas_.get(), CUBLAS_OP_T, CUBLAS_OP_N, static_cast<int>(y.cols), static_cast<int>(y.rows),
                    static_cast<int>(x.cols), &one, W.data, static_cast<int>(W.stride), x.data,
                    static_cast<int>(x.stride), &zero, y.data, static_cast<int>(y.stride)),
        "a matrix product");
    if (bias) cuda::map(device_matrix(y), device_matrix(y), Mapping::identity, bias, stream_.get());
  }

  void linear_backward(const LinearBackwardArgs<float>& args) const override {
    Scratch scratch(*this);
    const Written dx(scratch, args.dx), dW(scratch, args.dW);
    cuda::LinearBackwardArgs on_device;
    on_device.T = args.dy.rows;
    on_device.M = args.dy.cols;
    on_device.K = args.dx ? args.dx.cols : args.dW.cols;
    on_device.x = scratch.compact(args.x);
    on_device.W = scratch.compact(args.W);
    on_device.dy = scratch.compact(args.dy);
    on_device.dx = dx.data();
    on_device.dW = dW.data();
    on_device.dbias = args.dbias;
    on_device.workspace = scratch.floats(floats_in(cuda::linear_backward_workspace(on_device.T, on_device.M)));
    cuda::linear_backward(on_device, blas_.get());
    dx.finish();
    dW.finish();
  }

  void rms_norm(const RmsNormArgs<float>& args) const override {
    select();
    cuda::rms_norm(device_matrix(args.x), args.weight, args.epsilon, device_matrix(args.y), stream_.get());
  }

  void rms_norm_backward(const RmsNormBackwardArgs<float>& args) const override {
    Scratch scratch(*this);
    cuda::NormBackwardArgs on_device;
    on_device.T = args.s.rows;
    on_device.D = args.s.cols;
    on_device.s = scratch.compact(args.s);
    on_device.weight = args.weight;
    on_device.dy = scratch.compact(args.dy);
    on_device.dsum = args.dsum ? scratch.compact(args.dsum) : nullptr;
    on_device.epsilon = args.epsilon;
    const Written ds(scratch, args.ds);
    on_device.ds = ds.data();
    on_device.dweight = args.dweight;
    on_device.workspace = scratch.floats(floats_in(cuda::norm_backward_workspace(on_device.T, on_device.D)));
    cuda::rms_norm_backward(on_device, stream_.get());
    ds.finish();
  }

  void embedding(const EmbeddingArgs<float>& args) const override {
    Scratch scratch(*this);
    cuda::embedding(scratch.ids(args.tokens, args.y.rows), device_matrix(args.table), device_matrix(args.y),
                    stream_.get());
  }

  void embedding_backward(const EmbeddingBackwardArgs<float>& args) const override {
    Scratch scratch(*this);
    cuda::embedding_backward(scratch.ids(args.tokens, args.dy.rows), scratch.compact(args.dy), args.dy.rows,
                             args.dy.cols, args.dtable.data, stream_.get());
  }

  void cross_entropy(const CrossEntropyArgs<float>& args) const override {
    Scratch scratch(*this);
    cuda::CrossEntropyArgs on_device;
    on_device.T = args.logits.rows;
    on_device.V = args.logits.cols;
    on_device.logits = scratch.compact(args.logits);
    on_device.targets = scratch.ids(args.targets, on_device.T);
    on_device.dloss = args.dloss;
    on_device.losses = scratch.floats(on_device.T);
    on_device.loss = scratch.floats(1);
    on_device.count = scratch.floats(1);
    const Written dlogits(scratch, args.dlogits);
    on_device.dlogits = dlogits.data();
    cuda::cross_entropy(on_device, stream_.get());
    dlogits.finish();
    *args.loss = download({on_device.loss, 1, 1}).front();
    if (args.losses) {
      const std::vector<float> losses = download({on_device.losses, 1, on_device.T});
      std::copy(losses.begin(), losses.end(), args.losses);
    }
  }

  std::vector<std::int32_t> likeliest(ConstMatrix x) const override {
    Scratch scratch(*this);
    auto* const on_device = reinterpret_cast<std::int32_t*>(scratch.floats(x.rows));
    cuda::likeliest(device_matrix(x), on_device, stream_.get());
    std::vector<std::int32_t> columns(static_cast<std::size_t>(x.rows));
    check(cudaMemcpyAsync(columns.data(), on_device, bytes_of(x.rows), cudaMemcpyDeviceToHost, stream_.get()),
          "reading the likeliest tokens");
    wait();
    return columns;
  }

  void gate(const GateArgs<float>& args) const override {
    select();
    cuda::gate(device_matrix(args.y), device_matrix(args.z), device_matrix(args.out), stream_.get());
  }

  void gate_backward(const GateBackwardArgs<float>& args) const override {
    Scratch scratch(*this);
    const Written dy(scratch, args.dy), dz(scratch, args.dz);
    cuda::gate_backward(scratch.compact(args.y), scratch.compact(args.z), scratch.compact(args.dout), args.y.rows,
                        args.y.cols, dy.data(), dz.data(), stream_.get());
    dy.finish();
    dz.finish();
  }

  void fill(Matrix x, float value) const override {
    select();
    cuda::fill(device_matrix(x), value, stream_.get());
  }
  void add(ConstMatrix x, Matrix to) const override {
    select();
    cuda::add(device_matrix(x), device_matrix(to), stream_.get());
  }
  void multiply(ConstMatrix x, ConstMatrix y, Matrix out) const override {
    select();
    cuda::multiply(device_matrix(x), device_matrix(y), device_matrix(out), stream_.get());
  }
  void negative_exp(ConstMatrix x, Matrix to) const override {
    select();
    cuda::negative_exp(device_matrix(x), device_matrix(to), stream_.get());
  }

  void dropout(const DropoutArgs<float>& args) const override {
    select();
    cuda::dropout(device_matrix(args.x), args.rate, args.key, device_matrix(args.y), stream_.get());
  }

  double squared_norm(const float* values, std::int64_t count) const override {
    Scratch scratch(*this);
    auto* const sums = reinterpret_cast<double*>(scratch.floats(2 * (cuda::squared_norm_partials + 1)));
    double* const sum = sums + cuda::squared_norm_partials;
    cuda::squared_norm(values, count, sums, sum, stream_.get());
    double total = 0;
    check(cudaMemcpyAsync(&total, sum, sizeof total, cudaMemcpyDeviceToHost, stream_.get()), "reading a norm");
    wait();
    return total;
  }

  void adamw(const AdamWArgs<float>& args) const override {
    select();
    const auto steps = static_cast<double>(args.step);
    cuda::AdamW on_device;
    on_device.value = args.value;
    on_device.gradient = args.gradient;
    on_device.first = args.first;
    on_device.second = args.second;
    on_device.count = args.count;
    on_device.gradient_scale = static_cast<float>(args.gradient_scale);
    on_device.beta1 = static_cast<float>(args.beta1);
    on_device.beta2 = static_cast<float>(args.beta2);
    on_device.epsilon = static_cast<float>(args.epsilon);
    on_device.first_rate = static_cast<float>(args.rate / (1 - std::pow(args.beta1, steps)));
    on_device.second_scale = static_cast<float>(1 / (1 - std::pow(args.beta2, steps)));
    on_device.kept = static_cast<float>(1 - args.rate * args.decay);
    cuda::adamw(on_device, stream_.get());
  }

  void causal_conv(const CausalConvArgs<float>& args, std::int64_t length) const override {
    select();
    DeviceConvArgs on_device;
    on_device.x = device_matrix(args.x);
    on_device.weight = args.weight.data;
    on_device.bias = args.bias;
    on_device.taps = args.weight.rows;
    on_device.y = device_matrix(args.y);
    cuda::causal_conv(on_device, length, stream_.get());
  }

  void causal_conv_backward(const CausalConvBackwardArgs<float>& args, std::int64_t length) const override {
    Scratch scratch(*this);
    const std::int64_t E = args.x.cols, taps = args.weight.rows, batch = args.x.rows / length;
    const Written dx(scratch, args.dx);
    cuda::ConvBackwardArgs on_device;
    on_device.batch = batch;
    on_device.T = length;
    on_device.E = E;
    on_device.K = static_cast<int>(taps);
    on_device.x = scratch.compact(args.x);
    on_device.dy = scratch.compact(args.dy);
    on_device.weight = args.weight.data;
    on_device.bias = args.bias;
    on_device.history = scratch.zeros(batch, (taps - 1) * E).data;
    on_device.dx = dx.data();
    on_device.dweight = args.dweight.data;
    on_device.dbias = args.dbias;
    on_device.dhistory_before = scratch.floats(batch * (taps - 1) * E);
    on_device.workspace = scratch.floats(floats_in(cuda::conv_backward_workspace(on_device)));
    cuda::causal_conv_backward(on_device, stream_.get());
    dx.finish();
  }

  void selective_scan(const SelectiveScanArgs<float>& args, std::int64_t length) const override {
    Scratch scratch(*this);
    cuda::ScanArgs on_device = scan_args(scratch, args, length);
    on_device.y = output(args.y, length);
    if (const std::int64_t bytes = cuda::scan_workspace(on_device))
      on_device.workspace = scratch.floats(floats_in(bytes));
    cuda::selective_scan(on_device, stream_.get());
  }

  void selective_scan_backward(const SelectiveScanBackwardArgs<float>& args, std::int64_t length) const override {
    Scratch scratch(*this);
    const std::int64_t rows = args.dy.rows, E = args.dy.cols, states = args.forward.B.cols;
    cuda::ScanBackwardArgs on_device;
    on_device.forward = scan_args(scratch, args.forward, length);
    on_device.dy = input(args.dy, length);
    const auto somewhere = [&](const Matrix& wanted) {
      return output(wanted ? wanted : Matrix(scratch.floats(rows * E), rows, E), length);
    };
    on_device.dx = somewhere(args.dx);
    on_device.ddelta = somewhere(args.ddelta);
    if (args.forward.z) on_device.dz = somewhere(args.dz);
    const Matrix dB(scratch.floats(rows * states), rows, states), dC(scratch.floats(rows * states), rows, states);
    on_device.dB = dB.data;
    on_device.dC = dC.data;
    on_device.dA = args.dA ? args.dA.data : scratch.floats(args.forward.A.rows * E);
    on_device.dD = args.dD;
    on_device.ddelta_bias = args.ddelta_bias;
    on_device.workspace = scratch.floats(floats_in(cuda::scan_backward_workspace(on_device)));
    cuda::selective_scan_backward(on_device, stream_.get());
    const auto deliver = [&](const Matrix& from, const Matrix& to) {
      if (!to) return;
      if (to.stride != 0) return copy(from, to, cudaMemcpyDeviceToDevice);
      float* const partials = scratch.floats(cuda::partials_of(rows) * states);
      cuda::column_dots(from.data, nullptr, nullptr, rows, states, partials, to.data, stream_.get());
    };
    deliver(dB, args.dB);
    deliver(dC, args.dC);
  }

  void fft_conv(const FftConvArgs<float>& args, std::int64_t length) const override {
    Scratch scratch(*this);
    const Written y(scratch, args.y);
    plan(args.x.rows, args.x.cols, args.kernel.rows, length)
        .forward({scratch.compact(args.x), scratch.compact(args.kernel), args.D, y.data()}, stream_.get());
    y.finish();
  }

  void fft_conv_backward(const FftConvBackwardArgs<float>& args, std::int64_t length) const override {
    Scratch scratch(*this);
    const Written dx(scratch, args.dx), dkernel(scratch, args.dkernel);
    cuda::FftConvBackwardArgs on_device;
    on_device.x = scratch.compact(args.x);
    on_device.kernel = scratch.compact(args.kernel);
    on_device.D = args.D;
    on_device.dy = scratch.compact(args.dy);
    on_device.dx = dx.data();
    on_device.dkernel = dkernel.data();
    on_device.dD = args.dD;
    plan(args.x.rows, args.x.cols, args.kernel.rows, length).backward(on_device, stream_.get());
    dx.finish();
    dkernel.finish();
  }

  void attention(const AttentionArgs<float>& args, std::int64_t length) const override {
    select();
    cuda::attention({attention_shape(args.q, args.heads, length),
                     side(args.q),
                     side(args.k),
                     side(args.v),
                     {args.y.data, args.y.stride}},
                    stream_.get());
  }

  void attention_backward(const AttentionBackwardArgs<float>& args, std::int64_t length) const override {
    const Scratch scratch(*this);
    cuda::AttentionBackwardArgs on_device;
    on_device.shape = attention_shape(args.q, args.heads, length);
    on_device.q = side(args.q);
    on_device.k = side(args.k);
    on_device.v = side(args.v);
    on_device.dy = side(args.dy);
    on_device.dq = {args.dq.data, args.dq.stride};
    on_device.dk = {args.dk.data, args.dk.stride};
    on_device.dv = {args.dv.data, args.dv.stride};
    on_device.workspace = scratch.floats(cuda::attention_backward_workspace(on_device.shape));
    cuda::attention_backward(on_device, stream_.get());
  }

  void rotary(const RotaryArgs<float>& args, std::int64_t length) const override {
    select();
    const std::int64_t d = args.x.cols / args.heads;
    cuda::rotary({device_matrix(args.x), length, args.first, d / 2, std::log(rotary_frequency(1, d)), args.back},
                 stream_.get());
  }

 private:
  class Written;

  // Memory for one call. The stream runs calls in order, so the next call may write where this one read; a block that
  // is given back while it is still in use waits for the device.
  class Scratch {
   public:
    explicit Scratch(const CudaTrainingOps& ops) : ops_(ops) {
      ops_.select();
      ops_.next_block_ = 0;
    }
    float* floats(std::int64_t count) const {
      if (ops_.next_block_ == ops_.blocks_.size()) ops_.blocks_.emplace_back();
      Block& block = ops_.blocks_[ops_.next_block_++];
      if (block.size < count) {
        block = {};
        block = {device_memory(count), count};
      }
      return block.values.get();
    }
    Matrix zeros(std::int64_t rows, std::int64_t cols) const {
      const Matrix matrix(floats(rows * cols), rows, cols);
      check(cudaMemsetAsync(matrix.data, 0, bytes_of(rows * cols), ops_.stream_.get()), "clearing scratch memory");
      return matrix;
    }
    /// The matrix with its rows one after the other: itself, or a copy.
    const float* compact(const ConstMatrix& m) const {
      if (m.stride == m.cols || m.rows == 1) return m.data;
      const Matrix to(floats(m.rows * m.cols), m.rows, m.cols);
      ops_.copy(m, to, cudaMemcpyDeviceToDevice);
      return to.data;
    }
    const std::int32_t* ids(const std::int32_t* host, std::int64_t count) const {
      auto* const device = reinterpret_cast<std::int32_t*>(floats(count));
      check(cudaMemcpyAsync(device, host, bytes_of(count), cudaMemcpyHostToDevice, ops_.stream_.get()),
            "copying token ids");
      return device;
    }

   private:
    friend class Written;
    const CudaTrainingOps& ops_;
  };

  // Where an operation writes that knows no strides: the matrix itself, or memory that `finish` copies there.
  class Written {
   public:
    Written(const Scratch& scratch, const Matrix& matrix) : ops_(scratch.ops_), matrix_(matrix) {
      data_ = !matrix || matrix.stride == matrix.cols ? matrix.data : scratch.floats(matrix.rows * matrix.cols);
    }
    float* data() const { return data_; }
    void finish() const {
      if (data_ != matrix_.data) ops_.copy({data_, matrix_.rows, matrix_.cols}, matrix_, cudaMemcpyDeviceToDevice);
    }

   private:
    const CudaTrainingOps& ops_;
    Matrix matrix_;
    float* data_;
  };

  struct Block {
    std::shared_ptr<float[]> values;
    std::int64_t size = 0;
  };

  void select() const { check(cudaSetDevice(device_), "cudaSetDevice"); }
  void wait() const { check(cudaStreamSynchronize(stream_.get()), "waiting for the device"); }
  void copy(const ConstMatrix& from, const Matrix& to, cudaMemcpyKind kind) const {
    if (to.rows == 0 || to.cols == 0) return;
    const std::size_t width = bytes_of(to.cols);
    check(cudaMemcpy2DAsync(to.data, bytes_of(to.stride), from.data, bytes_of(from.stride), width,
                            static_cast<std::size_t>(to.rows), kind, stream_.get()),
          "cudaMemcpy2D");
  }

  static cuda::AttentionShape attention_shape(const ConstMatrix& q, std::int64_t heads, std::int64_t length) {
    return {q.rows, length, heads, q.cols / heads};
  }
  static cuda::AttentionMatrix<const float> side(const ConstMatrix& m) { return {m.data, m.stride}; }
  static cuda::Input input(const ConstMatrix& m, std::int64_t length) { return {m.data, m.stride, m.stride * length}; }
  static cuda::Output output(const Matrix& m, std::int64_t length) { return {m.data, m.stride, m.stride * length}; }

  static cuda::ScanArgs scan_args(const Scratch& scratch, const SelectiveScanArgs<float>& args, std::int64_t length) {
    cuda::ScanArgs on_device;
    on_device.batch = args.x.rows / length;
    on_device.T = length;
    on_device.E = args.A.cols;
    on_device.N = args.A.rows;
    on_device.groups = args.groups;
    on_device.x = input(args.x, length);
    on_device.delta = input(args.delta, length);
    on_device.A = args.A.data;
    on_device.B = input(args.B, length);
    on_device.C = input(args.C, length);
    on_device.D = args.D;
    if (args.z) on_device.z = input(args.z, length);
    on_device.delta_bias = args.delta_bias;
    on_device.softplus = args.softplus;
    on_device.h = scratch.zeros(on_device.batch, on_device.N * on_device.E).data;
    return on_device;
  }

  cuda::FftConv& plan(std::int64_t rows, std::int64_t E, std::int64_t L, std::int64_t length) const {
    auto& plan = plans_[{rows / length, length, L, E}];
    if (!plan) plan = cuda::FftConv::create({rows / length, length, L, E, fft_conv_length(length, L)});
    return *plan;
  }

  struct Destroy {
    void operator()(cudaStream_t stream) const { cudaStreamDestroy(stream); }
    void operator()(cublasHandle_t blas) const { cublasDestroy(blas); }
  };

  int device_;
  std::unique_ptr<std::remove_pointer_t<cudaStream_t>, Destroy> stream_;
  std::unique_ptr<std::remove_pointer_t<cublasHandle_t>, Destroy> blas_;
  mutable std::vector<Block> blocks_;
  mutable std::size_t next_block_ = 0;
  mutable std::map<std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t>, std::unique_ptr<cuda::FftConv>>
      plans_;
};

}  // namespace

std::unique_ptr<TrainingOps<float>> cuda_training(int device, bool tf32) {
  return std::make_unique<CudaTrainingOps>(device, tf32);
}

}  // namespace statescope::kernels
