/// The streamlets of the runtime's tests.
#pragma once

#include "cloudflow/runtime/records.test.hpp"
#include "cloudflow/streamlet/streamlet.hpp"

#include <atomic>
#include <stdexcept>
#include <string>
#include <tuple>

namespace cloudflow::runtime {

using namespace std::chrono_literals;

/// Fails as the tests say.
struct trouble {
  static inline bool is_away = false;
  static inline std::atomic<int> shouted = 0;
};

struct shouting {
  inlet<line> in{"lines"};
  outlet<line> out{"shouted", key(&line::app)};
  auto logic() const {
    return from(in)
        .map([](const line::view& l) {
          if (l.text == "bad") throw std::runtime_error("a bad line");
          if (trouble::is_away && l.text == "later") throw try_again("the server is away");
          ++trouble::shouted;
          return line{std::string{l.app}, l.time, std::string{l.text} + "!"};
        })
        .to(out);
  }
};

struct counting {
  inlet<line> in{"shouted", keyed_by(&line::app)};
  outlet<count> out{"counts", key(&count::app)};
  cloudflow::state<std::int64_t> seen{"seen"};
  auto logic() const {
    return from(in)
        .event_time(&line::time, in_order)
        .key_by(&line::app)
        .window(tumbling{60s})
        .fold(seen, [](std::int64_t& n, const line::view&) { ++n; })
        .map([](const windowed<std::string, std::int64_t>& w) {
          return count{w.key, w.window.start, w.value};
        })
        .to(out);
  }
};

inline line echo(const line::view& l) {
  if (l.text == "bad") throw std::runtime_error("a bad line");
  return {std::string{l.app}, l.time, std::string{l.text}};
}

/// Has no state.
struct echoing {
  inlet<line> in{"lines"};
  outlet<line> out{"echoes"};
  auto logic() const { return from(in).map(echo).to(out); }
};

/// Has no state, so that its inlets are of different groups.
struct echoing_both {
  inlet<line> chat{"chat"};
  inlet<line> talk{"talk"};
  outlet<line> out{"echoes"};
  auto logic() const {
    return std::tuple{from(chat).map(echo).to(out), from(talk).map(echo).to(out)};
  }
};

struct unspeakable {
  std::string reason() const { return "unspeakable"; }
  bool is_retriable() const { return false; }
};

/// Gives out a record for each letter, two at a time.
struct letters {
  using state = std::int64_t;
  using output = line;
  std::string key(const line::view& l) const { return std::string{l.app}; }
  result<expansion_progress, unspeakable> advance(std::int64_t& next, const line& l,
                                                  expansion_output<line>& out) const {
    for (int n = 0; n != 2; ++n) {
      if (static_cast<std::size_t>(next) == l.text.size()) return expansion_progress::done;
      out.emit({l.app, l.time, l.text.substr(static_cast<std::size_t>(next++), 1)});
    }
    return expansion_progress::more;
  }
};

struct spelling {
  inlet<line> in{"lines"};
  outlet<line> out{"echoes"};
  state<std::int64_t> progress{"progress"};
  auto logic() const {
    return from(in).expand(progress, letters{}).on_error<unspeakable>(dead_letter).to(out);
  }
};

struct spelling_beside_echoing {
  inlet<line> chat{"chat"};
  inlet<line> words{"words"};
  outlet<line> out{"echoes"};
  state<std::int64_t> progress{"progress"};
  auto logic() const {
    return std::tuple{
        from(chat).map(echo).to(out),
        from(words).expand(progress, letters{}).on_error<unspeakable>(dead_letter).to(out)};
  }
};

}  // namespace cloudflow::runtime
