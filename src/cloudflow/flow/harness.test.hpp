/// Drives a pipeline as the runtime does: batches of any size, commits into a map while records go
/// on, kills.
#pragma once

#include "cloudflow/flow/stream.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

#include <map>
#include <string>
#include <vector>

namespace cloudflow::testing {

using flowtest::count;
using flowtest::line;

inline timestamp at(std::int64_t seconds) { return timestamp{std::chrono::seconds{seconds}}; }

/// Committed state.
class memory_stores final : public stores::store_reader {
public:
  std::optional<std::string> find(std::size_t store, std::string_view key) const override {
    ++reads;
    const auto it = values.find({store, std::string{key}});
    if (it == values.end()) return {};
    return it->second;
  }
  void scan(std::size_t store, std::string_view prefix,
            const std::function<bool(std::string_view, std::string_view)>& f) const override {
    for (auto it = values.lower_bound({store, std::string{prefix}}); it != values.end(); ++it)
      if (it->first.first != store || !it->first.second.starts_with(prefix) ||
          !f(it->first.second, it->second))
        return;
  }
  std::map<std::pair<std::size_t, std::string>, std::string> values;
  mutable int reads = 0;  ///< of single keys
};

/// One task over one pipeline of a streamlet `S` with an inlet `in` of lines.
template <class S>
class harness {
public:
  /// `max_cached`: see flow::wiring.
  explicit harness(const S& streamlet, std::vector<const void*> outlets,
                   std::vector<const void*> states, std::size_t max_cached = 100)
    : streamlet_(&streamlet),
      inlets_{&streamlet.in},
      outlets_(std::move(outlets)),
      states_(std::move(states)),
      max_cached_(max_cached) {
    for (std::size_t i = 0; i != outlets_.size(); ++i) changes.outputs.emplace_back(1);
    start();
  }

  /// Drops what is not committed and starts again.
  void kill() {
    changes.clear();
    in_flight.clear();
    start();
  }
  /// Processes the records from `next` on in batches of `size`; stops after `at_most` calls.
  void run(const std::vector<line>& lines, std::size_t size, std::size_t at_most = 1'000'000) {
    for (; (next < lines.size() || is_suspended()) && at_most > 0; --at_most) {
      if (is_suspended()) {
        resume();
        continue;
      }
      encode(lines, size);
      const auto done = program->run({0, "lines", 0, records_});
      result = done.result;
      next += done.processed;
    }
  }
  /// True while something waits for the clock.
  bool tick() {
    const auto done = program->tick(time.now());
    result = result | done.result;
    return done.is_waiting;
  }
  void finish() { result = result | program->finish(); }
  bool is_suspended() const { return result == flow::step::suspended; }
  void resume() { result = program->resume(); }
  /// Until nothing is held.
  void drain() {
    while (is_suspended()) resume();
  }
  void commit() {
    begin_commit();
    end_commit();
  }
  /// Records may go on between these. A kill loses what has not become durable.
  void begin_commit() {
    program->save();
    quarantine.saved();
    changes.hand_over(in_flight);
    in_flight_next = next;
  }
  void end_commit() {
    make_durable();
    program->committed();
  }
  /// `most`: only so many of the changes of state.
  void make_durable(std::size_t most = static_cast<std::size_t>(-1)) {
    for (const auto& c : in_flight.state.entries()) {
      if (most-- == 0) break;
      const std::pair key{c.store, std::string{in_flight.state.key(c)}};
      if (const auto value = in_flight.state.value(c))
        stores.values[key] = *value;
      else
        stores.values.erase(key);
    }
    for (std::size_t o = 0; o != in_flight.outputs.size(); ++o) {
      const auto& buffer = in_flight.outputs[o].by_partition()[0];
      for (const auto& e : buffer.entries()) committed[o].emplace_back(buffer.value(e));
    }
    for (auto& r : in_flight.rejected) {
      rejected.push_back(r.reason);
      rejected_from.push_back(r.from);
    }
    in_flight.clear();
    quarantine.committed();
    committed_next = in_flight_next;
  }
  template <class T>
  std::vector<T> output(std::size_t outlet) {
    std::vector<T> all;
    for (const auto& bytes : committed[outlet]) {
      view_of<T> v{};
      if (codec<T>::decode(bytes, v)) all.push_back(codec<T>::own(v));
    }
    return all;
  }

  memory_stores stores;
  virtual_clock time;
  flow::changes changes, in_flight;
  std::unique_ptr<flow::operator_chain> program;
  std::map<std::size_t, std::vector<std::string>> committed;
  std::vector<std::string> rejected;
  std::vector<flow::kept_origin> rejected_from;
  flow::quarantine quarantine;
  flow::step result = flow::step::go_on;
  std::size_t next = 0, in_flight_next = 0, committed_next = 0;

private:
  void start() {
    quarantine.dropped();
    flow::wiring w{inlets_,
                   outlets_,
                   states_,
                   {.out = &changes,
                    .stores = &stores,
                    .time = &time,
                    .bad = &quarantine,
                    .max_cached = max_cached_}};
    auto pipeline = streamlet_->logic();
    program = detail::make_operator_chain(changes, pipeline.bind(detail::end{&changes.counted}, w));
    result = program->load();
    next = committed_next;
  }
  void encode(const std::vector<line>& lines, std::size_t size) {
    bytes_.clear();
    records_.clear();
    for (std::size_t i = next; i != std::min(next + size, lines.size()); ++i) {
      byte_writer w;
      codec<line>::encode(lines[i], w);
      bytes_.emplace_back(w.view());
    }
    for (std::size_t i = 0; i != bytes_.size(); ++i)
      records_.push_back(
          {{}, bytes_[i], {}, at(0), record_offset{static_cast<std::int64_t>(next + i)}});
  }
  const S* streamlet_;
  std::vector<const void*> inlets_, outlets_, states_;
  std::size_t max_cached_;
  std::vector<std::string> bytes_;
  std::vector<record_view> records_;
};

}  // namespace cloudflow::testing
