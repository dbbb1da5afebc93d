// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <cstdint>
#include <memory>
#include <stop_token>

#include "engine/scene/scene.h"
#include "model/focus.h"
#include "model/run_snapshot.h"
#include "widgets/bars_view.h"
#include "widgets/curves_view.h"
#include "widgets/heat_map_view.h"

namespace statescope {

/// Words for what is shown, the same in titles, menus and read-outs.
struct QuantityWords {
  QString name;    // "Step size"
  QString symbol;  // "Δ"
  Symbol color;
  QString unit;
  bool diverging;  // has a sign
};
QuantityWords words_for(Quantity quantity);
QString name_of(Summary summary);
QString sentence_case(QString text);
/// What the layer's map of a tensor tells, for someone who sees it for the first time.
QString explanation_of(Quantity quantity, StateKind kind);
/// Why a model without a state has nothing to show where others have Δ, B, C and h; empty for the others.
QString no_state_sentence(const ModelInfo& info);

/// The tensors the layer's map can show, in the order of its switch.
inline constexpr Quantity map_quantities[] = {Quantity::delta, Quantity::gate, Quantity::conv,
                                              Quantity::y,     Quantity::B,    Quantity::C};

/// The text as a table: position, id, token, whether it was generated, its log-probability (nats), and what the model
/// held most likely in its place.
/// Asks the model what it expected of every token: not for the interface thread. Throws Cancelled.
QString tokens_csv(const RunSnapshot& run, std::stop_token stop = {});

// Engine results as the views want them. Pure functions; tested without a window.
std::shared_ptr<const HeatMapData> overview_picture(const RunSnapshot& run, Summary summary);
std::shared_ptr<const HeatMapData> layer_picture(const Focus& focus, const ModelView& view);
std::shared_ptr<const HeatMapData> state_picture(const Focus& focus, const ModelView& view, std::int64_t cursor);
std::shared_ptr<const CurvesData> channel_picture(const Focus& focus);
/// Null where the focus does not reach.
std::shared_ptr<const BarsData> candidates_picture(const Focus& focus, std::int64_t cursor);
std::shared_ptr<const BarsData> half_life_picture(const Focus& focus);
/// The bars are a stretch of tokens around the cursor; this is the first of them.
std::int64_t first_write_shown(std::int64_t cursor);
std::shared_ptr<const BarsData> writes_picture(const Focus& focus, const ModelView& view, std::int64_t cursor);

}  // namespace statescope
