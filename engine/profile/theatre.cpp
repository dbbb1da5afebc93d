// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/profile/theatre.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>

#include "engine/error.h"
#include "engine/io/memory.h"
#include "engine/io/utf8.h"

namespace statescope {
namespace {

using kernels::ScanOperation;
using kernels::ScanPlace;
using kernels::ScanStep;

constexpr std::int64_t bytes_of_number = sizeof(float);

std::string count_of(std::int64_t count, const std::string& what) {
  return with_commas(count) + " " + what + (count == 1 ? "" : "s");
}

bool holds_states(ScanArray array) {
  return array == ScanArray::state || array == ScanArray::carry;
}

// Of a place as the algorithms keep it: a pair, or of a state only its h. The leaves of Blelloch's tree end as states.
std::int64_t bytes_of(const ScanPlace& place, const ScanStep& step) {
  if (place.array == ScanArray::none) return 0;
  const bool leaf = step.phase == ScanPhase::finish && place == step.left && place.array == ScanArray::work;
  return holds_states(place.array) || leaf ? bytes_of_number : 2 * bytes_of_number;
}

// Every level of these phases is a sweep of its own.
bool sweeps_each_round(ScanPhase phase) {
  return phase == ScanPhase::double_up || phase == ScanPhase::up_sweep || phase == ScanPhase::down_sweep;
}

std::string title_of(const ScanStep& step) {
  const std::string apart = ", distance " + std::to_string(step.right.index - step.left.index);
  switch (step.phase) {
    case ScanPhase::sequential:
      return "token " + std::to_string(step.into.index);
    case ScanPhase::double_up:
    case ScanPhase::up_sweep:
    case ScanPhase::down_sweep:
      return scan_phase_name(step.phase) + apart;
    case ScanPhase::local:
      return "inside the chunks, place " + std::to_string(step.into.index);  // of chunk 0, the first task
    case ScanPhase::carry:
      return "carry into chunk " + std::to_string(step.into.index);
    default:
      return scan_phase_name(step.phase);
  }
}

std::string sentence_of(const ScanStep& step, ScanAlgorithm algorithm) {
  const std::int64_t distance = step.right.index - step.left.index;
  switch (step.phase) {
    case ScanPhase::sequential:
      return algorithm == ScanAlgorithm::fused
                 ? "Δ, B, C and x of this token come in, its pair is formed and meets the state in registers, and only "
                   "y goes out"
                 : "the state in its register meets the next pair; nothing else of this sequence can happen meanwhile";
    case ScanPhase::double_up:
      return "every place meets the one " + std::to_string(distance) + " before it and then covers up to " +
             std::to_string(2 * distance) + " tokens; the others are copied along, for the whole row changes buffers";
    case ScanPhase::load:
      return "the pairs become the leaves of a tree, padded with the identity (1, 0) to a power of two";
    case ScanPhase::up_sweep:
      return "neighbours " + std::to_string(distance) + " apart combine: the right one becomes the total of " +
             std::to_string(2 * distance) + " tokens";
    case ScanPhase::root:
      return "the root becomes the state in front of the sequence: nothing else lies in front of the whole";
    case ScanPhase::down_sweep:
      return "every node hands what lies in front of it to its left child, and that followed by the left child's total "
             "to its right child";
    case ScanPhase::local:
      return "every chunk is scanned by itself, all chunks at the same time";
    case ScanPhase::carry:
      return step.into.index == 0 ? "the first chunk starts from the state in front of the sequence"
                                  : "what entered the chunk before, followed by that chunk's total, enters this one";
    case ScanPhase::finish:
      break;
  }
  if (algorithm == ScanAlgorithm::chunked) return "every place meets the state that enters its chunk, all at once";
  if (algorithm == ScanAlgorithm::blelloch)
    return "every leaf holds the state in front of its token; followed by the token's own pair it is the state after";
  return "every place covers all tokens up to its own and meets the state in front of the sequence";
}

// The rows of the stage and the moves as they are played.
class Script {
 public:
  Script(ScanAlgorithm algorithm, std::span<const ScanPair> pairs, double h0, std::int64_t chunk) {
    play_.algorithm = algorithm;
    play_.chunk = algorithm == ScanAlgorithm::chunked ? chunk : 0;
    play_.h0 = h0;
    play_.input.assign(pairs.begin(), pairs.end());
    play_.work = kernels::selective_scan_work(algorithm, length(), 1, 1, chunk);
  }

  Theatre play() {
    std::vector<double> a, b;
    for (const ScanPair& pair : play_.input) {
      a.push_back(pair.a);
      b.push_back(pair.b);
    }
    std::vector<ScanStep> steps =
        kernels::scan_steps(play_.algorithm, a, b, play_.h0, std::max<std::int64_t>(play_.chunk, 1));
    std::stable_sort(steps.begin(), steps.end(),
                     [](const ScanStep& one, const ScanStep& two) { return one.round < two.round; });
    make_rows(steps);
    if (!fused()) form();
    for (auto first = steps.begin(); first != steps.end();) {
      const auto last =
          std::find_if(first, steps.end(), [&](const ScanStep& step) { return step.round != first->round; });
      round({first, last});
      first = last;
    }
    if (!fused()) read_out();
    for (const ScanPair& pair : rows_.back().places) play_.states.push_back(pair.b);
    summarise();
    return std::move(play_);
  }

 private:
  bool fused() const { return play_.algorithm == ScanAlgorithm::fused; }
  std::int64_t length() const { return std::ssize(play_.input); }

  TheatreRow* row_of(ScanArray array) {
    const auto found = std::find_if(rows_.begin(), rows_.end(), [&](const auto& row) { return row.array == array; });
    return found == rows_.end() ? nullptr : &*found;
  }

  void make_rows(const std::vector<ScanStep>& steps) {
    std::map<ScanArray, std::int64_t> sizes{{ScanArray::input, length()}, {ScanArray::state, length()}};
    for (const ScanStep& step : steps) sizes[step.into.array] = std::max(sizes[step.into.array], step.into.index + 1);
    for (const ScanArray array :
         {ScanArray::input, ScanArray::work, ScanArray::other, ScanArray::carry, ScanArray::state}) {
      if (!sizes.count(array)) continue;
      const auto size = static_cast<std::size_t>(sizes[array]);
      rows_.push_back({array, std::vector<ScanPair>(size), std::vector<std::uint8_t>(size)});
    }
  }

  void write(const ScanPlace& place, const ScanPair& value) {
    TheatreRow& row = *row_of(place.array);
    row.places[static_cast<std::size_t>(place.index)] = value;
    row.filled[static_cast<std::size_t>(place.index)] = 1;
  }

  // What lies around the scan of one channel and state, as selective_scan_work counts it.
  void form() {
    TheatreStep step;
    step.title = "form the pairs";
    step.sentence =
        "Δ, B and x of every token give its pair: a = exp(Δ·A), how much the state keeps, and b = Δ·B·x, "
        "what is written; the pairs go to slow memory";
    for (std::int64_t t = 0; t < length(); ++t) write({ScanArray::input, t}, play_.input[static_cast<std::size_t>(t)]);
    step.bytes_read = (3 * length() + 1) * bytes_of_number;  // Δ, B, x; A
    step.bytes_written = 2 * length() * bytes_of_number;
    finish(std::move(step));
    ++pass_;
  }
  void read_out() {
    ++pass_;
    TheatreStep step;
    step.title = "read out";
    step.sentence = "every state comes back from slow memory and, multiplied by C, gives the output y";
    step.bytes_read = (3 * length() + 1) * bytes_of_number;  // h, C, x; D
    step.bytes_written = (length() + 1) * bytes_of_number;   // y; the last h
    finish(std::move(step));
  }

  void round(std::span<const ScanStep> steps) {
    const ScanStep& first = steps.front();
    if (phase_ && (*phase_ != first.phase || sweeps_each_round(first.phase))) {
      ++pass_;
      at_hand_.clear();
    }
    phase_ = first.phase;
    TheatreStep step;
    // A round of copies and combines is named after a combine.
    const auto named = std::find_if(steps.begin(), steps.end(), [](const ScanStep& candidate) {
      return candidate.operation != ScanOperation::copy;
    });
    const ScanStep& name = named == steps.end() ? first : *named;
    step.title = title_of(name);
    step.sentence = sentence_of(name, play_.algorithm);
    step.phase = first.phase;
    for (const ScanStep& move : steps) add(step, move);
    if (fused()) {
      const std::int64_t t = first.into.index;
      step.bytes_read = (4 + (t == 0 ? 3 : 0)) * bytes_of_number;                // x, Δ, B, C; once A, h0, D
      step.bytes_written = (1 + (t + 1 == length() ? 1 : 0)) * bytes_of_number;  // y; once the last h
    }
    finish(std::move(step));
  }

  void add(TheatreStep& step, const ScanStep& move) {
    TheatreMove shown{move};
    if (fused()) {
      write(move.right, move.right_value);
    } else {
      const auto hand = at_hand_.find(move.task);
      const auto travels = [&](const ScanPlace& place) {
        return place.array != ScanArray::none && (hand == at_hand_.end() || hand->second != place);
      };
      shown.left_travels = travels(move.left);
      shown.right_travels = travels(move.right);
      shown.result_travels = true;
      // Where a state is the result, only b of the left operand takes part.
      if (shown.left_travels) step.bytes_read += std::min(bytes_of(move.left, move), bytes_of(move.into, move));
      if (shown.right_travels) step.bytes_read += bytes_of(move.right, move);
      step.bytes_written += bytes_of(move.into, move);
    }
    if (move.operation == ScanOperation::descend) {
      write(move.left, move.right_value);
      step.bytes_written += bytes_of(move.left, move);
    }
    write(move.into, move.result);
    keep(move);
    step.moves.push_back(std::move(shown));
  }

  // What the task has in its registers for its next step: its result, or in the last phase of the chunked scan the
  // carry that it applies.
  void keep(const ScanStep& move) {
    at_hand_[move.task] =
        move.left.array == ScanArray::carry && move.phase == ScanPhase::finish ? move.left : move.into;
  }

  void finish(TheatreStep&& step) {
    step.rows = rows_;
    step.pass = pass_;
    play_.steps.push_back(std::move(step));
  }

  void summarise() {
    const std::int64_t fused_bytes = kernels::selective_scan_work(ScanAlgorithm::fused, length(), 1, 1).bytes();
    const kernels::ScanWork& work = play_.work;
    play_.sentence = kernels::scan_algorithm_name(play_.algorithm) + ", " + count_of(length(), "token") + ": " +
                     count_of(work.combines, "combination") + " in " + count_of(work.depth, "round") + ", " +
                     count_of(work.passes, "sweep") + " through slow memory, " + count_of(work.bytes(), "byte");
    if (work.bytes() > fused_bytes) play_.sentence += "; the fused scan moves " + with_commas(fused_bytes);
  }

  Theatre play_;
  std::vector<TheatreRow> rows_;
  std::optional<ScanPhase> phase_;
  std::map<std::int64_t, ScanPlace> at_hand_;  // per task
  std::int64_t pass_ = 0;
};

}  // namespace

std::string scan_algorithm_id(ScanAlgorithm algorithm) {
  switch (algorithm) {
    case ScanAlgorithm::sequential:
      return "sequential";
    case ScanAlgorithm::hillis_steele:
      return "hillis-steele";
    case ScanAlgorithm::blelloch:
      return "blelloch";
    case ScanAlgorithm::chunked:
      return "chunked";
    case ScanAlgorithm::fused:
      return "fused";
  }
  return "";
}

ScanAlgorithm parse_scan_algorithm(const std::string& id) {
  std::string known;
  for (const ScanAlgorithm algorithm : kernels::scan_algorithms) {
    if (scan_algorithm_id(algorithm) == id) return algorithm;
    known += (known.empty() ? "" : ", ") + scan_algorithm_id(algorithm);
  }
  throw Error("there is no scan algorithm " + in_quotes(id) + "; the ladder has " + known);
}

std::string scan_algorithm_sentence(ScanAlgorithm algorithm) {
  switch (algorithm) {
    case ScanAlgorithm::sequential:
      return "One token after the other, as the recurrence is written: least work, nothing in parallel along time";
    case ScanAlgorithm::hillis_steele:
      return "Every place combines with ever more distant ones, all places at once: few rounds, most work";
    case ScanAlgorithm::blelloch:
      return "A tree of totals up and a tree of prefixes down: about twice the least work, in parallel, but every "
             "level "
             "travels through memory";
    case ScanAlgorithm::chunked:
      return "Every chunk by itself, then the carries from chunk to chunk, then the carries into every chunk: three "
             "sweeps";
    case ScanAlgorithm::fused:
      return "One sweep: pairs are formed, combined and read out in registers, and only inputs and outputs travel";
  }
  return "";
}

std::string theatre_row_name(ScanArray array) {
  switch (array) {
    case ScanArray::input:
      return "inputs";
    case ScanArray::work:
      return "work";
    case ScanArray::other:
      return "second buffer";
    case ScanArray::carry:
      return "carries";
    case ScanArray::state:
      return "states";
    case ScanArray::none:
      break;
  }
  return "";
}

Theatre scan_theatre(ScanAlgorithm algorithm, std::span<const ScanPair> pairs, double h0, std::int64_t chunk) {
  const std::int64_t T = std::ssize(pairs);
  const std::string limit = std::to_string(longest_theatre);
  if (T < 1 || T > longest_theatre)
    throw Error("the theatre plays sequences of 1 to " + limit + " tokens, not " + std::to_string(T));
  if (chunk < 1 || chunk > longest_theatre)
    throw Error("a chunk of the theatre has 1 to " + limit + " tokens, not " + std::to_string(chunk));
  if (!std::isfinite(h0)) throw Error("the theatre's initial state is not finite");
  for (std::int64_t t = 0; t < T; ++t) {
    const ScanPair& pair = pairs[static_cast<std::size_t>(t)];
    if (!std::isfinite(pair.a) || !std::isfinite(pair.b))
      throw Error("pair " + std::to_string(t) + " of the theatre is not finite");
  }
  return Script(algorithm, pairs, h0, chunk).play();
}

TheatreSource theatre_source(const Model& model, const LayerTrack& track, std::int64_t channel, std::int64_t state,
                             std::int64_t first, std::int64_t length) {
  const ModelSizes& s = model.info().sizes;
  if (track.kind == StateKind::none || model.A_imag(track.layer).rows > 0)
    throw Error("the theatre scans real states, and " + model.info().name + " is " + model.info().family +
                "; choose a model with S6 or real S4D");
  const auto check = [](std::int64_t value, std::int64_t count, const std::string& what) {
    if (value < 0 || value >= count)
      throw Error("the theatre's " + what + " " + std::to_string(value) + " is outside 0 to " +
                  std::to_string(count - 1));
  };
  check(channel, s.d_inner, "channel");
  check(state, s.d_state, "state");
  if (first < 0 || length < 1 || length > track.tokens || first > track.tokens - length)
    throw Error("the theatre wants " + count_of(length, "token") + " from token " + std::to_string(first) +
                " on, and the text has " + std::to_string(track.tokens));
  const std::vector<float> h = channel_states(model, track, channel);
  TheatreSource source;
  for (std::int64_t t = first; t < first + length; ++t) {
    const StateUpdate update = state_update(model, track, h, channel, state, t);
    if (t == first) source.h0 = update.h_prev;
    source.pairs.push_back({update.gate, update.write});
  }
  return source;
}

}  // namespace statescope
