// SPDX-License-Identifier: GPL-3.0-or-later
// What the window asks of the Selectivity workspace: scenes, examples, commands, facts.
#include <QComboBox>

#include "engine/error.h"
#include "widgets/button.h"
#include "workspaces/export_numbers.h"
#include "workspaces/gated_page.h"
#include "workspaces/page_commands.h"
#include "workspaces/selectivity_examples.h"
#include "workspaces/selectivity_pictures.h"
#include "workspaces/selectivity_workspace.h"
#include "workspaces/training_page.h"

namespace statescope {

bool SelectivityWorkspace::settled() const {
  if (page_index_ == Page::theorem) return theorem_->result() && theorem_->settled();
  return page_index_ == Page::training || (document_.frame() && document_.settled());
}

void SelectivityWorkspace::enter() {
  document_.find_choices();
  if (document_.frame() || opening_ || page_index_ != Page::compare) return;
  show_example(0);
}

bool SelectivityWorkspace::shows(const Scene& scene) const {
  return std::holds_alternative<SelectivityScene>(scene) || std::holds_alternative<TrainingScene>(scene) ||
         std::holds_alternative<GatedScene>(scene);
}

void SelectivityWorkspace::open_scene(const Scene& scene, const std::filesystem::path& base) {
  if (document_.choices().empty()) document_.find_choices();
  if (const auto* training = std::get_if<TrainingScene>(&scene)) {
    training_->set_recipe(training->recipe);
    show_page(Page::training);
    Q_EMIT opened();
  } else if (const auto* gated = std::get_if<GatedScene>(&scene)) {
    theorem_->open(*gated, base);
    show_page(Page::theorem);
  } else {
    opening_ = true;
    document_.open_scene(std::get<SelectivityScene>(scene), base);
    show_page(Page::compare);
  }
}

Scene SelectivityWorkspace::scene(const std::filesystem::path& folder) const {
  if (page_index_ == Page::training) return TrainingScene{training_->recipe()};
  if (page_index_ == Page::theorem) {
    GatedScene scene = theorem_->scene();
    for (Signal* signal : {&scene.run.x, &scene.run.z})
      if (!signal->file.empty()) signal->file = path_from(folder, signal->file);
    return scene;
  }
  if (!document_.frame()) throw Error("no sequence has been read yet; choose an example");
  SelectivityScene scene = document_.state();
  for (SelectivitySystem& system : scene.run.systems) system.model = path_from(folder, system.model);
  return scene;
}

WorkspaceFacts SelectivityWorkspace::facts() const {
  WorkspaceFacts facts;
  if (page_index_ == Page::compare && document_.frame()) {
    const SelectivityReading& reading = *document_.frame()->reading;
    facts.chips.push_back({QStringLiteral("task"), task_name(reading.task.kind),
                           tr("%L1 tokens, %2 in the vocabulary").arg(reading.length()).arg(reading.task.vocab), false,
                           2});
    facts.chips.push_back(
        {QStringLiteral("systems"),
         tr("%1 against %2")
             .arg(system_name(reading.systems[0].recipe.network), system_name(reading.systems[1].recipe.network)),
         tr("The two that read it"), false, 1});
  }
  facts.device = tr("CPU");
  return facts;
}

std::vector<WorkspaceCommand> SelectivityWorkspace::commands() {
  const QString file = tr("File"), edit = tr("Edit");
  std::vector<WorkspaceCommand> list = page_commands(*this, *pages_);
  list.push_back(
      {file, QStringLiteral("selectivity_export"), tr("Export the numbers of both systems (JSON)…"), {}, [this] {
         export_numbers();
       }});
  list.push_back({edit, QStringLiteral("selectivity_new_sequence"), tr("Read a new sequence"), tr("Ctrl+N"),
                  [this] { new_sequence(); }});
  for (int i = 0; i < static_cast<int>(selectivity_examples().size()); ++i)
    list.push_back({tr("Example"),
                    QStringLiteral("selectivity_example_%1").arg(i),
                    selectivity_examples()[static_cast<std::size_t>(i)].title,
                    {},
                    [this, i] { show_example(i); },
                    true});
  return list;
}

void SelectivityWorkspace::set_for_export(bool for_export) {
  for_export_ = for_export;
  show_tools();
  training_->set_for_export(for_export);
  theorem_->set_for_export(for_export);
}

void SelectivityWorkspace::set_presented(bool presented) {
  presented_ = presented;
  show_tools();
}

void SelectivityWorkspace::show_tools() {
  const bool shown = !for_export_ && !presented_;
  examples_->setVisible(shown);
  new_sequence_->setVisible(shown);
  systems_->setVisible(shown && page_index_ == Page::compare);
}

void SelectivityWorkspace::show_example(int index) {
  if (index < 0 || index >= static_cast<int>(selectivity_examples().size())) return;
  const SelectivityExample& example = selectivity_examples()[static_cast<std::size_t>(index)];
  try {
    const Scene scene = load_scene(assets_ / "scenes" / example.file.toStdString());
    if (!document_.frame()) return open_scene(scene, assets_ / "scenes");
    if (page_index_ != Page::compare) show_page(Page::compare);
    document_.change(std::get<SelectivityScene>(scene), tr("Example"));
  } catch (const Error& error) {
    say_error(QString::fromUtf8(error.what()));
  }
}

void SelectivityWorkspace::export_numbers() {
  statescope::export_numbers(*this, files_, assets_);
}

}  // namespace statescope
