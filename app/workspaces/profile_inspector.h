// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

#include "model/profile_document.h"

class QLabel;
class QVBoxLayout;

namespace statescope {

class FactTable;

/// The words beside the pictures of the Profile workspace: of a recording, or of a scan in the theatre.
class ProfileInspector : public QWidget {
 public:
  ProfileInspector();

  void show_nothing();
  /// `chosen` is the stage that is spoken about, or none: then the one that takes longest.
  void show_recording(const Recording& recording, std::optional<Stage> chosen);
  void show_theatre(const Theatre& played, const TheatreRun& run);

 private:
  struct Section {
    QLabel* title;
    QLabel* words;
    FactTable* table;
  };
  Section add_section(const char* name);
  void set_lengths();

  QVBoxLayout* column_;
  Section facts_, shares_, bound_;
};

}  // namespace statescope
