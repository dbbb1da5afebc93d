// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/fft_conv.h"

#include <fftw3.h>

#include <algorithm>
#include <complex>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "cpu/share.h"
#include "kernels/cpu_backend.h"

namespace statescope::kernels {

std::int64_t fft_conv_length(std::int64_t T, std::int64_t L) {
  const std::int64_t least = std::max<std::int64_t>(2, T + std::min(L, T) - 1);
  for (std::int64_t n = least + least % 2;; n += 2) {
    std::int64_t rest = n;
    for (const std::int64_t prime : {2, 3, 5, 7})
      while (rest % prime == 0) rest /= prime;
    if (rest == 1) return n;
  }
}

namespace {

// FFTW has one set of names per precision.
template <class Real>
struct Fftw;
template <>
struct Fftw<float> {
  using Plan = fftwf_plan;
  static void* allocate(std::size_t bytes) { return fftwf_malloc(bytes); }
  static void free(void* p) { fftwf_free(p); }
  static Plan plan_forward(int n, float* in, std::complex<float>* out) {
    return fftwf_plan_dft_r2c_1d(n, in, reinterpret_cast<fftwf_complex*>(out), FFTW_ESTIMATE);
  }
  static Plan plan_back(int n, std::complex<float>* in, float* out) {
    return fftwf_plan_dft_c2r_1d(n, reinterpret_cast<fftwf_complex*>(in), out, FFTW_ESTIMATE);
  }
  static void forward(Plan plan, float* in, std::complex<float>* out) {
    fftwf_execute_dft_r2c(plan, in, reinterpret_cast<fftwf_complex*>(out));
  }
  static void back(Plan plan, std::complex<float>* in, float* out) {
    fftwf_execute_dft_c2r(plan, reinterpret_cast<fftwf_complex*>(in), out);
  }
  static void destroy(Plan plan) { fftwf_destroy_plan(plan); }
};
template <>
struct Fftw<double> {
  using Plan = fftw_plan;
  static void* allocate(std::size_t bytes) { return fftw_malloc(bytes); }
  static void free(void* p) { fftw_free(p); }
  static Plan plan_forward(int n, double* in, std::complex<double>* out) {
    return fftw_plan_dft_r2c_1d(n, in, reinterpret_cast<fftw_complex*>(out), FFTW_ESTIMATE);
  }
  static Plan plan_back(int n, std::complex<double>* in, double* out) {
    return fftw_plan_dft_c2r_1d(n, reinterpret_cast<fftw_complex*>(in), out, FFTW_ESTIMATE);
  }
  static void forward(Plan plan, double* in, std::complex<double>* out) {
    fftw_execute_dft_r2c(plan, in, reinterpret_cast<fftw_complex*>(out));
  }
  static void back(Plan plan, std::complex<double>* in, double* out) {
    fftw_execute_dft_c2r(plan, reinterpret_cast<fftw_complex*>(in), out);
  }
  static void destroy(Plan plan) { fftw_destroy_plan(plan); }
};

// Memory aligned as every plan here expects it: plans are made for one buffer and used on others.
template <class Real, class T>
struct Buffer {
  explicit Buffer(std::int64_t count)
      : data(static_cast<T*>(Fftw<Real>::allocate(static_cast<std::size_t>(count) * sizeof(T)))) {
    if (!data) throw std::bad_alloc();
  }
  ~Buffer() { Fftw<Real>::free(data); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  T* const data;
};

// In FFTW only executing a plan is safe from several threads.
std::mutex& planner() {
  static std::mutex mutex;
  return mutex;
}

template <class Real>
class Transform {
 public:
  // Called with the planner locked. Estimated plans do not measure, so they are the same in every run, as are the bits.
  explicit Transform(std::int64_t n) : n_(n) {
    const Buffer<Real, Real> signal(n);
    const Buffer<Real, std::complex<Real>> spectrum(n / 2 + 1);
    forward_ = Fftw<Real>::plan_forward(static_cast<int>(n), signal.data, spectrum.data);
    back_ = Fftw<Real>::plan_back(static_cast<int>(n), spectrum.data, signal.data);
  }
  ~Transform() {
    const std::lock_guard lock(planner());
    if (forward_) Fftw<Real>::destroy(forward_);
    if (back_) Fftw<Real>::destroy(back_);
  }
  Transform(const Transform&) = delete;
  Transform& operator=(const Transform&) = delete;

  bool made() const { return forward_ && back_; }
  std::int64_t size() const { return n_; }
  std::int64_t bins() const { return n_ / 2 + 1; }
  void forward(Real* signal, std::complex<Real>* spectrum) const { Fftw<Real>::forward(forward_, signal, spectrum); }
  void back(std::complex<Real>* spectrum, Real* signal) const { Fftw<Real>::back(back_, spectrum, signal); }

 private:
  std::int64_t n_;
  typename Fftw<Real>::Plan forward_ = nullptr, back_ = nullptr;
};

// The plans of the lengths used lately. Whoever runs one shares its ownership.
template <class Real>
std::shared_ptr<const Transform<Real>> transform_of(std::int64_t n) {
  using Plans = std::map<std::int64_t, std::shared_ptr<const Transform<Real>>>;
  constexpr std::size_t kept = 32;
  planner();  // is made before the plans, so it outlives them
  static Plans plans;
  Plans forgotten;  // destroyed after the lock, which their destructors take
  std::shared_ptr<const Transform<Real>> made;
  const std::lock_guard lock(planner());
  auto& found = plans[n];
  if (found) return found;
  made = std::make_shared<const Transform<Real>>(n);
  if (!made->made())
    throw std::runtime_error("FFTW has no plan for a transform of " + std::to_string(n) +
                             " samples; choose a shorter sequence");
  if (plans.size() > kept) forgotten.swap(plans);
  plans[n] = made;
  return made;
}

// Column e of m from time 0 as a signal of n samples, zeros at its end.
template <class Real>
void gather(const MatrixView<const Real>& m, std::int64_t e, std::int64_t rows, std::int64_t n, Real* signal) {
  for (std::int64_t t = 0; t < rows; ++t) signal[t] = m(t, e);
  std::fill(signal + rows, signal + n, Real{0});
}

// One thread's buffers, and the steps that both directions share.
template <class Real>
struct Workspace {
  using Complex = std::complex<Real>;
  explicit Workspace(const Transform<Real>& transform)
      : fft(transform), signal(fft.size()), first(fft.bins()), second(fft.bins()), product(fft.bins()) {}

  void spectrum(const MatrixView<const Real>& m, std::int64_t e, std::int64_t rows, Complex* out) {
    gather(m, e, rows, fft.size(), signal.data);
    fft.forward(signal.data, out);
  }
  // signal = the convolution of a and b, or with `correlate` the correlation Σ_t b_t a_{t-s}.
  void combine(const Complex* a, const Complex* b, bool correlate) {
    const Real scale = Real{1} / static_cast<Real>(fft.size());
    for (std::int64_t k = 0; k < fft.bins(); ++k) {
      const Real ar = a[k].real() * scale, ai = (correlate ? -a[k].imag() : a[k].imag()) * scale;
      const Real br = b[k].real(), bi = b[k].imag();
      product.data[k] = {ar * br - ai * bi, ar * bi + ai * br};
    }
    fft.back(product.data, signal.data);
  }

  const Transform<Real>& fft;
  Buffer<Real, Real> signal;
  Buffer<Real, Complex> first, second, product;
};

template <class Real>
void convolve(const FftConvArgs<Real>& args, Workspace<Real>& work, std::int64_t begin, std::int64_t end) {
  const std::int64_t T = args.x.rows, L = std::min(args.kernel.rows, T);
  for (std::int64_t e = begin; e < end; ++e) {
    work.spectrum(args.kernel, e, L, work.first.data);
    work.spectrum(args.x, e, T, work.second.data);
    work.combine(work.first.data, work.second.data, false);
    for (std::int64_t t = 0; t < T; ++t)
      args.y(t, e) = work.signal.data[t] + (args.D ? args.D[e] * args.x(t, e) : Real{0});
  }
}

template <class Real>
void convolve_backward(const FftConvBackwardArgs<Real>& args, Workspace<Real>& work, std::int64_t begin,
                       std::int64_t end) {
  const std::int64_t T = args.x.rows, L = std::min(args.kernel.rows, T);
  for (std::int64_t e = begin; e < end; ++e) {
    work.spectrum(args.dy, e, T, work.second.data);
    work.spectrum(args.x, e, T, work.first.data);
    work.combine(work.first.data, work.second.data, true);
    for (std::int64_t s = 0; s < args.dkernel.rows; ++s) args.dkernel(s, e) = s < L ? work.signal.data[s] : Real{0};
    if (args.dD) {
      double total = 0;
      for (std::int64_t t = 0; t < T; ++t)
        total += static_cast<double>(args.dy(t, e)) * static_cast<double>(args.x(t, e));
      args.dD[e] = static_cast<Real>(total);
    }
    work.spectrum(args.kernel, e, L, work.first.data);
    work.combine(work.first.data, work.second.data, true);
    for (std::int64_t t = 0; t < T; ++t)
      args.dx(t, e) = work.signal.data[t] + (args.D ? args.D[e] * args.dy(t, e) : Real{0});
  }
}

// Workspaces for `workers` threads, made before the threads start: what runs in them must not throw.
template <class Real>
std::vector<std::unique_ptr<Workspace<Real>>> workspaces(const Transform<Real>& fft, std::int64_t workers) {
  std::vector<std::unique_ptr<Workspace<Real>>> made;
  for (std::int64_t w = 0; w < workers; ++w) made.push_back(std::make_unique<Workspace<Real>>(fft));
  return made;
}

}  // namespace

// Calls body(workspace, first channel, last) for the channels of each worker.
template <class Real, class Body>
void CpuBackend::share_transforms(std::int64_t T, std::int64_t L, std::int64_t E, const Body& body) const {
  if (T == 0 || E == 0) return;
  const auto fft = transform_of<Real>(fft_conv_length(T, L));
  const std::int64_t workers = std::min<std::int64_t>(threads(), E);
  const auto works = workspaces(*fft, workers);
  share(workers, E * fft->size() * 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t w = begin; w < end; ++w)
      body(*works[static_cast<std::size_t>(w)], E * w / workers, E * (w + 1) / workers);
  });
}

void CpuBackend::fft_conv(const FftConvArgs<float>& args) const {
  share_transforms<float>(args.x.rows, args.kernel.rows, args.x.cols,
                          [&](auto& work, std::int64_t begin, std::int64_t end) { convolve(args, work, begin, end); });
}
void CpuBackend::fft_conv(const FftConvArgs<double>& args) const {
  share_transforms<double>(args.x.rows, args.kernel.rows, args.x.cols,
                           [&](auto& work, std::int64_t begin, std::int64_t end) { convolve(args, work, begin, end); });
}

template <class Real>
void CpuBackend::correlate(const FftConvBackwardArgs<Real>& args) const {
  if (args.x.rows == 0) {  // no transform, but the outputs are overwritten all the same
    for (std::int64_t s = 0; s < args.dkernel.rows; ++s) std::fill_n(args.dkernel.row(s), args.dkernel.cols, Real{0});
    if (args.dD) std::fill_n(args.dD, args.x.cols, Real{0});
  }
  share_transforms<Real>(
      args.x.rows, args.kernel.rows, args.x.cols,
      [&](auto& work, std::int64_t begin, std::int64_t end) { convolve_backward(args, work, begin, end); });
}
void CpuBackend::fft_conv_backward(const FftConvBackwardArgs<float>& args) const {
  correlate(args);
}
void CpuBackend::fft_conv_backward(const FftConvBackwardArgs<double>& args) const {
  correlate(args);
}

}  // namespace statescope::kernels
