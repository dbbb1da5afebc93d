// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/model_pictures.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/run/readings.h"
#include "engine/run/session.h"
#include "widgets/rich_text.h"
#include "window_fixture.h"

namespace statescope::test {
namespace {

// 70 tokens, more than the bars of the writes show.
class ModelPictures : public testing::Test {
 protected:
  ModelPictures() {
    Session session(loaded->model);
    session.append(random_ids(70, 31), false);
    QStringList texts;
    for (int t = 0; t < 70; ++t) texts.append(QStringLiteral(" t%1").arg(t));
    run = std::make_shared<const RunSnapshot>(RunSnapshot{loaded, session.trace(), texts});
    show();
  }
  void show() { focus = focus_on(run, view, 5, nullptr, {}); }

  std::shared_ptr<const LoadedModel> loaded =
      std::make_shared<const LoadedModel>(LoadedModel{random_model({}), std::nullopt});
  RunPointer run;
  ModelView view{1, 7, 2};
  std::shared_ptr<const Focus> focus;
};

TEST_F(ModelPictures, tokens_as_csv_tell_what_was_expected_instead) {
  const QStringList lines = tokens_csv(*run).split(QLatin1Char('\n'));
  ASSERT_EQ(lines.size(), 72);  // a header, 70 tokens, nothing after the last line's end
  const TokenRecord& token = *run->trace.tokens[3];
  const std::vector<Prediction> expected = predictions(*loaded->model, run->trace, 0, 70);
  const QStringList fields = lines[4].split(QLatin1Char(','));
  ASSERT_EQ(fields.size(), 6);
  EXPECT_EQ(fields[0], u("4"));
  EXPECT_EQ(fields[1], QString::number(token.id));
  EXPECT_EQ(fields[2], u(" t3"));
  EXPECT_EQ(fields[4].toFloat(), expected[3].log_probability);
  EXPECT_LT(expected[3].log_probability, 0);
  EXPECT_EQ(fields[5], QString::number(expected[2].next.front().id));
  EXPECT_TRUE(lines[1].endsWith(u(",,")));  // nothing was expected before the first token
}

TEST_F(ModelPictures, overview_is_layers_by_tokens) {
  for (const Summary summary : all_summaries) {
    const auto data = overview_picture(*run, summary);
    EXPECT_EQ(data->rows, 2);
    EXPECT_EQ(data->columns, 70);
    for (const std::int64_t layer : {0, 1})
      for (const std::int64_t t : {0, 69})
        EXPECT_EQ(data->value(layer, t), run->trace.tokens[std::size_t(t)]->layers[std::size_t(layer)][summary]);
    EXPECT_NE(data->value(0, 3), data->value(1, 3));
    EXPECT_EQ(data->quantity, name_of(summary));
    EXPECT_EQ(data->column_label(3), u("·t3"));
  }
  EXPECT_EQ(overview_picture(*run, Summary::mean_delta)->symbol, Symbol::delta);
}

TEST_F(ModelPictures, layer_map_is_channels_by_tokens_widest_first_or_by_index) {
  auto data = layer_picture(*focus, view);
  EXPECT_EQ(data->rows, 20);
  EXPECT_EQ(data->columns, 70);
  EXPECT_EQ(data->value(7, 3), focus->track->delta[3 * 20 + 7]);
  EXPECT_FALSE(data->diverging);
  EXPECT_TRUE(plain_text(data->title).contains(u("layer 1")));
  EXPECT_EQ(data->subtitle, u("widest Δ first"));
  const auto mean = [&](std::int64_t channel) {
    double sum = 0;
    for (std::int64_t t = 0; t < 70; ++t) sum += data->value(channel, t);
    return sum;
  };
  ASSERT_EQ(data->row_order.size(), 20u);
  EXPECT_TRUE(std::is_sorted(data->row_order.begin(), data->row_order.end(),
                             [&](qint64 a, qint64 b) { return mean(a) > mean(b); }));
  EXPECT_FALSE(std::is_sorted(data->row_order.begin(), data->row_order.end()));
  view.order = ChannelOrder::index;
  EXPECT_TRUE(layer_picture(*focus, view)->row_order.empty());
}

TEST_F(ModelPictures, maps_of_B_and_C_have_a_row_per_state_in_their_own_order) {
  for (const Quantity map : {Quantity::B, Quantity::C}) {
    view.map = map;
    show();
    const auto data = layer_picture(*focus, view);
    EXPECT_EQ(data->rows, 5);
    EXPECT_EQ(data->columns, 70);
    EXPECT_TRUE(data->row_order.empty());
    EXPECT_EQ(data->row_noun, u("state"));
    EXPECT_EQ(data->value(4, 2), (map == Quantity::B ? focus->track->B : focus->track->C)[2 * 5 + 4]);
    EXPECT_TRUE(data->diverging);
    EXPECT_EQ(data->symbol, words_for(map).color);
  }
}

TEST_F(ModelPictures, state_map_is_channels_by_states_on_a_scale_that_does_not_change_with_the_token) {
  const auto data = state_picture(*focus, view, 5), later = state_picture(*focus, view, 6);
  EXPECT_EQ(data->rows, 20);
  EXPECT_EQ(data->columns, 5);
  EXPECT_EQ(data->value(7, 2), (*focus->channel_curves[2])[5]);
  EXPECT_EQ(later->value(7, 2), (*focus->channel_curves[2])[6]);
  EXPECT_NE(data->value(7, 2), later->value(7, 2));
  EXPECT_EQ(data->max, later->max);
  EXPECT_EQ(data->min, -data->max);
  EXPECT_TRUE(plain_text(data->title).contains(u("after “·t5”")));
  EXPECT_EQ(state_picture(*focus, view, 64), nullptr) << "outside the stretch there is nothing to show";
}

TEST_F(ModelPictures, channel_has_a_curve_per_state_and_half_life_a_bar) {
  const auto curves = channel_picture(*focus);
  ASSERT_EQ(curves->curves.size(), 5u);
  EXPECT_EQ(curves->points(), 70);
  EXPECT_EQ(curves->curves[3].name, u("state 3"));
  const std::vector<float>& states = *focus->channel_curves[3];
  ASSERT_EQ(curves->curves[3].values.size(), std::ssize(states));
  for (std::size_t t = 0; t < states.size(); ++t)
    EXPECT_EQ(curves->curves[3].values[static_cast<qint64>(t)], states[t]) << t;
  const auto bars = half_life_picture(*focus);
  ASSERT_EQ(bars->bars.size(), 5u);
  EXPECT_EQ(bars->bars[3].value, half_lives(*loaded->model, *focus->track, 7)[3]);
  EXPECT_GT(bars->bars[3].value, 0);
  EXPECT_TRUE(bars->logarithmic);
}

TEST_F(ModelPictures, candidates_are_the_most_likely_tokens_by_falling_probability) {
  const auto bars = candidates_picture(*focus, 5);
  const Prediction expected = predictions(*loaded->model, run->trace, 5, 6)[0];
  EXPECT_EQ(candidates_picture(*focus, 69), nullptr) << "outside the stretch around the cursor";
  ASSERT_GE(bars->bars.size(), 5u);
  EXPECT_TRUE(std::is_sorted(bars->bars.begin(), bars->bars.end(),
                             [](const Bar& a, const Bar& b) { return a.value > b.value; }));
  EXPECT_EQ(bars->bars[0].label, QString::number(expected.next[0].id)) << "ids without a tokenizer";
  EXPECT_FLOAT_EQ(static_cast<float>(bars->bars[0].value), expected.next[0].probability);
  EXPECT_TRUE(bars->percent);
}

TEST_F(ModelPictures, writes_are_a_window_around_the_cursor_faint_after_it) {
  for (const std::int64_t cursor : {0, 39, 40, 41, 69}) {
    const auto bars = writes_picture(*focus, view, cursor);
    const std::int64_t first = first_write_shown(cursor);
    ASSERT_FALSE(bars->bars.empty());
    EXPECT_LE(bars->bars.size(), 48u);
    ASSERT_LE(first, cursor);
    ASSERT_LT(cursor, first + std::ssize(bars->bars)) << "the cursor's own bar is among them";
    EXPECT_EQ(bars->faint_from, cursor - first + 1);
    const Bar& bar = bars->bars[std::size_t(cursor - first)];
    EXPECT_EQ(bar.label, u("·t%1").arg(cursor));
    EXPECT_EQ(bar.value, write(*focus->track, loaded->model->info().sizes, 7, 2, cursor));
    EXPECT_NE(bar.value, 0);
  }
}

}  // namespace
}  // namespace statescope::test
