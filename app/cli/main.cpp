// SPDX-License-Identifier: GPL-3.0-or-later
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "cli/bench.h"
#include "cli/commands.h"
#include "engine/error.h"
#include "engine/models/model.h"

namespace {

using namespace statescope::cli;

void add_sampling(CLI::App& command, statescope::Sampling& sampling) {
  command.add_option("--temperature", sampling.temperature, "0 is greedy")->capture_default_str();
  command.add_option("--top-k", sampling.top_k, "keep the k most likely tokens; 0 keeps all")->capture_default_str();
  command.add_option("--top-p", sampling.top_p, "keep the most likely tokens up to this probability")
      ->capture_default_str();
  command.add_option("--seed", sampling.seed, "same seed, same text")->capture_default_str();
}

void add_arithmetic(CLI::App& command, std::string& device, std::string& dtype, int& threads) {
  command.add_option("--device", device, "cpu or cuda[:i]")->capture_default_str();
  command
      .add_option("--dtype", dtype,
                  "of weights and activations: f32, bf16, f16; i8 has 8-bit weights; f64 is the slow reference")
      ->capture_default_str()
      ->check(parses([](const std::string& text) { statescope::parse_precision(text); }));
  command.add_option("--threads", threads, "0 uses every core")->capture_default_str()->check(CLI::Range(0, 1024));
}

// CLI11's own rule says that a subcommand is missing where one is misspelt; this one names what is not known.
void require_subcommand(CLI::App& of) {
  of.require_subcommand(0, 1);
  of.callback([&of] {
    if (of.get_subcommands().empty()) throw CLI::RequiredError("A subcommand");
  });
}

// One line, whatever stands in the names of files and options.
void complain(std::string message) {
  for (char& c : message)
    if (static_cast<unsigned char>(c) < ' ' || c == 127) c = ' ';
  std::fprintf(stderr, "statescope-cli: %s\n", message.c_str());
}

int run(int argc, char** argv) {
  CLI::App app{"Statescope on the command line: state space models, their states and their numbers", "statescope-cli"};
  require_subcommand(app);
  app.set_version_flag("--version", STATESCOPE_VERSION);

  bool devices_json = false;
  CLI::App* command = app.add_subcommand("devices", "what models can run on");
  command->add_flag("--json", devices_json, "one JSON object");
  command->callback([&] { devices(devices_json); });

  InfoOptions info_options;
  command = app.add_subcommand("info", "family, sizes as the tensors say, conflicts with config.json");
  command->add_option("MODEL", info_options.model, "a checkpoint folder or a file in it")->required();
  command->add_flag("--json", info_options.json, "one JSON object");
  command->callback([&] { info(info_options); });

  TokenizeOptions tokenize_options;
  command = app.add_subcommand("tokenize", "text to token ids");
  command->add_option("MODEL", tokenize_options.model, "a checkpoint folder or a file in it")->required();
  command->add_option("--text", tokenize_options.text, "what to split into tokens")->required();
  command->add_flag("--json", tokenize_options.json, "one JSON object");
  command->callback([&] { tokenize(tokenize_options); });

  InspectOptions inspect_options;
  command = app.add_subcommand("inspect", "run a prompt and write every tensor to a trace file");
  command->add_option("MODEL", inspect_options.model, "a checkpoint folder or a file in it")->required();
  CLI::Option_group* input = command->add_option_group("input", "what the model reads");
  input->add_option("--prompt", inspect_options.prompt, "the text itself");
  input->add_option("--ids", inspect_options.ids, "token ids, 1,2,3");
  input->add_option("--prompt-file", inspect_options.prompt_file, "UTF-8 text");
  input->require_option(1);
  command->add_option("--out", inspect_options.out, "the trace, a safetensors file")->required();
  command->add_option("--layers", inspect_options.layers, "all or 0,2-5")->capture_default_str();
  command->add_option("--tensors", inspect_options.tensors, "all or some of logits,hidden,delta,B,C,conv,h,y,gate")
      ->capture_default_str()
      ->check(parses([](const std::string& text) { parse_tensors(text); }));
  add_arithmetic(*command, inspect_options.device, inspect_options.dtype, inspect_options.threads);
  command->callback([&] { inspect(inspect_options); });

  GenerateOptions generate_options;
  command = app.add_subcommand("generate", "continue a prompt");
  command->add_option("MODEL", generate_options.model, "a checkpoint folder or a file in it")->required();
  command->add_option("--prompt", generate_options.prompt, "the text to go on from")->required();
  command->add_option("--tokens", generate_options.tokens, "how many to generate")
      ->required()
      ->check(CLI::Range(1, 1 << 24));
  add_sampling(*command, generate_options.sampling);
  add_arithmetic(*command, generate_options.device, generate_options.dtype, generate_options.threads);
  command->add_flag("--json", generate_options.json, "one JSON object");
  command->callback([&] { generate(generate_options); });

  ComputeOptions compute_options;
  command = app.add_subcommand("compute", "the numbers behind a scene");
  command->add_option("SCENE", compute_options.scene, "a scene file")->required();
  command->add_option("--out", compute_options.out, "the numbers, a JSON file")->required();
  command->callback([&] { compute(compute_options); });

  TrainOptions train_options;
  command = app.add_subcommand("train", "train a small model by a recipe, and save it as a checkpoint");
  command->add_option("RECIPE", train_options.recipe, "a recipe file; engine/training/RECIPE.md says what is in it")
      ->required();
  command->add_option("--out", train_options.out, "the checkpoint folder; log.jsonl there is written on the way")
      ->required();
  command->add_flag("--resume", train_options.resume, "go on with the run that the folder holds");
  command->add_option("--seed", train_options.seed, "instead of the recipe's");
  command->add_option("--device", train_options.device, "cpu or cuda[:i]")->capture_default_str();
  command->add_option("--threads", train_options.threads, "0 uses every core")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  command->add_flag("--tf32", train_options.tf32, "on CUDA: round the factors of products to 10 bits, which is faster");
  command->add_flag("--json", train_options.json, "one JSON object a line, as in the log");
  command->callback([&] { train(train_options); });

  EvaluateOptions evaluate_options;
  command = app.add_subcommand("evaluate", "how well a trained model does its task on fresh sequences");
  command->add_option("MODEL", evaluate_options.model, "a folder that train wrote")->required();
  command->add_option("--sequences", evaluate_options.sequences, "0 takes the recipe's")
      ->capture_default_str()
      ->check(CLI::Range(0, 1 << 20));
  command->add_option("--length", evaluate_options.length, "of the sequences; 0 takes the recipe's")
      ->capture_default_str()
      ->check(CLI::Range(0, 1 << 20));
  command->add_option("--seed", evaluate_options.seed, "of the sequences; 0 takes the recipe's")->capture_default_str();
  command->add_option("--device", evaluate_options.device, "cpu or cuda[:i]")->capture_default_str();
  command->add_option("--threads", evaluate_options.threads, "0 uses every core")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  command->add_flag("--json", evaluate_options.json, "one JSON object");
  command->callback([&] { evaluate(evaluate_options); });

  std::string lesson;
  bool sound = true;
  command = app.add_subcommand("lesson", "check or begin a lesson; engine/lesson/LESSON.md says what is in it");
  require_subcommand(*command);
  CLI::App* check = command->add_subcommand("check", "every mistake with its line");
  check->add_option("FOLDER", lesson, "with a lesson.md in it, or that file")->required();
  check->callback([&] { sound = check_lesson(lesson); });
  CLI::App* begin = command->add_subcommand("new", "a lesson to start from");
  begin->add_option("FOLDER", lesson, "to be made")->required();
  begin->callback([&] { new_lesson(lesson); });

  ProfileOptions profile_options;
  command = app.add_subcommand("profile", "record what every stage of a run costs");
  command->add_option("MODEL", profile_options.model, "a checkpoint folder or a file in it")->required();
  CLI::Option_group* read = command->add_option_group("input", "what the model reads");
  read->add_option("--prompt", profile_options.prompt, "the text itself");
  read->add_option("--ids", profile_options.ids, "token ids, 1,2,3");
  read->require_option(1);
  command->add_option("--tokens", profile_options.tokens, "generated after it")
      ->capture_default_str()
      ->check(CLI::Range(0, 1 << 20));
  command
      ->add_option("--out", profile_options.out, "NAME.trace.json for Perfetto, NAME.csv, or NAME.json for Statescope")
      ->required();
  add_arithmetic(*command, profile_options.device, profile_options.dtype, profile_options.threads);
  command->callback([&] { profile(profile_options); });

  BenchOptions bench_options;
  add_bench(app, bench_options);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (app.exit(error) != 0) return 2;
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout))
    throw statescope::Error("standard output cannot be written; check the disk or the pipe it goes to");
  return sound ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    complain("there is not enough memory for this; take a smaller model, a shorter prompt or a shorter signal");
  } catch (const std::exception& error) {
    complain(error.what());
  }
  return 1;
}
