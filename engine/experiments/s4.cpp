// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/experiments/s4.h"

#include <algorithm>
#include <cmath>

#include "array_json.h"
#include "engine/dynamics/response.h"
#include "engine/error.h"
#include "engine/io/format.h"
#include "engine/io/memory.h"
#include "kinds.h"

namespace statescope {
namespace {

using nlohmann::ordered_json;

// K_0 = 2 Re Σ C B̄, K_l = 2 Re Σ C Ā^{l−1}(Ā B̄ + B̄₋₁).
std::vector<double> diagonal_kernel(const DiscreteDiagonal& s, std::int64_t length) {
  std::vector<double> K;
  K.reserve(static_cast<std::size_t>(length));
  Eigen::ArrayXcd x = s.B.array();
  for (std::int64_t l = 0; l < length; ++l) {
    K.push_back(2 * (s.C.array() * x).sum().real());
    x *= s.A.array();
    if (l == 0) x += s.B_previous.array();
  }
  return K;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

}  // namespace

S4Result s4_result(const S4Run& run, std::stop_token stop) {
  check(run);
  S4Result r;
  r.run = run;
  const std::int64_t N = run.hippo.order;
  const StepRule rule{run.discretisation, run.delta};
  if (run.diagonal) {
    r.diagonal = s4d_system(*run.diagonal, N / 2);
    for (std::size_t i = 0; i < run.C.size(); ++i) r.diagonal.C(static_cast<std::int64_t>(i)) = run.C[i];
    r.lambda = r.diagonal.lambda;
    r.step = discretise(dense(r.diagonal), rule);
    r.modal = diagonal_kernel(discretise(r.diagonal, rule), run.length);
  } else {
    r.matrices = hippo_matrices(run.hippo);
    r.correction = normal_correction(run.hippo);
    r.form = nplr(run.hippo);
    r.lambda = r.form.lambda;
    r.C = Eigen::RowVectorXd::Zero(N);
    if (run.C.empty()) r.C(run.read) = 1;
    for (std::size_t i = 0; i < run.C.size(); ++i) r.C(static_cast<std::int64_t>(i)) = run.C[i].real();
    r.step = discretise(DenseSystem{r.matrices.A, r.matrices.B, r.C, 0}, rule);
    const DplrSystem system = s4_system(r.form, r.C);
    if (stop.stop_requested()) throw Cancelled();
    r.modal = s4_recurrence_kernel(system, run.delta, run.length);
    r.transform = cauchy_kernel(system, run.delta, run.length);
  }
  r.dense = kernel(r.step, run.length, stop);
  r.difference = std::max({largest_difference(r.dense, r.modal), largest_difference(r.dense, r.transform),
                           largest_difference(r.modal, r.transform)});
  for (const double K : r.dense) r.scale = std::max(r.scale, std::abs(K));
  return r;
}

std::string agreement_sentence(const S4Result& r) {
  return std::string(r.run.diagonal ? "Two ways" : "Three ways") + " to one kernel, " +
         rounding_text(r.difference, r.scale);
}

ordered_json compute_s4(const S4Scene& scene, std::stop_token stop) {
  const S4Result r = s4_result(scene.run, stop);
  const std::int64_t N = r.run.hippo.order, L = r.run.length;
  require_memory((3 * N * N + 4 * L) * bytes_per_double, "the result of this scene");
  ordered_json arrays = ordered_json::array();
  const auto add = [&](ordered_json made) { arrays.push_back(std::move(made)); };
  ordered_json result{{"format", "statescope-result"},
                      {"version", 1},
                      {"kind", "s4"},
                      {"form", r.run.diagonal ? s4d_init_id(*r.run.diagonal) : "s4"},
                      {"order", N},
                      {"delta", r.run.delta},
                      {"discretisation", method_id(r.run.discretisation)},
                      {"length", L},
                      {"cursor", std::min(scene.cursor, L - 1)},
                      {"difference", r.difference},
                      {"scale", r.scale},
                      {"sentence", agreement_sentence(r)}};
  add(array_json("lambda", "mode", r.lambda));
  if (r.run.diagonal) {
    add(array_json("B", "mode", r.diagonal.B));
    add(array_json("C", "mode", r.diagonal.C));
  } else {
    result["family"] = hippo_family_id(r.run.hippo.family);
    result["window"] = hippo_window_id(r.run.hippo.window);
    result["theta"] = r.run.hippo.theta;
    result["convention"] = hippo_convention(r.run.hippo);
    result["shift"] = r.correction.shift;
    add(array_json("A", "state", "state", r.matrices.A));
    add(array_json("B", "state", r.matrices.B));
    add(array_json("C", "state", Eigen::VectorXd(r.C.transpose())));
    add(array_json("P", "state", "rank", r.correction.P));
    add(array_json("B_abs", "mode", Eigen::VectorXd(r.form.B.cwiseAbs())));
    add(array_json("P_abs", "mode", "rank", r.form.P.cwiseAbs()));
    for (std::int64_t k = 0; k < r.form.P.cols(); ++k)
      add(array_json("PB_" + std::to_string(k), "mode",
                     Eigen::VectorXcd(r.form.P.col(k).conjugate().cwiseProduct(r.form.B))));
  }
  add(array_json("A_bar", "state", "state", r.step.A));
  add(array_json("B_bar", "state", r.step.B));
  add(array_json("kernel_dense", "sample", r.dense));
  add(array_json("kernel_modal", "sample", r.modal));
  if (!r.run.diagonal) add(array_json("kernel_cauchy", "sample", r.transform));
  result["arrays"] = arrays;
  return result;
}

}  // namespace statescope
