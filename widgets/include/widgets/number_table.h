// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QColor>
#include <QString>
#include <QStringList>
#include <QWidget>
#include <vector>

namespace statescope {

/// A small table: the first column on the left, all others to the right of theirs. Made to change many times a second,
/// as FactTable is.
class NumberTable : public QWidget {
 public:
  struct Row {
    QStringList cells;
    QColor color = {};  // of the first cell; invalid for that of text
    bool operator==(const Row&) const = default;
  };

  explicit NumberTable(QWidget* parent = nullptr);

  void set_rows(const QStringList& names, std::vector<Row> rows);
  const std::vector<Row>& rows() const { return rows_; }

  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  QStringList names_;
  std::vector<Row> rows_;
};

}  // namespace statescope
