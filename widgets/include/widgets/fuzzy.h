// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QStringView>
#include <optional>
#include <vector>

namespace statescope {

struct FuzzyMatch {
  int score = 0;               ///< higher is better
  std::vector<int> positions;  ///< of the matched characters in the text, rising
};

/// Finds the characters of `pattern` in `text`, in order, ignoring case and the pattern's spaces. Of all ways to do so
/// it takes the best: characters that begin a word or follow one another count more, gaps cost. Nothing when a
/// character is missing. An empty pattern matches with score 0.
std::optional<FuzzyMatch> fuzzy_match(QStringView pattern, QStringView text);

}  // namespace statescope
