// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda_backend.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "cuda/check.h"
#include "cuda/decode.h"
#include "cuda/decode_loop.h"
#include "cuda/decode_wide.h"
#include "cuda/matrix_products.h"
#include "cuda/model_ops.h"
#include "cuda/quantised.h"
#include "cuda/scan_ladder.h"
#include "cuda/selective_scan.h"
#include "kernels/cuda_devices.h"
#include "kernels/cuda_error.h"

namespace statescope::kernels {
namespace {

using namespace cuda;

// What the library asks for on Hopper. Given by us, because one it allocates itself cannot be captured in a graph.
constexpr std::int64_t blas_workspace = std::int64_t{32} << 20;
constexpr std::int64_t staging_bytes = std::int64_t{16} << 20;
constexpr std::int64_t expanded_bytes = std::int64_t{32} << 20;  // 8-bit weights at once in 16 bits

std::string in_mib(std::int64_t bytes) {
  constexpr std::int64_t mib = std::int64_t{1} << 20;
  return std::to_string(bytes / mib) + "." + std::to_string(bytes % mib * 10 / mib) + " MiB";
}

cudaEvent_t event_of(const CudaBackend::Fence& fence) {
  return static_cast<cudaEvent_t>(fence.event.get());
}

class Backend final : public CudaBackend {
 public:
  explicit Backend(int device) : device_(device) {
    const std::vector<CudaDevice> devices = cuda_devices();
    if (device < 0 || device >= static_cast<int>(devices.size()))
      throw CudaError("there is no CUDA device " + std::to_string(device) + " on this machine, which has " +
                      std::to_string(devices.size()) + "; use the CPU");
    name_ = devices[static_cast<std::size_t>(device)].name;
    major_ = devices[static_cast<std::size_t>(device)].major;
    use();
    const auto ask = [&](int& to, cudaDeviceAttr what) {
      check(cudaDeviceGetAttribute(&to, what, device), "asking for a device's properties");
    };
    ask(multiprocessors_, cudaDevAttrMultiProcessorCount);
    ask(block_bytes_, cudaDevAttrMaxSharedMemoryPerBlockOptin);
    for (cudaStream_t* stream : {&stream_, &to_host_, &to_device_})
      check(cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking), "creating a stream");
    workspace_ = allocate(blas_workspace);
    products_.emplace(workspace_.data(), blas_workspace);
  }
  ~Backend() override {
    if (cudaSetDevice(device_) != cudaSuccess) return;
    for (const cudaStream_t stream : {stream_, to_host_, to_device_})
      if (stream) cudaStreamSynchronize(stream);
    products_.reset();
    for (const cudaStream_t stream : {stream_, to_host_, to_device_})
      if (stream) cudaStreamDestroy(stream);
  }

  const std::string& name() const override { return name_; }
  std::int64_t free_memory() const override {
    use();
    std::size_t free = 0, total = 0;
    check(cudaMemGetInfo(&free, &total), "asking for free memory");
    return static_cast<std::int64_t>(free);
  }

  DeviceBuffer allocate(std::int64_t bytes) override {
    use();
    void* data = nullptr;
    const auto size = static_cast<std::size_t>(std::max<std::int64_t>(bytes, 1));
    const cudaError_t status = cudaMalloc(&data, size);
    if (status == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      throw CudaOutOfMemory("CUDA device " + std::to_string(device_) + ", " + name_ + ", has " + in_mib(free_memory()) +
                            " free and " + in_mib(bytes) +
                            " more are needed; read less at once, choose a smaller batch, smaller weights (bf16, i8) "
                            "or the CPU");
    }
    check(status, "allocating memory");
    DeviceBuffer buffer(data, bytes, [](void* p) { cudaFree(p); });
    clear(data, bytes);
    return buffer;
  }
  PinnedBuffer allocate_pinned(std::int64_t bytes) override {
    use();
    void* data = nullptr;
    check(cudaMallocHost(&data, static_cast<std::size_t>(std::max<std::int64_t>(bytes, 1))),
          ("pinning " + std::to_string(bytes) + " bytes of the host's memory").c_str());
    return PinnedBuffer(data, bytes, [](void* p) { cudaFreeHost(p); });
  }
  void copy_to_device(void* device, const void* host, std::int64_t bytes) override {
    copy(device, host, bytes, cudaMemcpyHostToDevice);
  }
  void copy_to_host(void* host, const void* device, std::int64_t bytes) override {
    copy(host, device, bytes, cudaMemcpyDeviceToHost);
  }
  void copy_on_device(void* to, const void* from, std::int64_t bytes) override {
    copy(to, from, bytes, cudaMemcpyDeviceToDevice);
  }
  void copy_blocks(void* to, std::int64_t to_step, const void* from, std::int64_t from_step, std::int64_t bytes,
                   std::int64_t count) override {
    other();
    if (bytes == 0 || count == 0) return;
    const auto size = [](std::int64_t v) { return static_cast<std::size_t>(v); };
    check(cudaMemcpy2DAsync(to, size(to_step), from, size(from_step), size(bytes), size(count),
                            cudaMemcpyDeviceToDevice, stream_),
          "copying");
  }
  void clear(void* device, std::int64_t bytes) override {
    other();
    if (bytes > 0) check(cudaMemsetAsync(device, 0, static_cast<std::size_t>(bytes), stream_), "clearing memory");
  }
  void fill(const DeviceMatrix& matrix, const float* values) override {
    if (matrix.rows == 0 || matrix.cols == 0) return;
    if (!staging_) staging_ = allocate(staging_bytes);
    if (matrix.type == ElementType::i8 && !expanded_) expanded_ = allocate(expanded_bytes);
    const std::int64_t columns = std::min(matrix.cols, staging_bytes / 4);
    const std::int64_t rows = std::max<std::int64_t>(1, staging_bytes / 4 / columns);
    for (std::int64_t r = 0; r < matrix.rows; r += rows) {
      const std::int64_t count = std::min(rows, matrix.rows - r);
      for (std::int64_t c = 0; c < matrix.cols; c += columns) {
        // More than one block of columns only where a single row is larger than the staging memory: rows is 1 then.
        const std::int64_t width = std::min(columns, matrix.cols - c);
        copy_to_device(staging_.data(), values + r * matrix.cols + c, count * width * 4);
        const DeviceMatrix staged{staging_.data(), ElementType::f32, count, width, width};
        if (matrix.type == ElementType::i8)
          quantise(staged, matrix.row_range(r, count), c, stream_);
        else
          map(staged, matrix.row_range(r, count).columns(c, width), Mapping::identity, nullptr);
      }
    }
    wait();  // pinned values are read later than the copy returns
  }
  void wait() override {
    other();
    for (const cudaStream_t stream : {stream_, to_device_, to_host_}) check(cudaStreamSynchronize(stream), "computing");
  }

  Fence mark() override { return mark_on(stream_); }
  void wait(const Fence& fence) override {
    use();
    check(cudaEventSynchronize(event_of(fence)), "computing");
  }
  double elapsed(const Fence& from, const Fence& to) override {
    use();
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, event_of(from), event_of(to)), "timing");
    return static_cast<double>(milliseconds) * 1e6;
  }
  Fence copy_to_host_aside(void* pinned, const void* device, std::int64_t bytes, const Fence& after) override {
    use();
    check(cudaStreamWaitEvent(to_host_, event_of(after), 0), "ordering a copy");
    check(cudaMemcpyAsync(pinned, device, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToHost, to_host_),
          "copying to the host");
    return mark_on(to_host_);
  }
  Fence copy_to_device_aside(void* device, const void* pinned, std::int64_t bytes) override {
    use();
    check(cudaMemcpyAsync(device, pinned, static_cast<std::size_t>(bytes), cudaMemcpyHostToDevice, to_device_),
          "copying to the device");
    return mark_on(to_device_);
  }
  void hold_for(const Fence& fence) override {
    other();
    check(cudaStreamWaitEvent(stream_, event_of(fence), 0), "ordering a copy");
  }

  Graph capture(const std::function<void()>& enqueue) override {
    other();
    check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), "recording a graph");
    cudaGraph_t graph = nullptr;
    try {
      enqueue();
    } catch (...) {
      cudaStreamEndCapture(stream_, &graph);
      if (graph) cudaGraphDestroy(graph);
      cudaGetLastError();
      other();
      throw;
    }
    check(cudaStreamEndCapture(stream_, &graph), "recording a graph");
    cudaGraphExec_t executable = nullptr;
    const cudaError_t status = cudaGraphInstantiate(&executable, graph, 0);
    cudaGraphDestroy(graph);
    check(status, "preparing a graph");
    other();
    return {executable, [](void* p) { cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(p)); }};
  }
  void launch(const Graph& graph) override {
    other();
    check(cudaGraphLaunch(static_cast<cudaGraphExec_t>(graph.get()), stream_), "starting a graph");
  }

  void linear(const DeviceMatrix& x, const DeviceMatrix& W, const float* bias, const DeviceMatrix& y,
              bool accumulate) override {
    if (x.rows == 0 || W.rows == 0) return;
    if (x.rows <= few_rows) {
      other();
      return skinny_product(x, W, bias, y, accumulate, how(false));
    }
    multiply(x, W, y, accumulate);
    if (bias) map(y, y, Mapping::identity, bias);
  }
  void rms_norm(const DeviceMatrix& x, const float* weight, float epsilon, const DeviceMatrix& y) override {
    other();
    cuda::rms_norm(x, weight, epsilon, y, stream_);
  }
  void rms_norm(const DeviceMatrix& x, const float* weight, float epsilon, const DeviceMatrix& y,
                const KeptRows& kept) override {
    other();
    cuda::rms_norm(x, weight, epsilon, y, kept, stream_);
  }
  void embedding(const std::int32_t* ids, const DeviceMatrix& table, const DeviceMatrix& y) override {
    other();
    cuda::embedding(ids, table, y, stream_);
  }
  void causal_conv(const DeviceConvArgs& args) override {
    other();
    cuda::causal_conv(args, stream_);
  }
  void map(const DeviceMatrix& from, const DeviceMatrix& to, Mapping mapping, const float* bias) override {
    other();
    cuda::map(from, to, mapping, bias, stream_);
  }
  static ScanArgs scan_args(const DeviceScanArgs& args) {
    ScanArgs scan;
    scan.type = args.x.type;
    scan.T = args.x.rows;
    scan.E = args.x.cols;
    scan.N = args.N;
    scan.x = {args.x.data, args.x.stride, 0};
    scan.delta = {args.delta.data, args.delta.stride, 0};
    scan.A = args.A;
    scan.B = {args.B.data, args.B.stride, 0};
    scan.C = {args.C.data, args.C.stride, 0};
    scan.D = args.D;
    if (args.z) scan.z = {args.z.data, args.z.stride, 0};
    scan.delta_bias = args.delta_bias;
    scan.softplus = true;
    scan.h = args.h;
    scan.y = {args.y.data, args.y.stride, 0};
    scan.h_all = args.h_all;
    scan.sums = args.sums;
    scan.passed = args.passed;
    return scan;
  }
  void selective_scan(const DeviceScanArgs& args) override {
    other();
    if (args.x.rows > 0) cuda::selective_scan(scan_args(args), stream_);
  }
  std::int64_t scan_sum_slots(const DeviceScanArgs& args) override {
    use();
    return cuda::scan_sum_slots(scan_args(args));
  }
  void linear_scan(const DeviceLinearScanArgs& args, ScanAlgorithm algorithm, std::int64_t chunk) override {
    other();
    cuda::linear_scan(args, algorithm, chunk, stream_);
  }
  void square_states(const float* h_all, std::int64_t N, const DeviceMatrix& out) override {
    other();
    cuda::square_states(h_all, N, out, stream_);
  }

  bool decodes_together(const DecodeShape& shape) const override { return cuda::decodes_together(shape, how(false)); }
  void decode_embed(const DecodeEmbedArgs& args) override { cuda::decode_embed(args, next_step()); }
  void decode_in(const DecodeInArgs& args) override { cuda::decode_in(args, next_step()); }
  void decode_project(const DecodeProjectArgs& args) override { cuda::decode_project(args, next_step()); }
  void decode_state(const DecodeStateArgs& args) override { cuda::decode_state(args, next_step()); }
  void decode_out(const DecodeOutArgs& args) override { cuda::decode_out(args, next_step()); }
  void decode_head(const DecodeHeadArgs& args) override {
    if (args.stream.batch <= few_rows) return cuda::decode_head(args, next_step());
    const DecodeStream& s = args.stream;
    rms_norm({s.x, ElementType::f32, s.batch, s.d_model, padded(s.d_model)}, args.norm, args.epsilon, args.normed);
    multiply(args.normed, args.W, {args.logits, ElementType::f32, s.batch, args.W.rows, args.W.rows}, false);
    best_logits(args, how(false));
  }
  void decode_choose(const DecodeChooseArgs& args) override {
    // The bests of a large batch come from a kernel that does not take part in the chain.
    cuda::decode_choose(args, args.batch <= few_rows ? next_step() : how(false));
    in_chain_ = true;
  }

  std::int64_t decode_loop_memory(const DecodeLoopArgs& args) const override {
    return cuda::decode_loop_memory(args, device_);
  }
  void decode_loop(const DecodeLoopArgs& args, std::int64_t tokens) override {
    other();
    cuda::decode_loop(args, tokens, device_, stream_);
  }

  Limits measure_limits(ElementType type) override;

 private:
  void use() const { check(cudaSetDevice(device_), "choosing the device"); }
  // Before everything that is not a step of decoding.
  void other() {
    use();
    in_chain_ = false;
  }
  DecodeLaunch how(bool overlap) const { return {stream_, overlap, major_ >= 8, multiprocessors_, block_bytes_}; }
  DecodeLaunch next_step() {
    use();
    const bool overlap = in_chain_ && major_ >= 9;
    in_chain_ = true;
    return how(overlap);
  }
  void copy(void* to, const void* from, std::int64_t bytes, cudaMemcpyKind kind) {
    other();
    if (bytes > 0) check(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), kind, stream_), "copying");
  }
  Fence mark_on(cudaStream_t stream) {
    use();
    cudaEvent_t event = nullptr;
    check(cudaEventCreate(&event), "creating an event");
    Fence fence;
    fence.event = {event, [](void* p) { cudaEventDestroy(static_cast<cudaEvent_t>(p)); }};
    check(cudaEventRecord(event, stream), "recording an event");
    return fence;
  }
  void multiply(const DeviceMatrix& x, const DeviceMatrix& W, const DeviceMatrix& y, bool accumulate) {
    other();
    if (W.type == ElementType::i8) return multiply_quantised(x, W, y, accumulate);
    products_->multiply(x, W, y, accumulate, stream_);
  }
  // Tile by tile: as many rows as fit the memory for them, expanded to the type of x.
  void multiply_quantised(const DeviceMatrix& x, const DeviceMatrix& W, const DeviceMatrix& y, bool accumulate) {
    const std::int64_t stride = padded(W.cols);
    const std::int64_t tile = std::max<std::int64_t>(1, expanded_.bytes() / (stride * bytes_of(x.type)));
    for (std::int64_t m = 0; m < W.rows; m += tile) {
      const std::int64_t rows = std::min(tile, W.rows - m);
      const DeviceMatrix expanded{expanded_.data(), x.type, rows, W.cols, stride};
      dequantise(W.row_range(m, rows), expanded, stream_);
      multiply(x, expanded, y.columns(m, rows), accumulate);
    }
  }
  // Median seconds of `run`, after one run to warm up.
  double seconds(const std::function<void()>& run) {
    constexpr int repetitions = 7;
    run();
    std::vector<double> times;
    for (int i = 0; i < repetitions; ++i) {
      const Fence before = mark();
      run();
      const Fence after = mark();
      wait(after);
      times.push_back(elapsed(before, after) * 1e-9);
    }
    std::sort(times.begin(), times.end());
    return times[repetitions / 2];
  }

  int device_ = 0, major_ = 0, multiprocessors_ = 1, block_bytes_ = 0;
  std::string name_;
  cudaStream_t stream_ = nullptr, to_host_ = nullptr, to_device_ = nullptr;  // the others beside the first
  DeviceBuffer workspace_, staging_, expanded_;
  std::optional<MatrixProducts> products_;
  bool in_chain_ = false;  // the last thing enqueued was a step of decoding
};

CudaBackend::Limits Backend::measure_limits(ElementType type) {
  constexpr std::int64_t size = std::int64_t{1} << 30;  // far beyond any cache
  constexpr std::int64_t side = 4096;
  constexpr int blocks = 132 * 16;
  Limits limits;
  const DeviceBuffer scratch = allocate(256);
  {
    const DeviceBuffer from = allocate(size), to = allocate(size);
    limits.copy_bandwidth =
        2.0 * static_cast<double>(size) / seconds([&] { copy_on_device(to.data(), from.data(), size); });
    limits.read_bandwidth =
        static_cast<double>(size) / seconds([&] { read_all(from.data(), size, scratch.as<float>(), blocks, stream_); });
  }
  double count = 0;
  double time = seconds([&] { count = spin_exponentials(scratch.as<float>(), blocks, stream_); });
  limits.exponential_rate = count / time;
  time = seconds([&] { count = spin_multiply_adds(scratch.as<float>(), blocks, stream_); });
  limits.multiply_add_rate = 2 * count / time;
  const std::int64_t bytes = side * side * bytes_of(type);
  const DeviceBuffer a = allocate(bytes), b = allocate(bytes), c = allocate(bytes);
  const auto square = [&](const DeviceBuffer& buffer) { return DeviceMatrix{buffer.data(), type, side, side, side}; };
  // Random values: zeros draw less power and flatter the clock.
  std::vector<float> values(static_cast<std::size_t>(side * side));
  std::uint32_t random = 1;
  for (float& value : values) {
    random = random * 1664525u + 1013904223u;
    value = static_cast<float>(random >> 8) * 0x1p-24f - 0.5f;
  }
  fill(square(a), values.data());
  fill(square(b), values.data());
  limits.matrix_rate = 2.0 * side * side * side / seconds([&] { multiply(square(a), square(b), square(c), false); });
  return limits;
}

}  // namespace

std::unique_ptr<CudaBackend> CudaBackend::create(int device) {
  return std::make_unique<Backend>(device);
}

}  // namespace statescope::kernels
