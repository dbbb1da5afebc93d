// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/scan_ladder.h"

#include <map>
#include <set>

#include "ladder_cases.h"
#include "scan_inputs.h"

namespace statescope::kernels {
namespace {

using namespace testing;

TEST(LinearScan, EveryRungMatchesTheReference) {
  ScanWorkspace workspace;  // handed from rung to rung, so that each meets what another left there
  for (const LinearCase& c : linear_cases()) {
    SCOPED_TRACE(c);
    const Layout layout = layouts()[static_cast<std::size_t>(c.W % 3 != 0)];
    const LinearInputs in(c.T, c.W);
    const Matrix want = in.expected();
    on_every_backend([&](const CpuBackend& backend) {
      for (const ScanAlgorithm algorithm : rungs) {
        SCOPED_TRACE(scan_algorithm_name(algorithm));
        const Placed a = Placed::input(in.a, layout), b = Placed::input(in.b, layout), h0 = Placed::input(in.h0),
                     h = Placed::output(c.T, c.W, layout);
        backend.linear_scan({a.view(), b.view(), h0.data(), h.view()}, algorithm, c.chunk, &workspace);
        EXPECT_TRUE(close(h.values(), want, linear_tolerance(c.T)));
      }
    });
  }
}

TEST(LinearScan, WritesOverBAndStartsFromZeroWithoutAState) {
  LinearInputs in(37, 6);
  in.h0 = Matrix(1, 6);
  const Matrix want = in.expected();
  on_every_backend([&](const CpuBackend& backend) {
    for (const ScanAlgorithm algorithm : rungs) {
      const Placed a = Placed::input(in.a), b = Placed::in_out(in.b);
      backend.linear_scan({a.view(), b.view(), nullptr, b.view()}, algorithm, 8);
      EXPECT_TRUE(close(b.values(), want, linear_tolerance(37))) << scan_algorithm_name(algorithm);
    }
  });
}

TEST(ScanLadder, EveryRungMatchesTheReferenceWithEveryOption) {
  for (const ScanCase& c : option_cases(19, 5)) {
    SCOPED_TRACE(c);
    const ScanInputs in(c);
    Matrix h = in.h, y(c.T, c.E), states(c.T, 2 * c.N), squares(c.T, c.E);
    const std::vector<std::int32_t> channels{static_cast<std::int32_t>(c.E - 1), 1};
    SelectiveScanArgs<double> want = in.args(h, y);
    want.h_all = states.data();
    want.channel_list = channels.data(), want.channels = 2;
    want.state_squares = squares.view();
    reference::selective_scan(want);
    on_every_backend([&](const CpuBackend& backend) {
      Matrix fused;
      for (const ScanAlgorithm algorithm :
           {ScanAlgorithm::fused, ScanAlgorithm::sequential, ScanAlgorithm::hillis_steele, ScanAlgorithm::blelloch,
            ScanAlgorithm::chunked}) {
        SCOPED_TRACE(scan_algorithm_name(algorithm));
        const PlacedScan placed(in, layouts()[1]);
        const Placed all = Placed::output(c.T, 2 * c.N), norms = Placed::output(c.T, c.E, layouts()[1]);
        SelectiveScanArgs<float> args = placed.args();
        args.h_all = all.data();
        args.channel_list = channels.data(), args.channels = 2;
        args.state_squares = norms.view();
        backend.selective_scan(args, algorithm, 8);
        // 19 steps of 8 units and sums over 5 states, as derived in selective_scan_test.cpp; y and the squares of
        // magnitudes are a few times the largest result.
        const double allowed = 4 * (8 * 19 + 12) * unit_roundoff;
        EXPECT_TRUE(close(placed.y.values(), y, allowed));
        EXPECT_TRUE(close(placed.h.values(), h, allowed));
        EXPECT_TRUE(close(all.values(), states, allowed));
        EXPECT_TRUE(close(norms.values(), squares, 2 * allowed));
        // The sequential rung is the fused scan with a, b and h sent through memory.
        if (algorithm == ScanAlgorithm::fused) fused = placed.y.values();
        if (algorithm == ScanAlgorithm::sequential) {
          EXPECT_TRUE(same_bits(placed.y.values(), fused));
        }
      }
    });
  }
}

TEST(ScanSteps, EndInTheStatesOfTheReference) {
  for (const std::int64_t T : {0, 1, 2, 3, 4, 5, 8, 13, 16, 17}) {
    const LinearInputs in(T, 1);
    const Matrix want = in.expected();
    for (const ScanAlgorithm algorithm : scan_algorithms) {
      SCOPED_TRACE(::testing::Message() << scan_algorithm_name(algorithm) << ", T " << T);
      Matrix h(T, 1);
      for (const ScanStep& step : scan_steps(algorithm, in.a.values, in.b.values, in.h0(0, 0), 4)) {
        if (step.into.array != ScanArray::state) continue;
        h(step.into.index, 0) = step.result.b;
        EXPECT_EQ(step.result.a, 0);
      }
      EXPECT_TRUE(close(h, want, 1e-14));
    }
  }
}

TEST(ScanSteps, OfOneRoundDoNotDependOnOneAnother) {
  const LinearInputs in(13, 1);
  for (const ScanAlgorithm algorithm : scan_algorithms) {
    SCOPED_TRACE(scan_algorithm_name(algorithm));
    std::map<std::pair<ScanArray, std::int64_t>, std::int64_t> written;  // by which round
    const auto key = [](ScanPlace p) { return std::pair(p.array, p.index); };
    for (const ScanStep& step : scan_steps(algorithm, in.a.values, in.b.values, 0.5, 4)) {
      for (const ScanPlace& read : {step.left, step.right}) {
        const auto found = written.find(key(read));
        if (found != written.end()) {
          EXPECT_LT(found->second, step.round);
        }
      }
      written[key(step.into)] = step.round;
      if (step.operation == ScanOperation::descend) written[key(step.left)] = step.round;
    }
  }
}

TEST(ScanSteps, TheRightChildGetsTheParentThenTheLeftChild) {
  // Two tokens h -> 2h + 3, h -> 5h + 7 from h = 1: the tree's root holds (10, 22); going down the parent is the
  // state 1.
  const std::vector<double> a{2, 5}, b{3, 7};
  std::vector<ScanStep> down;
  for (const ScanStep& step : scan_steps(ScanAlgorithm::blelloch, a, b, 1)) {
    if (step.phase == ScanPhase::up_sweep) {
      EXPECT_EQ(step.result, (ScanPair{10, 22}));
    }
    if (step.phase == ScanPhase::down_sweep) down.push_back(step);
  }
  ASSERT_EQ(down.size(), 1u);
  EXPECT_EQ(down[0].right_value, (ScanPair{0, 1}));  // which is what the left child is left with
  EXPECT_EQ(down[0].result, (ScanPair{0, 5}));
}

TEST(ScanWork, CountsWhatTheStepsDo) {
  const auto rows = [](ScanPlace p) {
    return p.array == ScanArray::none ? 0 : p.array == ScanArray::carry || p.array == ScanArray::state ? 1 : 2;
  };
  for (const std::int64_t T : {1, 2, 3, 8, 13, 64}) {
    const LinearInputs in(T, 1);
    for (const ScanAlgorithm algorithm : scan_algorithms) {
      SCOPED_TRACE(::testing::Message() << scan_algorithm_name(algorithm) << ", T " << T);
      ScanWork counted;
      std::set<ScanPhase> phases;
      ScanPlace at_hand;  // what the step before left in registers
      std::pair<ScanPhase, std::int64_t> task{{}, -1};
      for (const ScanStep& step : scan_steps(algorithm, in.a.values, in.b.values, 0, 4)) {
        if (task != std::pair(step.phase, step.task)) at_hand = {};
        task = {step.phase, step.task};
        phases.insert(step.phase);
        counted.depth = std::max(counted.depth, step.round + 1);
        if (step.operation != ScanOperation::copy) ++counted.combines;
        // What becomes a state needs no more than b of what was before.
        if (step.left != at_hand) counted.bytes_read += std::min(rows(step.left), rows(step.into));
        counted.bytes_read += rows(step.right);
        counted.bytes_written += rows(step.into) + (step.operation == ScanOperation::descend ? rows(step.left) : 0);
        const bool applies_carry = step.phase == ScanPhase::finish && algorithm == ScanAlgorithm::chunked;
        at_hand = applies_carry ? step.left : step.into;
      }
      // In the trees every round is a pass of its own.
      const bool tree = algorithm == ScanAlgorithm::hillis_steele || algorithm == ScanAlgorithm::blelloch;
      counted.passes = tree ? counted.depth : static_cast<std::int64_t>(phases.size());
      const ScanWork work = linear_scan_work(algorithm, T, 7, 4);
      EXPECT_EQ(work.combines, 7 * counted.combines);
      EXPECT_EQ(work.depth, counted.depth);
      EXPECT_EQ(work.passes, counted.passes);
      EXPECT_EQ(work.bytes_read, 4 * 7 * counted.bytes_read);
      EXPECT_EQ(work.bytes_written, 4 * 7 * counted.bytes_written);
    }
  }
}

TEST(ScanWork, TheFusedScanMovesFarLess) {
  const ScanWork fused = selective_scan_work(ScanAlgorithm::fused, 4096, 1536, 16),
                 plain = selective_scan_work(ScanAlgorithm::sequential, 4096, 1536, 16);
  EXPECT_EQ(fused.exponentials, plain.exponentials);
  EXPECT_GT(plain.bytes(), 30 * fused.bytes());
}

}  // namespace
}  // namespace statescope::kernels
