// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/commands.h"

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "assets.h"
#include "cli/interrupt.h"
#include "engine/error.h"
#include "engine/experiments/compute.h"
#include "engine/io/file.h"
#include "engine/io/json.h"
#include "engine/io/memory.h"
#include "engine/io/tokenizer.h"
#include "engine/io/utf8.h"
#include "engine/models/decoder.h"
#include "engine/models/mamba.h"
#include "engine/models/model.h"
#include "engine/profile/ceilings.h"
#include "engine/profile/device.h"
#include "engine/profile/files.h"
#include "engine/profile/run.h"
#include "engine/run/trace_file.h"
#include "engine/scene/scene.h"
#include "kernels/cuda_devices.h"

namespace statescope::cli {
namespace {

using nlohmann::ordered_json;

// The trace file keeps the prompt in its header, which holds at most 100 MB; JSON may spell a byte with six.
constexpr std::size_t max_prompt_bytes = std::size_t{16} << 20;
constexpr std::int64_t greedy_tokens_at_once = 16;

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fputc('\n', stdout);
}

void print(const ordered_json& json) {
  print(json.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

// Before the model is read, which may take a while.
void require_device(const std::string& device) {
  try {
    cuda_index(device);
  } catch (const Error& error) {
    throw Error("--device: " + std::string(error.what()));
  }
}

std::filesystem::path folder_of(const std::string& model) {
  std::error_code error;
  const std::filesystem::path path = model;
  return std::filesystem::is_directory(path, error) ? path : path.parent_path();
}

std::filesystem::path tokenizer_path(const std::string& model) {
  return folder_of(model) / "tokenizer.json";
}

Tokenizer load_tokenizer(const std::string& model) {
  const std::filesystem::path path = tokenizer_path(model);
  std::error_code error;
  if (!std::filesystem::exists(model, error)) throw Error(model + " does not exist; check the path");
  if (!std::filesystem::exists(path, error))
    throw Error(path.string() + " does not exist, so text cannot be read; give token ids to inspect --ids");
  return Tokenizer::load(path.string());
}

std::vector<std::int32_t> ids_of(const InspectOptions& options, std::string& prompt) {
  if (options.ids) return parse_ids(*options.ids);
  prompt = options.prompt ? *options.prompt : read_text_file(options.prompt_file.value(), max_prompt_bytes);
  return load_tokenizer(options.model).encode(prompt);
}

TraceSelection selection_of(const InspectOptions& options, std::int64_t layers) {
  TraceSelection selection;
  const std::vector<std::int64_t> chosen = parse_ranges(options.layers, layers, "--layers");
  selection.layers.insert(chosen.begin(), chosen.end());
  selection.quantities = parse_tensors(options.tensors);
  return selection;
}

ordered_json sizes_json(const ModelSizes& s) {
  return {{"layers", s.layers}, {"d_model", s.d_model}, {"d_inner", s.d_inner}, {"d_state", s.d_state},
          {"d_conv", s.d_conv}, {"dt_rank", s.dt_rank}, {"vocab", s.vocab}};
}

}  // namespace

void devices(bool json) {
  const kernels::CpuBackend cpu;
  const std::string set = kernels::instruction_set_name(cpu.instruction_set());
  const std::vector<kernels::CudaDevice> cuda = kernels::cuda_devices();
  ordered_json list = ordered_json::array();
  list.push_back(
      {{"device", "cpu"}, {"instruction_set", set}, {"threads", cpu.threads()}, {"free_memory", available_memory()}});
  for (std::size_t i = 0; i < cuda.size(); ++i)
    list.push_back({{"device", "cuda:" + std::to_string(i)},
                    {"name", cuda[i].name},
                    {"compute_capability", std::to_string(cuda[i].major) + "." + std::to_string(cuda[i].minor)},
                    {"memory", cuda[i].memory}});
  if (json) return print(ordered_json{{"devices", list}});
  print("cpu     " + set + ", " + std::to_string(cpu.threads()) + " threads, " + format_bytes(available_memory()) +
        " free");
  for (std::size_t i = 0; i < cuda.size(); ++i)
    print("cuda:" + std::to_string(i) + "  " + cuda[i].name + ", " + format_bytes(cuda[i].memory));
}

void info(const InfoOptions& options) {
  const Checkpoint checkpoint = Checkpoint::open(options.model);
  const ModelInfo info = inspect_checkpoint(checkpoint);
  std::error_code error;
  const bool tokenizer = std::filesystem::exists(tokenizer_path(options.model), error);
  if (options.json) {
    print(ordered_json{{"name", info.name},
                       {"family", info.family},
                       {"sizes", sizes_json(info.sizes)},
                       {"parameters", info.parameters},
                       {"bytes", info.stored_bytes},
                       {"dtypes", info.dtypes},
                       {"state_bytes_per_token", info.state_bytes},
                       {"tied_head", info.tied_head},
                       {"tokenizer", tokenizer},
                       {"conflicts", info.conflicts}});
    return;
  }
  const ModelSizes& s = info.sizes;
  std::ostringstream text;
  text << info.name << ": " << info.family << ", " << s.layers << " layers, " << info.parameters << " parameters\n"
       << "  d_model " << s.d_model << ", d_inner " << s.d_inner << ", d_state " << s.d_state << ", d_conv " << s.d_conv
       << ", dt_rank " << s.dt_rank << ", vocabulary " << s.vocab << "\n"
       << "  " << format_bytes(info.stored_bytes) << " of " << info.dtypes << ", " << format_bytes(info.state_bytes)
       << " of state per token, head " << (info.tied_head ? "tied to the embedding" : "of its own") << "\n"
       << "  tokenizer: " << (tokenizer ? "tokenizer.json" : "none, give --ids");
  for (const std::string& conflict : info.conflicts) text << "\n  conflict: " << conflict;
  print(text.str());
}

void tokenize(const TokenizeOptions& options) {
  const Tokenizer tokenizer = load_tokenizer(options.model);
  const std::vector<std::int32_t> ids = tokenizer.encode(options.text);
  std::vector<std::string> tokens;
  for (const std::int32_t id : ids) tokens.push_back(tokenizer.token_text(id));
  if (options.json) return print(ordered_json{{"ids", ids}, {"tokens", tokens}});
  for (std::size_t i = 0; i < ids.size(); ++i) print(std::to_string(ids[i]) + "\t" + ordered_json(tokens[i]).dump());
}

void inspect(const InspectOptions& options) {
  require_device(options.device);
  const Precision precision = parse_precision(options.dtype);
  if (precision == Precision::f64 && options.device != "cpu")
    throw Error("--dtype f64 is the reference, which runs on the CPU only; leave --device out");
  std::string prompt;
  const Checkpoint checkpoint = Checkpoint::open(options.model);
  const ModelInfo info = inspect_checkpoint(checkpoint);
  const std::vector<std::int32_t> ids = ids_of(options, prompt);
  if (ids.empty()) throw Error("the prompt is empty; give at least one token");
  check_ids(ids, info.sizes.vocab);
  const TraceSelection selection = selection_of(options, info.sizes.layers);
  if (precision == Precision::f64) {
    const MambaReference reference(checkpoint);
    const std::stop_token stop = stop_on_interrupt();
    TraceFileWriter trace(options.out, info, ids, prompt, selection);
    reference.run(ids, trace, stop);
    trace.commit();
  } else {
    const auto model = load_model(checkpoint, precision, options.threads, options.device);
    const std::stop_token stop = stop_on_interrupt();
    TraceFileWriter trace(options.out, info, ids, prompt, selection);
    ModelState state = model->initial_state();
    run(*model, ids, state, &trace, stop);
    trace.commit();
  }
}

void generate(const GenerateOptions& options) {
  require_device(options.device);
  check_sampling(options.sampling);
  const Precision precision = parse_precision(options.dtype);
  if (precision == Precision::f64)
    throw Error("--dtype f64 is the reference of inspect; generate with f32, bf16 or f16");
  const Tokenizer tokenizer = load_tokenizer(options.model);
  const auto model = load_model(options.model, precision, options.threads, options.device);
  const std::vector<std::int32_t> prompt = tokenizer.encode(options.prompt);
  if (prompt.empty()) throw Error("the prompt is empty; give at least one token to continue");

  // A vocabulary padded for speed ends in ids that mean nothing: they are never drawn.
  const auto vocab =
      static_cast<std::size_t>(std::min<std::int64_t>(tokenizer.vocab_size(), model->info().sizes.vocab));
  const auto decoder = make_decoder(model, model->initial_state());
  std::vector<std::int32_t> ids;
  Utf8Stream stream;
  std::string text;
  decoder->read(prompt);
  const auto start = std::chrono::steady_clock::now();
  const auto take = [&](std::int32_t id) {
    ids.push_back(id);
    const std::string piece = stream.push(tokenizer.token_bytes(id));
    text += piece;
    if (options.json) return;
    std::fputs(piece.c_str(), stdout);
    std::fflush(stdout);
  };
  take(sample(decoder->logits().first(vocab), options.sampling, std::ssize(prompt)));
  while (std::ssize(ids) < options.tokens) {
    const std::span<const std::int32_t> last = std::span(ids).last(1);
    if (options.sampling.temperature == 0) {
      // The most likely tokens are chosen where the model runs, some of them before the text is shown.
      const std::int64_t count = std::min(greedy_tokens_at_once, options.tokens - std::ssize(ids));
      for (const std::int32_t id : decoder->greedy(last, count, static_cast<std::int64_t>(vocab))) take(id);
    } else {
      decoder->step(last);
      take(sample(decoder->logits().first(vocab), options.sampling, std::ssize(prompt) + std::ssize(ids)));
    }
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const std::string rest = stream.flush();
  if (options.json)
    print(ordered_json{{"ids", ids},
                       {"text", text + rest},
                       {"prompt_ids", prompt},
                       {"tokens_per_second", static_cast<double>(options.tokens) / seconds.count()}});
  else
    print(rest);
}

void profile(const ProfileOptions& options) {
  require_device(options.device);
  check_profile_name(options.out);
  const Precision precision = parse_precision(options.dtype);
  if (precision == Precision::f64) throw Error("--dtype f64 is the reference of inspect; record f32, bf16 or f16");
  const auto model = load_model(options.model, precision, options.threads, options.device);
  const ProfileRequest request{
      .ids = options.ids ? parse_ids(*options.ids) : load_tokenizer(options.model).encode(*options.prompt),
      .generate = options.tokens};
  check_ids(request.ids, model->info().sizes.vocab);
  const std::stop_token stop = stop_on_interrupt();
  Profile recorded = profile_run(*model, request, stop);
  recorded.ceilings = measure_ceilings(options.device, precision, options.threads, stop);
  save_profile(recorded, options.out);
}

void compute(const ComputeOptions& options) {
  const Scene scene = load_scene(options.scene);
  const std::filesystem::path base = std::filesystem::path(options.scene).parent_path();
  const auto tell = [](std::int64_t done, std::int64_t all) {
    std::fprintf(stderr, "step %lld of %lld\n", static_cast<long long>(done), static_cast<long long>(all));
  };
  const ordered_json result = statescope::compute(scene, base, assets_folder(), stop_on_interrupt(), tell);
  write_file(options.out, result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

}  // namespace statescope::cli
