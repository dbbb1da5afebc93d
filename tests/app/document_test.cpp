// SPDX-License-Identifier: GPL-3.0-or-later
// What can go wrong between a request and its answer.
#include "model/model_document.h"

#include <gtest/gtest.h>

#include <QSignalSpy>

#include "paths.h"
#include "window_fixture.h"

namespace statescope::test {
namespace {

// A text that takes about a second to read.
QString long_text() {
  return u("In the beginning God created the heaven and the earth. ").repeated(60);
}

class Document : public testing::Test {
 protected:
  Document() {
    QObject::connect(&document, &ModelDocument::failed, [this](const QString& sentence) { problem = sentence; });
  }
  bool settled() {
    return wait_until([this] { return document.settled(); });
  }
  bool idle() {
    return wait_until([this] { return document.activity() == Activity::idle; });
  }
  void open_sample() {
    ModelScene scene;
    scene.run.prompt = sample_text;
    scene.run.tokens_to_generate = 6;
    document.open_scene(scene, {}, {});
    ASSERT_TRUE(settled());
  }

  ModelDocument document{test::assets};
  QString problem;
};

TEST_F(Document, stop_right_after_a_request_ends_it) {
  open_sample();
  for (int i = 0; i < 20; ++i) {  // sometimes before the job has begun, sometimes after
    document.run_prompt(long_text());
    document.stop();
    ASSERT_TRUE(idle()) << i;
  }
  EXPECT_TRUE(problem.isEmpty());
  ASSERT_TRUE(settled());
  EXPECT_GT(document.run()->trace.length(), 0);
}

TEST_F(Document, stop_while_reading_keeps_what_has_been_read) {
  open_sample();
  document.run_prompt(long_text());
  bool far = false;
  QObject::connect(&document, &ModelDocument::progress, [&](double share, const QString&) { far |= share > 0.2; });
  ASSERT_TRUE(wait_until([&] { return far; }));
  document.stop();
  ASSERT_TRUE(settled());
  const std::int64_t read = document.run()->trace.length();
  EXPECT_GT(read, 100);
  EXPECT_EQ(std::ssize(document.scene().run.prompt_ids), read);
  EXPECT_TRUE(long_text().startsWith(text_of(document.run())));
  document.generate();
  ASSERT_TRUE(settled());
  EXPECT_EQ(document.run()->trace.length(), read + 6);
}

TEST_F(Document, generating_after_an_abandoned_request_continues_what_is_shown) {
  open_sample();
  document.generate();
  ASSERT_TRUE(settled());
  const std::vector<std::int32_t> expected = ids_of(document.run());
  document.rewind(11);
  ASSERT_TRUE(settled());

  bool begun = false;
  QObject::connect(&document, &ModelDocument::progress, [&](double share, const QString&) { begun |= share > 0; });
  document.run_prompt(long_text());
  ASSERT_TRUE(wait_until([&] { return begun; }));
  document.run_prompt(u("And God said, Let there"));  // waits for the long text to give up
  document.stop();
  ASSERT_TRUE(idle());
  EXPECT_EQ(text_of(document.run()), u(sample_text)) << "neither has been read";
  document.generate();
  ASSERT_TRUE(settled());
  EXPECT_EQ(ids_of(document.run()), expected);
}

TEST_F(Document, generating_after_a_failed_opening_continues_what_is_shown) {
  TemporaryFolder folder;
  MambaSpec wide;
  wide.sizes.d_model = 512;
  write_checkpoint(folder.path(), wide);
  open_sample();
  document.generate();
  ASSERT_TRUE(settled());
  const std::vector<std::int32_t> expected = ids_of(document.run());
  document.rewind(11);
  ASSERT_TRUE(settled());

  ModelScene scene = document.scene();
  scene.run.model = folder.path().string();
  scene.run.prompt_ids.assign(1 << 20, 3);  // more than the memory for a trace holds
  document.open_scene(scene, {}, u("Open scene"));
  ASSERT_TRUE(wait_until([this] { return !problem.isEmpty(); }));
  EXPECT_TRUE(problem.contains(u("shorten the prompt"))) << problem.toStdString();
  EXPECT_EQ(document.run()->model().info().name, "mamba-lab");
  document.generate();
  ASSERT_TRUE(settled());
  EXPECT_EQ(ids_of(document.run()), expected);
}

TEST_F(Document, what_is_changed_while_reading_stays) {
  open_sample();
  document.run_prompt(long_text());
  ModelView view = document.scene().view;
  view.layer = 6;
  view.map = Quantity::y;
  document.set_view(view, u("Choose layer"));
  document.set_sampling({0.7, 20, 0.9, 5}, 9);
  ASSERT_NE(document.activity(), Activity::idle) << "the text is too short for this test";
  ASSERT_TRUE(settled());
  EXPECT_EQ(document.scene().run.prompt, long_text().toStdString());
  EXPECT_EQ(document.scene().view, view);
  EXPECT_EQ(document.scene().run.tokens_to_generate, 9);
  EXPECT_EQ(document.focus()->track->layer, 6);
  document.undo_stack().undo();
  ASSERT_TRUE(settled());
  EXPECT_EQ(text_of(document.run()), u(sample_text));
  EXPECT_EQ(document.scene().view, view);
}

TEST_F(Document, what_is_changed_while_generating_stays) {
  open_sample();
  document.set_sampling({}, 200);
  document.generate();
  ModelView view = document.scene().view;
  view.channel = 99;
  document.set_view(view, u("Choose channel"));
  document.set_sampling({0.7, 20, 0.9, 5}, 9);
  document.set_cursor(4);
  ASSERT_EQ(document.activity(), Activity::generating);
  ASSERT_TRUE(settled());
  EXPECT_EQ(document.run()->trace.length(), 211);
  EXPECT_EQ(document.scene().view, view);
  EXPECT_EQ(document.scene().run.tokens_to_generate, 9);
  EXPECT_EQ(document.scene().cursor, 4);
}

TEST_F(Document, newer_request_overtakes_the_older_one) {
  open_sample();
  QSignalSpy finished(&document, &ModelDocument::run_finished);
  document.run_prompt(long_text());
  document.run_prompt(u("And God said, Let there be"));
  ASSERT_TRUE(settled());
  EXPECT_EQ(text_of(document.run()), u("And God said, Let there be"));
  EXPECT_EQ(finished.count(), 1);
  EXPECT_EQ(document.undo_stack().count(), 1);
}

TEST_F(Document, prompt_that_cannot_be_read_changes_nothing) {
  open_sample();
  const ModelScene scene = document.scene();
  const RunPointer run = document.run();
  document.run_prompt({});
  ASSERT_TRUE(wait_until([this] { return !problem.isEmpty(); }));
  EXPECT_TRUE(settled());
  EXPECT_EQ(document.scene(), scene);
  EXPECT_EQ(document.run(), run);
  EXPECT_EQ(document.undo_stack().count(), 0);
}

TEST(DocumentEnd, may_come_while_jobs_are_running) {
  for (const bool generating : {false, true}) {
    auto document = std::make_unique<ModelDocument>(test::assets);
    ModelScene scene;
    scene.run.prompt = generating ? std::string(sample_text) : long_text().toStdString();
    scene.run.tokens_to_generate = 100000;
    bool under_way = false;
    QObject::connect(document.get(), &ModelDocument::progress, [&](double share, const QString&) {
      under_way |= share > 0 && document->activity() == (generating ? Activity::generating : Activity::working);
    });
    document->open_scene(scene, {}, {});
    if (generating) {
      ASSERT_TRUE(wait_until([&] { return document->settled(); }));
      document->generate();
    }
    under_way = false;
    ASSERT_TRUE(wait_until([&] { return under_way; }));
    document.reset();
  }
  ModelDocument(test::assets).open_scene({}, {}, {});  // ends while its model is being opened
}

}  // namespace
}  // namespace statescope::test
