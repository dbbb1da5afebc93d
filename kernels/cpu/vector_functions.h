// SPDX-License-Identifier: GPL-3.0-or-later
// Functions of a vector, or of a group of them, which gives the same bits. Included by vector_math.h.
#include "cpu/vector_group.h"

// e^x to about 1 ulp: x = n ln 2 + r, |r| <= ln2/2, polynomial of e^r from the Cephes library (expf). Inputs are
// clamped to the range where 2^n is a normal float; NaN stays NaN.
template <class V>
inline V exp(V x) {
  x = min_of(88.02969f, max_of(-87.33654f, x));
  const V shifted = fma(x, 1.44269504088896341f, to_integer);
  const V n = shifted - to_integer;
  const V r = fma(n, 2.12194440e-4f, fma(n, -0.693359375f, x));
  V p = fma(r, 1.9875691500e-4f, 1.3981999507e-3f);
  p = fma(p, r, 8.3334519073e-3f);
  p = fma(p, r, 4.1665795894e-2f);
  p = fma(p, r, 1.6666665459e-1f);
  p = fma(p, r, 5.0000001201e-1f);
  return (fma(p, r * r, r) + 1.0f) * power_of_two(shifted);
}

// log(1 + u) for u in [0, 1], relative error about 2 ulp also for tiny u: log of the rounded w = 1 + u (Cephes logf)
// plus the first-order correction for what rounding lost.
template <class V>
inline V log1p_unit(V u) {
  const V w = u + 1.0f;
  const auto big = w > 1.41421356f;
  const V f = select(big, w * 0.5f, w) - 1.0f;
  const V f2 = f * f;
  V p = fma(f, 7.0376836292e-2f, -1.1514610310e-1f);
  p = fma(p, f, 1.1676998740e-1f);
  p = fma(p, f, -1.2420140846e-1f);
  p = fma(p, f, 1.4249322787e-1f);
  p = fma(p, f, -1.6668057665e-1f);
  p = fma(p, f, 2.0000714765e-1f);
  p = fma(p, f, -2.4999993993e-1f);
  p = fma(p, f, 3.3333331174e-1f);
  const V log_w = select(big, 0.693359375f) + (f + fma(f2, fma(f, p, -0.5f), select(big, -2.12194440e-4f)));
  return log_w + (u - (w - 1.0f)) / w;
}

// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|): never overflows.
template <class V>
inline V softplus_of(V x) {
  return max_of(0.0f, x) + log1p_unit(exp(-magnitude_of(x)));
}

// Below -88 the exp stops growing, so x has to stop too; what is left is -5e-37.
template <class V>
inline V silu_of(V x) {
  x = max_of(-88.0f, x);
  return x / (exp(-x) + 1.0f);
}
