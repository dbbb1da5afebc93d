// SPDX-License-Identifier: GPL-3.0-or-later
// What the views of the Selectivity workspace show: data and words, made from readings. Plain functions without a
// widget.
#pragma once

#include <QString>
#include <memory>

#include "model/selectivity_frame.h"
#include "widgets/curves_data.h"
#include "widgets/heat_map_view.h"
#include "widgets/sequence_view.h"

namespace statescope {

/// "Selective copying" …
QString task_name(const std::string& kind);
/// "S6 in a Mamba block", "S4D alone" …
QString system_name(const NetworkRecipe& network);
/// "a", "·", "?": how a token of the task is written, and back; −1 where the text is no token.
QString token_text(const TaskRecipe& task, std::int32_t id);
std::int32_t token_of(const TaskRecipe& task, const QString& text);
/// "token c", "noise", "question"
QString token_meaning(const TaskRecipe& task, std::int32_t id);

/// The sequence that both read.
std::shared_ptr<const SequenceData> input_picture(const SelectivityReading& reading);
/// The same as a task to be learnt, with the right answers.
std::shared_ptr<const SequenceData> task_picture(const SelectivityReading& reading);
/// The same as one system remembers it at the cursor, with its answers.
std::shared_ptr<const SequenceData> system_picture(const SelectivityFrame& frame, std::size_t system);
/// The quantity of the view over the tokens; null where there are no states.
std::shared_ptr<const HeatMapData> quantity_picture(const SelectivityFrame& frame, std::size_t system);
/// Why there is none: what such a system has in place of steps and states.
QString no_states_sentence(const NetworkRecipe& network);
/// How many answers of both systems are right, by their number in the sequence, and by the length of the task. Null
/// before any is there.
std::shared_ptr<const CurvesData> answers_picture(const SelectivityReading& reading, const FreshFrame& fresh);
std::shared_ptr<const CurvesData> lengths_picture(const SelectivityReading& reading, const LengthFrame& lengths);

/// The one sentence that says what the comparison means.
QString selectivity_sentence(const SelectivityFrame& frame);
/// "98.4 % of 256 answers to fresh sequences", and what the knobs cost.
QString fresh_sentence(const FreshFrame& fresh, std::size_t system);
/// "99.4 % right at 64 tokens, which it learnt from; 31.2 % at 16,384"
QString lengths_sentence(const SelectivityReading& reading, const LengthFrame& lengths, std::size_t system);

}  // namespace statescope
