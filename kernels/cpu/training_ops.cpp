// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/training_ops.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cpu_backend.h"

namespace statescope::kernels {
namespace {

template <class Real>
MatrixView<Real> rows_of(MatrixView<Real> batch, std::int64_t first, std::int64_t count) {
  return batch ? batch.row_range(first, count) : batch;
}

// A gradient that every sequence overwrites and the batch sums: each writes to `part`, which is added to the sum.
template <class Real>
class SummedGradient {
 public:
  explicit SummedGradient(MatrixView<Real> sum) : sum_(sum), part_(static_cast<std::size_t>(sum.rows * sum.cols)) {
    for (std::int64_t r = 0; r < sum_.rows; ++r) std::fill_n(sum_.row(r), sum_.cols, Real{0});
  }
  /// Null for an empty sum.
  MatrixView<Real> part() { return sum_ ? MatrixView<Real>(part_.data(), sum_.rows, sum_.cols) : MatrixView<Real>(); }
  void add() {
    const MatrixView<Real> from = part();
    for (std::int64_t r = 0; r < sum_.rows; ++r)
      for (std::int64_t c = 0; c < sum_.cols; ++c) sum_(r, c) += from(r, c);
  }

 private:
  MatrixView<Real> sum_;
  std::vector<Real> part_;
};

template <class Real, class Body>
void for_each(MatrixView<const Real> x, MatrixView<Real> to, const Body& body) {
  for (std::int64_t r = 0; r < to.rows; ++r)
    for (std::int64_t c = 0; c < to.cols; ++c) body(x(r, c), to(r, c));
}

template <class Real>
MatrixView<Real> as_row(Real* values, std::int64_t count) {
  return values ? MatrixView<Real>(values, 1, count) : MatrixView<Real>();
}

// The batch, one sequence after the other, over the operations of Backend on one sequence.
template <class Real, class Backend>
class HostOps : public TrainingOps<Real> {
 public:
  template <class... Arguments>
  explicit HostOps(Arguments... arguments) : backend_(arguments...) {}

  std::shared_ptr<Real[]> allocate(std::int64_t count) const override {
    return std::make_shared<Real[]>(static_cast<std::size_t>(count));
  }
  void upload(std::span<const Real> values, MatrixView<Real> to) const override {
    for (std::int64_t r = 0; r < to.rows; ++r) std::copy_n(values.data() + r * to.cols, to.cols, to.row(r));
  }
  std::vector<Real> download(MatrixView<const Real> from) const override {
    std::vector<Real> values(static_cast<std::size_t>(from.rows * from.cols));
    for (std::int64_t r = 0; r < from.rows; ++r) std::copy_n(from.row(r), from.cols, values.data() + r * from.cols);
    return values;
  }

  void linear(MatrixView<const Real> x, MatrixView<const Real> W, const Real* bias, MatrixView<Real> y) const override {
    backend_.linear(x, W, bias, y);
  }
  void linear_backward(const LinearBackwardArgs<Real>& args) const override { backend_.linear_backward(args); }
  void rms_norm(const RmsNormArgs<Real>& args) const override { backend_.rms_norm(args); }
  void rms_norm_backward(const RmsNormBackwardArgs<Real>& args) const override { backend_.rms_norm_backward(args); }
  void embedding(const EmbeddingArgs<Real>& args) const override { backend_.embedding(args); }
  void embedding_backward(const EmbeddingBackwardArgs<Real>& args) const override { backend_.embedding_backward(args); }
  void cross_entropy(const CrossEntropyArgs<Real>& args) const override { backend_.cross_entropy(args); }
  std::vector<std::int32_t> likeliest(MatrixView<const Real> x) const override {
    std::vector<std::int32_t> columns;
    for (std::int64_t r = 0; r < x.rows; ++r)
      columns.push_back(static_cast<std::int32_t>(std::max_element(x.row(r), x.row(r) + x.cols) - x.row(r)));
    return columns;
  }
  void gate(const GateArgs<Real>& args) const override { backend_.gate(args); }
  void gate_backward(const GateBackwardArgs<Real>& args) const override { backend_.gate_backward(args); }
  void fill(MatrixView<Real> x, Real value) const override {
    for (std::int64_t r = 0; r < x.rows; ++r) std::fill_n(x.row(r), x.cols, value);
  }
  void add(MatrixView<const Real> x, MatrixView<Real> to) const override {
    for_each(x, to, [](Real from, Real& value) { value += from; });
  }
  void multiply(MatrixView<const Real> x, MatrixView<const Real> y, MatrixView<Real> out) const override {
    for (std::int64_t r = 0; r < out.rows; ++r)
      for (std::int64_t c = 0; c < out.cols; ++c) out(r, c) = x(r, c) * y(r, c);
  }
  void negative_exp(MatrixView<const Real> x, MatrixView<Real> to) const override {
    for_each(x, to, [](Real from, Real& value) { value = -std::exp(from); });
  }

  void dropout(const DropoutArgs<Real>& args) const override {
    const std::uint32_t threshold = dropout_threshold(args.rate);
    const auto scale = static_cast<Real>(1 / (1 - args.rate));
    for (std::int64_t r = 0; r < args.x.rows; ++r)
      for (std::int64_t c = 0; c < args.x.cols; ++c)
        args.y(r, c) = stays(args.key, r * args.x.cols + c, threshold) ? args.x(r, c) * scale : 0;
  }

  double squared_norm(const Real* values, std::int64_t count) const override {
    double sum = 0;
    for (std::int64_t i = 0; i < count; ++i) sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
    return sum;
  }
  void adamw(const AdamWArgs<Real>& args) const override {
    const auto scale = static_cast<Real>(args.gradient_scale), beta1 = static_cast<Real>(args.beta1),
               beta2 = static_cast<Real>(args.beta2), epsilon = static_cast<Real>(args.epsilon);
    const auto steps = static_cast<double>(args.step);
    const auto first_rate = static_cast<Real>(args.rate / (1 - std::pow(args.beta1, steps)));
    const auto second_scale = static_cast<Real>(1 / (1 - std::pow(args.beta2, steps)));
    const auto kept = static_cast<Real>(1 - args.rate * args.decay);
    for (std::int64_t i = 0; i < args.count; ++i) {
      const Real g = scale * args.gradient[i];
      args.first[i] = beta1 * args.first[i] + (1 - beta1) * g;
      args.second[i] = beta2 * args.second[i] + (1 - beta2) * g * g;
      args.value[i] =
          kept * args.value[i] - first_rate * args.first[i] / (std::sqrt(args.second[i] * second_scale) + epsilon);
    }
  }

  void causal_conv(const CausalConvArgs<Real>& args, std::int64_t length) const override {
    std::vector<Real> history(static_cast<std::size_t>((args.weight.rows - 1) * args.x.cols));
    for (std::int64_t first = 0; first < args.x.rows; first += length) {
      CausalConvArgs<Real> one = args;
      std::fill(history.begin(), history.end(), Real{0});
      one.x = rows_of(args.x, first, length);
      one.y = rows_of(args.y, first, length);
      one.history = {history.data(), args.weight.rows - 1, args.x.cols};
      backend_.causal_conv(one);
    }
  }

  void causal_conv_backward(const CausalConvBackwardArgs<Real>& args, std::int64_t length) const override {
    const std::int64_t taps = args.weight.rows, E = args.x.cols;
    const std::vector<Real> history(static_cast<std::size_t>((taps - 1) * E));
    std::vector<Real> dhistory(history.size());
    SummedGradient<Real> dweight(args.dweight), dbias(as_row(args.dbias, E));
    for (std::int64_t first = 0; first < args.x.rows; first += length) {
      CausalConvBackwardArgs<Real> one = args;
      std::fill(dhistory.begin(), dhistory.end(), Real{0});
      one.x = rows_of(args.x, first, length);
      one.dy = rows_of(args.dy, first, length);
      one.dx = rows_of(args.dx, first, length);
      one.history = {history.data(), taps - 1, E};
      one.dhistory = {dhistory.data(), taps - 1, E};
      one.dweight = dweight.part();
      one.dbias = dbias.part().data;
      backend_.causal_conv_backward(one);
      dweight.add();
      dbias.add();
    }
  }

  void selective_scan(const SelectiveScanArgs<Real>& args, std::int64_t length) const override {
    std::vector<Real> h(static_cast<std::size_t>(args.A.rows * args.A.cols));
    for (std::int64_t first = 0; first < args.x.rows; first += length) {
      std::fill(h.begin(), h.end(), Real{0});
      backend_.selective_scan(sequence(args, h, first, length));
    }
  }

  void selective_scan_backward(const SelectiveScanBackwardArgs<Real>& args, std::int64_t length) const override {
    const std::int64_t N = args.forward.A.rows, E = args.forward.A.cols;
    std::vector<Real> h(static_cast<std::size_t>(N * E));
    const bool constant_B = args.dB.stride == 0, constant_C = args.dC.stride == 0;  // of all tokens: gradients are sums
    SummedGradient<Real> dA(args.dA), dD(as_row(args.dD, E)), dbias(as_row(args.ddelta_bias, E)),
        dB(constant_B ? as_row(args.dB.data, args.dB.cols) : MatrixView<Real>()),
        dC(constant_C ? as_row(args.dC.data, args.dC.cols) : MatrixView<Real>());
    for (std::int64_t first = 0; first < args.dy.rows; first += length) {
      SelectiveScanBackwardArgs<Real> one = args;
      one.forward = sequence(args.forward, h, first, length);
      one.dy = rows_of(args.dy, first, length);
      one.dx = rows_of(args.dx, first, length);
      one.ddelta = rows_of(args.ddelta, first, length);
      one.dz = rows_of(args.dz, first, length);
      const auto of_tokens = [&](MatrixView<Real> view, SummedGradient<Real>& sum, bool constant) {
        return constant ? MatrixView<Real>(sum.part().data, length, view.cols, 0) : rows_of(view, first, length);
      };
      one.dB = of_tokens(args.dB, dB, constant_B);
      one.dC = of_tokens(args.dC, dC, constant_C);
      one.dA = dA.part();
      one.dD = dD.part().data;
      one.ddelta_bias = dbias.part().data;
      one.dh0 = {};
      backend_.selective_scan_backward(one);
      for (SummedGradient<Real>* sum : {&dA, &dD, &dbias, &dB, &dC}) sum->add();
    }
  }

  void fft_conv(const FftConvArgs<Real>& args, std::int64_t length) const override {
    for (std::int64_t first = 0; first < args.x.rows; first += length) {
      FftConvArgs<Real> one = args;
      one.x = rows_of(args.x, first, length);
      one.y = rows_of(args.y, first, length);
      backend_.fft_conv(one);
    }
  }

  void fft_conv_backward(const FftConvBackwardArgs<Real>& args, std::int64_t length) const override {
    SummedGradient<Real> dkernel(args.dkernel), dD(as_row(args.dD, args.x.cols));
    for (std::int64_t first = 0; first < args.x.rows; first += length) {
      FftConvBackwardArgs<Real> one = args;
      one.x = rows_of(args.x, first, length);
      one.dy = rows_of(args.dy, first, length);
      one.dx = rows_of(args.dx, first, length);
      one.dkernel = dkernel.part();
      one.dD = dD.part().data;
      backend_.fft_conv_backward(one);
      dkernel.add();
      dD.add();
    }
  }

  void attention(const AttentionArgs<Real>& args, std::int64_t length) const override {
    for (std::int64_t first = 0; first < args.q.rows; first += length)
      backend_.attention({rows_of(args.q, first, length), rows_of(args.k, first, length),
                          rows_of(args.v, first, length), args.heads, rows_of(args.y, first, length)});
  }

  void attention_backward(const AttentionBackwardArgs<Real>& args, std::int64_t length) const override {
    for (std::int64_t first = 0; first < args.q.rows; first += length)
      backend_.attention_backward({rows_of(args.q, first, length), rows_of(args.k, first, length),
                                   rows_of(args.v, first, length), args.heads, rows_of(args.dy, first, length),
                                   rows_of(args.dq, first, length), rows_of(args.dk, first, length),
                                   rows_of(args.dv, first, length)});
  }

  void rotary(const RotaryArgs<Real>& args, std::int64_t length) const override {
    const std::int64_t d = args.x.cols / args.heads;
    for (std::int64_t i = 0; i < d / 2; ++i) {
      const double frequency = rotary_frequency(i, d);
      for (std::int64_t r = 0; r < args.x.rows; ++r) {
        const double angle = static_cast<double>(args.first + r % length) * frequency;
        const auto cosine = static_cast<Real>(std::cos(angle)),
                   sine = static_cast<Real>(args.back ? -std::sin(angle) : std::sin(angle));
        for (std::int64_t c = 2 * i; c < args.x.cols; c += d) {
          const Real a = args.x(r, c), b = args.x(r, c + 1);
          args.x(r, c) = a * cosine - b * sine;
          args.x(r, c + 1) = a * sine + b * cosine;
        }
      }
    }
  }

 private:
  static SelectiveScanArgs<Real> sequence(const SelectiveScanArgs<Real>& args, std::vector<Real>& h, std::int64_t first,
                                          std::int64_t length) {
    SelectiveScanArgs<Real> one = args;
    one.x = rows_of(args.x, first, length);
    one.delta = rows_of(args.delta, first, length);
    one.B = rows_of(args.B, first, length);
    one.C = rows_of(args.C, first, length);
    one.z = rows_of(args.z, first, length);
    one.y = rows_of(args.y, first, length);
    one.h = {h.data(), args.A.rows, args.A.cols};
    return one;
  }

  Backend backend_;
};

// CpuBackend, whose products want packed weights.
class Cpu : public CpuBackend {
 public:
  using CpuBackend::CpuBackend;
  using CpuBackend::linear;
  void linear(MatrixView<const float> x, MatrixView<const float> W, const float* bias, MatrixView<float> y) const {
    const PackedMatrix packed = PackedMatrix::pack(W.data, W.rows, W.cols);
    CpuBackend::linear({x, &packed, bias, {}, y});
  }
};

struct Reference {
  void linear(MatrixView<const double> x, MatrixView<const double> W, const double* bias, MatrixView<double> y) const {
    reference::linear(x, W, bias, y);
  }
  void linear_backward(const LinearBackwardArgs<double>& args) const { reference::linear_backward(args); }
  void rms_norm(const RmsNormArgs<double>& args) const { reference::rms_norm(args); }
  void rms_norm_backward(const RmsNormBackwardArgs<double>& args) const { reference::rms_norm_backward(args); }
  void embedding(const EmbeddingArgs<double>& args) const { reference::embedding(args); }
  void embedding_backward(const EmbeddingBackwardArgs<double>& args) const { reference::embedding_backward(args); }
  void cross_entropy(const CrossEntropyArgs<double>& args) const { reference::cross_entropy(args); }
  void gate(const GateArgs<double>& args) const { reference::gate(args); }
  void gate_backward(const GateBackwardArgs<double>& args) const { reference::gate_backward(args); }
  void causal_conv(const CausalConvArgs<double>& args) const { reference::causal_conv(args); }
  void causal_conv_backward(const CausalConvBackwardArgs<double>& args) const { reference::causal_conv_backward(args); }
  void selective_scan(const SelectiveScanArgs<double>& args) const { reference::selective_scan(args); }
  void selective_scan_backward(const SelectiveScanBackwardArgs<double>& args) const {
    reference::selective_scan_backward(args);
  }
  void fft_conv(const FftConvArgs<double>& args) const { reference::fft_conv(args); }
  void fft_conv_backward(const FftConvBackwardArgs<double>& args) const { reference::fft_conv_backward(args); }
  void attention(const AttentionArgs<double>& args) const { reference::attention(args); }
  void attention_backward(const AttentionBackwardArgs<double>& args) const { reference::attention_backward(args); }
};

}  // namespace

std::unique_ptr<TrainingOps<float>> cpu_training(int threads) {
  return std::make_unique<HostOps<float, Cpu>>(threads);
}

std::unique_ptr<TrainingOps<double>> reference_training() {
  return std::make_unique<HostOps<double, Reference>>();
}

}  // namespace statescope::kernels
