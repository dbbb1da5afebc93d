// SPDX-License-Identifier: GPL-3.0-or-later
// The scenes of the Memory workspace.
#include "scene_json.h"

namespace statescope {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

std::vector<std::int64_t> get_indices(const json& object, const std::string& key, std::size_t most,
                                      const std::string& where) {
  std::vector<std::int64_t> indices;
  for (const json& value : list_at(object, key, most, where)) {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > static_cast<std::uint64_t>(max_signal_length))
      throw Error(where + ": \"" + key + "\" must hold whole numbers from 0 to " + std::to_string(max_signal_length));
    indices.push_back(value.get<std::int64_t>());
  }
  return indices;
}

Hippo parse_hippo(const json& object, const Hippo& fallback, const std::string& where) {
  Hippo hippo = fallback;
  const std::string family = get_string_or(object, "family", hippo_family_id(hippo.family), where);
  hippo.family = named([&] { return parse_hippo_family(family); }, where + ": family");
  hippo.order = get_int_or(object, "order", hippo.order, where);
  const std::string window = get_string_or(object, "window", hippo_window_id(hippo.window), where);
  hippo.window = named([&] { return parse_hippo_window(window); }, where + ": window");
  hippo.theta = get_number_or(object, "theta", hippo.theta, where);
  named([&] { check_hippo(hippo); }, where);
  return hippo;
}

void write_hippo(ordered_json& object, const Hippo& hippo) {
  object["family"] = hippo_family_id(hippo.family);
  object["order"] = hippo.order;
  if (has_window(hippo.family)) object["window"] = hippo_window_id(hippo.window);
  if (hippo.family != HippoFamily::legs) object["theta"] = hippo.theta;
}

MemoryMethod parse_memory_method(const json& object, const std::string& where) {
  if (!object.is_object()) throw Error(where + " must be an object");
  refuse_unknown_keys(object, {"family", "order", "window", "theta", "discretisation", "alpha", "start"}, where);
  MemoryMethod method;
  method.hippo = parse_hippo(object, method.hippo, where);
  const std::string rule = get_string_or(object, "discretisation", method_id(method.discretisation), where);
  method.discretisation = named([&] { return parse_method(rule); }, where + ": discretisation");
  method.alpha = get_number_or(object, "alpha", method.alpha, where);
  const std::string start = get_string_or(object, "start", legs_start_id(method.start), where);
  method.start = named([&] { return parse_legs_start(start); }, where + ": start");
  named([&] { check(method); }, where);
  return method;
}

ordered_json memory_method_json(const MemoryMethod& method) {
  ordered_json object;
  write_hippo(object, method.hippo);
  object["discretisation"] = method_id(method.discretisation);
  if (method.discretisation == Method::gbt) object["alpha"] = method.alpha;
  if (method.hippo.family == HippoFamily::legs) object["start"] = legs_start_id(method.start);
  return object;
}

}  // namespace

void check(const S4Run& run) {
  check_hippo(run.hippo);
  check(StepRule{.delta = run.delta});
  const std::int64_t N = run.hippo.order, entries = run.diagonal ? N / 2 : N;
  if (run.diagonal && N % 2 != 0)
    throw Error("S4D keeps one of every conjugate pair, so N = " + std::to_string(N) +
                " must be even; choose one more");
  if (!run.diagonal && run.hippo.family == HippoFamily::lmu)
    throw Error("the LMU's matrix is not normal plus low rank in its basis; choose legt, which is the same system");
  if (!run.diagonal && run.discretisation != Method::bilinear)
    throw Error("S4's generating function is that of the bilinear step; choose bilinear");
  if (run.length < 1 || run.length > max_kernel_length)
    throw Error("a kernel of " + std::to_string(run.length) + " samples is outside 1 to " +
                std::to_string(max_kernel_length) + "; choose a shorter one");
  if (!run.C.empty() && std::ssize(run.C) != entries)
    throw Error("C has " + std::to_string(run.C.size()) + " entries where " + std::to_string(entries) +
                " are read; give one for each");
  if (!run.diagonal && std::any_of(run.C.begin(), run.C.end(), [](Complex c) { return c.imag() != 0; }))
    throw Error("C of S4 reads the real HiPPO coefficients; give real numbers");
  if (run.read >= N)
    throw Error("there is no coefficient " + std::to_string(run.read) + " to read; choose 0 to " +
                std::to_string(N - 1));
}

HippoScene parse_hippo_scene(const json& root, const std::string& root_where) {
  const json& object = object_at(root, "experiment", root_where);
  const std::string where = root_where + ": experiment";
  refuse_unknown_keys(object, {"kind", "input", "delta", "methods", "at", "stride", "points", "orders"}, where);
  HippoScene scene;
  HippoRun& run = scene.run;
  if (object.contains("input")) run.input = parse_signal(object_at(object, "input", where), where + ": input");
  run.delta = get_number_or(object, "delta", run.delta, where);
  named([&] { check(StepRule{.delta = run.delta}); }, where);
  const json& methods = list_at(object, "methods", max_memory_methods, where);
  if (object.contains("methods")) run.methods.clear();
  for (std::size_t i = 0; i < methods.size(); ++i)
    run.methods.push_back(parse_memory_method(methods[i], where + ": methods[" + std::to_string(i) + "]"));
  if (run.methods.empty()) throw Error(where + ": \"methods\" lists none; give at least one or leave it out");
  run.at = get_indices(object, "at", max_memory_times, where);
  run.stride = get_index(object, "stride", 0, where);
  run.points = get_index(object, "points", 0, where);
  if (run.points > max_signal_length)
    throw Error(where + ": \"points\" must be at most " + std::to_string(max_signal_length));
  run.orders = get_indices(object, "orders", static_cast<std::size_t>(max_hippo_order), where);
  for (const std::int64_t order : run.orders) {
    if (order < 1 || order > max_hippo_order)
      throw Error(where + ": \"orders\" must lie from 1 to " + std::to_string(max_hippo_order));
  }
  const json& view = object_at(root, "view", root_where);
  refuse_unknown_keys(view, {"method"}, root_where + ": view");
  scene.view.method =
      std::min<std::int64_t>(get_index(view, "method", 0, root_where + ": view"), std::ssize(run.methods) - 1);
  scene.cursor = get_index(root, "cursor", 0, root_where);
  return scene;
}

ordered_json scene_json(const HippoScene& scene) {
  const HippoRun& run = scene.run;
  ordered_json methods = ordered_json::array();
  for (const MemoryMethod& method : run.methods) methods.push_back(memory_method_json(method));
  ordered_json experiment{
      {"kind", "hippo"}, {"input", signal_json(run.input)}, {"delta", run.delta}, {"methods", methods}};
  if (!run.at.empty()) experiment["at"] = run.at;
  if (run.stride > 0) experiment["stride"] = run.stride;
  if (run.points > 0) experiment["points"] = run.points;
  if (!run.orders.empty()) experiment["orders"] = run.orders;
  return {{"experiment", experiment}, {"view", {{"method", scene.view.method}}}, {"cursor", scene.cursor}};
}

S4Scene parse_s4_scene(const json& root, const std::string& root_where) {
  const json& object = object_at(root, "experiment", root_where);
  const std::string where = root_where + ": experiment";
  refuse_unknown_keys(
      object, {"kind", "form", "family", "order", "window", "theta", "discretisation", "delta", "length", "C", "read"},
      where);
  refuse_unknown_keys(object_at(root, "view", root_where), {}, root_where + ": view");
  S4Scene scene;
  S4Run& run = scene.run;
  const std::string form = get_string_or(object, "form", "s4", where);
  if (form != "s4") run.diagonal = named([&] { return parse_s4d_init(form); }, where + ": form");
  run.hippo = parse_hippo(object, run.hippo, where);
  if (run.diagonal) run.discretisation = Method::zoh;
  const std::string rule = get_string_or(object, "discretisation", method_id(run.discretisation), where);
  run.discretisation = named([&] { return parse_method(rule); }, where + ": discretisation");
  run.delta = get_number_or(object, "delta", run.delta, where);
  run.length = get_int_or(object, "length", run.length, where);
  run.C = get_complexes(object, "C", static_cast<std::size_t>(max_hippo_order), where);
  run.read = get_index(object, "read", 0, where);
  named([&] { check(run); }, where);
  scene.cursor = get_index(root, "cursor", 0, root_where);
  return scene;
}

ordered_json scene_json(const S4Scene& scene) {
  const S4Run& run = scene.run;
  ordered_json experiment{{"kind", "s4"}, {"form", run.diagonal ? s4d_init_id(*run.diagonal) : "s4"}};
  if (run.diagonal)
    experiment["order"] = run.hippo.order;
  else
    write_hippo(experiment, run.hippo);
  experiment["discretisation"] = method_id(run.discretisation);
  experiment["delta"] = run.delta;
  experiment["length"] = run.length;
  if (!run.C.empty()) {
    ordered_json C = ordered_json::array();
    for (const Complex value : run.C) C.push_back(complex_json(value));
    experiment["C"] = C;
  } else if (!run.diagonal) {
    experiment["read"] = run.read;
  }
  return {{"experiment", experiment}, {"cursor", scene.cursor}};
}

}  // namespace statescope
