/// Expansions for the rows.
#pragma once

#include "cloudflow/streamlet/streamlet.hpp"
#include "faults_schemas/item.hpp"

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>

namespace faults {

struct progress {
  std::int64_t done = 0;
};

struct hiccup {
  std::string reason() const { return "a hiccup"; }
  bool is_retriable() const { return true; }
};

/// Some copies of a record, one a call, numbered in `text`.
struct in_parts {
  using state = progress;
  using output = item;
  std::int64_t count = 3;
  std::chrono::milliseconds pause{0};

  template <class Item>
  std::string key(const Item& i) const {
    return std::string{i.key};
  }
  cloudflow::result<cloudflow::expansion_progress, hiccup> advance(
      progress& p, const item& whole, cloudflow::expansion_output<item>& out) {
    std::this_thread::sleep_for(pause);
    if (whole.text == "crash") std::raise(SIGSEGV);
    auto part = whole;
    part.text = std::to_string(p.done++);
    out.emit(std::move(part));
    if (p.done != count) return cloudflow::expansion_progress::more;
    p.done = 0;  // the next record of this key begins anew
    return cloudflow::expansion_progress::done;
  }
};

/// A record with a negative number fails so that it may be tried again, then in another way.
struct fails_twice {
  using state = progress;
  using output = item;

  template <class Item>
  std::string key(const Item& i) const {
    return std::string{i.key};
  }
  cloudflow::result<cloudflow::expansion_progress, hiccup> advance(
      progress& p, const item& whole, cloudflow::expansion_output<item>& out) {
    if (whole.n < 0 && ++p.done == 1) return hiccup{};
    if (whole.n < 0) throw std::runtime_error("the second attempt fails");
    out.emit(whole);
    return cloudflow::expansion_progress::done;
  }
};

inline constexpr auto ignore = [](const hiccup&) {};

}  // namespace faults
