// SPDX-License-Identifier: GPL-3.0-or-later
// What the Memory workspace says of its results, in words. Plain functions without a widget.
#pragma once

#include <QString>

#include "engine/experiments/s4.h"
#include "model/memory_frame.h"

namespace statescope {

/// "LegS", "LegS (LTI)", "LegT" …
QString name_of(HippoFamily family);
/// The same, with what tells it from others of its family in this run.
QString method_name(const HippoRun& run, std::size_t method);
/// In a legend of methods that share their family: in what they differ.
QString legend_name(const HippoRun& run, std::size_t method);
/// Within a sentence: "forward Euler".
QString rule_text(const MemoryMethod& method);
/// "g₁₂"
QString basis_name(std::int64_t n);
/// "1.5 s", "20 ms"
QString seconds_text(double seconds);
/// Three digits, which are what a comparison by eye needs.
QString three_digits(double value);
/// How long it remembers, in seconds; infinite without a window.
double window_of(const Hippo& hippo);

/// Formula, convention, spectrum and where the matrix is used, as rich text. Without eigenvalues it says less.
QString matrix_card(const Hippo& hippo, const Eigen::VectorXcd* eigenvalues);
/// The one sentence that says what the comparison means.
QString memory_sentence(const MemoryFrame& frame);
QString chain_sentence(const S4Result& chain);
/// What the steps of the chain come to in numbers, as rich text.
QString chain_facts(const S4Result& chain);

}  // namespace statescope
