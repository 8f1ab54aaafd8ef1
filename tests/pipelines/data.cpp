#include "data.hpp"

#include "cloudflow/base/hash.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace cloudflow::pipelines {

namespace {

constexpr std::int64_t first_time = 1'700'000'040'000;
constexpr std::int64_t longest_delay = 15'000;  ///< of a record behind one with a later time
constexpr std::int64_t bound_without_end = 10LL * 24 * 3600 * 1000;

struct dice {
  std::mt19937_64 random;
  std::uint64_t below(std::uint64_t n) { return random() % n; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  template <class T>
  T among(const std::vector<T>& all) {
    return all[below(all.size())];
  }
};

void add_kinds(const std::vector<op>& ops, std::vector<std::string>& to) {
  const auto letters = [](const std::string& name) -> std::string_view {
    if (name == "map") return "tiz";
    if (name == "filter" || name == "flat-map" || name == "for-each") return "ti";
    if (name.starts_with("map-")) return "tirrr";
    if (name == "expand") return "tkyyaxg";
    if (name == "event-time" || name.starts_with("split-")) return "ti";
    if (name == "distinct") return "k";
    if (name == "fold" || name.starts_with("window")) return "tik";
    return {};
  };
  for (const auto& o : ops) {
    for (const char c : letters(o.name)) to.push_back(c + std::to_string(o.stage));
    add_kinds(o.branch, to);
  }
}

void draw_input(scenario& s, const pipeline& p, dice& d) {
  std::vector<std::string> kinds;
  add_kinds(p.ops, kinds);
  const auto trouble = d.among<std::uint64_t>({0, 8, 8, 3});  // one record in so many
  const auto count = 1 + d.below(d.among<std::uint64_t>({4, 12, 30}));
  for (std::uint64_t i = 0; i != count; ++i) {
    if (i != 0 && d.one_in(10)) {
      s.input.push_back(s.input.back());
      continue;
    }
    const auto n = static_cast<std::int64_t>(i);
    row r{"r" + std::to_string(i),
          "k" + std::to_string(d.below(4)),
          first_time + n * 7000 - static_cast<std::int64_t>(d.below(longest_delay)),
          static_cast<std::int64_t>(d.below(20)),
          {},
          n};
    if (trouble != 0 && !kinds.empty() && d.one_in(trouble)) r.kind = d.among(kinds);
    const auto to = partition_of(r.key, s.given.partitions);
    const bool is_garbage = trouble != 0 && !p.has_source && d.one_in(40);
    s.input.push_back({std::move(r), to, 0, is_garbage});
  }
}

void draw_windows(scenario& s, const pipeline& p, dice& d) {
  auto& how = s.given.settings;
  const bool is_exact = s.given.partitions == 1 || p.has_source;
  if (can_park(p, s.input) || (p.has_source && !s.is_calm()))
    how.bound_ms = bound_without_end;
  else if (is_exact)
    how.bound_ms = d.among<std::int64_t>({0, 5000, 15000, 40000});
  else
    how.bound_ms = d.among<std::int64_t>({longest_delay + 10'000, 40'000});
  how.lateness_ms = d.among<std::int64_t>({0, 30'000, 150'000, -1});
}

void draw_faults(scenario& s, dice& d) {
  const auto up_to = [&](std::uint64_t most) { return static_cast<int>(d.below(most + 1)); };
  s.processes = 1 + d.below(3);
  if (d.one_in(4)) return;
  s.steps_between_events = d.one_in(3) ? 0 : 20 + d.below(150);
  s.faults = {.longest_phase = up_to(8),
              .failing_commits = up_to(60),
              .retriable_commits = up_to(80),
              .stale_generations = up_to(200),
              .unknown_outcomes = up_to(40),
              .failing_producers = up_to(100),
              .leaves_marks = up_to(3) != 0,
              .longest_start = up_to(6),
              .rebalances = up_to(6),
              .empty_takes = up_to(200),
              .short_takes = up_to(200),
              .longest_restore = up_to(6)};
}

}  // namespace

scenario draw(std::uint64_t seed, const pipeline& p, log_kind log) {
  scenario s;
  dice d{std::mt19937_64{seed * 2 + (log == log_kind::kafka ? 1 : 0)}};
  s.seed = seed;
  s.log = log;
  s.given.partitions = d.among<std::int32_t>({1, 1, 2, 4});
  s.given.on_bad_record = d.among<policy>(
      {policy::dead_letter, policy::dead_letter, policy::dead_letter, policy::skip, policy::fail});
  if (s.given.partitions != 1 && s.given.on_bad_record == policy::fail)
    s.given.on_bad_record = policy::dead_letter;
  s.records_in_a_commit = 1 + d.below(8);
  s.records_in_a_fetch = d.among<std::size_t>({1, 2, 3, 1024});
  s.records_in_a_poll = 1 + d.below(4);
  s.workers = 1 + d.below(3);
  s.max_uncommitted_bytes = d.one_in(4) ? d.below(1000) : 8u * 1024 * 1024;
  if (log == log_kind::kafka)
    draw_faults(s, d);
  else
    s.steps_between_events = d.among<std::uint64_t>({0, 5, 15, 40});
  draw_input(s, p, d);
  draw_windows(s, p, d);
  return s;
}

std::string scenario::describe() const {
  constexpr const char* policies[] = {"dead-letter", "skip", "fail"};
  auto text = fmt::format(
      "{} partitions, policy {}, {} records in a fetch, {} in a poll, {} workers, {} processes, "
      "bound {} ms, lateness {} ms, {} steps between events, {}\n",
      given.partitions, policies[static_cast<int>(given.on_bad_record)], records_in_a_fetch,
      records_in_a_poll, workers, processes, given.settings.bound_ms, given.settings.lateness_ms,
      steps_between_events, is_calm() ? "calm" : "rough");
  for (const auto& r : input)
    text += fmt::format("    {} p{} {} time {} value {} {}{}\n", r.what.id, r.partition, r.what.key,
                        (r.what.time - first_time) / 1000, r.what.value, r.what.kind,
                        r.is_garbage ? "garbage" : "");
  return text;
}

}  // namespace cloudflow::pipelines
