/// An application that does everything with its events that can go wrong: splits, filters, refuses,
/// folds, joins, fires windows, expands in parts.
#pragma once

#include "cloudflow/runtime/plan_builder.test.hpp"
#include "testkit_test_schemas/event.hpp"
#include "testkit_test_schemas/tally.hpp"

#include <deque>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <variant>

namespace cloudflow::testkit::grouptests {

using grouptest::event;
using grouptest::tally;
using namespace std::chrono_literals;

/// What the author's code runs into.
struct trouble {
  static inline std::mt19937_64 dice;
  static inline std::uint64_t of_1000 = 0;

  static bool strikes() { return of_1000 != 0 && dice() % 1000 < of_1000; }
  static void may_throw() {
    if (strikes()) throw try_again("a disk is away");
  }
};

/// Who sends events by an ingress, and wants to know that they are durable.
struct clients {
  static inline std::deque<event> waiting;
  static inline std::set<std::string> answered;  ///< keys: each has one event

  static void reset() {
    waiting.clear();
    answered.clear();
  }
};

struct requests final : source<event> {
  flow::source_status poll(emitter<event>& emit) override {
    if (clients::waiting.empty()) return flow::source_status::listening;
    auto e = std::move(clients::waiting.front());
    clients::waiting.pop_front();
    const auto key = e.key;
    emit(std::move(e), [key] { clients::answered.insert(key); });
    return flow::source_status::produced;
  }
};

struct receiving {
  outlet<event> out{"events", key(&event::key)};
  auto logic() const {
    return from(std::shared_ptr<source<event>>{std::make_shared<requests>()}).to(out);
  }
};

struct refusal {
  std::string why;
  std::string reason() const { return why; }
};

struct sorting {
  inlet<event> in{"events"};
  outlet<event> evens{"evens", key(&event::key)};
  outlet<event> odds{"odds", key(&event::key)};
  using sorted = std::variant<event, event>;
  auto logic() const {
    return from(in)
        .filter([](const event::view& e) { return e.kind != "filtered"; })
        .map([](const event::view& e) -> result<event, refusal> {
          trouble::may_throw();
          if (e.kind == "bad") throw std::runtime_error("a bad event");
          if (e.kind == "refused") return refusal{"a refused event"};
          return codec<event>::own(e);
        })
        .on_error<refusal>(dead_letter)
        .map([](const event& e) {
          return e.number % 2 == 0 ? sorted{std::in_place_index<0>, e}
                                   : sorted{std::in_place_index<1>, e};
        })
        .split(evens, odds);
  }
};

/// How many events of a key there were, and the number of the last one.
struct seen {
  std::int64_t count = 0, last = 0;
};
inline void see(seen& s, const event::view& e) {
  ++s.count;
  s.last = e.number;
}
inline tally to_tally(const keyed<std::string, seen>& k) {
  return {k.key, k.value.last, k.value.count};
}

struct totalling {
  inlet<event> in{"evens", keyed_by(&event::key)};
  outlet<tally> out{"totals", key(&tally::key)};
  state<seen> totals{"totals"};
  auto logic() const {
    return from(in)
        .map([](const event::view& e) {
          trouble::may_throw();
          return e;
        })
        .key_by(&event::view::key)
        .fold(totals, see)
        .map(to_tally)
        .to(out);
  }
};

struct merging {
  inlet<event> evens{"evens", keyed_by(&event::key)};
  inlet<event> odds{"odds", keyed_by(&event::key)};
  outlet<tally> out{"merged", key(&tally::key)};
  state<seen> of_evens{"of-evens"};
  state<seen> of_odds{"of-odds"};
  auto logic() const {
    return std::tuple{from(evens).key_by(&event::key).fold(of_evens, see).map(to_tally).to(out),
                      from(odds).key_by(&event::key).fold(of_odds, see).map(to_tally).to(out)};
  }
};

/// The number of a window is when it starts.
struct windowing {
  inlet<event> in{"odds", keyed_by(&event::key)};
  outlet<tally> out{"windows", key(&tally::key)};
  state<std::int64_t> counts{"counts"};
  auto logic() const {
    return from(in)
        .event_time(&event::time, in_order)
        .key_by(&event::key)
        .window(tumbling{10s})
        .lateness(unlimited_lateness)
        .fold(counts, [](std::int64_t& n, const event::view&) { ++n; })
        .map([](const windowed<std::string, std::int64_t>& w) {
          return tally{w.key, w.window.start.time_since_epoch() / 1s, w.value};
        })
        .to(out);
  }
};

/// Windows over events of several partitions. In each the times go back by five seconds at most,
/// but for those that an ingress has received, so that none is late however far apart the
/// partitions are read.
struct gathering {
  inlet<event> in{"events"};
  outlet<tally> out{"gathered", key(&tally::key)};
  outlet<event> late{"late"};
  state<std::int64_t> counts{"counts"};
  static bool takes(std::string_view key) { return !key.starts_with('s'); }
  static std::string group_of(std::int64_t number) { return "g" + std::to_string(number % 3); }
  auto logic() const {
    return from(in)
        .filter([](const event::view& e) { return takes(e.key); })
        .event_time(&event::time, bounded_out_of_order{5s})
        .key_by([](const event::view& e) { return group_of(e.number); })
        .window(tumbling{10s})
        .late_to(late)
        .fold(counts,
              [](std::int64_t& n, const event::view&) {
                trouble::may_throw();
                ++n;
              })
        .map([](const windowed<std::string, std::int64_t>& w) {
          return tally{w.key, w.window.start.time_since_epoch() / 1s, w.value};
        })
        .to(out);
  }
};

struct away {
  std::string reason() const { return "a server is away"; }
  bool is_retriable() const { return true; }
};

/// An event becomes as many records as it says, two at a time.
struct parts_of_event {
  using state = std::int64_t;
  using output = tally;
  std::string key(const event::view& e) const {
    return std::string{e.key} + "/" + std::to_string(e.number);
  }
  result<expansion_progress, away> advance(std::int64_t& done, const event& e,
                                           expansion_output<tally>& out) const {
    for (int n = 0; n != 2; ++n) {
      if (done == e.parts) return expansion_progress::done;
      if (trouble::strikes()) return away{};
      out.emit({e.key, e.number, done++});
    }
    return expansion_progress::more;
  }
};

struct expanding {
  inlet<event> in{"odds", keyed_by(&event::key)};
  outlet<tally> out{"parts", key(&tally::key)};
  state<std::int64_t> progress{"progress"};
  auto logic() const {
    return from(in)
        .expand(progress, parts_of_event{},
                retry{.max_attempts = 1'000'000, .first_delay = 20ms, .longest_delay = 100ms})
        .on_error<away>(dead_letter)
        .to(out);
  }
};

inline constexpr std::int32_t partitions = 4;

inline runtime::plan_builder sorter_alone() {
  runtime::plan_builder b;
  b.topic<event>("events", partitions);
  b.topic<event>("evens", partitions);
  b.topic<event>("odds", partitions);
  b.streamlet<sorting>("sorter");
  b.retry_topic(b.plan.streamlets[0].inlets[0]);
  return b;
}

inline void add_gatherer(runtime::plan_builder& to) {
  to.topic<tally>("gathered", partitions);
  to.topic<event>("late", partitions);
  to.streamlet<gathering>("gatherer");
}

inline runtime::plan_builder whole_application() {
  auto b = sorter_alone();
  b.streamlet<receiving>("ingress");
  for (const auto* id : {"totals", "merged", "windows", "parts"}) b.topic<tally>(id, partitions);
  b.streamlet<totalling>("totaller");
  auto& merger = b.streamlet<merging>("merger");
  merger.inlets[1].group = merger.inlets[0].group;
  b.streamlet<windowing>("window");
  b.streamlet<expanding>("expander");
  add_gatherer(b);
  return b;
}

}  // namespace cloudflow::testkit::grouptests
