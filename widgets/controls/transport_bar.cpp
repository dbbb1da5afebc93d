// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/transport_bar.h"

#include <QActionGroup>
#include <QKeyEvent>
#include <QMenu>
#include <algorithm>
#include <array>
#include <cmath>

#include "paint.h"
#include "widgets/button.h"
#include "widgets/scrubber.h"

namespace statescope {
namespace {

constexpr int most_measured = 32;  // of the texts of positions
constexpr std::array<double, 6> factors = {0.25, 0.5, 1, 2, 4, 8};

QString factor_text(double factor) {
  return QString::number(factor) + QStringLiteral("×");
}

}  // namespace

TransportBar::TransportBar(QWidget* parent)
    : QWidget(parent),
      restart_(new Button(Button::Look::raised, QStringLiteral("restart"), {}, this)),
      back_(new Button(Button::Look::raised, QStringLiteral("step-back"), {}, this)),
      play_(new Button(Button::Look::round, QStringLiteral("play"), {}, this)),
      forward_(new Button(Button::Look::raised, QStringLiteral("step-forward"), {}, this)),
      speed_(new Button(Button::Look::outline, {}, factor_text(1), this)),
      loop_(new Button(Button::Look::outline, QStringLiteral("loop"), {}, this)),
      speed_menu_(new QMenu(this)),
      scrubber_(new Scrubber(this)) {
  setObjectName(QStringLiteral("transport_bar"));
  setAccessibleName(tr("Transport"));
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  const auto set_up = [](Button* button, const char* name, const QString& what, const QString& shortcut) {
    button->setObjectName(QLatin1String(name));
    button->set_hint(what, shortcut);
  };
  set_up(restart_, "restart", tr("Back to the start"), QStringLiteral("Home"));
  set_up(back_, "step_back", tr("One step back"), QStringLiteral("Left"));
  set_up(play_, "play", tr("Play"), QStringLiteral("Space"));
  set_up(forward_, "step_forward", tr("One step forward"), QStringLiteral("Right"));
  set_up(speed_, "speed", tr("Playing speed"), QStringLiteral("+ and -"));
  set_up(loop_, "loop", tr("Start over at the end"), QStringLiteral("L"));
  loop_->setCheckable(true);
  position_text_ = [](int position, int length) {
    return length == 0 ? QString() : tr("step %L1 of %L2").arg(position + 1).arg(length);
  };

  auto* group = new QActionGroup(this);
  for (int i = 0; i < static_cast<int>(factors.size()); ++i) {
    QAction* action = speed_menu_->addAction(factor_text(factors[static_cast<size_t>(i)]));
    action->setCheckable(true);
    action->setChecked(i == speed_index_);
    group->addAction(action);
    connect(action, &QAction::triggered, this, [this, i] { choose_speed(i); });
  }

  connect(restart_, &QAbstractButton::clicked, &transport_, &Transport::restart);
  connect(back_, &QAbstractButton::clicked, this, [this] { transport_.step(-1); });
  connect(forward_, &QAbstractButton::clicked, this, [this] { transport_.step(1); });
  connect(play_, &QAbstractButton::clicked, &transport_, &Transport::toggle);
  connect(loop_, &QAbstractButton::toggled, &transport_, &Transport::set_loop);
  connect(speed_, &QAbstractButton::clicked, this, [this] {
    const QSize size = speed_menu_->sizeHint();
    speed_menu_->popup(speed_->mapToGlobal(QPoint(0, -size.height() - scaled(4))));
  });
  connect(scrubber_, &Scrubber::scrubbed, &transport_, &Transport::set_position);
  connect(&transport_, &Transport::position_changed, this, &TransportBar::show_position);
  connect(&transport_, &Transport::phase_changed, this,
          [this] { scrubber_->set_position(transport_.position(), transport_.phase()); });
  connect(&transport_, &Transport::playing_changed, this, &TransportBar::show_state);
  connect(&transport_, &Transport::loop_changed, this, &TransportBar::show_state);
  connect(&transport_, &Transport::length_changed, this, [this](int length) {
    scrubber_->set_length(length);
    show_state();
    relayout();
  });
  transport_.set_speed(base_speed_);
  show_state();
  follow_theme(this, &TransportBar::relayout);
}

QString TransportBar::position_text() const {
  return text_at(transport_.position());
}

QString TransportBar::text_at(int position) const {
  return position_text_(position, transport_.length());
}

void TransportBar::set_position_text(PositionText text) {
  if (!text) return;
  position_text_ = std::move(text);
  relayout();
  show_position();
}

void TransportBar::set_base_speed(double steps_per_second) {
  base_speed_ = steps_per_second;
  transport_.set_speed(base_speed_ * speed_factor());
}

double TransportBar::speed_factor() const {
  return factors[static_cast<size_t>(speed_index_)];
}

void TransportBar::set_speed_factor(double factor) {
  if (!(factor > 0)) return;
  const auto distance = [factor](double f) { return std::abs(std::log2(f / factor)); };
  const auto nearest =
      std::min_element(factors.begin(), factors.end(), [&](double a, double b) { return distance(a) < distance(b); });
  speed_index_ = static_cast<int>(nearest - factors.begin());
  speed_->setText(factor_text(speed_factor()));
  speed_menu_->actions()[speed_index_]->setChecked(true);
  transport_.set_speed(base_speed_ * speed_factor());
  relayout();
}

void TransportBar::choose_speed(int index) {
  index = std::clamp(index, 0, static_cast<int>(factors.size()) - 1);
  if (index == speed_index_) return;
  set_speed_factor(factors[static_cast<size_t>(index)]);
  Q_EMIT speed_factor_changed(speed_factor());
}

bool TransportBar::handle_key(const QKeyEvent& event) {
  if ((event.modifiers() & (Qt::ControlModifier | Qt::AltModifier | Qt::MetaModifier)) != 0) return false;
  switch (event.key()) {
    case Qt::Key_Space:
      if (!event.isAutoRepeat()) transport_.toggle();
      return true;
    case Qt::Key_Left:
      transport_.step(-1);
      return true;
    case Qt::Key_Right:
      transport_.step(1);
      return true;
    case Qt::Key_Home:
      transport_.restart();
      return true;
    case Qt::Key_End:
      transport_.set_position(transport_.length() - 1);
      return true;
    case Qt::Key_L:
      transport_.set_loop(!transport_.loop());
      return true;
    case Qt::Key_Plus:
    case Qt::Key_Equal:
      choose_speed(speed_index_ + 1);
      return true;
    case Qt::Key_Minus:
      choose_speed(speed_index_ - 1);
      return true;
    default:
      return false;
  }
}

void TransportBar::keyPressEvent(QKeyEvent* event) {
  if (!handle_key(*event)) QWidget::keyPressEvent(event);
}

void TransportBar::show_state() {
  const bool playing = transport_.playing();
  play_->set_icon_name(playing ? QStringLiteral("pause") : QStringLiteral("play"));
  play_->set_hint(playing ? tr("Pause") : tr("Play"), QStringLiteral("Space"));
  const bool any = transport_.length() > 0;
  for (Button* button : {restart_, back_, forward_}) button->setEnabled(any);
  play_->setEnabled(transport_.length() > 1);
  const QSignalBlocker quiet(loop_);
  loop_->setChecked(transport_.loop());
  loop_->update();
  show_position();
}

void TransportBar::show_position() {
  // A position may say more than before, such as seconds of a finer step.
  const QFontMetricsF metrics(statescope::font(TextRole::caption));
  if (text_box_.width() > 0 && metrics.horizontalAdvance(position_text()) > text_box_.width()) relayout();
  scrubber_->set_position(transport_.position(), transport_.phase());
  scrubber_->setAccessibleDescription(position_text());
  update(text_box_);
}

QSize TransportBar::sizeHint() const {
  return {scaled(900), scaled(78)};
}

QSize TransportBar::minimumSizeHint() const {
  return {scaled(420), scaled(78)};
}

void TransportBar::resizeEvent(QResizeEvent*) {
  relayout();
}

void TransportBar::relayout() {
  const int margin = scaled(20);
  int x = margin;
  const auto place = [&](Button* button, int gap_after) {
    const QSize size = button->sizeHint();
    button->setGeometry(x, (height() - size.height()) / 2, size.width(), size.height());
    x += size.width() + gap_after;
  };
  const int gap = scaled(width() >= scaled(700) ? 14 : 6);
  place(restart_, gap);
  place(back_, gap);
  place(play_, gap);
  place(forward_, gap + scaled(6));
  place(speed_, scaled(6));
  place(loop_, scaled(10));

  // As wide as its widest text, so that nothing moves while it plays; "t = 2.75 s" is wider than "t = 10 s" behind it.
  const QFontMetricsF metrics(statescope::font(TextRole::caption));
  const int last = std::max(transport_.length() - 1, 0);
  double widest = 0;
  for (int i = 0; i <= most_measured; ++i)
    widest = std::max(widest, metrics.horizontalAdvance(
                                  text_at(static_cast<int>(static_cast<std::int64_t>(last) * i / most_measured))));
  const int room = width() - margin - x;
  int text_width = static_cast<int>(std::ceil(widest)) + 2;
  if (room - text_width < scaled(90)) text_width = 0;  // the scrubber is worth more than its caption
  const int text_gap = text_width > 0 ? scaled(12) : 0;
  const int scrubber_height = scrubber_->sizeHint().height();
  scrubber_->setGeometry(x, (height() - scrubber_height) / 2, std::max(0, room - text_width - text_gap),
                         scrubber_height);
  text_box_ = QRect(width() - margin - text_width, 0, text_width, height());
  update();
}

void TransportBar::paintEvent(QPaintEvent*) {
  const Theme& t = theme();
  QPainter painter(this);
  painter.fillRect(rect(), t.surface);
  painter.fillRect(QRect(0, 0, width(), 1), t.hairline);
  painter.setFont(statescope::font(TextRole::caption));
  painter.setPen(t.muted);
  if (text_box_.width() > 0) {
    painter.drawText(text_box_, Qt::AlignRight | Qt::AlignVCenter, position_text());
  }
}

}  // namespace statescope
