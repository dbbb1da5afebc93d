// SPDX-License-Identifier: GPL-3.0-or-later
// Several vectors that take the same steps side by side, included by vector_functions.h. A single one waits for each
// result before its next step can begin, and a processor does not look far enough ahead to fill that time with the
// vector behind it. Groups are for functions that are inlined as a whole (flatten), so that they stay in registers.

template <int K>
struct Group {
  Vec v[K];
};
template <int K>
struct IntGroup {
  IntVec v[K];
};

// {f(0), f(1), …}
template <int K, class F>
inline Group<K> side_by_side(const F& f) {
  Group<K> out;
#pragma GCC unroll 16
  for (int i = 0; i < K; ++i) out.v[i] = f(i);
  return out;
}
template <int K, class F>
inline IntGroup<K> ints_side_by_side(const F& f) {
  IntGroup<K> out;
#pragma GCC unroll 16
  for (int i = 0; i < K; ++i) out.v[i] = f(i);
  return out;
}

template <int K>
inline Group<K> operator+(const Group<K>& a, const Group<K>& b) {
  return side_by_side<K>([&](int i) { return a.v[i] + b.v[i]; });
}
template <int K>
inline Group<K> operator-(const Group<K>& a, const Group<K>& b) {
  return side_by_side<K>([&](int i) { return a.v[i] - b.v[i]; });
}
template <int K>
inline Group<K> operator*(const Group<K>& a, const Group<K>& b) {
  return side_by_side<K>([&](int i) { return a.v[i] * b.v[i]; });
}
template <int K>
inline Group<K> operator/(const Group<K>& a, const Group<K>& b) {
  return side_by_side<K>([&](int i) { return a.v[i] / b.v[i]; });
}
template <int K>
inline Group<K> operator-(const Group<K>& a) {
  return side_by_side<K>([&](int i) { return -a.v[i]; });
}
template <int K>
inline Group<K> operator+(const Group<K>& a, float b) {
  return side_by_side<K>([&](int i) { return a.v[i] + b; });
}
template <int K>
inline Group<K> operator-(const Group<K>& a, float b) {
  return side_by_side<K>([&](int i) { return a.v[i] - b; });
}
template <int K>
inline Group<K> operator*(const Group<K>& a, float b) {
  return side_by_side<K>([&](int i) { return a.v[i] * b; });
}

// What vector i of a group meets: its own, or the same number for all.
template <int K>
inline Vec part(const Group<K>& a, int i) {
  return a.v[i];
}
inline Vec part(float a, int) {
  return splat(a);
}
template <int K, class B, class C>
inline Group<K> fma(const Group<K>& a, const B& b, const C& c) {
  return side_by_side<K>([&](int i) { return fma(a.v[i], part(b, i), part(c, i)); });
}

template <int K>
inline IntGroup<K> operator>(const Group<K>& a, float b) {
  return ints_side_by_side<K>([&](int i) { return a.v[i] > b; });
}

// The larger and the smaller one; NaN when b is.
template <int K>
inline Group<K> max_of(float a, const Group<K>& b) {
  return side_by_side<K>([&](int i) { return max_of(splat(a), b.v[i]); });
}
template <int K>
inline Group<K> min_of(float a, const Group<K>& b) {
  return side_by_side<K>([&](int i) { return min_of(splat(a), b.v[i]); });
}
template <int K>
inline Group<K> select(const IntGroup<K>& mask, const Group<K>& yes, const Group<K>& no) {
  return side_by_side<K>([&](int i) { return select(mask.v[i], yes.v[i], no.v[i]); });
}
template <int K>
inline Group<K> select(const IntGroup<K>& mask, float yes) {
  return side_by_side<K>([&](int i) { return select(mask.v[i], yes); });
}
template <int K>
inline Group<K> magnitude_of(const Group<K>& a) {
  return side_by_side<K>([&](int i) { return magnitude_of(a.v[i]); });
}
template <int K>
inline Group<K> power_of_two(const Group<K>& shifted) {
  return side_by_side<K>([&](int i) { return power_of_two(shifted.v[i]); });
}

// The floats from p on; of a single vector only `count`, the rest 0.
template <int K>
inline Group<K> load_group(const float* p, std::int64_t count) {
  return side_by_side<K>([&](int i) { return K == 1 ? load(p, count) : load(p + i * lanes); });
}
template <int K>
inline void store_group(float* p, const Group<K>& a, std::int64_t count) {
  if constexpr (K == 1) return store(p, a.v[0], count);
#pragma GCC unroll 16
  for (int i = 0; i < K; ++i) store(p + i * lanes, a.v[i]);
}

template <int K>
struct GroupSize {
  static constexpr int value = K;
};
// Calls f(GroupSize, e, count) until [begin, end) is covered: four vectors from e on, or one of `count` floats.
template <class F>
inline void for_groups(std::int64_t begin, std::int64_t end, const F& f) {
  constexpr int K = 4;
  std::int64_t e = begin;
  for (; e + K * lanes <= end; e += K * lanes) f(GroupSize<K>{}, e, K * lanes);
  for (; e < end; e += lanes) f(GroupSize<1>{}, e, end - e);
}
