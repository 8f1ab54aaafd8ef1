/// Streamlets with state that several tests use.
#pragma once

#include "cloudflow/flow/harness.test.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace cloudflow::testing {

/// The lines of each app so far.
struct totals {
  std::int64_t initial = 0;
  inlet<line> in{"in"};
  outlet<count> out{"out"};
  state<std::int64_t> seen{"seen", initial};
  auto logic() const {
    return from(in)
        .key_by(&line::app)
        .fold(seen, [](std::int64_t& n, const line::view&) { ++n; })
        .map([](const keyed<std::string, std::int64_t>& k) {
          return count{k.key, at(0), k.value};
        })
        .to(out);
  }
};

/// The first line of each app.
struct firsts {
  inlet<line> in{"in"};
  outlet<line> out{"out"};
  state<timestamp> seen{"seen"};
  auto logic() const { return from(in).key_by(&line::app).distinct(seen).to(out); }
};

/// The lines of each app and minute.
struct per_minute {
  allowed_lateness late_by;
  bounded_out_of_order bound = in_order;
  inlet<line> in{"in"};
  outlet<count> out{"out"};
  outlet<line> late{"late"};
  state<std::int64_t> lines{"lines"};
  auto logic() const {
    return from(in)
        .event_time(&line::time, bound)
        .key_by(&line::app)
        .window(tumbling{std::chrono::minutes{1}})
        .lateness(late_by)
        .late_to(late)
        .fold(lines, [](std::int64_t& n, const line::view&) { ++n; })
        .map([](const windowed<std::string, std::int64_t>& w) {
          return count{w.key, w.window.start, w.value};
        })
        .to(out);
  }
};

struct failing {
  std::string what;
  bool later = false;
  std::string reason() const { return what; }
  bool is_retriable() const { return later; }
};

/// Gives out one record for each letter of the text, two at a time. At `?` it fails as often as
/// `broken` says, at `!` for good.
struct letters {
  using state = std::int64_t;
  using output = line;
  std::shared_ptr<int> broken = std::make_shared<int>(0);
  bool by_time = false;  ///< records of another time are others

  std::string key(const auto& l) const {
    return std::string{l.app} + (by_time ? std::to_string(l.time.time_since_epoch().count()) : "");
  }
  result<expansion_progress, failing> advance(std::int64_t& next, const line& l,
                                              expansion_output<line>& out) const {
    for (int n = 0; n != 2; ++n) {
      if (static_cast<std::size_t>(next) == l.text.size()) return expansion_progress::done;
      const char c = l.text[static_cast<std::size_t>(next)];
      if (c == '?' && *broken > 0) return --*broken, failing{"broken", true};
      if (c == '!') return failing{"hopeless", false};
      out.emit({l.app, l.time, std::string(1, c)});
      ++next;
    }
    return expansion_progress::more;
  }
};

struct spelling {
  int max_attempts = 3;
  letters how{};
  inlet<line> in{"in"};
  outlet<line> out{"out"};
  state<std::int64_t> progress{"progress"};
  auto logic() const {
    return from(in)
        .expand(progress, how,
                retry{.max_attempts = max_attempts,
                      .first_delay = std::chrono::milliseconds{100},
                      .longest_delay = std::chrono::seconds{1}})
        .on_error<failing>(dead_letter)
        .to(out);
  }
};

}  // namespace cloudflow::testing
