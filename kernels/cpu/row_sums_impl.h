// SPDX-License-Identifier: GPL-3.0-or-later
// Sums of rows in double. Included by ops_impl.h after vector_math.h.

// As many doubles as a vector holds: half as many as floats. A row's eight partial sums are one of these, or a few.
constexpr std::int64_t half_lanes = lanes / 2, partial_sums = 8;
using HalfVec = float __attribute__((vector_size(half_lanes * sizeof(float))));
using DoubleVec = double __attribute__((vector_size(half_lanes * sizeof(double))));

template <bool Squares, bool Differences>
double row_sum(const float* x, const float* minus, std::int64_t count) {
  const auto summand = [](auto wide) { return Squares ? wide * wide : wide; };
  DoubleVec parts[partial_sums / half_lanes] = {};
  const std::int64_t whole = count / partial_sums * partial_sums;
  for (std::int64_t d = 0; d < whole; d += partial_sums) {
#pragma GCC unroll 8
    for (std::int64_t i = 0; i < partial_sums / half_lanes; ++i) {
      HalfVec v, taken;
      __builtin_memcpy(&v, x + d + i * half_lanes, sizeof v);
      if constexpr (Differences) {
        __builtin_memcpy(&taken, minus + d + i * half_lanes, sizeof taken);
        v -= taken;
      }
      parts[i] += summand(__builtin_convertvector(v, DoubleVec));
    }
  }
  double sums[partial_sums];
  __builtin_memcpy(sums, parts, sizeof sums);
  for (std::int64_t d = whole; d < count; ++d)
    sums[0] += summand(static_cast<double>(Differences ? x[d] - minus[d] : x[d]));
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

void row_sums(const RowSumsArgs<float>& args, std::int64_t row_begin, std::int64_t row_end) {
  const auto sum = args.squares ? (args.minus ? row_sum<true, true> : row_sum<true, false>)
                                : (args.minus ? row_sum<false, true> : row_sum<false, false>);
  for (std::int64_t t = row_begin; t < row_end; ++t)
    args.sums[t] = sum(args.x.row(t), args.minus ? args.minus.row(t) : nullptr, args.x.cols);
}
