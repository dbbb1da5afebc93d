// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

#include "model/model_document.h"
#include "model/profile_document.h"
#include "widgets/profile/compare_page.h"
#include "widgets/profile/memory_page.h"
#include "widgets/profile/roofline_page.h"
#include "widgets/profile/stages_page.h"
#include "widgets/profile/sweep_page.h"
#include "widgets/profile/theatre_page.h"
#include "widgets/profile/timeline_page.h"

class QComboBox;
class QHBoxLayout;
class QLabel;
class QStackedWidget;
class QVBoxLayout;

namespace statescope {

class Button;
class ImGuiView;
class Notice;
class SegmentedControl;
class TransportBar;

/// The Profile workspace: where the time of a run goes, and why a scan is fast. It arranges pages and passes what the
/// user does on to the document; the model and the text are those of the Model workspace.
class ProfileWorkspace : public QWidget {
  Q_OBJECT
 public:
  enum Tab { timeline, stages, roofline, memory, compare, theatre, sweep };

  ProfileWorkspace(ModelDocument& model, TransportBar& transport, QWidget* parent = nullptr);
  ~ProfileWorkspace() override;

  ProfileDocument& document() { return document_; }
  QWidget* inspector() const { return inspector_; }
  Notice& notice() const { return *notice_; }
  ImGuiView& view() const { return *view_; }
  TimelinePage& timeline_page() { return timeline_; }

  /// What the first look shows: a run that begins at once. Later looks keep what is there.
  void enter();
  Tab tab() const;
  void show_tab(Tab tab);
  void run();
  void export_data();
  void open_profile();

 protected:
  void hideEvent(QHideEvent* event) override;
  void showEvent(QShowEvent* event) override;

 private:
  void build_controls();
  void build_inspector();
  void set_lengths();
  void connect_all();
  QWidget* labelled(const QString& text, QWidget* control);

  void show_recording();
  void show_kept();
  void show_theatre();
  void show_step();
  void show_sweep();
  void show_work();
  void show_selection();
  void fit_transport();
  void play_theatre();
  void start_sweep();
  bool living() const;

  ModelDocument& model_;
  TransportBar& transport_;
  ProfileDocument document_;
  ProfileSelection selection_;
  TimelinePage timeline_{selection_};
  StagesPage stages_{selection_};
  RooflinePage roofline_{selection_};
  MemoryPage memory_;
  ComparePage compare_{selection_};
  TheatrePage theatre_;
  SweepPage sweep_;

  Notice* notice_;
  SegmentedControl* tabs_;
  QStackedWidget* controls_;
  QComboBox *prompt_, *generate_, *precision_, *threads_, *theatre_length_, *theatre_chunk_, *sweep_range_;
  SegmentedControl* algorithm_;
  Button *run_, *keep_, *save_, *open_, *measure_;
  QLabel* progress_;
  ImGuiView* view_;
  QVBoxLayout *column_, *inspector_column_;
  QWidget* inspector_;
  QLabel *facts_title_, *facts_, *shares_title_, *shares_, *bound_title_, *bound_;
  bool entered_ = false;
};

}  // namespace statescope
