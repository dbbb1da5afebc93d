// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QTextDocument>
#include <QWidget>
#include <optional>

#include "widgets/theme.h"

namespace statescope {

/// A paragraph or several of Markdown with formulas (widgets/formula.h), as high as its text is at its width.
class MarkdownText : public QWidget {
  Q_OBJECT
 public:
  explicit MarkdownText(QWidget* parent = nullptr);

  void set_text(const QString& markdown);
  const QString& text() const { return markdown_; }
  void set_strong(bool strong);
  /// This symbol alone keeps its colour in the formulas; nothing: all do.
  void set_highlight(std::optional<Symbol> symbol);

  QSize sizeHint() const override;
  bool hasHeightForWidth() const override { return true; }
  int heightForWidth(int width) const override;

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  void fill();

  QString markdown_;
  bool strong_ = false;
  mutable QTextDocument document_;  // laid out for the width asked for last
};

}  // namespace statescope
