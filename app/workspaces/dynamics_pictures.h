// SPDX-License-Identifier: GPL-3.0-or-later
// What the views of the Dynamics workspace show of a result, whose numbers they share.
#pragma once

#include <QString>
#include <memory>

#include "model/lti_series.h"
#include "widgets/bode_view.h"
#include "widgets/convolution_view.h"
#include "widgets/curves_data.h"
#include "widgets/matrix_editor.h"
#include "widgets/phase_view.h"
#include "widgets/pole_plane_view.h"

namespace statescope {

/// States that the curves show; a plot of more says nothing.
inline constexpr std::int64_t most_curves = 12;

std::shared_ptr<const PolePlaneData> s_plane_of(const LtiResult& result);
std::shared_ptr<const PolePlaneData> z_plane_of(const LtiResult& result);
/// What an axis of the portrait shows: a state, those beyond the last are the last, or a principal direction (−1 to
/// −3).
struct PortraitAxis {
  QString name;
  Eigen::VectorXd direction;  // [N], a unit vector: the axis shows directionᵀ h
  Series values;              // [L]
};
PortraitAxis portrait_axis(const LtiSeries& series, std::int64_t axis);
/// The state nearest to `h` that the directions V [N, 2 or 3] show at `p` [2 or 3].
Eigen::VectorXd portrait_point(const Eigen::MatrixXd& V, const Eigen::VectorXd& h, const Eigen::VectorXd& p);
/// How many axes a portrait has: space needs three states.
int portrait_axes(const LtiView& view, std::int64_t states);
/// The arrows are the velocity A h + B u with the input, and what the plane does
/// not show of h, as they are at `sample`.
std::shared_ptr<const PhaseData> phase_of(const LtiSeries& series, const LtiView& view, std::int64_t sample);
std::shared_ptr<const CurvesData> states_of(const LtiSeries& series);
std::shared_ptr<const CurvesData> input_of(const LtiSeries& series);
std::shared_ptr<const CurvesData> input_output_of(const LtiSeries& series);
std::shared_ptr<const CurvesData> kernel_of(const LtiSeries& series);
std::shared_ptr<const CurvesData> step_response_of(const LtiSeries& series);
/// Null where the result has no frequency response.
std::shared_ptr<const BodeData> bode_of(const LtiResult& result);
std::shared_ptr<const ConvolutionData> convolution_of(const LtiSeries& series);

StateMatrices matrices_of(const DenseSystem& system);
DenseSystem system_of(const StateMatrices& matrices);

/// "h₀", "position", …: what a state is called.
QString state_name(const LtiResult& result, std::int64_t state);

}  // namespace statescope
