// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/sentence.h"

#include <new>

namespace statescope {

QString sentence_of(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error))
    return QStringLiteral(
        "There is not enough memory for this; close something, or take a smaller model, a shorter prompt or a shorter "
        "signal");
  QString sentence = QString::fromStdString(error.what());
  if (!sentence.isEmpty()) sentence[0] = sentence[0].toUpper();
  return sentence;
}

}  // namespace statescope
