// SPDX-License-Identifier: GPL-3.0-or-later
// Arrays of double precision numbers as `compute` writes them.
#pragma once

#include <Eigen/Core>
#include <complex>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace statescope {

// A double as a JSON value of 16 bytes, and as up to 25 characters of text that grows by doubling.
inline constexpr std::int64_t bytes_per_double = 8 + 16 + 50;

// Row-major.
inline nlohmann::ordered_json array_json(const std::string& name, std::vector<std::string> axes,
                                         std::vector<std::int64_t> shape, std::vector<double> values) {
  return {{"name", name}, {"axes", std::move(axes)}, {"shape", std::move(shape)}, {"values", std::move(values)}};
}

inline nlohmann::ordered_json array_json(const std::string& name, const std::string& axis, std::vector<double> values) {
  const std::int64_t length = std::ssize(values);
  return array_json(name, {axis}, {length}, std::move(values));
}

inline nlohmann::ordered_json array_json(const std::string& name, const std::string& axis,
                                         const Eigen::VectorXd& values) {
  return array_json(name, axis, std::vector<double>(values.begin(), values.end()));
}

inline nlohmann::ordered_json array_json(const std::string& name, const std::string& rows, const std::string& columns,
                                         const Eigen::MatrixXd& matrix) {
  const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> m = matrix;
  return array_json(name, {rows, columns}, {m.rows(), m.cols()}, {m.data(), m.data() + m.size()});
}

// [count, 2]: real and imaginary parts.
inline nlohmann::ordered_json array_json(const std::string& name, const std::string& axis,
                                         const Eigen::VectorXcd& values) {
  Eigen::MatrixXd parts(values.size(), 2);
  parts << values.real(), values.imag();
  return array_json(name, axis, "part", parts);
}

}  // namespace statescope
