// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/linear.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "harness.h"
#include "kernels/half.h"

namespace statescope::kernels {
namespace {

using namespace testing;

constexpr ElementType storages[] = {ElementType::f32, ElementType::bf16, ElementType::f16, ElementType::i8};

const char* name_of(ElementType storage) {
  constexpr const char* names[] = {"f32", "bf16", "f16", "i8"};
  return names[static_cast<int>(storage)];
}

struct Inputs {
  Matrix x, W;
  Matrix bias;      // [1, M] or empty
  Matrix residual;  // [T, M] or empty
};

// x holds bf16 values, so that products of bf16 pairs see what the others see.
Inputs random_inputs(std::int64_t T, std::int64_t M, std::int64_t K, bool bias = true, bool residual = true) {
  Random random("linear " + std::to_string(T) + " " + std::to_string(M) + " " + std::to_string(K));
  Inputs in{random.uniform(T, K, -2, 2), random.uniform(M, K, -1, 1), {}, {}};
  for (double& v : in.x.values) v = from_bf16(to_bf16(static_cast<float>(v)));
  if (bias) in.bias = random.uniform(1, M, -3, 3);
  if (residual) in.residual = random.uniform(T, M, -3, 3);
  return in;
}

PackedMatrix packed(const Matrix& W, ElementType storage) {
  const Placed weights = Placed::input(W);
  return PackedMatrix::pack(weights.data(), W.rows, W.cols, storage);
}

// The weights as the packed matrix holds them.
Matrix unpacked(const PackedMatrix& W) {
  Matrix out(W.outputs(), W.inputs());
  std::vector<float> row(static_cast<std::size_t>(W.inputs()));
  for (std::int64_t m = 0; m < W.outputs(); ++m) {
    W.unpack_row(m, row.data());
    std::copy(row.begin(), row.end(), out.values.begin() + m * W.inputs());
  }
  return out;
}

Matrix expected(const Inputs& in) {
  Matrix y(in.x.rows, in.W.rows);
  reference::linear(in.x.view(), in.W.view(), in.bias.cols ? in.bias.data() : nullptr, y.view());
  if (in.residual.cols) {
    for (std::size_t i = 0; i < y.values.size(); ++i) y.values[i] += in.residual.values[i];
  }
  return y;
}

// One output is a sum of K products, a bias and a residual, rounded at most twice per product (where there is no fused
// multiply-add) and once per further term; each rounding is at most one unit of the sum of the magnitudes.
double tolerance(Inputs in, const Matrix& y) {
  for (Matrix* m : {&in.x, &in.W, &in.bias, &in.residual}) {
    for (double& v : m->values) v = std::abs(v);
  }
  const double roundings = static_cast<double>(2 * in.x.cols + 2);
  return roundings * unit_roundoff * largest(expected(in)) / std::max(largest(y), 1e-300);
}

enum class Residual { apart, in_place };

std::vector<Matrix> run(const CpuBackend& backend, const Inputs& in, const PackedMatrix& W, const Pieces& pieces,
                        Layout layout = {}, Residual where = Residual::apart) {
  const Placed x = Placed::input(in.x, layout), bias = Placed::input(in.bias),
               residual = Placed::input(in.residual, layout);
  const Placed y =
      where == Residual::in_place ? Placed::in_out(in.residual, layout) : Placed::output(in.x.rows, in.W.rows, layout);
  std::int64_t t = 0;
  for (const std::int64_t count : pieces) {
    LinearArgs args;
    args.x = x.view().row_range(t, count);
    args.W = &W;
    if (in.bias.cols) args.bias = bias.data();
    args.y = y.view().row_range(t, count);
    if (where == Residual::in_place) {
      args.residual = args.y;
    } else if (in.residual.cols) {
      args.residual = residual.view().row_range(t, count);
    }
    backend.linear(args);
    t += count;
  }
  return {y.values()};
}

std::vector<Matrix> run(const CpuBackend& backend, const Inputs& in, const Pieces& pieces, Layout layout = {},
                        Residual where = Residual::apart) {
  return run(backend, in, packed(in.W, ElementType::f32), pieces, layout, where);
}

TEST(LinearReference, MatchesNumbersByHand) {
  const Matrix x(2, 3, {1, 2, 3, -1, 0.5, 4}), W(2, 3, {1, 10, 100, -2, 4, 0.5}), bias(1, 2, {1000, -7});
  Matrix y(2, 2);
  reference::linear(x.view(), W.view(), bias.data(), y.view());
  EXPECT_TRUE(same_bits(y, {2, 2, {1321, 0.5, 1404, -1}}));
  reference::linear(x.view(), W.view(), nullptr, y.view());
  EXPECT_TRUE(same_bits(y, {2, 2, {321, 7.5, 404, 6}}));
}

// The reference sees the weights as stored, so the tolerance is that of the sums alone.
void expect_reference(std::int64_t T, std::int64_t M, std::int64_t K) {
  Inputs in = random_inputs(T, M, K);
  const Matrix exact = in.W;
  for (const ElementType storage : storages) {
    const PackedMatrix W = packed(exact, storage);
    in.W = unpacked(W);
    const Matrix y = expected(in);
    for (const Layout& layout : layouts()) {
      SCOPED_TRACE(::testing::Message() << name_of(storage) << ", T " << T << ", M " << M << ", K " << K << ", gap "
                                        << layout.gap);
      on_every_backend([&](const CpuBackend& backend) {
        EXPECT_TRUE(close(run(backend, in, W, {T}, layout)[0], y, tolerance(in, y)));
      });
      if (::testing::Test::HasFailure()) return;
    }
  }
}

TEST(Linear, MatchesTheReferenceOnEveryShape) {
  for (const std::int64_t T : {0, 1, 5, 6, 7, 13}) {
    for (const std::int64_t M : {1, 5, 8, 15, 16, 17, 31, 33, 63, 64, 65, 129}) {
      for (const std::int64_t K : {1, 2, 17, 33, 129}) expect_reference(T, M, K);
    }
  }
}

TEST(Linear, MatchesTheReferenceAroundTheBlocksOfInputs) {
  for (const std::int64_t K : {31, 32, 127, 128, 255, 256, 257, 300, 513}) {
    for (const std::int64_t T : {1, 4, 6, 8}) expect_reference(T, 80, K);
  }
}

TEST(Linear, MatchesTheReferenceAroundTheBlocksOfTokens) {
  for (const std::int64_t T : {63, 64, 65, 95, 96, 97, 193}) expect_reference(T, 70, 40);
  expect_reference(391, 1030, 9);   // enough panels for threads to share
  expect_reference(400, 20, 300);   // several blocks of tokens whose sums wait from one block of inputs to the next
  expect_reference(1170, 17, 260);  // more tokens than share the weights of a panel
}

TEST(Linear, BiasAndResidualMayBeAbsent) {
  for (const bool bias : {false, true}) {
    for (const bool residual : {false, true}) {
      SCOPED_TRACE(::testing::Message() << "bias " << bias << ", residual " << residual);
      const Inputs in = random_inputs(7, 70, 20, bias, residual);
      const Matrix y = expected(in);
      on_every_backend(
          [&](const CpuBackend& backend) { EXPECT_TRUE(close(run(backend, in, {7})[0], y, tolerance(in, y))); });
    }
  }
}

TEST(Linear, WithoutInputsTheBiasRemains) {
  const Inputs in = random_inputs(3, 5, 0, true, false);
  for (const ElementType storage : storages) {
    const PackedMatrix W = packed(in.W, storage);
    on_every_backend([&](const CpuBackend& backend) {
      for (const Pieces& pieces : {Pieces{3}, Pieces{1, 2}})
        EXPECT_TRUE(same_bits(run(backend, in, W, pieces)[0], expected(in)));
    });
  }
}

TEST(Linear, TheResidualMayBeTheOutputItself) {
  const Inputs in = random_inputs(13, 129, 300);  // several blocks of inputs: nothing may be kept in y between them
  for (const ElementType storage : storages) {
    const PackedMatrix W = packed(in.W, storage);
    on_every_backend([&](const CpuBackend& backend) {
      EXPECT_TRUE(
          same_bits(run(backend, in, W, {13}, layouts()[1], Residual::in_place)[0], run(backend, in, W, {13})[0]));
    });
  }
}

TEST(Linear, GivesTheSameBitsHoweverSplit) {
  for (const auto& [T, M, K] : {std::tuple{20, 201, 77}, {9, 80, 301}, {100, 70, 130}}) {
    const Inputs in = random_inputs(T, M, K);
    for (const ElementType storage : storages) {
      SCOPED_TRACE(::testing::Message() << name_of(storage) << ", K " << K);
      const PackedMatrix W = packed(in.W, storage);
      expect_same_bits_however_split(T, [&](const CpuBackend& backend, const Pieces& pieces) {
        return run(backend, in, W, pieces, layouts()[1]);
      });
    }
  }
}

// Converting is exact, so weights in 16 or 8 bits give the bits of the same weights in 32; but for bf16 pairs, whose
// order of summation is their own.
TEST(Linear, NarrowWeightsGiveTheBitsOfTheirFloats) {
  const Inputs in = random_inputs(8, 100, 150);
  for (const ElementType storage : storages) {
    SCOPED_TRACE(name_of(storage));
    const PackedMatrix narrow = packed(in.W, storage), wide = packed(unpacked(narrow), ElementType::f32);
    on_every_backend([&](const CpuBackend& backend) {
      if (storage == ElementType::bf16 && backend.instruction_set() == InstructionSet::avx512_bf16) return;
      for (const Pieces& pieces : {Pieces{8}, Pieces{1, 7}})
        EXPECT_TRUE(same_bits(run(backend, in, narrow, pieces)[0], run(backend, in, wide, pieces)[0]));
    });
  }
}

TEST(Linear, NanStaysInItsRow) {
  Inputs in = random_inputs(8, 66, 9);
  for (const ElementType storage : storages) {
    const PackedMatrix W = packed(in.W, storage);
    on_every_backend([&](const CpuBackend& backend) {
      Matrix y = run(backend, in, W, {8})[0];
      Inputs with_nan = in;
      with_nan.x(6, 4) = std::nan("");
      for (std::int64_t m = 0; m < y.cols; ++m) y(6, m) = std::nan("");
      EXPECT_TRUE(close(run(backend, with_nan, W, {8})[0], y, 0));
    });
  }
}

TEST(Linear, SeveralThreadsMayShareABackend) {
  const Inputs in = random_inputs(5, 300, 50);
  for (const ElementType storage : {ElementType::f32, ElementType::bf16}) {
    const PackedMatrix W = packed(in.W, storage);
    on_every_backend([&](const CpuBackend& backend) {
      const Matrix y = run(backend, in, W, {5})[0];
      std::atomic<int> wrong{0};
      std::vector<std::thread> callers;
      for (int caller = 0; caller < 3; ++caller) {
        callers.emplace_back([&] {
          for (int i = 0; i < 20; ++i) {
            if (!same_bits(run(backend, in, W, {2, 3})[0], y)) ++wrong;
          }
        });
      }
      for (std::thread& caller : callers) caller.join();
      EXPECT_EQ(wrong, 0);
    });
  }
}

TEST(PackedMatrix, KeepsEveryWeightAndPadsTheLastPanel) {
  const std::int64_t M = 70, K = 35;
  const Matrix W = Random("packed").uniform(M, K, -1, 1);
  for (const ElementType storage : storages) {
    SCOPED_TRACE(name_of(storage));
    const PackedMatrix matrix = packed(W, storage);
    EXPECT_EQ(matrix.outputs(), M);
    EXPECT_EQ(matrix.inputs(), K);
    EXPECT_EQ(matrix.panels(), 5);
    // Pairs round 35 up to 36; 8-bit weights have two scales of 2 bytes.
    const std::int64_t bytes_of_row[] = {35 * 4, 36 * 2, 35 * 2, 35 + 2 * 2};
    EXPECT_EQ(matrix.bytes(), 80 * bytes_of_row[static_cast<int>(storage)]);
    std::vector<float> row(static_cast<std::size_t>(K));
    for (std::int64_t m = 0; m < M; ++m) {
      matrix.unpack_row(m, row.data());
      for (std::int64_t k = 0; k < K; ++k) {
        const auto w = static_cast<float>(W(m, k));
        ASSERT_EQ(row[static_cast<std::size_t>(k)], matrix.at(m, k));
        const float stored = storage == ElementType::bf16  ? from_bf16(to_bf16(w))
                             : storage == ElementType::f16 ? from_f16(to_f16(w))
                             : storage == ElementType::f32 ? w
                                                           : matrix.at(m, k);
        ASSERT_EQ(matrix.at(m, k), stored);
      }
    }
    for (std::int64_t m = M; m < 80; ++m) {
      for (std::int64_t k = 0; k < K; ++k) ASSERT_EQ(matrix.at(m, k), 0) << m << " " << k;
    }
    for (std::int64_t p = 0; p < matrix.panels(); ++p)
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(matrix.panel(p)) % (p == 0 ? 64 : 16), 0u);
  }
}

TEST(PackedMatrix, EightBitsErrByHalfAScaleAtMost) {
  Matrix W = Random("packed i8").uniform(66, 100, -1, 1);
  for (std::int64_t k = 0; k < 100; ++k) {
    W(1, k) = 0;
    W(2, k) = static_cast<float>(W(2, k) * 1e-42);  // below what a scale can express
    W(3, k) = static_cast<float>(W(3, k) * 1e38);
    if (k % 32 != 5) W(4, k) = 0;
  }
  const PackedMatrix matrix = packed(W, ElementType::i8);
  for (std::int64_t m = 0; m < W.rows; ++m) {
    for (std::int64_t block = 0; block < W.cols; block += 32) {
      double most = 0;
      for (std::int64_t k = block; k < std::min<std::int64_t>(block + 32, W.cols); ++k)
        most = std::max(most, std::abs(W(m, k)));
      // Half a scale, and where that is below the smallest float of 8 bits, half of that.
      const double bound = (1 + 0x1p-7) * (1 + 2 * unit_roundoff) * most / 254 + 0x1p-134;
      for (std::int64_t k = block; k < std::min<std::int64_t>(block + 32, W.cols); ++k)
        ASSERT_LE(std::abs(matrix.at(m, k) - W(m, k)), bound) << m << " " << k;
    }
  }
  EXPECT_EQ(matrix.at(1, 7), 0);
}

TEST(WeightMemory, HoldsItsMatricesApartAndOutlivesItsName) {
  const Inputs in = random_inputs(1, 130, 37);
  for (const ElementType storage : storages) {
    const PackedMatrix alone = packed(in.W, storage);
    std::vector<PackedMatrix> together;
    {
      WeightMemory memory;
      for (int i = 0; i < 3; ++i) together.emplace_back(130, 37, storage, &memory);
    }
    const std::vector<float> rows(in.W.values.begin(), in.W.values.end());
    together[1].set_rows(0, 130, rows.data());
    for (const PackedMatrix& matrix : together)
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(matrix.panel(0)) % 64, 0u) << name_of(storage);
    EXPECT_TRUE(same_bits(unpacked(together[1]), unpacked(alone))) << name_of(storage);
    for (const int i : {0, 2})
      EXPECT_TRUE(same_bits(unpacked(together[static_cast<std::size_t>(i)]), Matrix(130, 37))) << name_of(storage);
  }
}

TEST(PackedMatrix, FillsByRows) {
  const Matrix W = Random("packed rows").uniform(130, 37, -1, 1);
  const Placed weights = Placed::input(W);
  for (const ElementType storage : storages) {
    PackedMatrix pieces(130, 37, storage);
    for (std::int64_t m = 0; m < 130; m += 50)
      pieces.set_rows(m, std::min<std::int64_t>(50, 130 - m), weights.view().row(m));
    EXPECT_TRUE(same_bits(unpacked(pieces), unpacked(packed(W, storage))));
  }
}

TEST(Half, ConvertsEveryNumberAndRoundsToNearestEven) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto b = static_cast<std::uint16_t>(bits);
    const std::uint16_t next = static_cast<std::uint16_t>(b + 1);
    const auto check = [&](auto from, auto to, std::uint16_t largest) {
      const float value = from(b);
      const bool negative = b & 0x8000;
      if ((b & 0x7FFF) > largest + 1) {
        ASSERT_TRUE(std::isnan(value) && std::isnan(from(to(value)))) << bits;
        return;
      }
      ASSERT_EQ(to(value), b) << bits;
      if ((b & 0x7FFF) >= largest) return;
      // Between neighbours: the middle goes to the even one, what is beside the middle to the nearer.
      const auto middle = static_cast<float>((static_cast<double>(value) + from(next)) / 2);
      const float away = negative ? -INFINITY : INFINITY;
      ASSERT_EQ(to(middle), b & 1 ? next : b) << bits;
      ASSERT_EQ(to(std::nextafter(middle, 0.0f)), b) << bits;
      ASSERT_EQ(to(std::nextafter(middle, away)), next) << bits;
    };
    check(from_bf16, to_bf16, 0x7F7F);
    check(from_f16, to_f16, 0x7BFF);
  }
  EXPECT_EQ(from_f16(0x3C00), 1);
  EXPECT_EQ(from_f16(0x0001), 0x1p-24f);
  EXPECT_EQ(from_f16(0x7BFF), 65504);
  EXPECT_EQ(to_f16(65519), 0x7BFF);
  EXPECT_EQ(to_f16(65520), 0x7C00);
  EXPECT_EQ(to_f16(-1e-9f), 0x8000);
  EXPECT_EQ(from_bf16(0x3F80), 1);
}

TEST(RoundTo, EqualsTheScalarConversions) {
  Matrix values = Random("round").uniform(3, 41, -2, 2);
  values.values[0] = INFINITY, values.values[1] = -INFINITY, values.values[2] = 65520, values.values[3] = 1e-7f;
  values.values[4] = -1e-9f, values.values[5] = 1e-40f, values.values[6] = -0.0, values.values[7] = 65519;
  values.values[8] = 6.1e-5f, values.values[9] = 3e38f;
  for (const ElementType type : {ElementType::f32, ElementType::bf16, ElementType::f16}) {
    Matrix rounded = values;
    for (double& v : rounded.values) {
      if (type == ElementType::bf16) v = from_bf16(to_bf16(static_cast<float>(v)));
      if (type == ElementType::f16) v = from_f16(to_f16(static_cast<float>(v)));
    }
    for (const Layout& layout : layouts()) {
      on_every_backend([&](const CpuBackend& backend) {
        const Placed x = Placed::in_out(values, layout);
        backend.round_to({x.view(), type});
        EXPECT_TRUE(same_bits(x.values(), rounded)) << name_of(type);
      });
    }
  }
  const Placed nan = Placed::in_out(Matrix(1, 1, {std::nan("")}));
  on_every_backend([&](const CpuBackend& backend) {
    for (const ElementType type : {ElementType::bf16, ElementType::f16}) {
      backend.round_to({nan.view(), type});
      EXPECT_TRUE(std::isnan(*nan.data()));
    }
  });
}

}  // namespace
}  // namespace statescope::kernels
