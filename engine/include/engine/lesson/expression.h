// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

namespace statescope {

/// What the names of an expression mean.
struct ExpressionNames {
  const nlohmann::ordered_json* result = nullptr;   // what `compute` returned; null: there is none
  const nlohmann::ordered_json* against = nullptr;  // names after "against."; null: there are none
  const nlohmann::json* scene = nullptr;            // names after "scene."
};

/// The value of an expression of LESSON.md: one number or several; a comparison gives 1 or 0 for each. What is null in
/// a result (a number that was not finite) is NaN. Throws Error with the column for anything that is not such an
/// expression, for an unknown name, a place outside a list, lists of different lengths.
std::vector<double> evaluate(std::string_view expression, const ExpressionNames& names);

}  // namespace statescope
