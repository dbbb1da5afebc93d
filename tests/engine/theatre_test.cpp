// SPDX-License-Identifier: GPL-3.0-or-later
// The theatre plays the ladder's own schedule; what is judged here is that it ends in the right states and that its
// steps add up to what the kernels say the algorithm costs.
#include "engine/profile/theatre.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "engine/error.h"
#include "message_of.h"

namespace statescope {
namespace {

using namespace test;

std::vector<ScanPair> some_pairs(std::int64_t length) {
  std::vector<ScanPair> pairs;
  for (std::int64_t t = 0; t < length; ++t) {
    const auto angle = static_cast<double>(t);
    pairs.push_back({0.5 + 0.4 * std::cos(3 * angle), std::sin(angle)});
  }
  return pairs;
}

class TheatreOf : public testing::TestWithParam<ScanAlgorithm> {};

TEST_P(TheatreOf, EndsInTheStatesOfTheRecurrence) {
  for (const std::int64_t length : {1, 2, 3, 7, 8, 9, 31, 32, 33, 63, 64}) {
    for (const std::int64_t chunk : {1, 3, 8, 64}) {
      const auto pairs = some_pairs(length);
      const Theatre theatre = scan_theatre(GetParam(), pairs, 0.7, chunk);
      double h = 0.7;
      ASSERT_EQ(std::ssize(theatre.states), length);
      for (std::size_t t = 0; t < pairs.size(); ++t) {
        h = pairs[t].a * h + pairs[t].b;
        // |h| stays below 11; 64 combinations in double round by 2^-53 each.
        EXPECT_NEAR(theatre.states[t], h, 1e-13) << length << " " << chunk << " " << t;
      }
    }
  }
}

TEST_P(TheatreOf, ItsStepsAddUpToTheWorkOfTheAlgorithm) {
  for (const std::int64_t length : {1, 2, 5, 8, 13, 64}) {
    for (const std::int64_t chunk : {1, 4, 64}) {
      const Theatre theatre = scan_theatre(GetParam(), some_pairs(length), 0, chunk);
      std::int64_t combines = 0, read = 0, written = 0;
      std::set<std::int64_t> passes;
      for (const TheatreStep& step : theatre.steps) {
        for (const TheatreMove& move : step.moves) combines += move.step.operation != kernels::ScanOperation::copy;
        read += step.bytes_read;
        written += step.bytes_written;
        passes.insert(step.pass);
      }
      const kernels::ScanWork work = kernels::selective_scan_work(GetParam(), length, 1, 1, chunk);
      const std::string where = std::to_string(length) + " tokens, chunks of " + std::to_string(chunk);
      EXPECT_EQ(combines, work.combines) << where;
      EXPECT_EQ(read, work.bytes_read) << where;
      EXPECT_EQ(written, work.bytes_written) << where;
      EXPECT_EQ(std::ssize(passes), work.passes) << where;
      EXPECT_EQ(theatre.work.bytes(), work.bytes()) << where;
    }
  }
}

TEST_P(TheatreOf, RowsShowWhatTheMovesWrote) {
  const Theatre theatre = scan_theatre(GetParam(), some_pairs(6), 0.5, 4);
  for (const TheatreStep& step : theatre.steps) {
    EXPECT_FALSE(step.title.empty());
    EXPECT_FALSE(step.sentence.empty());
    EXPECT_EQ(step.rows.front().array, ScanArray::input);
    EXPECT_EQ(step.rows.back().array, ScanArray::state);
    for (const TheatreMove& move : step.moves) {
      for (const TheatreRow& row : step.rows) {
        if (row.array != move.step.into.array) continue;
        const auto place = static_cast<std::size_t>(move.step.into.index);
        EXPECT_EQ(row.places[place], move.step.result) << step.title;
        EXPECT_EQ(row.filled[place], 1) << step.title;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ladder, TheatreOf, testing::ValuesIn(kernels::scan_algorithms), [](const auto& param) {
  std::string name = scan_algorithm_id(param.param);
  std::erase(name, '-');
  return name;
});

TEST(Theatre, OnlyTheFusedScanKeepsPairsAndStatesAtHand) {
  const Theatre fused = scan_theatre(ScanAlgorithm::fused, some_pairs(8));
  for (const TheatreStep& step : fused.steps)
    for (const TheatreMove& move : step.moves)
      EXPECT_FALSE(move.left_travels || move.right_travels || move.result_travels);
  const Theatre blelloch = scan_theatre(ScanAlgorithm::blelloch, some_pairs(8));
  EXPECT_GT(blelloch.work.bytes(), 3 * fused.work.bytes());
  EXPECT_EQ(blelloch.sentence, "Blelloch, 8 tokens: 22 combinations in 11 rounds, 11 sweeps through slow memory, " +
                                   std::to_string(blelloch.work.bytes()) + " bytes; the fused scan moves " +
                                   std::to_string(fused.work.bytes()));
}

TEST(Theatre, NamesGoBothWays) {
  for (const ScanAlgorithm algorithm : kernels::scan_algorithms) {
    EXPECT_EQ(parse_scan_algorithm(scan_algorithm_id(algorithm)), algorithm);
    EXPECT_FALSE(scan_algorithm_sentence(algorithm).empty());
  }
  EXPECT_NE(message_of([] { parse_scan_algorithm("quick"); }).find("hillis-steele"), std::string::npos);
}

TEST(Theatre, RefusesWhatItCannotPlay) {
  const auto refusal = [](const std::vector<ScanPair>& pairs, double h0, std::int64_t chunk) {
    return message_of([&] { scan_theatre(ScanAlgorithm::chunked, pairs, h0, chunk); });
  };
  EXPECT_NE(refusal({}, 0, 8).find("1 to 64 tokens"), std::string::npos);
  EXPECT_NE(refusal(some_pairs(65), 0, 8).find("not 65"), std::string::npos);
  EXPECT_NE(refusal(some_pairs(4), 0, 0).find("chunk"), std::string::npos);
  EXPECT_NE(refusal(some_pairs(4), 0, 65).find("chunk"), std::string::npos);
  EXPECT_NE(refusal(some_pairs(4), INFINITY, 8).find("initial state"), std::string::npos);
  EXPECT_NE(refusal({{1, 0}, {NAN, 0}}, 0, 8).find("pair 1"), std::string::npos);
}

}  // namespace
}  // namespace statescope
