// SPDX-License-Identifier: GPL-3.0-or-later
// The two Mamba-1 paths against reference outputs and against each other. Errors are relative to the largest magnitude
// of the tensor.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <thread>

#include "engine/error.h"
#include "engine/io/json.h"
#include "engine/io/safetensors.h"
#include "engine/io/tokenizer.h"
#include "engine/run/sampling.h"
#include "paths.h"
#include "test_checkpoint.h"

namespace statescope {
namespace {

using namespace test;
using Floats = std::vector<float>;

const std::string lab = asset("models/mamba-lab");
const std::string tiny = test::test_data("mamba-tiny");

// What the project asks of the two paths against the double-precision goldens.
constexpr double reference_logits = 2e-6, fast_logits = 2e-5, inner_tensors = 1e-5;

const std::shared_ptr<const Model>& lab_model() {
  static const std::shared_ptr<const Model> model = load_model(lab, Precision::f32, 1);
  return model;
}

// Rows of a recorded [T, width] tensor.
Floats rows_of(const Floats& values, std::span<const std::int32_t> rows, std::size_t tokens) {
  const std::size_t width = values.size() / tokens;
  Floats out;
  for (const std::int32_t row : rows) {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(row) * width);
    out.insert(out.end(), begin, begin + static_cast<std::ptrdiff_t>(width));
  }
  return out;
}

void expect_golden(const Capture& run, const SafetensorsFile& golden, const std::string& p, double logits_tolerance) {
  const auto rows = golden.read_ids(p + "rows");
  const std::size_t tokens = golden.read_ids(p + "ids").size();
  EXPECT_LE(relative_error(rows_of(run.at(Quantity::logits), rows, tokens), golden.read_f32(p + "logits64")),
            logits_tolerance);
  const auto expect_layers = [&](Quantity quantity, const std::string& name, std::int64_t count) {
    Floats all;
    for (std::int64_t layer = 0; layer < count; ++layer) {
      const Floats some = rows_of(run.at(quantity, layer), rows, tokens);
      all.insert(all.end(), some.begin(), some.end());
    }
    EXPECT_LE(relative_error(all, golden.read_f32(p + name)), inner_tensors) << p << name;
  };
  expect_layers(Quantity::delta, "delta", 8);
  expect_layers(Quantity::B, "B", 8);
  expect_layers(Quantity::C, "C", 8);
  expect_layers(Quantity::hidden, "hidden", 9);
  const std::int32_t last = static_cast<std::int32_t>(tokens) - 1;
  Floats h = rows_of(run.at(Quantity::h, 0), {&last, 1}, tokens);
  const Floats h7 = rows_of(run.at(Quantity::h, 7), {&last, 1}, tokens);
  h.insert(h.end(), h7.begin(), h7.end());
  EXPECT_LE(relative_error(h, golden.read_f32(p + "h_last")), inner_tensors);
}

TEST(MambaGolden, BundledModelAgreesInBothPaths) {
  const SafetensorsFile golden(test::test_data("mamba-lab/golden.safetensors"));
  const MambaReference reference(Checkpoint::open(lab));
  const nlohmann::json prompts = parse_json(golden.metadata().at("prompts"), "golden");
  const Tokenizer tokenizer = Tokenizer::load(lab + "/tokenizer.json");
  for (const std::string p : {"p0.", "p1."}) {
    SCOPED_TRACE(p);
    const auto ids = golden.read_ids(p + "ids");
    EXPECT_EQ(tokenizer.encode(prompts[p == "p0." ? 0 : 1].get<std::string>()), ids);
    expect_golden(captured(reference, ids), golden, p, reference_logits);
    expect_golden(captured(*lab_model(), ids), golden, p, fast_logits);
  }
}

TEST(MambaGolden, GreedyTextIsIdenticalFor48Tokens) {
  const SafetensorsFile golden(test::test_data("mamba-lab/golden.safetensors"));
  for (const std::string p : {"p0.", "p1."}) {
    std::vector<std::int32_t> next = golden.read_ids(p + "ids"), greedy;
    ModelState state = lab_model()->initial_state();
    for (int i = 0; i < 48; ++i) {
      Capture capture(std::ssize(next));
      run(*lab_model(), next, state, &capture);
      const Floats& logits = capture.at(Quantity::logits);
      next = {sample(std::span(logits).last(4096), {}, i)};
      greedy.push_back(next[0]);
    }
    EXPECT_EQ(greedy, golden.read_ids(p + "greedy")) << p;
  }
}

TEST(MambaGolden, TinyModelAgreesInBothPaths) {
  const SafetensorsFile golden(tiny + "/golden.safetensors");
  const auto ids = golden.read_ids("ids");
  const Floats logits = golden.read_f32("logits");
  EXPECT_LE(relative_error(captured(MambaReference(Checkpoint::open(tiny)), ids).at(Quantity::logits), logits),
            reference_logits);
  EXPECT_LE(relative_error(captured(*load_model(tiny), ids).at(Quantity::logits), logits), fast_logits);
}

struct Case {
  const char* name;
  MambaSpec spec;
};
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

// Sizes around the edges the fast path has: vectors of 8 and 16 lanes, panels of 64, one of everything.
const Case cases[] = {
    {"OneOfEverything", {{1, 1, 1, 1, 1, 1, 2}, Dtype::f32, true, true, true, true, true}},
    {"OddWidths", {{3, 7, 13, 1, 2, 1, 11}, Dtype::f32, false, true, true, false, false, "backbone.", 2}},
    {"OverAPanelF16AllBiases", {{1, 33, 65, 5, 3, 2, 50}, Dtype::f16, true, true, true, true, false, "backbone.", 3}},
    {"RoundSizesBf16", {{2, 64, 128, 16, 4, 4, 257}, Dtype::bf16, false, true, true, false, false, "backbone.", 4}},
    {"WideStateF64NoBias", {{2, 17, 129, 33, 4, 9, 70}, Dtype::f64, false, false, false, false, true, "backbone.", 5}},
    {"LargeRankUntied", {{2, 40, 80, 16, 2, 64, 130}, Dtype::f32, false, true, true, false, true, "backbone.", 6}},
    {"NoPrefixNoConvBias", {{4, 16, 31, 16, 3, 1, 64}, Dtype::f32, true, false, true, true, false, "", 7}},
    {"InnerNarrowerThanModel", {{2, 48, 15, 7, 4, 3, 40}, Dtype::f32, false, true, false, true, false, "backbone.", 8}},
};

class MambaShapes : public testing::TestWithParam<Case> {};

TEST_P(MambaShapes, EveryTensorAgreesWithTheReference) {
  const MambaSpec& spec = GetParam().spec;
  const TemporaryFolder folder;
  write_checkpoint(folder.path(), spec);
  const Checkpoint checkpoint = Checkpoint::open(folder.path());
  const auto ids = random_ids(70, spec.sizes.vocab);  // crosses the chunk of 64
  const Capture truth = captured(MambaReference(checkpoint), ids);
  const Capture fast = captured(*load_model(checkpoint, Precision::f32, 2), ids);
  // One rounding is 6e-8; sums of some hundred terms, the recurrence and a few layers on top of each other stay below
  // a hundred of them. Observed: under 3e-6.
  ASSERT_EQ(fast.all.size(), truth.all.size());
  for (const auto& [key, values] : truth.all)
    EXPECT_LE(relative_error(fast.at(key.first, key.second), values), inner_tensors)
        << quantity_name(key.first) << " of layer " << key.second;
}

void expect_same_bits_however_read(const MambaSpec& spec, Precision precision) {
  SCOPED_TRACE(precision_name(precision));
  const auto model = random_model(spec, precision, 2);
  const auto ids = random_ids(70, spec.sizes.vocab);
  ModelState at_once = model->initial_state(), by_token = model->initial_state(), snapshot;
  Capture all(70);
  run(*model, ids, at_once, &all);
  const auto expect_row = [&](std::size_t t, const Capture& one) {
    for (const auto& [key, values] : one.all) {
      if (key.first == Quantity::logits || key.first == Quantity::h) {
        const Floats& whole = all.at(key.first, key.second);
        const Floats row(whole.begin() + static_cast<std::ptrdiff_t>(t * values.size()),
                         whole.begin() + static_cast<std::ptrdiff_t>((t + 1) * values.size()));
        ASSERT_EQ(row, values) << quantity_name(key.first) << " of layer " << key.second << " at token " << t;
      }
    }
  };
  for (std::size_t t = 0; t < ids.size(); ++t) {
    if (t == 37) snapshot = by_token;
    Capture one(1);
    run(*model, std::span(ids).subspan(t, 1), by_token, &one);
    expect_row(t, one);
  }
  run(*model, std::span(ids).subspan(37), snapshot, nullptr);
  EXPECT_TRUE(same(by_token, at_once));
  EXPECT_TRUE(same(snapshot, at_once));
}

TEST_P(MambaShapes, PrefillTokenByTokenAndSnapshotGiveTheSameBits) {
  for (const Precision precision : {Precision::f32, Precision::bf16, Precision::f16, Precision::i8})
    expect_same_bits_however_read(GetParam().spec, precision);
}

INSTANTIATE_TEST_SUITE_P(Shapes, MambaShapes, testing::ValuesIn(cases),
                         [](const auto& shape) { return shape.param.name; });

TEST(MambaPrecision, ReducedPrecisionStaysNearAndIsNotFloat32) {
  const MambaSpec spec{{2, 64, 128, 16, 4, 4, 257}};
  const auto ids = random_ids(40, 257);
  const Capture exact = captured(*random_model(spec), ids);
  const auto distance = [&](Precision precision) {
    return relative_error(captured(*random_model(spec, precision), ids).at(Quantity::logits),
                          exact.at(Quantity::logits));
  };
  // A rounding errs by up to 2^-9 in bf16 and 2^-12 in f16; about a dozen of them lie between a weight and a logit.
  EXPECT_LT(distance(Precision::bf16), 16 * 0x1p-9);
  EXPECT_GT(distance(Precision::bf16), 0x1p-9 / 4);
  EXPECT_LT(distance(Precision::f16), 16 * 0x1p-12);
  EXPECT_GT(distance(Precision::f16), 0x1p-12 / 4);
  // 8-bit weights err by up to 1/254 of the largest of their 32, some three times the standard deviation: evenly
  // spread, 3 / (254 √3) of it, 2^-7 each. Errors of independent weights add like their products do, so every matrix
  // adds about that much; four of them per layer and the embedding lie in a row.
  EXPECT_LT(distance(Precision::i8), 9 * 0x1p-7);
  EXPECT_GT(distance(Precision::i8), 0x1p-7 / 4);
}

// What the matrices hold is all that sets the precisions apart from float32 beside the rounding of activations.
TEST(MambaPrecision, NarrowWeightsTakeTheirShareOfTheMemory) {
  const MambaSpec spec{{2, 64, 128, 16, 4, 4, 256}};
  // Outputs × inputs of embedding, in_proj, x_proj (36 outputs padded to 48), dt_proj and out_proj.
  const std::int64_t matrices = 256 * 64 + 2 * (256 * 64 + 48 * 128 + 128 * 4 + 64 * 128);
  const std::int64_t exact = random_model(spec)->weight_bytes();
  EXPECT_EQ(exact - random_model(spec, Precision::bf16)->weight_bytes(), 2 * matrices);
  EXPECT_EQ(exact - random_model(spec, Precision::f16)->weight_bytes(), 2 * matrices);
  // A scale of 2 bytes for every 32 inputs, and one for the 4 of dt_proj.
  const std::int64_t scales = (matrices - 2 * 128 * 4) / 16 + 2 * 128 * 2;
  EXPECT_EQ(exact - random_model(spec, Precision::i8)->weight_bytes(), 3 * matrices - scales);
}

TEST(MambaPrecision, StateAndDeltaKeepFloat32) {
  const MambaSpec spec{{1, 16, 32, 4, 4, 2, 40}};
  const Capture run = captured(*random_model(spec, Precision::bf16), random_ids(9, 40));
  const auto has_low_bits = [](const Floats& values) {
    return std::any_of(values.begin(), values.end(), [](float x) { return std::bit_cast<std::uint32_t>(x) & 0xFFFF; });
  };
  EXPECT_TRUE(has_low_bits(run.at(Quantity::h)));
  EXPECT_TRUE(has_low_bits(run.at(Quantity::delta)));
  EXPECT_FALSE(has_low_bits(run.at(Quantity::conv)));
  EXPECT_FALSE(has_low_bits(run.at(Quantity::B)));
}

TEST(Mamba, EveryOptionalTensorReachesTheLogits) {
  MambaSpec spec{{1, 8, 12, 3, 4, 2, 20}, Dtype::f32, true, true, true, true, true};
  const Tensors tensors = random_mamba(spec);
  const auto ids = random_ids(6, 20);
  const auto logits_with = [&](const std::string& changed) {
    Tensors copy = tensors;
    if (!changed.empty()) copy.at(changed).values[1] += 0.5F;
    const TemporaryFolder folder;
    write_checkpoint(folder.path(), copy, config_of(spec));
    const Checkpoint checkpoint = Checkpoint::open(folder.path());
    const Floats fast = captured(*load_model(checkpoint, Precision::f32, 1), ids).at(Quantity::logits);
    EXPECT_LE(relative_error(fast, captured(MambaReference(checkpoint), ids).at(Quantity::logits)), fast_logits)
        << changed;
    return fast;
  };
  const Floats before = logits_with("");
  for (const auto& [name, tensor] : tensors) {
    if (name == "backbone.embeddings.weight") continue;  // a row that need not occur in the prompt
    EXPECT_GT(relative_error(logits_with(name), before), 1e-5) << name << " does not matter";
  }
}

TEST(Mamba, ThreadsOnOneModelDoNotDisturbEachOther) {
  const MambaSpec spec{{3, 32, 64, 8, 4, 2, 90}};
  const auto model = random_model(spec, Precision::f32, 2);
  std::vector<Floats> alone, together(4);
  const auto logits = [&](std::uint64_t seed) {
    return captured(*model, random_ids(80, 90, seed)).at(Quantity::logits);
  };
  for (std::uint64_t i = 0; i < 4; ++i) alone.push_back(logits(i));
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t i = 0; i < 4; ++i) threads.emplace_back([&, i] { together[i] = logits(i); });
  }
  EXPECT_EQ(together, alone);
}

TEST(Mamba, TheNumberOfThreadsDoesNotChangeBits) {
  const MambaSpec spec{{2, 40, 150, 8, 4, 3, 90}};
  const auto ids = random_ids(70, 90);
  EXPECT_EQ(captured(*random_model(spec, Precision::f32, 1), ids).all,
            captured(*random_model(spec, Precision::f32, 3), ids).all);
}

TEST(Mamba, RefusesIdsOutsideTheVocabularyByPosition) {
  const auto model = random_model({});
  ModelState state = model->initial_state();
  for (const std::int32_t bad : {-1, 31, 1 << 30}) {
    const std::vector<std::int32_t> ids{3, 4, bad};
    const std::string message = message_of([&] { run(*model, ids, state, nullptr); });
    EXPECT_NE(message.find(std::to_string(bad) + " at position 2"), std::string::npos) << message;
  }
  EXPECT_TRUE(same(state, model->initial_state()));
}

TEST(Mamba, StopsWhenAskedTo) {
  const auto model = random_model({});
  ModelState state = model->initial_state();
  std::stop_source source;
  source.request_stop();
  EXPECT_THROW(run(*model, random_ids(5, 31), state, nullptr, source.get_token()), Cancelled);
}

}  // namespace
}  // namespace statescope
