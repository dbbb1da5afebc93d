// SPDX-License-Identifier: GPL-3.0-or-later
// Input signals and the two file formats they come from.
#include "engine/dynamics/signal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <numbers>
#include <numeric>

#include "engine/io/csv.h"
#include "engine/io/wav.h"
#include "engine/random.h"
#include "test_checkpoint.h"

namespace statescope {
namespace {

using namespace test;

constexpr double two_pi = 2 * std::numbers::pi;

Signal signal(const auto& change) {
  Signal s;
  change(s);
  return s;
}

std::vector<double> made(Signal signal, double delta = 0.1) {
  return sample(signal, delta, {});
}

double mean_square(const std::vector<double>& values) {
  return std::inner_product(values.begin(), values.end(), values.begin(), 0.0) / static_cast<double>(values.size());
}

TEST(Signal, ShapesAtTheirSamples) {
  const auto first = [](SignalKind kind) {
    return made(signal([&](Signal& s) {
                  s.kind = kind;
                  s.length = 6;
                  s.amplitude = 2;
                  s.start = 0.2;
                  s.frequency = 2.5;
                }),
                0.1);
  };
  EXPECT_EQ(first(SignalKind::impulse), (std::vector<double>{0, 0, 2, 0, 0, 0}));
  EXPECT_EQ(first(SignalKind::step), (std::vector<double>{0, 0, 2, 2, 2, 2}));
  EXPECT_EQ(first(SignalKind::square), (std::vector<double>{2, 2, -2, -2, 2, 2}));
  const std::vector<double> ramp = first(SignalKind::ramp), sine = first(SignalKind::sine);
  for (std::size_t l = 0; l < 6; ++l) {
    EXPECT_NEAR(ramp[l], 2 * std::max(0.0, 0.1 * static_cast<double>(l) - 0.2), 1e-15);
    EXPECT_NEAR(sine[l], 2 * std::sin(two_pi * 2.5 * 0.1 * static_cast<double>(l)), 1e-15);
  }
}

TEST(Signal, ChirpRisesFromOneFrequencyToTheOther) {
  const Signal chirp = signal([&](Signal& s) {
    s.kind = SignalKind::chirp;
    s.length = 4000;
    s.frequency = 1;
    s.frequency_end = 5;
  });
  const std::vector<double> u = made(chirp, 0.001);  // 4 s: (1 + 5)/2 · 4 = 12 periods
  const auto periods = [&](std::size_t from, std::size_t to) {
    int rising = 0;
    for (std::size_t l = from + 1; l < to; ++l) rising += u[l - 1] < 0 && u[l] >= 0;
    return rising;
  };
  EXPECT_EQ(periods(0, 4000), 11);    // the first begins at 0, and the twelfth ends with the signal
  EXPECT_EQ(periods(0, 1000), 1);     // 1.5 periods in the first second
  EXPECT_EQ(periods(3000, 4000), 4);  // 4.5 in the last
}

TEST(Signal, BandNoiseIsAFunctionOfTimeWithinItsBand) {
  const Signal noise = signal([](Signal& n) {
    n.kind = SignalKind::band_noise;
    n.length = 20000;
    n.amplitude = 0.5;
    n.frequency = 3;
    n.frequency_end = 5;
    n.seed = 7;
  });
  const std::vector<double> u = made(noise, 0.01), finer = made(noise, 0.005);
  for (std::size_t l = 0; l < 10000; ++l) ASSERT_NEAR(u[l], finer[2 * l], 1e-9);
  EXPECT_NEAR(std::sqrt(mean_square(u)), 0.5, 0.01);
  const auto strength = [&](double frequency) {  // one Hann-windowed bin
    std::complex<double> sum = 0;
    for (std::size_t l = 0; l < u.size(); ++l) {
      const double window = 1 - std::cos(two_pi * static_cast<double>(l) / static_cast<double>(u.size()));
      sum += window * u[l] * std::polar(1.0, -two_pi * frequency * 0.01 * static_cast<double>(l));
    }
    return std::abs(sum) / static_cast<double>(u.size());
  };
  for (const double outside : {0.5, 2.9, 5.1, 20.0}) EXPECT_LT(strength(outside), 1e-3) << outside;
  double inside = 0;
  for (double frequency = 3; frequency < 5; frequency += 0.005) inside = std::max(inside, strength(frequency));
  EXPECT_GT(inside, 0.05);
}

// The sum of its sines, in long double. An angle α of a tone is made of three rounded products and a rounded sum, and
// its block's beginning and its place in it are each as large at most, so it is off by 8 ε (α + 2π); sine, cosine,
// table and sum over 64 products add 70 ε at most.
TEST(Signal, BandNoiseIsTheSumOfItsSinesAtAnyLength) {
  Signal noise = signal([](Signal& n) {
    n.kind = SignalKind::band_noise;
    n.length = 300001;  // ends within a block
    n.amplitude = 3;
    n.frequency = 2;
    n.frequency_end = 40;
    n.seed = 5;
  });
  const double delta = 1.0 / 129;
  const std::vector<double> u = made(noise, delta);
  Uniform uniform(noise.seed);
  std::vector<std::pair<double, double>> tones;  // frequency and phase
  for (int i = 0; i < 32; ++i) {
    const double frequency = 2 + 38.0 / 32 * (i + uniform());
    tones.emplace_back(frequency, two_pi * uniform());
  }
  for (const std::size_t l : {0, 1, 63, 64, 65, 4095, 4096, 99999, 299999, 300000}) {
    long double sum = 0, angles = 0;
    for (const auto& [frequency, phase] : tones) {
      const long double angle = 2 * std::numbers::pi_v<long double> * frequency * static_cast<long double>(l) *
                                    static_cast<long double>(delta) +
                                phase;
      sum += std::sin(angle);
      angles += angle + static_cast<long double>(two_pi);
    }
    const auto tolerance = static_cast<double>(3 / 4.0L * (8 * angles + 70 * 32) * 0x1p-53L);
    ASSERT_NEAR(u[l], static_cast<double>(3 * sum / 4), tolerance) << l;
  }
}

TEST(Signal, WhiteNoiseIsNormalAndSeeded) {
  Signal noise = signal([&](Signal& s) {
    s.kind = SignalKind::white_noise;
    s.length = 20000;
    s.amplitude = 3;
    s.seed = 1;
  });
  const std::vector<double> u = made(noise);
  EXPECT_NEAR(mean_square(u), 9, 0.3);  // 9 √(2/20000) is a standard deviation of it
  EXPECT_NEAR(static_cast<double>(std::count_if(u.begin(), u.end(), [](double x) { return std::abs(x) < 3; })) / 20000,
              0.6827, 0.01);
  EXPECT_EQ(made(noise), u);
  noise.seed = 2;
  EXPECT_NE(made(noise), u);
}

TEST(Signal, DrawnCurveStretchesOverTheSignal) {
  const Signal drawn = signal([&](Signal& s) {
    s.kind = SignalKind::drawn;
    s.length = 5;
    s.amplitude = 10;
    s.values = {0, 1, -1};
  });
  EXPECT_EQ(made(drawn), (std::vector<double>{0, 5, 10, 0, -10}));
}

TEST(Signal, RefusesWhatCannotBe) {
  const auto refusal = [](Signal signal) { return message_of([&] { made(signal); }); };
  EXPECT_NE(refusal(signal([&](Signal& s) { s.length = 0; })).find("0 samples"), std::string::npos);
  EXPECT_NE(refusal(signal([&](Signal& s) { s.length = max_signal_length + 1; })).find("1048577 samples"),
            std::string::npos);
  EXPECT_NE(refusal(signal([&](Signal& s) { s.amplitude = std::nan(""); })).find("not a finite number"),
            std::string::npos);
  EXPECT_NE(refusal(signal([&](Signal& s) {
              s.kind = SignalKind::band_noise;
              s.frequency = 2;
              s.frequency_end = 1;
            })).find("ends below"),
            std::string::npos);
  EXPECT_NE(refusal(signal([&](Signal& s) { s.kind = SignalKind::drawn; })).find("no points"), std::string::npos);
  EXPECT_NE(refusal(signal([&](Signal& s) { s.kind = SignalKind::wav; })).find("has no file"), std::string::npos);
  EXPECT_NE(refusal(signal([&](Signal& s) {
              s.kind = SignalKind::csv;
              s.file = "absent.csv";
            })).find("absent.csv"),
            std::string::npos);
  EXPECT_NE(message_of([&] { made({}, 0); }).find("Δ must be"), std::string::npos);
}

// The bytes of a WAV file. `extra` comes between format and data.
std::string wav(int format, int channels, int rate, int bits, const std::string& data, const std::string& extra = "") {
  const auto number = [](std::uint32_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xFF);
    return text;
  };
  const auto u = [](int value) { return static_cast<std::uint32_t>(value); };
  const std::string fmt = number(u(format), 2) + number(u(channels), 2) + number(u(rate), 4) +
                          number(u(rate * channels * bits / 8), 4) + number(u(channels * bits / 8), 2) +
                          number(u(bits), 2);
  const std::string body =
      "WAVEfmt " + number(16, 4) + fmt + extra + "data" + number(static_cast<std::uint32_t>(data.size()), 4) + data;
  return "RIFF" + number(static_cast<std::uint32_t>(body.size()), 4) + body;
}

std::vector<double> read_wav(const std::string& text, std::int64_t channel = 0, std::int64_t first = 0,
                             std::int64_t count = 100) {
  const auto bytes = std::as_bytes(std::span(text));
  return wav_samples(bytes, parse_wav(bytes, "a.wav"), channel, first, count, "a.wav");
}

std::string bytes_of(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text;
}

template <class Real>
std::string bytes_of_real(Real value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

TEST(Wav, ReadsEveryWidth) {
  EXPECT_EQ(read_wav(wav(1, 1, 8000, 8, bytes_of({0, 128, 192}))), (std::vector<double>{-1, 0, 0.5}));
  EXPECT_EQ(read_wav(wav(1, 1, 8000, 16, bytes_of({0, 0x80, 0, 0x40}))), (std::vector<double>{-1, 0.5}));
  EXPECT_EQ(read_wav(wav(1, 1, 8000, 24, bytes_of({0, 0, 0x80, 0, 0, 0x20, 1, 0, 0}))),
            (std::vector<double>{-1, 0.25, 0x1p-23}));
  EXPECT_EQ(read_wav(wav(1, 1, 8000, 32, bytes_of({0, 0, 0, 0xC0}))), (std::vector<double>{-0.5}));
  EXPECT_EQ(read_wav(wav(3, 1, 8000, 32, bytes_of_real(0.375f) + bytes_of_real(-2.0f))),
            (std::vector<double>{0.375, -2}));
  EXPECT_EQ(read_wav(wav(3, 1, 8000, 64, bytes_of_real(0.1))), (std::vector<double>{0.1}));
}

TEST(Wav, ReadsChannelsPartsAndPastOtherChunks) {
  const std::string two = wav(1, 2, 44100, 16, bytes_of({0, 0x10, 0, 0x20, 0, 0x30, 0, 0x40}),
                              bytes_of({'L', 'I', 'S', 'T', 3, 0, 0, 0, 1, 2, 3, 0}));
  EXPECT_EQ(read_wav(two, 0), (std::vector<double>{0.125, 0.375}));
  EXPECT_EQ(read_wav(two, 1), (std::vector<double>{0.25, 0.5}));
  EXPECT_EQ(read_wav(two, 1, 1), (std::vector<double>{0.5}));
  EXPECT_EQ(read_wav(two, 1, 5), (std::vector<double>{}));
  EXPECT_EQ(read_wav(two.substr(0, two.size() - 3), 0), (std::vector<double>{0.125}));  // cut off
  EXPECT_NE(message_of([&] { read_wav(two, 2); }).find("no channel 2"), std::string::npos);
  EXPECT_EQ(parse_wav(std::as_bytes(std::span(two)), "a.wav").sample_rate, 44100);
}

TEST(Wav, EveryTruncationIsReadOrRefused) {
  const std::string whole = wav(1, 2, 8000, 16, std::string(40, 1));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string message = message_of([&] { read_wav(whole.substr(0, size)); });
    EXPECT_TRUE(message == "no Error" || message.find("a.wav: byte") == 0) << message;
  }
  for (const std::string& wrong :
       {std::string("RIFFxxxxAVI "), wav(2, 1, 8000, 16, "ab"), wav(1, 0, 8000, 16, "ab"), wav(1, 1, 0, 16, "ab"),
        wav(1, 1, 8000, 12, "ab"), wav(1, 1, 8000, 16, "a"), wav(3, 1, 8000, 32, bytes_of_real(std::nanf("")))})
    EXPECT_EQ(message_of([&] { read_wav(wrong); }).find("a.wav: byte"), 0u);
}

std::vector<double> column(const std::string& text, const std::string& name = "", std::int64_t first = 0,
                           std::int64_t count = 100) {
  return csv_column(text, name, first, count, "a.csv");
}

TEST(Csv, FindsTheColumn) {
  const std::string table = "# made by hand\ntime,\"level, m\",note\n0,1.5,a\n\n0.1,-2e-3,b\r\n0.2,+3,c\n";
  EXPECT_EQ(column(table), (std::vector<double>{0, 0.1, 0.2}));
  EXPECT_EQ(column(table, "level, m"), (std::vector<double>{1.5, -2e-3, 3}));
  EXPECT_EQ(column(table, "2", 1, 1), (std::vector<double>{-2e-3}));
  EXPECT_EQ(column("x;1.5\ny;2"), (std::vector<double>{1.5, 2}));  // the first column that begins with a number
  EXPECT_EQ(column("\xEF\xBB\xBF"
                   "1\t2\n3\t4",
                   "2"),
            (std::vector<double>{2, 4}));
}

TEST(Csv, NamesTheColumnsOfABeginning) {
  EXPECT_EQ(csv_columns("# made by hand\ntime,\"level, m\"\n0,1.5\n0.1"),
            (std::vector<std::string>{"time", "level, m"}));
  EXPECT_EQ(csv_columns("1;2;3"), (std::vector<std::string>{"1", "2", "3"}));
  EXPECT_TRUE(csv_columns("").empty());
}

TEST(Csv, RefusesWithTheLine) {
  const auto refusal = [](const std::string& text, const std::string& name = "") {
    return message_of([&] { column(text, name); });
  };
  EXPECT_NE(refusal("").find("a.csv: the table is empty"), std::string::npos);
  EXPECT_NE(refusal("a,b\n").find("no rows"), std::string::npos);
  EXPECT_NE(refusal("a,b\n1,2\n3\n", "b").find("a.csv: line 3 has no field 2"), std::string::npos);
  EXPECT_NE(refusal("1\n2\nnan\n").find("line 3: \"nan\""), std::string::npos);
  EXPECT_NE(refusal("1\n1e999\n").find("line 2"), std::string::npos);
  EXPECT_NE(refusal("a\n1\n", "b").find("no column \"b\""), std::string::npos);
  EXPECT_NE(refusal("a\nb\n").find("no column begins with a number"), std::string::npos);
}

TEST(Signal, ReadsFilesBesideTheScene) {
  const TemporaryFolder folder;
  write_text(folder / "a.csv", "u\n1\n2\n3\n");
  write_text(folder / "a.wav", wav(1, 1, 8000, 16, bytes_of({0, 0x40, 0, 0x80})));
  EXPECT_EQ(sample(signal([&](Signal& s) {
                     s.kind = SignalKind::csv;
                     s.length = 2;
                     s.amplitude = 2;
                     s.file = "a.csv";
                     s.first = 1;
                   }),
                   1, folder.path()),
            (std::vector<double>{4, 6}));
  EXPECT_EQ(sample(signal([&](Signal& s) {
                     s.kind = SignalKind::wav;
                     s.amplitude = 2;
                     s.file = "a.wav";
                   }),
                   1, folder.path()),
            (std::vector<double>{1, -2}));
  EXPECT_NE(message_of([&] {
              sample(signal([&](Signal& s) {
                       s.kind = SignalKind::wav;
                       s.file = "a.wav";
                       s.first = 2;
                     }),
                     1, folder.path());
            }).find("no sound is left"),
            std::string::npos);
}

}  // namespace
}  // namespace statescope
