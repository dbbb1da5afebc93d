// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/token_strip.h"

namespace statescope {
namespace {

constexpr int longest_text = 48;  // characters shown of one token

QChar sign_for(QChar c) {
  switch (c.unicode()) {
    case u'\n':
      return QChar(u'⏎');
    case u'\t':
      return QChar(u'⇥');
    case u'\r':
      return QChar(u'␍');
    default:
      // The Unicode block of control pictures mirrors U+0000 … U+001F.
      return c.unicode() < 0x20 ? QChar(0x2400 + c.unicode()) : QChar(u'␣');
  }
}

bool invisible(QChar c) {
  return c.unicode() < 0x20 || c.unicode() == 0x7F || (c.isSpace() && c != u' ') ||
         c.category() == QChar::Other_Control;
}

}  // namespace

std::vector<TokenPiece> token_pieces(const QString& text) {
  if (text.isEmpty()) return {{QStringLiteral("∅"), true}};
  std::vector<TokenPiece> pieces;
  const auto add = [&pieces](QChar c, bool sign) {
    if (pieces.empty() || pieces.back().sign != sign) pieces.push_back({{}, sign});
    pieces.back().text += c;
  };
  const bool only_spaces = text.trimmed().isEmpty();
  for (qsizetype i = 0; i < text.size(); ++i) {
    if (i == longest_text) {
      add(QChar(u'…'), true);
      break;
    }
    if (text[i] == u' ' && (i == 0 || only_spaces)) {
      add(QChar(u'·'), true);
    } else if (invisible(text[i])) {
      add(sign_for(text[i]), true);
    } else {
      add(text[i], false);
    }
  }
  return pieces;
}

}  // namespace statescope
