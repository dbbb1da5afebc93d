// SPDX-License-Identifier: GPL-3.0-or-later
// Mamba-1 on a CUDA device against the same model on the CPU. Without a device every test says that it is skipped.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "cuda_fixture.h"
#include "engine/error.h"
#include "engine/models/decoder.h"
#include "engine/profile/recorder.h"

namespace statescope {
namespace {

using namespace test;

// One rounding is 6e-8; sums in another order, the device's own exponentials (2^-22) and a few layers on top of each
// other stay below some hundred of them. In 16 bits a rounding may fall on the other side on one device, which is a
// unit of the type; about a dozen of them lie between a weight and a logit. 8-bit weights are the same numbers on both,
// but only the device multiplies in bf16: each of the roundings counts, and twice in squares.
double tolerance(Precision precision) {
  switch (precision) {
    case Precision::i8:
      return 32 * 0x1p-8;
    case Precision::bf16:
      return 16 * 0x1p-8;
    case Precision::f16:
      return 16 * 0x1p-11;
    default:
      return 1e-4;
  }
}

class MambaCuda : public CudaModelTest {};

constexpr Precision all_precisions[] = {Precision::f32, Precision::bf16, Precision::f16, Precision::i8};
const MambaSpec shapes[] = {{{1, 1, 1, 1, 1, 1, 2}, Dtype::f32, true, true, true, true, true},
                            {{3, 7, 13, 1, 2, 1, 11}},
                            {{1, 33, 65, 5, 3, 2, 50}, Dtype::f32, true, true, true, true},
                            {{2, 64, 128, 16, 4, 4, 257}},
                            {{2, 17, 129, 33, 4, 9, 70}, Dtype::f32, false, false, false, false, true},
                            {{2, 40, 80, 16, 2, 64, 130}, Dtype::f32, false, true, true, false, true}};

TEST_F(MambaCuda, EveryTensorAgreesWithTheCpu) {
  for (const Precision precision : all_precisions) {
    for (const MambaSpec& spec : shapes) {
      SCOPED_TRACE(testing::Message() << precision_name(precision) << ", d_inner " << spec.sizes.d_inner);
      const Pair models = load(spec, precision);
      for (const std::int64_t tokens : {1, 5, 150}) {  // decode kernels, and across two pieces of a scan
        const Ids ids = random_ids(tokens, spec.sizes.vocab);
        const Capture truth = captured(*models.cpu, ids), got = captured(*models.cuda, ids);
        ASSERT_EQ(got.all.size(), truth.all.size());
        for (const auto& [key, values] : truth.all)
          EXPECT_LE(relative_error(got.all.at(key), values), tolerance(precision))
              << quantity_name(key.first) << " of layer " << key.second << ", " << tokens << " tokens";
      }
    }
  }
}

TEST_F(MambaCuda, RecordingChangesNothing) {
  const Pair models = load(usual, Precision::bf16);
  const Ids ids = random_ids(150, 90);
  ModelState recorded = models.cuda->initial_state(), plain = recorded;
  Capture capture(std::ssize(ids));
  // 64 tokens at once, as the recording takes them.
  run(*models.cuda, ids, recorded, &capture);
  for (std::size_t t = 0; t < ids.size(); t += 64)
    run(*models.cuda, std::span(ids).subspan(t, std::min<std::size_t>(64, ids.size() - t)), plain, nullptr);
  EXPECT_TRUE(same(recorded, plain));
  // On from there, with the state left alone.
  const ModelState before = plain, after = run_from(*models.cuda, plain, ids, nullptr);
  EXPECT_TRUE(same(plain, before));
  run(*models.cuda, ids, plain, nullptr);
  EXPECT_TRUE(same(after, plain));
}

// Everything that a model computes: each tensor of a prompt, the logits after a longer one, and generated text in
// batches on either side of the decoder's tiles.
struct WholeRun {
  std::map<std::pair<Quantity, std::int64_t>, Floats> tensors;
  Floats logits;
  ModelState state;
  std::vector<Ids> texts;
  std::vector<Floats> last;
};
WholeRun whole_run(const std::shared_ptr<const Model>& model) {
  WholeRun result{captured(*model, random_ids(150, 90)).all, {}, model->initial_state(), {}, {}};
  result.logits = read_for_logits(*model, random_ids(300, 90, 1), result.state);
  for (const std::int64_t batch : {1, 12, 40}) {
    const auto decoder = make_decoder(model, result.state, batch);
    result.texts.push_back(decoder->greedy(random_ids(batch, 90, 2), 40, 90));
    for (std::int64_t n = 0; n < batch; ++n)
      result.last.emplace_back(decoder->logits(n).begin(), decoder->logits(n).end());
  }
  return result;
}

TEST_F(MambaCuda, WholeRunsRepeatBitForBit) {
  for (const Precision precision : all_precisions) {
    SCOPED_TRACE(precision_name(precision));
    const auto model = load({{3, 64, 128, 16, 4, 4, 90}}, precision).cuda;
    const WholeRun first = whole_run(model);
    // Again, and by a model loaded anew, whose memory lies elsewhere.
    for (const auto& other : {model, load({{3, 64, 128, 16, 4, 4, 90}}, precision).cuda}) {
      const WholeRun again = whole_run(other);
      EXPECT_TRUE(again.tensors == first.tensors);
      EXPECT_EQ(again.logits, first.logits);
      EXPECT_TRUE(same(again.state, first.state));
      EXPECT_EQ(again.texts, first.texts);
      EXPECT_TRUE(again.last == first.last);
    }
  }
}

TEST_F(MambaCuda, LogitsAfterAPromptAgreeWithTheCpu) {
  const Pair models = load(usual);
  for (const std::int64_t tokens : {1, 8, 9, 2500}) {
    const Ids ids = random_ids(tokens, 90);
    ModelState a = models.cpu->initial_state(), b = a;
    EXPECT_LE(relative_error(read_for_logits(*models.cuda, ids, b), read_for_logits(*models.cpu, ids, a)), 1e-4);
    for (std::size_t i = 0; i < a.layers.size(); ++i) {
      EXPECT_LE(relative_error(b.layers[i].h, a.layers[i].h), 1e-4) << tokens;
      EXPECT_LE(relative_error(b.layers[i].conv, a.layers[i].conv), 1e-4) << tokens;
    }
  }
}

TEST_F(MambaCuda, DecodingAgreesWithReading) {
  for (const Precision precision : all_precisions) {
    // Large batches have kernels of their own where sizes are whole tiles.
    for (const auto& [batch, d_model] : {std::pair{1, 33}, {3, 33}, {12, 33}, {40, 36}, {40, 48}, {130, 48}}) {
      SCOPED_TRACE(testing::Message() << precision_name(precision) << ", batch " << batch << ", d_model " << d_model);
      const Pair models = load({{3, d_model, 2 * d_model, 16, 4, 3, 90}}, precision);
      const Ids prompt = random_ids(20, 90);
      ModelState state = models.cuda->initial_state();
      run(*models.cuda, prompt, state, nullptr);
      const auto decoder = make_decoder(models.cuda, state, batch);
      std::vector<ModelState> states(static_cast<std::size_t>(batch), state);
      for (std::uint64_t step = 0; step < 3; ++step) {
        const Ids ids = random_ids(batch, 90, step);
        decoder->step(ids);
        for (std::int64_t n = 0; n < batch; ++n) {
          const Floats expected = read_for_logits(*models.cuda, std::span(ids).subspan(static_cast<std::size_t>(n), 1),
                                                  states[static_cast<std::size_t>(n)]);
          EXPECT_LE(relative_error(decoder->logits(n), expected), tolerance(precision)) << n;
        }
      }
      const ModelState last = decoder->state(batch - 1);
      for (std::size_t i = 0; i < last.layers.size(); ++i)
        EXPECT_LE(relative_error(last.layers[i].h, states.back().layers[i].h), tolerance(precision));
    }
  }
}

// A single sequence goes through the kernel that holds the whole device: wide enough that its blocks own several tiles
// of channels, rows that do not fill a message, more rows than one stage of its ring takes.
TEST_F(MambaCuda, OneSequenceAgreesWithTheCpuAndRepeatsItsBits) {
  const MambaSpec specs[] = {{{2, 40, 2300, 16, 4, 3, 90}, Dtype::f32, true, true, true, true, true},
                             {{2, 1301, 50, 33, 3, 19, 301}},
                             {{1, 1, 1, 1, 2, 1, 2}}};
  for (const Precision precision : {Precision::f32, Precision::bf16, Precision::f16}) {
    for (const MambaSpec& spec : specs) {
      SCOPED_TRACE(testing::Message() << precision_name(precision) << ", d_inner " << spec.sizes.d_inner);
      const Pair models = load(spec, precision);
      const auto cpu = make_decoder(models.cpu, models.cpu->initial_state());
      const auto cuda = make_decoder(models.cuda, models.cuda->initial_state());
      for (const std::int32_t id : random_ids(4, spec.sizes.vocab)) {
        cpu->step(Ids{id});
        cuda->step(Ids{id});
        EXPECT_LE(relative_error(cuda->logits(), cpu->logits()), tolerance(precision));
      }
      EXPECT_LE(relative_error(cuda->state().layers[0].h, cpu->state().layers[0].h), tolerance(precision));
      EXPECT_LE(relative_error(cuda->state().layers[0].conv, cpu->state().layers[0].conv), tolerance(precision));

      const ModelState from = cuda->state();
      const auto one = make_decoder(models.cuda, from), two = make_decoder(models.cuda, from);
      const std::int64_t vocab = spec.sizes.vocab;
      const Ids chosen = one->greedy(Ids{0}, 70, vocab);  // more than one launch
      Ids stepped, next{0};
      for (int i = 0; i < 70; ++i) {
        next = two->greedy(next, 1, vocab);
        stepped.push_back(next[0]);
      }
      EXPECT_EQ(chosen, stepped);
      EXPECT_TRUE(same(one->state(), two->state()));
    }
  }
}

TEST_F(MambaCuda, ADecoderReadsPromptsIntoEverySequence) {
  const Pair models = load(usual);
  const Ids prompt = random_ids(40, 90), more = random_ids(11, 90, 9);
  ModelState state = models.cpu->initial_state();
  const auto decoder = make_decoder(models.cuda, state, 2);
  decoder->step(Ids{1, 2});
  decoder->read(prompt);
  decoder->read(more);
  read_for_logits(*models.cpu, Ids{2}, state);
  read_for_logits(*models.cpu, prompt, state);
  EXPECT_LE(relative_error(decoder->logits(1), read_for_logits(*models.cpu, more, state)), 1e-4);
  EXPECT_LE(relative_error(decoder->state(1).layers[2].h, state.layers[2].h), 1e-4);
}

TEST_F(MambaCuda, GreedyTextIsThatOfTheCpuAndOfSingleSteps) {
  const Pair models = load(usual);
  const Ids prompt = random_ids(20, 90);
  ModelState a = models.cpu->initial_state(), b = a;
  run(*models.cpu, prompt, a, nullptr);
  run(*models.cuda, prompt, b, nullptr);
  const Ids first{5, 5};
  const auto cpu = make_decoder(models.cpu, a, 2), cuda = make_decoder(models.cuda, b, 2);
  const Ids expected = cpu->greedy(first, 40, 80);
  EXPECT_EQ(cuda->greedy(first, 40, 80), expected);
  EXPECT_LE(relative_error(cuda->logits(1), cpu->logits(1)), 1e-4);
  const auto again = make_decoder(models.cuda, b, 2);
  Ids stepped, next = first;
  for (int i = 0; i < 40; ++i) {
    next = again->greedy(next, 1, 80);
    stepped.insert(stepped.end(), next.begin(), next.end());
  }
  EXPECT_EQ(stepped, expected);
  EXPECT_THROW(again->step(Ids{1}), Error);
  EXPECT_THROW(again->step(Ids{1, 90}), Error);
}

TEST_F(MambaCuda, StatesThatAreZeroInSomeLayersArrive) {
  // Layers come over in groups, and a group of zeros does not.
  const Pair models = load({{7, 32, 64, 16, 4, 2, 90}});
  const Ids ids = random_ids(80, 90);
  for (const std::size_t layer : {0, 2, 6}) {
    ModelState state = models.cpu->initial_state();
    for (std::size_t i = 0; i < state.layers[layer].h.size(); ++i)
      state.layers[layer].h[i] = 0.1f * static_cast<float>(i % 7);
    // What is left on the device is not zero.
    ModelState used = models.cuda->initial_state();
    run(*models.cuda, random_ids(90, 90, 3), used, nullptr);
    ModelState expected = state;
    run(*models.cuda, ids, state, nullptr);
    run(*models.cpu, ids, expected, nullptr);
    for (std::size_t i = 0; i < 7; ++i) {
      EXPECT_LE(relative_error(state.layers[i].h, expected.layers[i].h), 1e-4) << layer << ", " << i;
      EXPECT_LE(relative_error(state.layers[i].conv, expected.layers[i].conv), 1e-4) << layer << ", " << i;
    }
  }
}

TEST_F(MambaCuda, ZonesOfTheDeviceLieInsideTheRun) {
  const Pair models = load(usual);
  const Ids ids = random_ids(70, 90);
  ProfileRecorder recorder;
  ModelState state = models.cuda->initial_state();
  read_for_logits(*models.cuda, ids, state);
  const std::int64_t end = recorder.now();
  const std::vector<ProfileZone> zones = recorder.take();
  // Embedding; norm, projection, convolution, projection, projection, scan, projection of 3 layers; norm and head.
  EXPECT_EQ(zones.size(), 1U + 3 * 7 + 2);
  for (const ProfileZone& zone : zones) {
    EXPECT_TRUE(zone.on_device);
    EXPECT_LE(0, zone.begin);
    EXPECT_LE(zone.begin, zone.end);
    EXPECT_LE(zone.end, end);
  }
}

TEST_F(MambaCuda, StopsWhenAskedToAndGoesOnAfterwards) {
  const Pair models = load(usual);
  const Ids ids = random_ids(20, 90);
  ModelState state = models.cuda->initial_state();
  std::stop_source source;
  source.request_stop();
  EXPECT_THROW(run(*models.cuda, ids, state, nullptr, source.get_token()), Cancelled);
  ModelState a = models.cuda->initial_state(), b = a;
  EXPECT_LE(relative_error(read_for_logits(*models.cuda, ids, a), read_for_logits(*models.cpu, ids, b)), 1e-4);
}

TEST(MambaCudaErrors, ADeviceThatIsNotThereIsASentence) {
  const TemporaryFolder folder;
  write_checkpoint(folder.path(), usual);
  for (const char* device : {"cuda:99", "cuda:x", "tpu"}) {
    const std::string message = message_of([&] { load_model(folder.path(), Precision::f32, 1, device); });
    EXPECT_NE(message.find("cpu"), std::string::npos) << message;
  }
}

TEST(DecoderOnTheCpu, IsReadingTokenByToken) {
  const auto model = random_model(usual);
  const Ids prompt = random_ids(20, 90);
  ModelState state = model->initial_state();
  run(*model, prompt, state, nullptr);
  const auto decoder = make_decoder(model, state, 2);
  decoder->step(Ids{3, 7});
  ModelState other = state;
  const Floats expected = read_for_logits(*model, Ids{7}, other);
  EXPECT_EQ(Floats(decoder->logits(1).begin(), decoder->logits(1).end()), expected);
  EXPECT_TRUE(same(decoder->state(1), other));
  const Ids chosen = decoder->greedy(Ids{4, 4}, 5, 50);
  ASSERT_EQ(chosen.size(), 10U);
  EXPECT_TRUE(std::all_of(chosen.begin(), chosen.end(), [](std::int32_t id) { return id < 50; }));
  EXPECT_THROW(make_decoder(model, state, 0), Error);
}

}  // namespace
}  // namespace statescope
