/// What the author's functions of all pipelines compute, over plain values: the pipelines and the
/// model call the same functions, but the model knows nothing of the operators that call them.
///
/// A row's `kind` says what goes wrong with it: a letter and the number of the stage where it does.
///
///     t throws std::runtime_error    i throws 42    k the same as t, in the key function
///     r is refused (an error of the stream)    z becomes too large for any outlet, in map()
///     y fails twice and then succeeds, a fails once and then throws, x fails for good,
///     g fails until the stage gives up: all in expand()
///
/// What a row is must not depend on the order in which rows of different keys come, so that the
/// model can say what comes out of several partitions. Only `trace` depends on it: it tells in
/// which order a stage with state has seen its rows.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::pipelines {

struct row {
  std::string id, key;
  std::int64_t time = 0;  ///< ms
  std::int64_t value = 0;
  std::string kind;
  std::int64_t trace = 0;
};

/// The state of a key, or of a key and a window.
struct total {
  std::int64_t count = 0, sum = 0;
  std::string id, kind;  ///< of the last row (windows: the largest kind that is still to come)
  std::int64_t time = 0, value = 0, trace = 0;
};

inline constexpr std::int64_t window_ms = 60'000;
inline constexpr int parts_in_a_call = 2;
inline constexpr int max_attempts = 3;
/// Bytes of an id that no outlet takes, and bytes of a whole record that each of them takes.
inline constexpr std::size_t too_large = 4000, large_enough = 2000;

inline std::uint64_t hash_of(std::string_view text, int stage) noexcept {
  std::uint64_t h = 1469598103934665603ULL + static_cast<std::uint64_t>(stage) * 77777ULL;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return h ^ (h >> 29);
}
inline std::int64_t mixed(std::int64_t trace, std::int64_t with) noexcept {
  const auto h = (static_cast<std::uint64_t>(trace) ^ static_cast<std::uint64_t>(with)) *
                 0x9E3779B97F4A7C15ULL;
  return static_cast<std::int64_t>((h ^ (h >> 31)) >> 1);
}

inline bool has_kind(std::string_view kind, char letter, int stage) {
  return kind.size() > 1 && kind[0] == letter && kind.substr(1) == std::to_string(stage);
}
/// Behind this stage nothing of this kind can happen any more.
inline bool is_over(std::string_view kind, int stage) {
  return kind.size() < 2 || std::stoi(std::string{kind.substr(1)}) <= stage;
}
/// An expansion of it fails at least once, and is tried again.
inline bool is_parked_once(const row& r) {
  return !r.kind.empty() && std::string_view{"yag"}.find(r.kind[0]) != std::string_view::npos;
}
inline void strike(const row& r, int stage) {
  if (has_kind(r.kind, 't', stage)) throw std::runtime_error("planted at " + r.id);
  if (has_kind(r.kind, 'i', stage)) throw 42;
}
inline void strike_key(const row& r, int stage) {
  if (has_kind(r.kind, 'k', stage)) throw std::runtime_error("planted in the key of " + r.id);
}

// -- operators without state
// -------------------------------------------------------------------------

/// An odd stage gives the row another key.
inline row mapped(row r, int stage) {
  strike(r, stage);
  r.value = r.value * 3 + stage;
  if (stage % 2 == 1) r.key = "m" + std::to_string((r.value % 3 + 3) % 3);
  if (has_kind(r.kind, 'z', stage)) r.id.append(too_large, 'z');
  r.trace = mixed(r.trace, stage);
  return r;
}
inline bool is_refused(const row& r, int stage) { return has_kind(r.kind, 'r', stage); }
inline row accepted(row r, int stage) {
  strike(r, stage);
  r.value += stage;
  r.trace = mixed(r.trace, stage + 100);
  return r;
}
inline bool is_kept(const row& r, int stage) {
  strike(r, stage);
  return hash_of(r.id, stage) % 4 != 0;
}
/// None to three; of three, two are the same.
inline std::vector<row> several(const row& r, int stage) {
  strike(r, stage);
  std::vector<row> all(hash_of(r.id, stage) % 4, r);
  for (std::size_t i = 0; i != all.size(); ++i) {
    const auto number = i == 2 ? 1 : i;
    all[i].id += "." + std::to_string(number);
    all[i].value += static_cast<std::int64_t>(number);
    all[i].trace = mixed(r.trace, static_cast<std::int64_t>(number) + 200);
  }
  return all;
}
/// 0 or 1.
inline int branch_of(const row& r, int stage) {
  strike(r, stage);
  return static_cast<int>(hash_of(r.id, stage) % 2);
}

// -- expand()
// ----------------------------------------------------------------------------------------

inline int parts_of(const row& r, int stage) {
  const bool fails = has_kind(r.kind, 'y', stage) || has_kind(r.kind, 'a', stage) ||
                     has_kind(r.kind, 'x', stage) || has_kind(r.kind, 'g', stage);
  return fails ? 4 : static_cast<int>(hash_of(r.id, stage) % 6);
}
inline row part(row r, int number) {
  r.id += "/" + std::to_string(number);
  r.value += number;
  r.trace = mixed(r.trace, number + 300);
  return r;
}
enum class call_end { more, done, fails_for_now, fails };
/// Whether the client of a source's record can be told that it is refused.
constexpr bool can_be_refused(std::size_t number) { return number % 2 == 0; }

/// One call of an expansion: `emit(row)` for each part; `done` is the durable progress.
template <class Emit>
call_end work_on(const row& r, int stage, std::int64_t& done, Emit emit) {
  strike(r, stage);
  const auto next = [&] { emit(part(r, static_cast<int>(done++))); };
  if (has_kind(r.kind, 'a', stage) && done > 0) throw std::runtime_error("planted late " + r.id);
  const auto fails_until = has_kind(r.kind, 'y', stage) ? 2 : 1;
  for (const char kind : {'y', 'a', 'g'})
    if (has_kind(r.kind, kind, stage)) {
      if (done < fails_until) {
        next();
        return call_end::fails_for_now;
      }
      if (kind == 'g') return call_end::fails_for_now;
    }
  if (has_kind(r.kind, 'x', stage)) {
    if (done == 0) next();
    return call_end::fails;
  }
  for (int n = 0; n != parts_in_a_call; ++n) {
    if (done == parts_of(r, stage)) return call_end::done;
    next();
  }
  return call_end::more;
}

// -- state
// -------------------------------------------------------------------------------------------

inline void fold_into(total& t, const row& r, int stage) {
  strike(r, stage);
  ++t.count;
  t.sum += static_cast<std::int64_t>(hash_of(r.id, 0) % 1'000'003);
  t.trace = mixed(t.trace, r.trace);
  t.id = r.id;
  t.kind = r.kind;
  t.time = r.time;
  t.value = r.value;
}
inline row row_of_fold(const std::string& key, const total& t) {
  return {t.id, key, t.time, t.value, t.kind, mixed(t.trace, t.count)};
}
/// Whatever the order of rows is, the window's result is the same.
inline void count_into(total& t, const row& r, int stage) {
  strike(r, stage);
  ++t.count;
  t.sum += static_cast<std::int64_t>(hash_of(r.id, 0) % 1'000'003) + r.value;
  t.trace += r.trace % 1'000'003;
  if (!is_over(r.kind, stage) && r.kind > t.kind) t.kind = r.kind;
}
inline row row_of_window(const std::string& key, std::int64_t start, const total& t) {
  return {key + "@" + std::to_string(start),
          key,
          start + window_ms - 1,
          t.sum * 31 + t.count,
          t.kind,
          t.trace};
}

}  // namespace cloudflow::pipelines
