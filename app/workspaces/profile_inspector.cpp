// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/profile_inspector.h"

#include <QCoreApplication>
#include <QLabel>
#include <QVBoxLayout>

#include "widgets/fact_table.h"
#include "widgets/format.h"
#include "widgets/profile/stage_look.h"
#include "widgets/profile/units.h"
#include "widgets/theme.h"

namespace statescope {
namespace {

QString tr(const char* text) {
  return QCoreApplication::translate("Profile", text);
}

// Laying text out takes milliseconds, and most words stay from one call to the next.
void set_text(QLabel* label, const QString& text) {
  if (label->text() != text) label->setText(text);
}

std::vector<FactTable::Row> facts_of(const Recording& recording) {
  const ProfileSummary& summary = *recording.summary;
  double reading = 0, tokens_read = 0, generating = 0, tokens_generated = 0;
  for (const LaneSpan& pass : recording.lanes->passes()) {
    const auto time = static_cast<double>(pass.end - pass.begin), tokens = static_cast<double>(pass.tokens);
    (pass.tokens > 1 ? reading : generating) += time;
    (pass.tokens > 1 ? tokens_read : tokens_generated) += tokens;
  }
  const auto speed = [](double tokens, double nanoseconds) {
    return tr("%L1 tokens/s").arg(tokens / nanoseconds * 1e9, 0, 'f', 0);
  };
  std::vector<FactTable::Row> rows;
  if (!summary.device.isEmpty()) rows.push_back({tr("on"), summary.device});
  if (tokens_read > 0) rows.push_back({tr("reading"), speed(tokens_read, reading)});
  if (tokens_generated > 0) rows.push_back({tr("generating"), speed(tokens_generated, generating)});
  if (summary.ceilings.read_bandwidth > 0)
    rows.push_back({tr("memory reads"), tr("%1 at most").arg(bandwidth_text(summary.ceilings.read_bandwidth))});
  if (summary.ceilings.matrix_rate > 0)
    rows.push_back({tr("matrices"), tr("%1 at most").arg(rate_text(summary.ceilings.matrix_rate))});
  return rows;
}

}  // namespace

ProfileInspector::ProfileInspector()
    : column_(new QVBoxLayout(this)),
      facts_(add_section("profile_facts")),
      shares_(add_section("profile_shares")),
      bound_(add_section("profile_bound")) {
  column_->addStretch(1);
  set_lengths();
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, [this] { set_lengths(); });
}

ProfileInspector::Section ProfileInspector::add_section(const char* name) {
  const Section section{new QLabel, new QLabel, new FactTable};
  section.title->setProperty("role", QStringLiteral("strong"));
  section.title->setWordWrap(true);
  section.words->setObjectName(QLatin1String(name));
  section.words->setWordWrap(true);
  section.words->setTextFormat(Qt::RichText);
  section.table->setObjectName(QLatin1String(name) + QStringLiteral("_table"));
  column_->addWidget(section.title);
  column_->addWidget(section.words);
  column_->addWidget(section.table);
  column_->addSpacing(scaled(12));
  return section;
}

void ProfileInspector::set_lengths() {
  column_->setContentsMargins(scaled(18), scaled(14), scaled(18), scaled(12));
  column_->setSpacing(scaled(6));
}

void ProfileInspector::show_nothing() {
  for (const Section& section : {facts_, shares_, bound_})
    for (QWidget* part : {static_cast<QWidget*>(section.title), static_cast<QWidget*>(section.words),
                          static_cast<QWidget*>(section.table)})
      part->hide();
}

void ProfileInspector::show_recording(const Recording& recording, std::optional<Stage> chosen) {
  const auto& summary = recording.summary;
  if (!summary || summary->stages.empty()) return show_nothing();
  for (const Section& section : {facts_, shares_, bound_}) section.title->show();
  const bool stage_by_stage = summary->generated > 0 && summary->stages.back().on_device;
  if (stage_by_stage)
    set_text(facts_.words,
             tr("Recorded stage by stage. Without a recording this device may generate many tokens in one "
                "kernel, which has no stages to time and is faster."));
  facts_.words->setVisible(stage_by_stage);
  shares_.words->hide();
  bound_.table->hide();
  set_text(facts_.title, tr("This run"));
  facts_.table->set_rows(facts_of(recording));
  facts_.table->show();

  set_text(shares_.title, tr("Where the time goes"));
  const int shown = summary->find(chosen);
  std::vector<FactTable::Row> shares;
  for (int i = 0; i < static_cast<int>(summary->stages.size()); ++i) {
    const StageStatistics& stage = summary->stages[static_cast<std::size_t>(i)];
    shares.push_back(
        {stage_label(stage.stage), format_percent(stage.share), stage_color(stage.stage, theme()), i == shown});
  }
  shares_.table->set_rows(std::move(shares));
  shares_.table->show();

  const StageStatistics& stage = summary->stages[static_cast<std::size_t>(shown)];
  set_text(bound_.title, tr("What bounds the %1").arg(stage_label(stage.stage)));
  QString bounds;
  for (const RooflinePoint& point : summary->roof)
    if (point.stage == stage.stage && point.on_device == stage.on_device)
      bounds += QStringLiteral("<p style=\"margin:0 0 6px 0\">%1</p>").arg(as_sentence(point.sentence).toHtmlEscaped());
  set_text(bound_.words, bounds);
  bound_.words->show();
}

void ProfileInspector::show_theatre(const Theatre& played, const TheatreRun& run) {
  for (const Section& section : {facts_, shares_, bound_}) {
    section.title->show();
    section.words->show();
    section.table->hide();
  }
  QString name = QString::fromStdString(kernels::scan_algorithm_name(played.algorithm));
  name[0] = name[0].toUpper();
  set_text(facts_.title, name);
  set_text(facts_.words, as_sentence(scan_algorithm_sentence(played.algorithm)).toHtmlEscaped());
  set_text(shares_.title, tr("What it scans"));
  const QString source = run.pairs.empty() ? tr("with a = exp(Δ·A) and b = Δ·B·x of layer %1, channel %2, state %3")
                                                 .arg(run.layer)
                                                 .arg(run.channel)
                                                 .arg(run.state)
                                           : tr("with the pairs of the scene");
  set_text(
      shares_.words,
      tr("<p style=\"margin:0\">h ← <span style=\"color:%1\">a</span> · h + <span style=\"color:%2\">b</span> for %L3 "
         "tokens, %4.</p><p style=\"margin-top:6px\">Of two neighbours (a₁, b₁) and (a₂, b₂) it makes "
         "(a₁a₂, a₂b₁ + b₂): any grouping gives the same states.</p>")
          .arg(theme().symbol(Symbol::A).name(), theme().symbol(Symbol::h).name())
          .arg(played.input.size())
          .arg(source));
  set_text(bound_.title, tr("What it costs"));
  set_text(bound_.words, as_sentence(played.sentence).toHtmlEscaped());
}

}  // namespace statescope
