/// Stages with state, under any schedule of records, commits that are under way meanwhile, and
/// kills: what is committed in the end is what a model says, and nothing else is in the stores.
#include "cloudflow/flow/streamlets.test.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace flowtest {
// NOLINTNEXTLINE(readability-identifier-naming): RapidCheck calls it so
static void showValue(const line& l, std::ostream& out) {
  out << l.app << " at " << l.time.time_since_epoch() / std::chrono::seconds{1} << ": " << l.text;
}
}  // namespace flowtest

namespace cloudflow::testing {
namespace {

using namespace std::chrono_literals;

using contents = std::map<std::pair<std::size_t, std::string>, std::string>;

/// A letter each: `r` some records, `s` a commit begins, `d` what was saved is durable, `t` and the
/// program is told so, `k` kill, `c` the clock moves on, `f` the input ends for now. Letters that
/// are not possible are skipped.
using schedule = std::string;

rc::Gen<schedule> schedules(const std::string& letters) {
  return rc::gen::container<std::string>(rc::gen::elementOf(letters));
}

/// Follows the schedule, then takes the records that are left, and commits.
template <class S>
void follow(harness<S>& h, const std::vector<line>& lines, const schedule& letters) {
  char last = 't';
  const auto go_on = [&](char expected, char letter) {
    if (last != expected) return false;
    last = letter;
    return true;
  };
  const auto tick = [&] {
    h.time.advance(100ms);
    return h.tick();
  };
  for (const char letter : letters + "dt") {
    if (letter == 'r') h.run(lines, 3, 1);
    if (letter == 's' && go_on('t', 's')) h.begin_commit();
    if (letter == 'd' && go_on('s', 'd')) h.make_durable();
    if (letter == 't' && go_on('d', 't')) h.program->committed();
    if (letter == 'k') h.kill(), last = 't';
    if (letter == 'c') tick();
    if (letter == 'f') h.finish();
  }
  h.run(lines, 100);
  while (tick()) {
  }
  h.commit();
}

std::string text_bytes(std::string_view text) {
  byte_writer w;
  w.put_text(text);
  return std::string{w.view()};
}
std::string number_bytes(std::int64_t n) {
  byte_writer w;
  w.put_long(n);
  return std::string{w.view()};
}

/// A value: in front is the number of its schema.
std::string value_bytes(std::int64_t n) { return '\0' + number_bytes(n); }

/// Lines of a few apps, ten seconds after one another, some of them minutes back.
rc::Gen<std::vector<line>> some_lines() {
  const auto app = rc::gen::map(rc::gen::inRange('a', 'f'), [](char c) {
    return std::string(static_cast<std::size_t>(c - 'a') * 8 + 1, c);
  });
  const auto back = rc::gen::weightedOneOf<std::int64_t>(
      {{3, rc::gen::just<std::int64_t>(0)}, {1, rc::gen::inRange<std::int64_t>(0, 300)}});
  const auto drawn = rc::gen::container<std::vector<std::pair<std::string, std::int64_t>>>(
      rc::gen::pair(app, back));
  return rc::gen::map(drawn, [](const auto& all) {
    std::vector<line> lines;
    for (const auto& [name, seconds] : all)
      lines.push_back({name, at(static_cast<std::int64_t>(lines.size()) * 10 - seconds), "x"});
    return lines;
  });
}

rc::Gen<std::size_t> cache_sizes() { return rc::gen::element<std::size_t>(0, 2, 100); }

// -- fold and distinct ----------------------------------------------------------------------------

RC_GTEST_PROP(under_any_schedule, fold_counts_every_record_once, ()) {
  const auto lines = *some_lines();
  const totals s{7};
  harness h{s, {&s.out}, {&s.seen}, *cache_sizes()};
  follow(h, lines, *schedules("rrrrsdtk"));

  std::map<std::string, std::int64_t> counts;
  std::vector<count> rows;
  for (const auto& l : lines)
    rows.push_back({l.app, at(0), ++counts.try_emplace(l.app, 7).first->second});
  contents stored;
  for (const auto& [app, n] : counts) stored[{0, text_bytes(app)}] = value_bytes(n);
  RC_ASSERT(h.template output<count>(0) == rows);
  RC_ASSERT(h.stores.values == stored);
}

RC_GTEST_PROP(under_any_schedule, distinct_lets_the_first_record_of_a_key_through, ()) {
  const auto lines = *some_lines();
  const firsts s;
  harness h{s, {&s.out}, {&s.seen}, *cache_sizes()};
  follow(h, lines, *schedules("rrrrsdtk"));

  std::vector<line> rows;
  contents stored;
  for (const auto& l : lines)
    if (stored.emplace(std::pair{0, text_bytes(l.app)}, value_bytes(0)).second) rows.push_back(l);
  RC_ASSERT(h.template output<line>(0) == rows);
  RC_ASSERT(h.stores.values == stored);
}

// -- windows --------------------------------------------------------------------------------------

/// The values that each key and window has given out, in their order.
using window_rows = std::map<std::pair<std::string, timestamp>, std::vector<std::int64_t>>;

window_rows rows_of(const std::vector<count>& all) {
  window_rows rows;
  for (const auto& c : all) rows[{c.app, c.start}].push_back(c.lines);
  return rows;
}

/// Counts as `per_minute` should, without stores, commits and caches.
struct window_model {
  struct window {
    std::int64_t lines = 0;
    bool must_fire = false;
  };
  allowed_lateness late_by;
  timestamp watermark = timestamp::min();
  std::map<std::pair<std::string, timestamp>, window> windows{};
  window_rows rows{};
  std::vector<line> late{};

  static timestamp start_of(timestamp t) {
    return timestamp{std::chrono::floor<std::chrono::minutes>(t)};
  }
  bool is_gone(timestamp start) const {
    return !late_by.is_unlimited && start + 60s + late_by.by <= watermark;
  }
  void take(const line& l) {
    if (l.time - 15s > watermark) watermark = l.time - 15s;
    for (auto& [key, w] : windows)
      if (key.second + 60s <= watermark && std::exchange(w.must_fire, false))
        rows[key].push_back(w.lines);
    std::erase_if(windows, [this](const auto& w) { return is_gone(w.first.second); });
    const auto start = start_of(l.time);
    if (is_gone(start)) return late.push_back(l);
    auto& w = windows[{l.app, start}];
    ++w.lines;
    if (start + 60s > watermark)
      w.must_fire = true;
    else
      rows[{l.app, start}].push_back(w.lines);
  }
  contents stored() const {
    contents all;
    if (watermark == timestamp::min()) return all;
    all[{2, "in.0"}] = number_bytes(watermark.time_since_epoch().count());
    for (const auto& [key, w] : windows) {
      const auto& [app, start] = key;
      all[{0, by_time('v', start) + text_bytes(app)}] = value_bytes(w.lines);
      if (w.must_fire) all[{0, by_time('t', start + 60s) + text_bytes(app)}] = "";
      if (!late_by.is_unlimited) all[{0, by_time('w', start)}] = "";
    }
    return all;
  }
  static std::string by_time(char kind, timestamp t) {
    byte_writer w;
    w.put_byte(static_cast<std::uint8_t>(kind));
    w.put_big_endian(static_cast<std::uint64_t>(t.time_since_epoch().count()) ^ (1ULL << 63));
    return std::string{w.view()};
  }
};

RC_GTEST_PROP(under_any_schedule, windows_fire_update_and_go_as_if_undisturbed, ()) {
  const auto late_by = *rc::gen::element<std::int64_t>(0, 30, 150, -1);
  const auto lines = *some_lines();
  const per_minute s{late_by < 0 ? unlimited_lateness : allowed_lateness{late_by * 1s}, {15s}};
  harness h{s, {&s.out, &s.late}, {&s.lines}, *cache_sizes()};
  follow(h, lines, *schedules("rrrrsdtk"));

  window_model model{s.late_by};
  for (const auto& l : lines) model.take(l);
  RC_ASSERT(rows_of(h.template output<count>(0)) == model.rows);
  RC_ASSERT(h.template output<line>(1) == model.late);
  RC_ASSERT(h.stores.values == model.stored());
}

RC_GTEST_PROP(under_any_schedule,
              windows_have_all_records_in_their_last_rows_wherever_the_input_ends_for_now, ()) {
  const auto lines = *some_lines();
  const per_minute s{unlimited_lateness, {15s}};
  harness h{s, {&s.out, &s.late}, {&s.lines}, *cache_sizes()};
  follow(h, lines, *schedules("rrrrsdtkf"));
  h.finish();
  h.commit();

  std::map<std::pair<std::string, timestamp>, std::int64_t> counts, last;
  for (const auto& l : lines) ++counts[{l.app, window_model::start_of(l.time)}];
  for (const auto& [key, values] : rows_of(h.template output<count>(0))) last[key] = values.back();
  RC_ASSERT(last == counts);
}

// -- expand ---------------------------------------------------------------------------------------

RC_GTEST_PROP(under_any_schedule, expand_gives_out_every_part_of_every_record_once, ()) {
  const auto texts = *rc::gen::container<std::vector<std::string>>(
      rc::gen::container<std::string>(rc::gen::element('a', 'b', 'c', '?', '!')));
  std::vector<line> lines;
  for (const auto& text : texts) lines.push_back({std::to_string(lines.size()), at(0), text});
  const spelling s{100};
  *s.how.broken = *rc::gen::inRange(0, 10);
  harness h{s, {&s.out}, {&s.progress}, *cache_sizes()};
  follow(h, lines, *schedules("rrrrcsdtk"));

  std::map<std::string, std::string> spelt, expected;
  contents stored;
  std::size_t hopeless = 0;
  for (const auto& l : h.template output<line>(0)) spelt[l.app] += l.text;
  for (const auto& l : lines) {
    const auto good = l.text.substr(0, l.text.find('!'));
    if (!good.empty()) expected[l.app] = good;
    hopeless += good.size() != l.text.size();
    stored[{0, text_bytes(l.app)}] = value_bytes(static_cast<std::int64_t>(good.size()));
  }
  RC_ASSERT(spelt == expected);
  RC_ASSERT(h.rejected.size() == hopeless);
  RC_ASSERT(h.stores.values == stored);
}

}  // namespace
}  // namespace cloudflow::testing
