// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QColor>
#include <QString>
#include <QWidget>
#include <vector>

namespace statescope {

/// Names on the left, values on the right. Made for values that change many times a second: new values are painted, and
/// the layout around it is only asked when the height changes. A row that does not fit puts its value below its name.
class FactTable : public QWidget {
 public:
  struct Row {
    QString name, value;
    QColor mark = {};     // a square of this colour in front of the name; invalid for none
    bool chosen = false;  // stands out
    bool operator==(const Row&) const = default;
  };

  explicit FactTable(QWidget* parent = nullptr);

  void set_rows(std::vector<Row> rows);
  const std::vector<Row>& rows() const { return rows_; }

  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;
  bool hasHeightForWidth() const override { return true; }
  int heightForWidth(int width) const override;

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  void measure();
  bool fits(std::size_t row, int width) const { return needed_[row] <= width; }

  std::vector<Row> rows_;
  std::vector<int> needed_;  // width of each row in one line
  int line_ = 0;             // height of a line
};

}  // namespace statescope
