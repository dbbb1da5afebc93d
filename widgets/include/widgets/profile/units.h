// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <string>
#include <vector>

namespace statescope {

/// "830 ns", "12.4 µs", "3.21 ms", "1.50 s": three significant digits.
QString duration_text(double nanoseconds);
/// "512 B", "1.21 MB", "3.40 GB": decimal units, as data sheets give them.
QString bytes_text(double bytes);
/// "31.2 GB/s".
QString bandwidth_text(double bytes_per_second);
/// "190 GFLOP/s".
QString rate_text(double operations_per_second);
/// "1,536", "12.4 M": a count with at most four digits and a unit.
QString count_text(double count);

/// With a capital at its beginning and a full stop at its end.
QString as_sentence(const std::string& words);

/// A tick of an axis: where, and what stands there.
/// "1 ms" for "1.00 ms": a tick stands where it says, exactly.
QString without_zeros(QString text);

struct Tick {
  double value;
  QString text;
  bool major = true;
};

/// Round times (1, 2 or 5 times a power of ten nanoseconds) between `first` and `last`, at most `most` of them. The
/// text is the time since `zero`, in one unit for all.
std::vector<Tick> time_ticks(double first, double last, int most, double zero = 0);

/// Powers of ten between `low` and `high` (both > 0), each named by `text`; with few decades the 2 and 5 between them
/// come along, unnamed and minor.
std::vector<Tick> log_ticks(double low, double high, QString (*text)(double));
/// Powers of two, thinned to at most `most`: "1 k" is 1,024 tokens.
std::vector<Tick> octave_ticks(double low, double high, int most);

/// Where `value` lies between `low` and `high` on a logarithmic axis, 0…1.
double log_position(double value, double low, double high);

}  // namespace statescope
