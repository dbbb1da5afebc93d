// SPDX-License-Identifier: GPL-3.0-or-later
// What the views of the Dynamics workspace show of a result. Numbers are shared with it, not copied.
#pragma once

#include <QString>
#include <memory>

#include "engine/experiments/lti.h"
#include "widgets/bode_view.h"
#include "widgets/convolution_view.h"
#include "widgets/curves_data.h"
#include "widgets/phase_view.h"
#include "widgets/pole_plane_view.h"

namespace statescope {

using LtiResultPointer = std::shared_ptr<const LtiResult>;

/// States that the curves show; a plot of more says nothing.
inline constexpr std::int64_t most_curves = 12;

std::shared_ptr<const PolePlaneData> s_plane_of(const LtiResultPointer& result);
std::shared_ptr<const PolePlaneData> z_plane_of(const LtiResultPointer& result);
/// `axes` beyond the states are clamped; in space with three or more states. The arrows are the velocity A h + B u with
/// the other states and the input as they are at `sample`.
std::shared_ptr<const PhaseData> phase_of(const LtiResultPointer& result, const LtiView& view, std::int64_t sample);
std::shared_ptr<const CurvesData> states_of(const LtiResultPointer& result);
std::shared_ptr<const CurvesData> input_of(const LtiResultPointer& result);
std::shared_ptr<const CurvesData> input_output_of(const LtiResultPointer& result);
std::shared_ptr<const CurvesData> kernel_of(const LtiResultPointer& result);
std::shared_ptr<const CurvesData> step_response_of(const LtiResultPointer& result);
std::shared_ptr<const BodeData> bode_of(const LtiResultPointer& result);
std::shared_ptr<const ConvolutionData> convolution_of(const LtiResultPointer& result);

/// "h₀", "position", …: what a state is called.
QString state_name(const LtiResult& result, std::int64_t state);

}  // namespace statescope
