// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/memory_frame.h"

#include <algorithm>
#include <cmath>
#include <future>
#include <limits>
#include <span>

#include "engine/dynamics/analysis.h"

namespace statescope {
namespace {

constexpr std::int64_t most_places = 1200;          // more than a curve has pixels
constexpr std::int64_t samples_of_an_error = 2000;  // enough for two digits
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

void draw_signal(MemorySet& set) {
  const std::vector<double>& u = *set.signal;
  const std::int64_t L = set.length();
  const std::int64_t places = std::min(L, most_places);
  for (std::int64_t i = 0; i < places; ++i)
    set.x.push_back((static_cast<double>(i) + 0.5) * set.duration() / static_cast<double>(places));
  if (places == L) {
    set.drawn = u;
    return;
  }
  for (std::int64_t part = 0; part < places / 2; ++part) {
    const auto first = u.begin() + part * L / (places / 2), last = u.begin() + (part + 1) * L / (places / 2);
    const auto [low, high] = std::minmax_element(first, last);
    set.drawn.push_back(low < high ? *low : *high);
    set.drawn.push_back(low < high ? *high : *low);
  }
}

// Root of the mean square over the neighbours of each place, so that the eye sees a level and not every crossing.
std::vector<double> smoothed(const std::vector<double>& squares) {
  const std::int64_t count = std::ssize(squares), radius = std::max<std::int64_t>(1, count / 80);
  std::vector<double> result(squares.size(), nan);
  for (std::int64_t i = 0; i < count; ++i) {
    double sum = 0, terms = 0;
    for (std::int64_t j = std::max<std::int64_t>(0, i - radius); j <= std::min(count - 1, i + radius); ++j) {
      const double square = squares[static_cast<std::size_t>(j)];
      if (std::isnan(square)) continue;
      sum += square;
      ++terms;
    }
    if (!std::isnan(squares[static_cast<std::size_t>(i)])) result[static_cast<std::size_t>(i)] = std::sqrt(sum / terms);
  }
  return result;
}

MethodFrame method_frame(const MemorySet& set, const HippoMemory& memory, std::int64_t cursor) {
  const Hippo& hippo = memory.method().hippo;
  const double now = memory.past(cursor);
  const auto places = std::ssize(set.x);
  MethodFrame frame;
  frame.reach = hippo_reach(hippo, now);
  const Eigen::VectorXd c = memory.coefficients(cursor);
  frame.coefficients.assign(c.begin(), c.end());

  Eigen::VectorXd before(places);
  for (std::int64_t i = 0; i < places; ++i) before(i) = now - set.x[static_cast<std::size_t>(i)];
  const Eigen::VectorXd f = memory.reconstruction(c, cursor, before);
  frame.reconstruction.assign(f.begin(), f.end());
  for (const double s : before) frame.weight.push_back(s >= 0 ? hippo_weight(hippo, s, now) : 0);

  // The same places, counted back from now.
  std::vector<double> squares(set.x.size(), nan);
  Eigen::VectorXd ago = Eigen::Map<const Eigen::VectorXd>(set.x.data(), places);
  const Eigen::VectorXd remembered = memory.reconstruction(c, cursor, ago);
  for (std::int64_t i = 0; i < places; ++i)
    if (ago(i) <= frame.reach)
      squares[static_cast<std::size_t>(i)] = std::pow(remembered(i) - memory.truth(cursor, ago(i)), 2);
  frame.error_ago = smoothed(squares);
  frame.error = memory.error(cursor, samples_of_an_error);
  return frame;
}

}  // namespace

MemorySet memory_set(const HippoRun& run, const std::filesystem::path& base, std::stop_token stop) {
  MemorySet set;
  set.run = run;
  set.signal = std::make_shared<const std::vector<double>>(sample(run.input, run.delta, base, stop));
  draw_signal(set);
  std::vector<std::future<std::shared_ptr<const HippoMemory>>> memories;  // methods know nothing of each other
  for (const MemoryMethod& method : run.methods)
    memories.push_back(std::async(
        std::launch::async, [&] { return std::make_shared<const HippoMemory>(method, set.signal, run.delta, stop); }));
  for (const MemoryMethod& method : run.methods) set.matrices.push_back(hippo_matrices(method.hippo));
  for (auto& memory : memories) set.memories.push_back(memory.get());
  return set;
}

MemoryFrame memory_frame(std::shared_ptr<const MemorySet> set, std::int64_t cursor) {
  MemoryFrame frame;
  frame.cursor = std::clamp<std::int64_t>(cursor, 0, set->length() - 1);
  std::vector<std::future<MethodFrame>> methods;
  for (const auto& memory : set->memories)
    methods.push_back(std::async(std::launch::async, [&] { return method_frame(*set, *memory, frame.cursor); }));
  for (auto& method : methods) frame.methods.push_back(method.get());
  frame.set = std::move(set);
  return frame;
}

MemoryDetails memory_details(std::shared_ptr<const MemorySet> set, std::stop_token stop) {
  MemoryDetails details;
  std::vector<std::int64_t> orders;
  for (std::int64_t N = 1; N <= max_hippo_order; N *= 2) orders.push_back(N);
  details.orders.assign(orders.begin(), orders.end());
  for (std::size_t i = 0; i < set->memories.size(); ++i) {
    const MemoryMethod& method = set->run.methods[i];
    details.eigenvalues.push_back(eigenvalues(set->matrices[i].A));
    // A pair is the least that FouT has.
    const std::size_t skipped = method.hippo.family == HippoFamily::fout ? 1 : 0;
    std::vector<double> errors(skipped, nan);
    for (const double error : error_against_order(method, std::span(orders).subspan(skipped), set->signal,
                                                  set->run.delta, set->length() - 1, samples_of_an_error, stop))
      errors.push_back(error);
    details.errors.push_back(std::move(errors));
  }
  details.set = std::move(set);
  return details;
}

}  // namespace statescope
