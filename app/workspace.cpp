// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspace.h"

#include <QStandardPaths>

#include "assets.h"
#include "widgets/notice.h"
#include "widgets/transport_bar.h"
#include "workspaces/dynamics_workspace.h"
#include "workspaces/learn_workspace.h"
#include "workspaces/memory_workspace.h"
#include "workspaces/model_workspace.h"
#include "workspaces/profile_workspace.h"
#include "workspaces/selectivity_workspace.h"

namespace statescope {

Workspace::Workspace(const QString& id, const QString& title, const QString& icon)
    : id_(id), title_(title), icon_(icon), transport_(new TransportBar(this)), notice_(new Notice(this)) {
  setObjectName(id + QStringLiteral("_workspace"));
  transport_->setObjectName(id + QStringLiteral("_transport"));
  transport_->hide();
  notice_->setObjectName(id + QStringLiteral("_notice"));
}

void Workspace::set_inspector(QWidget* inspector) {
  inspector_ = inspector;
  inspector_->setParent(this);
  inspector_->hide();
}

void Workspace::say_error(const QString& sentence) {
  notice_->show_message(Notice::Kind::error, sentence);
}

bool Workspace::play_scene(const Scene& scene, const std::filesystem::path& base) {
  if (!settled()) return false;
  open_scene(scene, base);
  return true;
}

void Workspace::set_in_motion() {
  transport_->transport().set_loop(true);
  transport_->transport().play();
}

std::vector<std::unique_ptr<Workspace>> make_workspaces(const std::filesystem::path& assets, const Machine& machine) {
  auto model = std::make_unique<ModelWorkspace>(assets, machine);
  auto profile = std::make_unique<ProfileWorkspace>(*model, assets, machine);
  std::vector<std::unique_ptr<Workspace>> workspaces;
  workspaces.push_back(std::make_unique<LearnWorkspace>(lessons_folder(assets)));
  workspaces.push_back(std::make_unique<DynamicsWorkspace>(assets));
  workspaces.push_back(std::make_unique<MemoryWorkspace>(assets));
  const QString users = QStandardPaths::writableLocation(QStandardPaths::AppDataLocation);
  workspaces.push_back(std::make_unique<SelectivityWorkspace>(assets, users.toStdString() + "/models"));
  workspaces.push_back(std::move(model));
  workspaces.push_back(std::move(profile));
  return workspaces;
}

std::string path_from(const std::filesystem::path& folder, const std::string& path) {
  const std::filesystem::path relative = std::filesystem::path(path).lexically_relative(folder);
  return relative.empty() || relative.begin()->string() == ".." ? path : relative.string();
}

}  // namespace statescope
