// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/signal_file.h"

#include <QComboBox>
#include <QCoreApplication>
#include <QFile>
#include <QFileDialog>
#include <QFileInfo>
#include <QLabel>
#include <QVBoxLayout>
#include <utility>

#include "engine/io/csv.h"
#include "widgets/button.h"
#include "widgets/theme.h"

namespace statescope {

bool is_read_from_file(SignalKind kind) {
  return kind == SignalKind::wav || kind == SignalKind::csv;
}

std::optional<SignalKind> signal_kind_of(const QFileInfo& file) {
  const QString ending = file.suffix().toLower();
  if (ending == QLatin1String("wav")) return SignalKind::wav;
  if (ending == QLatin1String("csv")) return SignalKind::csv;
  return std::nullopt;
}

QString choose_signal_file(QWidget* parent, SignalKind kind) {
  const bool wav = kind == SignalKind::wav;
  return QFileDialog::getOpenFileName(parent, wav ? SignalFile::tr("Open a sound") : SignalFile::tr("Open a table"), {},
                                      wav ? SignalFile::tr("Sounds (*.wav)") : SignalFile::tr("Tables (*.csv)"));
}

std::vector<WorkspaceCommand> signal_file_commands(const Workspace& workspace,
                                                   const std::function<void(SignalKind)>& choose) {
  const auto command = [&](SignalKind kind, const QString& name) {
    return WorkspaceCommand{SignalFile::tr("File"),
                            workspace.id() + QStringLiteral("_open_") + QLatin1String(signal_kind_id(kind)),
                            name.arg(workspace.title()),
                            {},
                            [choose, kind] { choose(kind); },
                            true};
  };
  return {command(SignalKind::wav, SignalFile::tr("%1: open a WAV file as the signal…")),
          command(SignalKind::csv, SignalFile::tr("%1: open a CSV column as the signal…"))};
}

SignalFile::SignalFile(const QString& name, QWidget* parent)
    : QWidget(parent),
      parts_(new QVBoxLayout(this)),
      file_(new QLabel),
      open_(new Button(Button::Look::raised, QStringLiteral("open"), tr("Choose a file…"))),
      column_(new QComboBox) {
  file_->setObjectName(name + QStringLiteral("_file"));
  file_->setProperty("role", QStringLiteral("caption"));
  file_->setWordWrap(true);
  open_->setObjectName(name + QStringLiteral("_open"));
  column_->setObjectName(name + QStringLiteral("_column"));
  column_->setAccessibleName(tr("Column of the table"));
  column_->setMaxVisibleItems(20);
  column_->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);  // long names do not widen it
  parts_->setContentsMargins(0, 0, 0, 0);
  for (QWidget* part : std::initializer_list<QWidget*>{file_, open_, column_}) parts_->addWidget(part);
  set_lengths();
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, &SignalFile::set_lengths);
  connect(open_, &QAbstractButton::clicked, this, [this] { Q_EMIT file_requested(kind_); });
  connect(column_, &QComboBox::activated, this, [this] { Q_EMIT column_chosen(column_->currentData().toString()); });
}

void SignalFile::set_lengths() {
  parts_->setSpacing(scaled(6));
}

void SignalFile::show_signal(const Signal& signal, std::int64_t samples) {
  setVisible(is_read_from_file(signal.kind));
  if (!is_read_from_file(signal.kind)) return;
  kind_ = signal.kind;
  const QString name = QFileInfo(QString::fromStdString(signal.file)).fileName();
  file_->setText(samples < 0 ? name : tr("%1 · %L2 samples").arg(name).arg(samples));
  show_columns(signal);
}

// The first line of a table names its columns; one of another name or number, from a scene, is listed as it is.
void SignalFile::show_columns(const Signal& signal) {
  column_->setVisible(signal.kind == SignalKind::csv);
  if (signal.kind != SignalKind::csv) return;
  if (std::exchange(shown_table_, signal.file) != signal.file || column_->count() == 0) {
    constexpr qint64 most_bytes = 1 << 16;
    QFile file(QString::fromStdString(signal.file));
    const QByteArray beginning = file.open(QIODevice::ReadOnly) ? file.read(most_bytes) : QByteArray();
    column_->clear();
    column_->addItem(tr("First column of numbers"), QString());
    for (const std::string& name : csv_columns({beginning.constData(), static_cast<std::size_t>(beginning.size())}))
      column_->addItem(tr("Column %1").arg(QString::fromStdString(name)), QString::fromStdString(name));
  }
  const QString column = QString::fromStdString(signal.column);
  if (column_->findData(column) < 0) column_->addItem(tr("Column %1").arg(column), column);
  column_->setCurrentIndex(column_->findData(column));
}

}  // namespace statescope
