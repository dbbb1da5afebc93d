// SPDX-License-Identifier: GPL-3.0-or-later
#include "grid_cell.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/io/json.h"
#include "engine/io/utf8.h"
#include "engine/models/grid.h"
#include "engine/models/hyena_filter.h"

namespace statescope {
namespace grid {
namespace {

using Shape = std::vector<std::int64_t>;

void expect(const Checkpoint& checkpoint, const std::string& name, const Shape& shape) {
  if (checkpoint.info(name).shape != shape)
    throw Error(checkpoint.file_of(name) + ": tensor " + in_quotes(name) + " has another shape than the others need");
}

std::int64_t size_of(const Checkpoint& checkpoint, const std::string& name, std::size_t rank, std::size_t dimension) {
  const Shape& shape = checkpoint.info(name).shape;
  constexpr std::int64_t largest = std::int64_t{1} << 24;
  if (shape.size() != rank || shape[dimension] < 1 || shape[dimension] > largest)
    throw Error(checkpoint.file_of(name) + ": tensor " + in_quotes(name) + " must have " + std::to_string(rank) +
                " dimensions, none empty");
  return shape[dimension];
}

// The tensors of one layer, against the sizes.
void check_layer(const Checkpoint& checkpoint, const Cell& cell, std::int64_t i) {
  const auto [layers, D, E, N, K, R, V] = cell.info.sizes;
  const std::string m = mixer(i);
  const std::int64_t branches = cell.block == Block::plain ? 1 : cell.block == Block::mamba ? 2 : 3;
  expect(checkpoint, prefix + ("layers." + std::to_string(i)) + ".norm.weight", {D});
  expect(checkpoint, m + "in_proj.weight", {branches * E, D});
  expect(checkpoint, m + "out_proj.weight", {D, E});
  if (cell.block == Block::mamba) {
    expect(checkpoint, m + "conv1d.weight", {E, 1, K});
    expect(checkpoint, m + "conv1d.bias", {E});
  }
  if (cell.block == Block::h3) {
    expect(checkpoint, m + "shift.weight", {E, K});
    expect(checkpoint, m + "shift.D", {E});
    expect(checkpoint, m + "in_proj.bias", {3 * E});
    expect(checkpoint, m + "out_proj.bias", {D});
  }
  if (cell.inner == Inner::attention) return expect(checkpoint, m + "qkv_proj.weight", {3 * E, E});
  expect(checkpoint, m + "D", {E});
  if (cell.inner == Inner::hyena) {
    const std::int64_t width = hyena::width;
    for (std::int64_t k = 0; k < hyena::hidden; ++k) {
      const std::string filter = m + "filter." + std::to_string(k);
      expect(checkpoint, filter + ".weight", {width, k == 0 ? hyena::features : width});
      expect(checkpoint, filter + ".bias", {width});
    }
    expect(checkpoint, m + "filter." + std::to_string(hyena::hidden) + ".weight", {E, width});
    return expect(checkpoint, m + "filter.frequency", {width});
  }
  if (cell.inner == Inner::s4d) {
    expect(checkpoint, m + "log_dt", {E});
    for (const char* name : {"log_A_real", "C_real"}) expect(checkpoint, m + name, {E, cell.modes()});
    for (const char* name : {"A_imag", "C_imag"})
      if (cell.conjugate) expect(checkpoint, m + name, {E, cell.modes()});
    return;
  }
  expect(checkpoint, m + "A_log", {E, N});
  expect(checkpoint, m + "dt_proj.bias", {E});
  const std::int64_t projected = R + (cell.selective_B ? N : 0) + (cell.selective_C ? N : 0);
  if (projected > 0) expect(checkpoint, m + "x_proj.weight", {projected, E});
  if (cell.selective_delta) expect(checkpoint, m + "dt_proj.weight", {E, R});
  if (!cell.selective_B) expect(checkpoint, m + "B", {N});
  if (!cell.selective_C) expect(checkpoint, m + "C", {N});
}

}  // namespace

std::string mixer(std::int64_t layer) {
  return prefix + ("layers." + std::to_string(layer)) + ".mixer.";
}

Cell inspect(const Checkpoint& checkpoint) {
  Cell cell;
  ModelInfo& info = cell.info;
  ModelSizes& s = info.sizes;
  const std::string first = mixer(0), embedding = prefix + std::string("embedding.weight");
  s.vocab = size_of(checkpoint, embedding, 2, 0);
  s.d_model = size_of(checkpoint, embedding, 2, 1);
  s.d_inner = size_of(checkpoint, first + "out_proj.weight", 2, 1);
  while (checkpoint.has(mixer(s.layers) + "out_proj.weight")) ++s.layers;
  s.d_conv = 1;
  if (checkpoint.has(first + "conv1d.weight")) {
    cell.block = Block::mamba;
    s.d_conv = size_of(checkpoint, first + "conv1d.weight", 3, 2);
  } else if (checkpoint.has(first + "shift.weight")) {
    cell.block = Block::h3;
    s.d_conv = size_of(checkpoint, first + "shift.weight", 2, 1);
  }
  const std::int64_t E = s.d_inner;
  std::int64_t state = 0;  // numbers of a layer
  const nlohmann::json& config = checkpoint.config();
  const nlohmann::json& extension = config.contains("statescope") ? config["statescope"] : config;
  const std::string where = (checkpoint.folder() / "config.json").string();
  if (checkpoint.has(first + "filter.0.weight")) {
    cell.inner = Inner::hyena;
    cell.length = get_int_or(extension, "length", 0, where);
    if (cell.length < 1 || cell.length > std::int64_t{1} << 24)
      throw Error(where + ": statescope.length must be the length that Hyena's filter was made for, 1 to 16777216");
    info.state_kind = StateKind::none;
    info.cache_bytes = s.layers * E * static_cast<std::int64_t>(sizeof(float));
  } else if (checkpoint.has(first + "qkv_proj.weight")) {
    cell.inner = Inner::attention;
    info.state_kind = StateKind::none;
    info.cache_bytes = s.layers * 2 * E * static_cast<std::int64_t>(sizeof(float));
    cell.heads = get_int_or(extension, "heads", 0, where);
    if (cell.heads < 1 || cell.heads > E || E % (2 * cell.heads) != 0)
      throw Error(where + ": heads must divide d_inner, " + std::to_string(E) + ", into an even number of columns");
  } else if (checkpoint.has(first + "log_dt")) {
    cell.inner = Inner::s4d;
    cell.conjugate = checkpoint.has(first + "A_imag");
    info.state_kind = StateKind::per_channel;
    s.d_state = size_of(checkpoint, first + "C_real", 2, 1) * (cell.conjugate ? 2 : 1);
    state = E * s.d_state;
  } else {
    s.d_state = size_of(checkpoint, first + "A_log", 2, 1);
    cell.selective_delta = checkpoint.has(first + "dt_proj.weight");
    cell.selective_B = !checkpoint.has(first + "B");
    cell.selective_C = !checkpoint.has(first + "C");
    if (cell.selective_delta) s.dt_rank = size_of(checkpoint, first + "dt_proj.weight", 2, 1);
    state = E * s.d_state;
  }
  expect(checkpoint, prefix + std::string("norm_f.weight"), {s.d_model});
  for (std::int64_t i = 0; i < s.layers; ++i) check_layer(checkpoint, cell, i);

  info.folder = checkpoint.folder();
  const std::filesystem::path full = std::filesystem::absolute(info.folder).lexically_normal();
  info.name = (full.has_filename() ? full : full.parent_path()).filename().string();  // also behind a final slash
  const std::string inner = cell.inner == Inner::attention ? "attention"
                            : cell.inner == Inner::hyena   ? "Hyena"
                            : cell.inner == Inner::s6      ? "S6"
                            : cell.conjugate               ? "S4D (complex)"
                                                           : "S4D (real)";
  info.family = inner + (cell.block == Block::plain ? " alone"
                         : cell.block == Block::h3  ? " in an H3 block"
                                                    : " in a Mamba block");
  info.parameters = checkpoint.parameters();
  info.stored_bytes = checkpoint.stored_bytes();
  info.dtypes = checkpoint.dtypes();
  info.state_bytes = s.layers * (state + E * (s.d_conv - 1)) * static_cast<std::int64_t>(sizeof(float));
  return cell;
}

}  // namespace grid

bool is_grid(const Checkpoint& checkpoint) {
  if (!checkpoint.config().contains("statescope")) return false;
  const std::string first = grid::mixer(0);
  const bool mamba = checkpoint.has(first + "conv1d.weight") && checkpoint.has(first + "x_proj.weight") &&
                     checkpoint.has(first + "dt_proj.weight");
  return checkpoint.has(first + "out_proj.weight") &&
         (!mamba || checkpoint.has(first + "B") || checkpoint.has(first + "C"));
}

ModelInfo inspect_grid(const Checkpoint& checkpoint) {
  return grid::inspect(checkpoint).info;
}

}  // namespace statescope
