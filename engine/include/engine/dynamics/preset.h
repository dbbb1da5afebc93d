// SPDX-License-Identifier: GPL-3.0-or-later
// Systems with a name, made from a few numbers.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/dynamics/system.h"

namespace statescope {

struct PresetParameter {
  enum Kind { real, whole, flag };  // any number, an integer, 0 or 1
  const char *key, *name, *unit;
  double least, most, fallback;
  Kind kind = real;
};

struct PresetInfo {
  const char *id, *name;
  const char* sentence;  // what the system is
  std::vector<PresetParameter> parameters;
};

/// In the order of a menu: mechanics, random, HiPPO, S4D.
const std::vector<PresetInfo>& all_presets();
/// Throws Error that lists the presets.
const PresetInfo& preset_info(const std::string& id);

/// One of them. What C reads is its default, or `C`: N real numbers, or one of each conjugate pair for S4D.
struct Preset {
  std::string id = "mass-spring-damper";
  std::vector<double> values{1, 4, 0.4};  // in the order of preset_info(id).parameters
  std::vector<Complex> C;
  bool operator==(const Preset&) const = default;
};
/// With the defaults of its parameters.
Preset make_preset(const std::string& id);
double parameter(const Preset& preset, const std::string& key);
void set_parameter(Preset& preset, const std::string& key, double value);
/// Throws Error for an unknown id and for a parameter outside its range or not whole.
void check(const Preset& preset);

/// What a user may give.
using SystemChoice = std::variant<Preset, DenseSystem, DiagonalSystem, DplrSystem>;

/// A choice in every form it has.
struct BuiltSystem {
  DenseSystem dense;
  std::optional<DiagonalSystem> diagonal;  // of S4D and of a diagonal choice
  std::optional<DplrSystem> dplr;          // of HiPPO matrices that are normal plus low rank, and of a DPLR choice
};
/// Throws Error as `check`.
BuiltSystem build(const SystemChoice& choice);
/// Of a diagonal system in its order, each pair's positive imaginary part first; else those of A.
Eigen::VectorXcd eigenvalues(const BuiltSystem& system);

}  // namespace statescope
