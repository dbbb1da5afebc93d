// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/device_choice.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <algorithm>

#include "widgets/theme.h"

namespace statescope {

DeviceChoice::DeviceChoice(const Machine& machine) : box_(new QComboBox) {
  auto* label = new QLabel(tr("Device"));
  label->setProperty("role", QStringLiteral("caption"));
  box_->setObjectName(QStringLiteral("device_choice"));
  box_->setAccessibleName(tr("Device the model runs on"));
  box_->setSizeAdjustPolicy(QComboBox::AdjustToContents);
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(0, 0, 0, 0);
  row->setSpacing(scaled(6));
  row->addWidget(label);
  row->addWidget(box_);
  fill({{"cpu", tr("CPU")}});
  connect(box_, &QComboBox::activated, this, [this] { Q_EMIT chosen(device()); });
  question_.start([this, ask = machine.devices](std::stop_token) {
    QMetaObject::invokeMethod(
        this, [this, all = ask()] { fill(all); }, Qt::QueuedConnection);
  });
}

std::string DeviceChoice::device() const {
  return box_->currentData().toString().toStdString();
}

void DeviceChoice::set_device(const std::string& id) {
  const QString name = QString::fromStdString(id);
  if (box_->findData(name) < 0) box_->addItem(name, name);
  box_->setCurrentIndex(box_->findData(name));
  show_if_useful();
}

QString DeviceChoice::name_of(const std::string& id) const {
  const auto found = std::find_if(devices_.begin(), devices_.end(), [&](const Device& each) { return each.id == id; });
  return found == devices_.end() ? QString::fromStdString(id) : found->name;
}

void DeviceChoice::set_for_export(bool for_export) {
  for_export_ = for_export;
  show_if_useful();
}

void DeviceChoice::show_if_useful() {
  setVisible(box_->count() > 1 && !for_export_);
}

void DeviceChoice::fill(const std::vector<Device>& devices) {
  const std::string chosen = box_->count() == 0 ? devices.front().id : device();
  devices_ = devices;
  box_->clear();
  for (const Device& each : devices) box_->addItem(each.name, QString::fromStdString(each.id));
  set_device(chosen);
}

}  // namespace statescope
