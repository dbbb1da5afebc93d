// SPDX-License-Identifier: GPL-3.0-or-later
// The scenes of the Dynamics workspace.
#include <cmath>

#include "scene_json.h"

namespace statescope {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* pages[] = {"motion", "convolution", "frequency"};

Eigen::VectorXcd get_vector(const json& object, const std::string& key, const std::string& where) {
  const std::vector<Complex> values = get_complexes(object, key, max_states, where);
  return Eigen::Map<const Eigen::VectorXcd>(values.data(), std::ssize(values));
}

// A list of rows of one length.
Eigen::MatrixXd get_matrix(const json& object, const std::string& key, const std::string& where) {
  const json& rows = list_at(object, key, max_states, where);
  const auto count = static_cast<std::int64_t>(rows.size());
  const auto width = rows.empty() || !rows[0].is_array() ? 0 : static_cast<std::int64_t>(rows[0].size());
  if (width > max_states)
    throw Error(where + ": \"" + key + "\" has rows of more than " + std::to_string(max_states) + " numbers");
  Eigen::MatrixXd matrix(count, width);
  for (std::int64_t r = 0; r < count; ++r) {
    const json& row = rows[static_cast<std::size_t>(r)];
    if (!row.is_array() || static_cast<std::int64_t>(row.size()) != width)
      throw Error(where + ": \"" + key + "\" must be a list of rows of one length");
    for (std::int64_t c = 0; c < width; ++c) matrix(r, c) = real_of(row[static_cast<std::size_t>(c)], key, where);
  }
  return matrix;
}

DenseSystem parse_dense(const json& object, const std::string& where) {
  refuse_unknown_keys(object, {"form", "A", "B", "C", "D"}, where);
  const std::vector<double> B = get_reals(object, "B", max_states, where),
                            C = get_reals(object, "C", max_states, where);
  return {get_matrix(object, "A", where), Eigen::Map<const Eigen::VectorXd>(B.data(), std::ssize(B)),
          Eigen::Map<const Eigen::RowVectorXd>(C.data(), std::ssize(C)), get_number_or(object, "D", 0, where)};
}

DiagonalSystem parse_diagonal(const json& object, const std::string& where) {
  refuse_unknown_keys(object, {"form", "lambda", "B", "C", "D", "conjugates"}, where);
  return {get_vector(object, "lambda", where), get_vector(object, "B", where), get_vector(object, "C", where),
          get_number_or(object, "D", 0, where), get_bool_or(object, "conjugates", true, where)};
}

DplrSystem parse_dplr(const json& object, const std::string& where) {
  refuse_unknown_keys(object, {"form", "lambda", "P", "B", "C", "D", "conjugates"}, where);
  DplrSystem s;
  s.lambda = get_vector(object, "lambda", where);
  const json& columns = list_at(object, "P", 16, where);
  s.P.resize(s.modes(), static_cast<std::int64_t>(columns.size()));
  for (std::size_t r = 0; r < columns.size(); ++r) {
    if (!columns[r].is_array() || static_cast<std::int64_t>(columns[r].size()) != s.modes())
      throw Error(where + ": \"P\" must be a list of vectors, each with a number per entry of \"lambda\"");
    for (std::int64_t n = 0; n < s.modes(); ++n)
      s.P(n, static_cast<std::int64_t>(r)) = complex_of(columns[r][static_cast<std::size_t>(n)], "P", where);
  }
  s.B = get_vector(object, "B", where);
  s.C = get_vector(object, "C", where);
  s.D = get_number_or(object, "D", 0, where);
  s.conjugates = get_bool_or(object, "conjugates", true, where);
  return s;
}

Preset parse_preset(const json& object, const std::string& where) {
  const std::string id = get_string_or(object, "preset", Preset().id, where);
  Preset preset = named([&] { return make_preset(id); }, where + ": preset");
  for (const auto& [name, value] : object.items()) {
    const std::string& key = name;  // clang 14 captures no structured binding
    if (key == "form" || key == "preset" || key == "C" || value.is_null()) continue;
    named([&] { set_parameter(preset, key, get_number(object, key, where)); }, where);
  }
  preset.C = get_complexes(object, "C", max_states, where);
  return preset;
}

SystemChoice parse_system(const json& object, const std::string& where) {
  const std::string form = get_string_or(object, "form", "preset", where);
  SystemChoice choice;
  if (form == "preset")
    choice = parse_preset(object, where);
  else if (form == "dense")
    choice = parse_dense(object, where);
  else if (form == "diagonal")
    choice = parse_diagonal(object, where);
  else if (form == "dplr")
    choice = parse_dplr(object, where);
  else
    throw Error(where + ": \"form\" must be preset, dense, diagonal or dplr");
  named([&] { std::visit([](const auto& given) { check(given); }, choice); }, where);
  return choice;
}

template <class Values>
ordered_json list_json(const Values& values) {
  ordered_json list = ordered_json::array();
  for (const auto& value : values) list.push_back(complex_json(value));
  return list;
}

ordered_json system_json(const Preset& preset) {
  ordered_json object{{"form", "preset"}, {"preset", preset.id}};
  const auto& parameters = preset_info(preset.id).parameters;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i].kind != PresetParameter::real)
      object[parameters[i].key] = static_cast<std::int64_t>(preset.values[i]);
    else
      object[parameters[i].key] = preset.values[i];
  }
  if (!preset.C.empty()) object["C"] = list_json(preset.C);
  return object;
}

ordered_json system_json(const DenseSystem& s) {
  ordered_json rows = ordered_json::array();
  for (std::int64_t r = 0; r < s.states(); ++r) rows.push_back(list_json(Eigen::VectorXd(s.A.row(r))));
  return {{"form", "dense"}, {"A", rows}, {"B", list_json(s.B)}, {"C", list_json(s.C)}, {"D", s.D}};
}

ordered_json system_json(const DiagonalSystem& s) {
  return {{"form", "diagonal"}, {"lambda", list_json(s.lambda)}, {"B", list_json(s.B)}, {"C", list_json(s.C)},
          {"D", s.D},           {"conjugates", s.conjugates}};
}

ordered_json system_json(const DplrSystem& s) {
  ordered_json columns = ordered_json::array();
  for (std::int64_t r = 0; r < s.P.cols(); ++r) columns.push_back(list_json(Eigen::VectorXcd(s.P.col(r))));
  return {
      {"form", "dplr"}, {"lambda", list_json(s.lambda)}, {"P", columns}, {"B", list_json(s.B)}, {"C", list_json(s.C)},
      {"D", s.D},       {"conjugates", s.conjugates}};
}

}  // namespace

LtiScene parse_lti_scene(const json& root, const std::string& root_where) {
  const json& object = object_at(root, "experiment", root_where);
  const std::string where = root_where + ": experiment";
  refuse_unknown_keys(object, {"kind", "system", "method", "delta", "alpha", "lambda", "input", "h0", "eigenvalues"},
                      where);
  LtiScene scene;
  LtiRun& run = scene.run;
  run.system = parse_system(object_at(object, "system", where), where + ": system");
  const std::string method = get_string_or(object, "method", method_id(run.rule.method), where);
  run.rule.method = named([&] { return parse_method(method); }, where + ": method");
  run.rule.delta = get_number_or(object, "delta", run.rule.delta, where);
  run.rule.alpha = get_number_or(object, "alpha", run.rule.alpha, where);
  run.rule.balance = get_number_or(object, "lambda", run.rule.balance, where);
  named([&] { check(run.rule); }, where);
  run.input = parse_signal(object_at(object, "input", where), where + ": input");
  run.h0 = get_reals(object, "h0", max_states, where);
  run.eigenvalues = get_complexes(object, "eigenvalues", max_states, where);

  const json& view = object_at(root, "view", root_where);
  const std::string view_where = root_where + ": view";
  refuse_unknown_keys(view, {"page", "axes", "three_d"}, view_where);
  const std::string page = get_string_or(view, "page", pages[0], view_where);
  const auto* found = std::find(std::begin(pages), std::end(pages), page);
  if (found == std::end(pages)) throw Error(view_where + ": \"page\" must be motion, convolution or frequency");
  scene.view.page = static_cast<LtiView::Page>(found - pages);
  const json& axes = list_at(view, "axes", std::size(scene.view.axes), view_where);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = axes[i].is_number_integer() ? axes[i].get<std::int64_t>() : max_states;
    if (axis < -3 || axis >= max_states)
      throw Error(view_where +
                  ": \"axes\" must be the numbers of up to three states, from 0, or -1 to -3 for principal directions");
    scene.view.axes[i] = axis;
  }
  scene.view.three_d = get_bool_or(view, "three_d", false, view_where);
  scene.cursor = get_index(root, "cursor", 0, root_where);
  return scene;
}

ordered_json scene_json(const LtiScene& scene) {
  const LtiRun& run = scene.run;
  const LtiView& view = scene.view;
  ordered_json experiment{{"kind", "lti"},
                          {"system", std::visit([](const auto& given) { return system_json(given); }, run.system)},
                          {"method", method_id(run.rule.method)},
                          {"delta", run.rule.delta},
                          {"alpha", run.rule.alpha},
                          {"lambda", run.rule.balance},
                          {"input", signal_json(run.input)}};
  if (!run.h0.empty()) experiment["h0"] = run.h0;
  if (!run.eigenvalues.empty()) experiment["eigenvalues"] = list_json(run.eigenvalues);
  return {{"experiment", experiment},
          {"view",
           {{"page", pages[static_cast<std::size_t>(view.page)]},
            {"axes", {view.axes[0], view.axes[1], view.axes[2]}},
            {"three_d", view.three_d}}},
          {"cursor", scene.cursor}};
}

}  // namespace statescope
