// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/selectivity_examples.h"

#include <QCoreApplication>

namespace statescope {
namespace {

QString tr(const char* text) {
  return QCoreApplication::translate("SelectivityExamples", text);
}

}  // namespace

const std::vector<SelectivityExample>& selectivity_examples() {
  static const std::vector<SelectivityExample> examples = {
      {QStringLiteral("selectivity-copying.json"), tr("Who can choose what to remember"),
       tr("Sixteen letters among noise, to be given back: a system that chooses its steps against one whose steps are "
          "the same at every token.")},
      {QStringLiteral("selectivity-frozen.json"), tr("The same model with Δ frozen"),
       tr("One trained model twice: below, every token takes the mean step, and nothing else is changed.")},
      {QStringLiteral("selectivity-forgets.json"), tr("What is left of every token"),
       tr("The share of each token’s writing that survives, token by token, as the sequence is read.")},
  };
  return examples;
}

}  // namespace statescope
