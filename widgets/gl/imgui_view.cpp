// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/imgui_view.h"

#include <imgui.h>
#include <imgui_impl_opengl3.h>

#include <QFileInfo>
#include <QGuiApplication>
#include <QKeyEvent>
#include <QOffscreenSurface>
#include <QOpenGLContext>
#include <QOpenGLFunctions>
#include <QOpenGLWidget>
#include <QPainter>
#include <QStyleHints>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>
#include <utility>

#include "glyph_atlas.h"
#include "imgui_canvas.h"
#include "painter_canvas.h"

namespace statescope {
namespace {

constexpr int frame_ms = 16;
constexpr double wheel_notch = 120;  // Qt's unit, eighths of a degree

QSurfaceFormat wanted_format() {
  QSurfaceFormat format = QSurfaceFormat::defaultFormat();
  format.setVersion(3, 3);  // or what there is; Dear ImGui needs 3.0
  format.setProfile(QSurfaceFormat::CoreProfile);
  format.setDepthBufferSize(0);
  format.setStencilBufferSize(0);
  return format;
}

enum class OpenGl { none, emulated, hardware };

// What OpenGL this machine gives; found out once, before any widget asks for it and complains.
OpenGl opengl() {
  static const OpenGl found = [] {
    const QString platform = QGuiApplication::platformName();
    // These draw windows without OpenGL, whatever contexts the machine has.
    for (const char* without : {"minimal", "offscreen", "vnc", "linuxfb"})
      if (platform == QLatin1String(without)) return OpenGl::none;
    QOpenGLContext context;
    context.setFormat(wanted_format());
    if (!context.create()) return OpenGl::none;
    QOffscreenSurface surface;
    surface.setFormat(context.format());
    surface.create();
    if (!surface.isValid() || !context.makeCurrent(&surface)) return OpenGl::none;
    const bool enough = !context.isOpenGLES() && context.format().majorVersion() >= 3;
    const QByteArray renderer(reinterpret_cast<const char*>(context.functions()->glGetString(GL_RENDERER)));
    context.doneCurrent();
    if (!enough) return OpenGl::none;
    for (const char* on_cpu : {"llvmpipe", "softpipe", "Software", "SwiftShader", "swrast"})
      if (renderer.contains(on_cpu)) return OpenGl::emulated;
    return OpenGl::hardware;
  }();
  return found;
}

bool emulation = false;  // is taken as well

// Without a graphics device a context would take a tenth of a second to say that the processor emulates it.
bool may_be_hardware() {
#ifdef Q_OS_LINUX
  return QFileInfo::exists(QStringLiteral("/dev/dri")) || QFileInfo::exists(QStringLiteral("/dev/nvidia0"));
#else
  return true;
#endif
}

}  // namespace

// Dear ImGui's context of one view, and what happened since its last frame.
struct ImGuiView::Context {
  ImFontAtlas atlas;
  GlyphAtlas glyphs{atlas};
  ImGuiContext* imgui;
  bool renderer = false;

  // What the mouse did since the last frame.
  QPointF position, press_position, moved;
  bool inside = false, held = false;
  bool pressed = false, tapped = false, double_clicked = false;
  double wheel = 0, wheel_sideways = 0;

  Context() : imgui(ImGui::CreateContext(&atlas)) {
    ImGui::SetCurrentContext(imgui);
    ImGuiIO& io = ImGui::GetIO();
    io.IniFilename = nullptr;
    io.LogFilename = nullptr;
    io.ConfigFlags |= ImGuiConfigFlags_NoMouseCursorChange;
  }
  ~Context() { ImGui::DestroyContext(imgui); }
  void use() const { ImGui::SetCurrentContext(imgui); }

  // Hands Qt's events to Dear ImGui, begins a frame, and says what the mouse does in it.
  Pointer begin(const QSize& size, double ratio) {
    use();
    ImGuiIO& io = ImGui::GetIO();
    io.DisplaySize = ImVec2(static_cast<float>(size.width()), static_cast<float>(size.height()));
    io.DisplayFramebufferScale = ImVec2(static_cast<float>(ratio), static_cast<float>(ratio));
    io.DeltaTime = frame_ms * 1e-3f;
    const bool there = inside || held;
    io.MousePos =
        there ? ImVec2(static_cast<float>(position.x()), static_cast<float>(position.y())) : ImVec2(-FLT_MAX, -FLT_MAX);
    io.MouseDown[0] = held;
    io.MouseWheel = static_cast<float>(wheel);
    io.MouseWheelH = static_cast<float>(wheel_sideways);
    ImGui::NewFrame();

    Pointer pointer;
    if (there) pointer.position = position;
    pointer.inside = inside;
    pointer.down = held;
    pointer.press_position = press_position;
    pointer.pressed = std::exchange(pressed, false);
    pointer.tapped = std::exchange(tapped, false);
    pointer.double_clicked = std::exchange(double_clicked, false);
    pointer.moved = std::exchange(moved, {});
    pointer.wheel = std::exchange(wheel, 0);
    pointer.wheel_sideways = std::exchange(wheel_sideways, 0);
    return pointer;
  }
};

// Draws what its view shows and lets every event through to it.
class ImGuiView::Surface : public QOpenGLWidget {
 public:
  explicit Surface(ImGuiView& view) : QOpenGLWidget(&view), view_(view) {
    setFormat(wanted_format());
    setAttribute(Qt::WA_TransparentForMouseEvents);
    setFocusPolicy(Qt::NoFocus);
    setObjectName(QStringLiteral("surface"));
  }
  ~Surface() override { release(); }

 protected:
  void initializeGL() override {
    Context& context = *view_.context_;
    context.use();
    if (context.renderer) release();
    context.renderer = ImGui_ImplOpenGL3_Init("#version 130");
    connect(QOpenGLContext::currentContext(), &QOpenGLContext::aboutToBeDestroyed, this, &Surface::release,
            Qt::UniqueConnection);
  }
  void paintGL() override {
    Context& context = *view_.context_;
    context.use();
    QOpenGLFunctions& gl = *QOpenGLContext::currentContext()->functions();
    const QColor ground = theme().background;
    gl.glClearColor(ground.redF(), ground.greenF(), ground.blueF(), 1);
    gl.glClear(GL_COLOR_BUFFER_BIT);
    if (!context.renderer) return;
    const double ratio = devicePixelRatioF();
    if (context.glyphs.outdated(ratio)) {
      context.glyphs.build(ratio);
      ImGui_ImplOpenGL3_DestroyFontsTexture();
      ImGui_ImplOpenGL3_CreateFontsTexture();
    }
    ImGui_ImplOpenGL3_NewFrame();
    const Pointer pointer = context.begin(size(), ratio);
    view_.act(pointer);
    ImGuiCanvas canvas(*ImGui::GetBackgroundDrawList(), context.glyphs);
    if (view_.page_) view_.page_->draw(canvas, view_.page_area(), pointer);
    if (view_.hasFocus()) canvas.outline(QRectF(rect()), theme().accent, scaled(6), 2);
    ImGui::Render();
    ImGui_ImplOpenGL3_RenderDrawData(ImGui::GetDrawData());
    // Letters that were missing come with the next frame.
    if (context.glyphs.outdated(ratio))
      QMetaObject::invokeMethod(
          this, [this] { update(); }, Qt::QueuedConnection);
  }

 private:
  void release() {
    Context& context = *view_.context_;
    if (!context.renderer) return;
    makeCurrent();
    context.use();
    ImGui_ImplOpenGL3_Shutdown();
    context.renderer = false;
    doneCurrent();
  }

  ImGuiView& view_;
};

ImGuiView::ImGuiView(QWidget* parent) : View(parent), context_(std::make_unique<Context>()) {
  timer_.setTimerType(Qt::PreciseTimer);
  timer_.setInterval(frame_ms);
  connect(&timer_, &QTimer::timeout, this, &ImGuiView::refresh);
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, &ImGuiView::refresh);
}

ImGuiView::~ImGuiView() {
  delete surface_;  // while the context still lives
}

void ImGuiView::allow_emulation(bool allowed) {
  emulation = allowed;
}

void ImGuiView::show_page(Page* page) {
  page_ = page;
  setAccessibleName(page ? page->name() : QString());
  refresh();
}

int ImGuiView::focus_margin() {
  return scaled(6);
}

QRectF ImGuiView::page_area() const {
  return QRectF(rect()).marginsRemoved(QMarginsF(focus_margin(), focus_margin(), focus_margin(), focus_margin()));
}

void ImGuiView::set_live(bool live) {
  if (live == timer_.isActive()) return;
  live ? timer_.start() : timer_.stop();
  refresh();
}

void ImGuiView::set_painted(bool painted) {
  painted_ = painted;
  if (surface_) surface_->setHidden(painted);
}

bool ImGuiView::accelerated() const {
  return context_->renderer;
}

void ImGuiView::refresh() {
  const int least = page_ ? static_cast<int>(std::ceil(page_->least_height())) : 0;
  if (std::exchange(least_height_, least) != least) updateGeometry();
  if (surface_ && !surface_->isHidden())
    surface_->update();
  else
    update();
}

// Only when it is first seen: a window that never shows a page never pays for OpenGL.
void ImGuiView::showEvent(QShowEvent* event) {
  View::showEvent(event);
  if (surface_ || painted_ || (!emulation && !may_be_hardware())) return;
  if (opengl() == OpenGl::none || (opengl() == OpenGl::emulated && !emulation)) return;
  surface_ = new Surface(*this);
  surface_->setGeometry(rect());
  surface_->show();
}

void ImGuiView::resizeEvent(QResizeEvent* event) {
  View::resizeEvent(event);
  if (surface_) surface_->setGeometry(rect());
}

QString ImGuiView::csv() const {
  return page_ ? page_->csv() : QString();
}

void ImGuiView::draw(QPainter& painter, const QRectF& area, bool for_export) const {
  if (!page_) return draw_message(painter, area);
  PainterCanvas canvas(painter);
  Pointer pointer;
  if (!for_export && context_->inside) {
    pointer.inside = true;
    pointer.position = context_->position;
    pointer.down = context_->held;
    pointer.press_position = context_->press_position;
  }
  page_->draw(canvas, area, pointer);
}

// Where nothing else draws: the page acts and is painted like an export.
void ImGuiView::paintEvent(QPaintEvent*) {
  if (surface_ && !surface_->isHidden() && context_->renderer) return;  // it covers all of this
  context_->use();
  if (!context_->atlas.IsBuilt()) context_->atlas.Build();
  act(context_->begin(size(), devicePixelRatioF()));
  ImGui::EndFrame();
  QPainter painter(this);
  painter.fillRect(rect(), theme().background);
  draw(painter, page_area(), false);
  if (hasFocus()) PainterCanvas(painter).outline(rect(), theme().accent, scaled(6), 2);
}

// Signals and other widgets wait until the frame is over.
void ImGuiView::act(const Pointer& pointer) {
  if (!page_) return;
  page_->interact(page_area(), pointer);
  const bool acted = pointer.pressed || pointer.down || pointer.tapped || pointer.double_clicked ||
                     pointer.wheel != 0 || pointer.wheel_sideways != 0;
  QMetaObject::invokeMethod(
      this,
      [this, acted] {
        if (page_ && cursor().shape() != page_->cursor()) setCursor(page_->cursor());
        if (acted) Q_EMIT interacted();
      },
      Qt::QueuedConnection);
}

void ImGuiView::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton) return event->ignore();
  setFocus(Qt::MouseFocusReason);
  context_->position = context_->press_position = event->position();
  context_->held = context_->pressed = context_->inside = true;
  refresh();
}

void ImGuiView::mouseMoveEvent(QMouseEvent* event) {
  if (context_->held) context_->moved += event->position() - context_->position;
  context_->position = event->position();
  context_->inside = rect().contains(event->position().toPoint());
  refresh();
}

void ImGuiView::mouseReleaseEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton || !context_->held) return;
  const QPointF way = event->position() - context_->press_position;
  context_->position = event->position();
  context_->held = false;
  context_->tapped = way.manhattanLength() <= QGuiApplication::styleHints()->startDragDistance() / 2.0;
  refresh();
}

void ImGuiView::mouseDoubleClickEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton) return;
  context_->position = context_->press_position = event->position();
  context_->held = context_->double_clicked = context_->inside = true;
  refresh();
}

void ImGuiView::wheelEvent(QWheelEvent* event) {
  if (!page_ || !page_->takes_wheel(QRectF(rect()), event->position())) return event->ignore();
  context_->position = event->position();
  context_->inside = true;
  context_->wheel += event->angleDelta().y() / wheel_notch;
  context_->wheel_sideways += event->angleDelta().x() / wheel_notch;
  event->accept();
  refresh();
}

void ImGuiView::leaveEvent(QEvent*) {
  context_->inside = false;
  refresh();
}

void ImGuiView::keyPressEvent(QKeyEvent* event) {
  constexpr Qt::KeyboardModifiers others = Qt::ControlModifier | Qt::AltModifier | Qt::MetaModifier;
  if (page_ && (event->modifiers() & others) == 0 && page_->key(event->key())) {
    refresh();
    Q_EMIT interacted();
    return;
  }
  View::keyPressEvent(event);
}

QSize ImGuiView::sizeHint() const {
  return {scaled(720), scaled(480)};
}

QSize ImGuiView::minimumSizeHint() const {
  return {scaled(320), std::max(least_height_ + 2 * focus_margin(), scaled(240))};
}

}  // namespace statescope
