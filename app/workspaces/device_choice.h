// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

#include "model/job_thread.h"
#include "model/machine.h"

class QComboBox;

namespace statescope {

/// "Device" and the devices of this machine. Hidden while there is nothing to choose.
class DeviceChoice : public QWidget {
  Q_OBJECT
 public:
  explicit DeviceChoice(const Machine& machine);

  std::string device() const;
  QString name_of(const std::string& id) const;
  /// Does not emit. A device that is not there is listed by its id.
  void set_device(const std::string& id);
  /// All of them, the CPU alone until the driver has answered.
  const std::vector<Device>& devices() const { return devices_; }
  void set_for_export(bool for_export);

 Q_SIGNALS:
  void chosen(const std::string& id);

 private:
  void fill(const std::vector<Device>& devices);
  void show_if_useful();

  QComboBox* box_;
  std::vector<Device> devices_;
  bool for_export_ = false;
  JobThread question_;
};

}  // namespace statescope
