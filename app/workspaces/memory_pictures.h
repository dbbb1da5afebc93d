// SPDX-License-Identifier: GPL-3.0-or-later
// What the views of the Memory workspace show, made from results. Plain functions without a widget.
#pragma once

#include <QString>
#include <memory>

#include "engine/experiments/s4.h"
#include "model/memory_frame.h"
#include "widgets/bars_view.h"
#include "widgets/curves_data.h"
#include "widgets/heat_map_view.h"
#include "widgets/pole_plane_view.h"

namespace statescope {

/// The colour of the method in this place, the same in every picture.
Symbol color_of(std::size_t method);

/// The signal, what the method remembers of it, its weight shaded behind.
std::shared_ptr<const CurvesData> memory_picture(const MemoryFrame& frame, std::size_t method);
std::shared_ptr<const BarsData> coefficients_picture(const MemoryFrame& frame, std::size_t method);
/// Curves of all methods.
std::shared_ptr<const CurvesData> error_ago_picture(const MemoryFrame& frame);
std::shared_ptr<const CurvesData> error_orders_picture(const MemoryDetails& details);
std::shared_ptr<const CurvesData> weights_picture(const MemoryFrame& frame);
/// The first functions g_n of the method; `chosen` is one of them.
std::shared_ptr<const CurvesData> basis_picture(const MemoryFrame& frame, std::size_t method, std::int64_t chosen);

std::shared_ptr<const HeatMapData> matrix_picture(const Eigen::MatrixXd& A, const RichText& title,
                                                  const QString& subtitle);

/// The links of the chain. Empty pointers where S4D has none.
std::shared_ptr<const HeatMapData> chain_matrix_picture(const S4Result& chain);
std::shared_ptr<const HeatMapData> chain_normal_picture(const S4Result& chain);
std::shared_ptr<const PolePlaneData> chain_spectrum_picture(const S4Result& chain);
std::shared_ptr<const CurvesData> chain_kernel_picture(const S4Result& chain);

}  // namespace statescope
