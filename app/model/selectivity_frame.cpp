// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/selectivity_frame.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <system_error>
#include <tuple>

#include "engine/error.h"

namespace statescope {
namespace {

namespace fs = std::filesystem;

std::vector<std::int64_t> widest_first(const LayerProbe& layer) {
  std::vector<double> sums(static_cast<std::size_t>(layer.channels));
  for (std::size_t i = 0; i < layer.delta.size(); ++i) sums[i % sums.size()] += static_cast<double>(layer.delta[i]);
  std::vector<std::int64_t> order(sums.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return sums[static_cast<std::size_t>(a)] > sums[static_cast<std::size_t>(b)];
  });
  return order;
}

SystemFrame system_frame(const SelectivityReading& reading, std::size_t i, const SelectivityView& view) {
  const LayerProbe& layer = reading.systems[i].layer(view.layer);
  SystemFrame frame;
  QuantityRows rows = quantity_rows(layer, view.quantity, view.channels[i]);
  frame.rows = rows.rows;
  frame.values = std::make_shared<const std::vector<float>>(std::move(rows.values));
  if (!view.channels[i] && layer.states > 0) frame.order = widest_first(layer);
  frame.selection = selection_of(reading, i, view.layer);
  return frame;
}

void add_choices(std::vector<ModelChoice>& choices, const fs::path& folder, bool bundled) {
  std::error_code error;
  std::vector<ModelChoice> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (!fs::exists(entry.path() / "recipe.json", error)) continue;
    try {
      const Recipe recipe = load_recipe(entry.path() / "recipe.json");
      if (recipe.task.kind == "text") continue;
      found.push_back({bundled ? "bundled:" + entry.path().filename().string() : entry.path().string(), recipe.task,
                       recipe.network});
    } catch (const Error&) {
      // A folder that is not ours to judge: whoever opens it by hand hears what is wrong with it.
    }
  }
  // Those that learnt the same lie together.
  const auto key = [](const ModelChoice& choice) {
    return std::make_tuple(choice.task.kind != "selective-copying", std::cref(choice.task.kind), choice.task.length,
                           std::cref(choice.model));
  };
  std::sort(found.begin(), found.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  choices.insert(choices.end(), found.begin(), found.end());
}

}  // namespace

std::vector<ModelChoice> model_choices(const fs::path& assets, const fs::path& users) {
  std::vector<ModelChoice> choices;
  add_choices(choices, assets / "models", true);
  add_choices(choices, users, false);
  return choices;
}

SelectivityFrame selectivity_frame(std::shared_ptr<const SelectivityReading> reading, const SelectivityView& view,
                                   std::int64_t cursor, const std::shared_ptr<const SelectivityFrame>& before) {
  SelectivityFrame frame;
  frame.view = view;
  frame.cursor = std::clamp<std::int64_t>(cursor, 0, reading->length() - 1);
  for (std::size_t i = 0; i < frame.systems.size(); ++i) {
    const bool same = before && before->reading == reading && before->view.layer == view.layer &&
                      before->view.quantity == view.quantity && before->view.channels[i] == view.channels[i];
    frame.systems[i] = same ? before->systems[i] : system_frame(*reading, i, view);
    frame.systems[i].kept =
        kept_amounts(reading->systems[i].layer(view.layer), view.channels[i], frame.cursor, view.survival);
  }
  frame.reading = std::move(reading);
  return frame;
}

SelectivityFrame single_frame(std::shared_ptr<const SelectivityReading> reading, const SelectivityView& view,
                              std::int64_t cursor) {
  SelectivityFrame frame;
  frame.view = view;
  frame.cursor = std::clamp<std::int64_t>(cursor, 0, reading->length() - 1);
  frame.systems[0] = system_frame(*reading, 0, view);
  frame.systems[0].kept = kept_amounts(reading->systems[0].layer(view.layer), view.channels[0], frame.cursor, false);
  frame.reading = std::move(reading);
  return frame;
}

}  // namespace statescope
