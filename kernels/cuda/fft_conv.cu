// SPDX-License-Identifier: GPL-3.0-or-later
#include "cuda/fft_conv.h"

#include <cufft.h>

#include <algorithm>
#include <limits>
#include <string>

#include "cuda/launch.cuh"
#include "cuda/partial_sums.h"
#include "kernels/cuda_error.h"

namespace statescope::kernels::cuda {
namespace {

constexpr int side = 32;  // of a tile that changes between [time, channel] and [channel, time]
constexpr int tile_rows = 8;
constexpr unsigned threads = 256;
constexpr std::int64_t signal_bytes = std::int64_t{64} << 20;  // of the channels transformed at once

void check_fft(cufftResult result, const char* what) {
  if (result == CUFFT_SUCCESS) return;
  const std::string sentence =
      std::string(what) + " failed on the CUDA device (cuFFT error " + std::to_string(static_cast<int>(result)) + ")";
  if (result == CUFFT_ALLOC_FAILED) throw CudaOutOfMemory(sentence + "; choose a shorter sequence or the CPU");
  throw CudaError(sentence + "; use the CPU");
}

// signals[c, t] = m[t, first + c] where there is such an element, else 0.
__global__ void gather(const float* m, std::int64_t rows, std::int64_t E, std::int64_t first, std::int64_t channels,
                       std::int64_t n, float* signals) {
  __shared__ float block[side][side + 1];
  const std::int64_t t0 = std::int64_t{blockIdx.x} * side, c0 = std::int64_t{blockIdx.y} * side;
  const int x = static_cast<int>(threadIdx.x) % side, y0 = static_cast<int>(threadIdx.x) / side;
  for (int y = y0; y < side; y += tile_rows) {
    const std::int64_t t = t0 + y, c = c0 + x;
    block[y][x] = t < rows && c < channels && first + c < E ? m[t * E + first + c] : 0.0f;
  }
  __syncthreads();
  for (int y = y0; y < side; y += tile_rows) {
    const std::int64_t t = t0 + x, c = c0 + y;
    if (t < n && c < channels) signals[c * n + t] = block[x][y];
  }
}

// m[t, first + c] = signals[c, t] for t < filled, 0 for the other rows; plus D ⊙ skip, which may be m.
__global__ void scatter(const float* signals, std::int64_t n, std::int64_t channels, std::int64_t filled,
                        std::int64_t rows, std::int64_t E, std::int64_t first, const float* D, const float* skip,
                        float* m) {
  __shared__ float block[side][side + 1];
  const std::int64_t t0 = std::int64_t{blockIdx.x} * side, c0 = std::int64_t{blockIdx.y} * side;
  const int x = static_cast<int>(threadIdx.x) % side, y0 = static_cast<int>(threadIdx.x) / side;
  for (int y = y0; y < side; y += tile_rows) {
    const std::int64_t t = t0 + x, c = c0 + y;
    block[y][x] = t < filled && c < channels ? signals[c * n + t] : 0.0f;
  }
  __syncthreads();
  for (int y = y0; y < side; y += tile_rows) {
    const std::int64_t t = t0 + y, c = c0 + x, e = first + c;
    if (t >= rows || c >= channels || e >= E) continue;
    float out = block[x][y];
    if (D) out = fmaf(D[e], skip[t * E + e], out);
    m[t * E + e] = out;
  }
}

// out = scale · (conjugate a or a) ⊙ b, or out += that.
__global__ void multiply(const cufftComplex* a, const cufftComplex* b, std::int64_t count, float scale, bool conjugate,
                         bool add, cufftComplex* out) {
  const std::int64_t i = std::int64_t{blockIdx.x} * threads + threadIdx.x;
  if (i >= count) return;
  const float real = a[i].x * scale, imaginary = (conjugate ? -a[i].y : a[i].y) * scale;
  cufftComplex product = {real * b[i].x - imaginary * b[i].y, real * b[i].y + imaginary * b[i].x};
  if (add) {
    product.x += out[i].x;
    product.y += out[i].y;
  }
  out[i] = product;
}

class Plan {
 public:
  Plan(std::int64_t n, std::int64_t channels, cufftType type) {
    int length = static_cast<int>(n);
    check_fft(cufftPlanMany(&plan_, 1, &length, nullptr, 1, 0, nullptr, 1, 0, type, static_cast<int>(channels)),
              "cufftPlanMany");
  }
  ~Plan() { cufftDestroy(plan_); }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  cufftHandle on(cudaStream_t stream) const {
    check_fft(cufftSetStream(plan_, stream), "cufftSetStream");
    return plan_;
  }

 private:
  cufftHandle plan_ = 0;
};

struct Release {
  void operator()(void* p) const { cudaFree(p); }
};
template <class T>
std::unique_ptr<T, Release> allocate(std::int64_t count) {
  void* p = nullptr;
  check(cudaMalloc(&p, static_cast<std::size_t>(std::max<std::int64_t>(count, 1)) * sizeof(T)), "cudaMalloc");
  return std::unique_ptr<T, Release>(static_cast<T*>(p));
}

class Convolution final : public FftConv {
 public:
  explicit Convolution(const FftConvSize& size)
      : size_(size),
        n_(size.length),
        channels_(std::clamp<std::int64_t>(signal_bytes / (4 * n_), 1, std::min<std::int64_t>(size.E, 65535))),
        bins_(channels_ * (n_ / 2 + 1)),
        forward_(n_, channels_, CUFFT_R2C),
        back_(n_, channels_, CUFFT_C2R),
        signals_(allocate<float>(channels_ * n_)),
        partials_(allocate<float>(partials_of(size.batch * size.T) * size.E)) {
    for (auto& spectrum : spectra_) spectrum = allocate<cufftComplex>(bins_);
  }

  void forward(const FftConvArgs& args, cudaStream_t stream) override {
    const std::int64_t sequence = size_.T * size_.E;
    for (std::int64_t first = 0; first < size_.E; first += channels_) {
      transform(args.kernel, kernel_rows(), first, 0, stream);
      for (std::int64_t b = 0; b < size_.batch; ++b) {
        transform(args.x + b * sequence, size_.T, first, 1, stream);
        combine(0, 1, false, false, 1, stream);
        transform_back(1, size_.T, size_.T, first, args.D, args.x + b * sequence, args.y + b * sequence, stream);
      }
    }
  }

  void backward(const FftConvBackwardArgs& args, cudaStream_t stream) override {
    const std::int64_t sequence = size_.T * size_.E;
    if (args.dD)  // first, because dx may take the place of x or dy
      column_dots(args.dy, args.x, nullptr, size_.batch * size_.T, size_.E, partials_.get(), args.dD, stream);
    for (std::int64_t first = 0; first < size_.E; first += channels_) {
      transform(args.kernel, kernel_rows(), first, 0, stream);
      for (std::int64_t b = 0; b < size_.batch; ++b) {
        transform(args.dy + b * sequence, size_.T, first, 1, stream);
        transform(args.x + b * sequence, size_.T, first, 2, stream);
        combine(2, 1, true, b > 0, 3, stream);
        combine(0, 1, true, false, 1, stream);
        transform_back(1, size_.T, size_.T, first, args.D, args.dy + b * sequence, args.dx + b * sequence, stream);
      }
      transform_back(3, kernel_rows(), size_.L, first, nullptr, nullptr, args.dkernel, stream);
    }
  }

 private:
  std::int64_t kernel_rows() const { return std::min(size_.L, size_.T); }
  dim3 tiles(std::int64_t rows) const { return dim3(blocks_for(rows, side), blocks_for(channels_, side)); }

  void transform(const float* m, std::int64_t rows, std::int64_t first, int spectrum, cudaStream_t stream) {
    launch("fft_conv gather", gather, tiles(n_), threads, 0, stream, false, m, rows, size_.E, first, channels_, n_,
           signals_.get());
    check_fft(cufftExecR2C(forward_.on(stream), signals_.get(), spectra_[spectrum].get()), "cufftExecR2C");
  }
  void combine(int a, int b, bool conjugate, bool add, int out, cudaStream_t stream) {
    launch("fft_conv multiply", multiply, dim3(blocks_for(bins_, threads)), threads, 0, stream, false,
           spectra_[a].get(), spectra_[b].get(), bins_, 1.0f / static_cast<float>(n_), conjugate, add,
           spectra_[out].get());
  }
  void transform_back(int spectrum, std::int64_t filled, std::int64_t rows, std::int64_t first, const float* D,
                      const float* skip, float* m, cudaStream_t stream) {
    check_fft(cufftExecC2R(back_.on(stream), spectra_[spectrum].get(), signals_.get()), "cufftExecC2R");
    launch("fft_conv scatter", scatter, tiles(rows), threads, 0, stream, false, signals_.get(), n_, channels_, filled,
           rows, size_.E, first, D, skip, m);
  }

  FftConvSize size_;
  std::int64_t n_, channels_, bins_;
  Plan forward_, back_;
  std::unique_ptr<float, Release> signals_, partials_;
  std::unique_ptr<cufftComplex, Release> spectra_[4];  // kernel; x or dy, then products; x; sum for dkernel
};

}  // namespace

std::unique_ptr<FftConv> FftConv::create(const FftConvSize& size) {
  if (size.E < 1 || size.T < 1 || size.L < 1 || size.T > std::numeric_limits<int>::max() / 4)
    throw CudaError("an FFT convolution on a CUDA device takes 1 to " +
                    std::to_string(std::numeric_limits<int>::max() / 4) + " tokens; shorten the sequence");
  return std::make_unique<Convolution>(size);
}

}  // namespace statescope::kernels::cuda
