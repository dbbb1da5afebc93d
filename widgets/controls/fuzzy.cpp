// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/fuzzy.h"

#include <QString>
#include <algorithm>
#include <limits>

namespace statescope {
namespace {

constexpr int word_start = 10, consecutive = 8, text_start = 4, plain = 1, gap_cost = 1, largest_gap_cost = 5;
constexpr qsizetype longest_pattern = 64, longest_text = 128;  // bounds the table below

bool begins_word(QStringView text, qsizetype i) {
  if (i == 0) return true;
  const QChar before = text[i - 1], here = text[i];
  return !before.isLetterOrNumber() || (before.isLower() && here.isUpper());
}

}  // namespace

std::optional<FuzzyMatch> fuzzy_match(QStringView pattern, QStringView text) {
  QString wanted;
  for (const QChar c : pattern.left(longest_pattern)) {
    if (!c.isSpace()) wanted += c.toCaseFolded();
  }
  if (wanted.isEmpty()) return FuzzyMatch{};
  text = text.left(longest_text);
  const qsizetype n = wanted.size(), m = text.size();
  if (n > m) return std::nullopt;

  // best[p][t]: the best score of matching wanted[0..p] with wanted[p] at text[t]; from[p][t]: where p-1 was.
  constexpr int impossible = std::numeric_limits<int>::min() / 2;
  const auto at = [m](qsizetype p, qsizetype t) { return static_cast<size_t>(p * m + t); };
  std::vector<int> best(static_cast<size_t>(n * m), impossible), from(best.size(), -1);
  for (qsizetype p = 0; p < n; ++p) {
    for (qsizetype t = p; t < m; ++t) {
      if (text[t].toCaseFolded() != wanted[p]) continue;
      const int own = plain + (begins_word(text, t) ? word_start : 0) + (t == 0 ? text_start : 0);
      if (p == 0) {
        best[at(p, t)] = own;
        continue;
      }
      for (qsizetype s = p - 1; s < t; ++s) {
        if (best[at(p - 1, s)] == impossible) continue;
        const int gap = static_cast<int>(t - s - 1);
        const int link = gap == 0 ? consecutive : -std::min(gap * gap_cost, largest_gap_cost);
        const int score = best[at(p - 1, s)] + own + link;
        if (score > best[at(p, t)]) {
          best[at(p, t)] = score;
          from[at(p, t)] = static_cast<int>(s);
        }
      }
    }
  }
  const auto last_row = best.begin() + static_cast<std::ptrdiff_t>(at(n - 1, 0));
  const auto end = std::max_element(last_row, last_row + static_cast<std::ptrdiff_t>(m));
  if (*end == impossible) return std::nullopt;

  FuzzyMatch match{*end, std::vector<int>(static_cast<size_t>(n))};
  auto t = static_cast<int>(end - last_row);
  for (qsizetype p = n - 1; p >= 0; --p) {
    match.positions[static_cast<size_t>(p)] = t;
    t = from[at(p, t)];
  }
  return match;
}

}  // namespace statescope
