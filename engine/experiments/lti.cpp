// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/experiments/lti.h"

#include <algorithm>
#include <cmath>
#include <future>
#include <numbers>

#include "engine/dynamics/s4.h"
#include "engine/error.h"
#include "engine/io/format.h"
#include "engine/io/memory.h"

namespace statescope {
namespace {

constexpr std::int64_t frequencies = 256;

Eigen::VectorXd initial_state(const LtiRun& run, std::int64_t N) {
  if (run.h0.empty()) return Eigen::VectorXd::Zero(N);
  if (std::ssize(run.h0) != N)
    throw Error("the initial state has " + std::to_string(run.h0.size()) + " entries where the system has " +
                std::to_string(N) + " states; give one for each");
  const Eigen::VectorXd h0 = Eigen::Map<const Eigen::VectorXd>(run.h0.data(), N);
  if (!h0.allFinite()) throw Error("the initial state holds a number that is not finite; give it one");
  return h0;
}

std::vector<std::int64_t> places(std::int64_t length) {
  std::vector<std::int64_t> at;
  const std::int64_t count = length <= direct_everywhere ? length : direct_places;
  for (std::int64_t i = 0; i < count; ++i) at.push_back(count == length ? i : i * (length - 1) / (count - 1));
  return at;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

// Kernel and free response read the same powers of Ā.
void discrete_responses(LtiResult& r, const Eigen::VectorXd& h0, std::stop_token stop) {
  const bool free = !h0.isZero(0);
  Eigen::MatrixXd read(r.states_count(), free ? 2 : 1);
  read.col(0) = r.step.A * r.step.B + r.step.B_previous;
  if (free) read.col(1) = r.step.A * h0;
  auto values = read_powers(r.step.A, r.step.C, read, r.length(), stop);
  r.kernel = std::move(values.front());
  r.kernel.pop_back();
  r.kernel.insert(r.kernel.begin(), r.step.C.dot(r.step.B));
  if (free) r.free_response = std::move(values[1]);
}

// The exact answers to an impulse and a step, which are those of the zero-order hold.
void continuous_responses(LtiResult& r, std::stop_token stop) {
  const DenseSystem& s = r.system.dense;
  const std::int64_t L = r.length();
  StepRule exact = r.run.rule;
  exact.method = Method::zoh;
  const DiscreteSystem held = r.run.rule.method == Method::zoh ? r.step : discretise(s, exact);
  Eigen::MatrixXd both(s.states(), 2);
  both << s.B, held.B;
  auto values = read_powers(held.A, s.C, both, L, stop);
  r.continuous_impulse = std::move(values[0]);
  r.continuous_step = running_sum(values[1]);  // at the end of sample l, as step_response
  for (double& y : r.continuous_step) y += s.D;
}

// A kernel that overflows, which an input may hide from the states, ends where it does.
void end_at_overflow(LtiResult& r) {
  const auto too_large =
      std::find_if(r.kernel.begin(), r.kernel.end(), [](double k) { return !(std::abs(k) <= largest_state); });
  const auto length = static_cast<std::size_t>(std::min(too_large - r.kernel.begin(), std::ssize(r.recurrence)));
  if (length < r.input.size()) r.diverges_at = static_cast<std::int64_t>(length);
  r.input.resize(length);
  r.recurrence.resize(length);
  for (std::vector<double>* response : {&r.kernel, &r.free_response, &r.continuous_impulse, &r.continuous_step})
    if (!response->empty()) response->resize(length);
  for (std::vector<double>& state : r.states) state.resize(length);
}

void answer(LtiResult& r, std::stop_token stop) {
  const std::int64_t L = r.length();
  std::vector<double> rest = r.free_response;  // what no convolution knows: the initial state and D u
  rest.resize(r.input.size());
  for (std::size_t t = 0; t < rest.size(); ++t) rest[t] += r.step.D * r.input[t];
  const auto with_rest = [&](std::vector<double> y) {
    for (std::size_t t = 0; t < y.size(); ++t) y[t] += rest[t];
    return y;
  };
  r.direct_at = places(L);
  auto direct = std::async(std::launch::async, [&] {  // of a long input as much work as everything else
    std::vector<double> sums;
    for (const std::int64_t t : r.direct_at) {
      if (sums.size() % 64 == 0 && stop.stop_requested()) throw Cancelled();
      sums.push_back(convolution_at(r.kernel, r.input, t) + rest[static_cast<std::size_t>(t)]);
    }
    return sums;
  });
  r.fft = with_rest(fft_convolution(r.kernel, r.input));
  r.fft_difference = largest_difference(r.fft, r.recurrence);
  r.direct = direct.get();
  for (std::size_t i = 0; i < r.direct.size(); ++i)
    r.direct_difference =
        std::max(r.direct_difference, std::abs(r.direct[i] - r.recurrence[static_cast<std::size_t>(r.direct_at[i])]));
  if (r.system.dplr && r.run.rule.method == Method::bilinear && L >= 1 && L <= max_kernel_length) {
    r.cauchy_kernel = cauchy_kernel(*r.system.dplr, r.run.rule.delta, L);
    r.cauchy = with_rest(fft_convolution(*r.cauchy_kernel, r.input));
    r.cauchy_difference = largest_difference(*r.cauchy, r.recurrence);
  }
  r.difference = std::max({r.direct_difference, r.fft_difference, r.cauchy_difference});
  for (const double y : r.recurrence) r.scale = std::max(r.scale, std::abs(y));
}

// Where the run says that they are, or where they are found.
Eigen::VectorXcd eigenvalues_of(const LtiRun& run, const BuiltSystem& system) {
  if (run.eigenvalues.empty()) return eigenvalues(system);
  if (!are_eigenvalues(system.dense.A, run.eigenvalues))
    throw Error(
        "the \"eigenvalues\" of the scene are not those of its matrix A; take them out, and they are searched for");
  return Eigen::Map<const Eigen::VectorXcd>(run.eigenvalues.data(), std::ssize(run.eigenvalues));
}

}  // namespace

LtiResult lti_result(const LtiRun& run, const std::filesystem::path& base, std::stop_token stop, LtiParts parts,
                     const KnownSystem* known) {
  LtiResult r;
  r.run = run;
  r.parts = parts;
  check(run.rule);
  r.system = known ? known->built : build(run.system);
  const std::int64_t N = r.states_count();
  const Eigen::VectorXd h0 = initial_state(run, N);
  // Four threads: where the modes are, how frequencies pass, what an impulse gives, and the recurrence.
  auto modes = std::async(std::launch::async, [&r, known] {
    r.controllable = controllable_rank(r.system.dense.A, r.system.dense.B);
    r.observable = observable_rank(r.system.dense.A, r.system.dense.C);
    return modes_of(known ? known->eigenvalues : eigenvalues_of(r.run, r.system), r.run.rule);
  });
  r.input = sample(run.input, run.rule.delta, base, stop);
  const std::int64_t L = r.samples = r.length();
  if (N * L > max_state_samples)
    throw Error(std::to_string(N) + " states over " + std::to_string(L) + " samples are more than " +
                std::to_string(max_state_samples) + " numbers; take a shorter input or fewer states");
  require_memory((N + 16) * L * static_cast<std::int64_t>(sizeof(double)), "the answer of the system");
  r.step = discretise(r.system.dense, run.rule);
  auto spectra = std::async(std::launch::async, [&] {
    r.modes = modes.get();
    if (parts.frequency)
      r.frequency = frequency_response(r.system.dense, r.step, run.rule.delta,
                                       frequencies_of(r.modes, run.rule.delta, frequencies));
  });
  auto responses = std::async(std::launch::async, [&] {
    discrete_responses(r, h0, stop);
    if (parts.continuous) continuous_responses(r, stop);
  });
  Run recurrence = run_recurrence(r.step, r.input, h0, stop);
  const std::int64_t steps = recurrence.states.cols();
  r.states.assign(static_cast<std::size_t>(N), std::vector<double>(static_cast<std::size_t>(steps)));
  for (std::int64_t t = 0; t < steps; ++t)  // as they lie in memory
    for (std::int64_t n = 0; n < N; ++n)
      r.states[static_cast<std::size_t>(n)][static_cast<std::size_t>(t)] = recurrence.states(n, t);
  r.recurrence = std::move(recurrence.output);
  r.diverges_at = recurrence.diverges_at;
  responses.get();
  end_at_overflow(r);
  answer(r, stop);
  r.step_response = running_sum(r.kernel);
  for (double& y : r.step_response) y += r.system.dense.D;
  spectra.get();
  return r;
}

KnownSystem known_system(const LtiResult& r) {
  KnownSystem known{r.system, Eigen::VectorXcd(std::ssize(r.modes))};
  for (std::int64_t i = 0; i < known.eigenvalues.size(); ++i)
    known.eigenvalues[i] = r.modes[static_cast<std::size_t>(i)].lambda;
  return known;
}

std::string stability_sentence(const LtiResult& r) {
  const std::string method = method_name(r.run.rule.method);
  double real = -std::numeric_limits<double>::infinity(), radius = 0;
  for (const Mode& mode : r.modes) {
    real = std::max(real, mode.lambda.real());
    radius = std::max(radius, std::abs(mode.z));
  }
  constexpr double on_edge = 1e-9;
  const bool dies = real<-on_edge, grows = real> on_edge;
  const bool steps_die = radius<1 - on_edge, steps_grow = radius> 1 + on_edge;
  if (dies && steps_die) return "Every mode dies out, in continuous time and when stepped.";
  if (dies && steps_grow)
    return "The system is stable, but " + method + " at this Δ is not: a pole lies outside the unit circle.";
  if (grows && steps_die) return "The system grows, but " + method + " at this Δ makes it die out.";
  if (grows) return "The system grows: a pole lies right of the imaginary axis.";
  if (steps_grow) return "The system neither grows nor dies out, but stepped by " + method + " it grows.";
  if (steps_die) return "The system neither grows nor dies out, but stepped by " + method + " it dies out.";
  return "A mode neither grows nor dies out: its pole lies on the edge of stability.";
}

std::string agreement_sentence(const LtiResult& r) {
  if (r.length() == 0) return "The recurrence diverges at once, so there is nothing to compare.";
  const std::string ways =
      r.cauchy ? "Recurrence, direct sum, FFT and Cauchy kernel" : "Recurrence, direct sum and FFT";
  return ways + " give the same output, " + rounding_text(r.difference, r.scale) + ".";
}

std::string sampling_sentence(const LtiResult& r) {
  const double nyquist = std::numbers::pi / r.run.rule.delta;
  double fastest = 0;
  for (const Mode& mode : r.modes) fastest = std::max(fastest, std::abs(mode.lambda.imag()));
  if (fastest == 0) return "No mode turns, so no Δ is too coarse to follow one.";
  const double samples = 2 * std::numbers::pi / (fastest * r.run.rule.delta);
  if (fastest > nyquist)
    return "Δ is too coarse: the fastest mode turns more than half a circle in a step, so its samples look slower.";
  return "The fastest mode gets " + short_number(std::round(samples * 10) / 10) +
         " samples a turn; two are the least (Nyquist, π/Δ).";
}

std::string reach_sentence(const LtiResult& r) {
  const std::int64_t N = r.states_count();
  if (N == 1)
    return std::string("The input ") + (r.controllable == 1 ? "reaches" : "does not reach") +
           " the state, and the output " + (r.observable == 1 ? "shows it." : "does not show it.");
  const auto part = [&](std::int64_t rank) { return rank == N ? "all" : std::to_string(rank); };
  return "Of " + std::to_string(N) + " states the input reaches " + part(r.controllable) + " and the output shows " +
         part(r.observable) + ".";
}

}  // namespace statescope
