/// Where streams come from: an inlet, or a source of the author's.
#pragma once

#include "cloudflow/flow/emissions.hpp"
#include "cloudflow/flow/operators.hpp"

#include <algorithm>
#include <functional>
#include <memory>

namespace cloudflow {
namespace detail {

/// Decodes the records of one inlet and drives one chain.
template <class T, class Chain>
struct inlet_entry {
  const inlet<T>* port;
  std::size_t index;
  bool needs_keys;  ///< a record without one may be in any partition
  flow::changes* out;
  const std::atomic<bool>* must_leave;
  Chain chain;

  flow::run_result run(const flow::batch& b) {
    if (b.inlet != index) {
      flow::signals::moved moved{b};
      chain.on(moved);
      return moved.result;
    }
    view_of<T> v{};
    flow::record_call at{&b, nullptr};
    const flow::origin origin{&at, flow::record_call::keep};
    const auto all = flow::for_each_record(b, *must_leave, [&](const record_view& r) {
      at.record = &r;
      if (!codec<T>::decode(r.value, v)) [[unlikely]]
        return reject(at, "not a record of the inlet's schema", false);
      if (r.key.data() == nullptr && needs_keys) [[unlikely]]
        return reject(at,
                      "the record has no key, but its inlet is keyed by a field and its topic has "
                      "several partitions: nothing says that it is in the right one",
                      true);
      if (&r == b.records.data()) expect_key(r, v);
      return chain(v, record_info{r.time, &origin});
    });
    out->count.records_in += all.processed;
    return all;
  }
  void mark_idle(std::size_t inlet) {
    if (inlet == index)
      send<flow::signals::idle>({});
    else
      send<flow::signals::moved_idle>({inlet});
  }
  flow::poll_result poll() { return {}; }
  void resumed(step) {}

private:
  template <class Signal>
  void send(Signal s) {
    chain.on(s);
  }
  step reject(const flow::record_call& at, std::string why, bool is_decodable) {
    ++out->counted[record_way::rejected];
    out->rejected.push_back({flow::record_call::keep(&at), std::move(why), is_decodable});
    return step::go_on;
  }
  /// Sampled: with a wrong key, the records of one key are spread over partitions, and windows
  /// would be wrong.
  void expect_key(const record_view& r, const view_of<T>& v) const {
    if (r.key.data() != nullptr && !port->has_key(r.key, v)) [[unlikely]]
      throw std::runtime_error("the record's key is not the field that this inlet is keyed by");
  }
};

template <class T>
struct inlet_source {
  using ports = std::tuple<cloudflow::inlet<T>>;
  static constexpr bool timed = false, has_clock = false;
  const inlet<T>* port;
  std::size_t index = 0;
  /// Before the stages are bound.
  void enter(flow::wiring& w) { index = w.inlet(port, port->name()); }
  template <class Chain>
  auto bind(Chain chain, flow::wiring& w) {
    return std::tuple{inlet_entry<T, Chain>{port, index, port->is_keyed() && w.is_partitioned(),
                                            &w.out(), &w.must_leave(), std::move(chain)}};
  }
};

/// Drives one chain with what a source emits.
template <class T, class Chain>
struct source_entry {
  emissions<T>* from;
  std::size_t index;
  flow::changes* out;
  const flow::quarantine* bad;
  const std::atomic<bool>* must_leave;
  Chain chain;

  flow::run_result run(const flow::batch& b) {
    flow::signals::moved moved{b};
    chain.on(moved);
    return moved.result;
  }
  void mark_idle(std::size_t inlet) {
    flow::signals::moved_idle s{inlet};
    chain.on(s);
  }
  flow::poll_result poll() {
    flow::poll_result all{flow::source_status::produced, step::go_on};
    if (!from->has_next()) all.status = from->poll();
    const auto before = from->number();
    all.result = process();
    // A commit takes note of them, also where nothing has come of them.
    if (from->number() != before) out->state.expect_save();
    if (all.result == step::go_on) from->acknowledge(out->when_durable);
    if (from->has_next() || all.result == step::suspended)
      all.status = flow::source_status::produced;
    return all;
  }
  /// What was held of the records is done.
  void resumed(step result) {
    if (result == step::go_on) from->acknowledge(out->when_durable);
  }

private:
  struct at_record {
    const source_entry* entry;
    static flow::kept_origin keep(const void* of) {
      return static_cast<const at_record*>(of)->entry->keep();
    }
  };
  /// Where a group stands or falls as a whole, its records have the same identity.
  flow::kept_origin keep() const {
    const auto identity = from->is_atomic() ? from->end_of_group() : from->number() + 1;
    flow::kept_origin o{.what = flow::origin_kind::source,
                        .index = index,
                        .offset = record_offset{static_cast<std::int64_t>(identity)}};
    if constexpr (encodable<T>) {
      byte_writer w;
      codec<T>::encode(from->record(), w);
      o.value = w.view();
      o.schema_text = codec<T>::schema_text;
    }
    return o;
  }
  /// The executor does not tear groups; a stage that suspends may.
  step process() {
    const at_record at{this};
    const flow::origin origin{&at, at_record::keep};
    while (from->has_next()) {
      const auto end = from->end_of_group();
      if (!bad->empty() && leave_out()) continue;
      const auto result = flow::blame(
          [&] {
            return chain(from->record(), record_info{{}, &origin});
          },
          [this] { return keep(); });
      from->advance();
      ++out->count.records_in;
      ++out->counted[record_way::emitted];
      if (result == step::suspended) return result;
      if (from->number() == end && must_leave->load(std::memory_order_relaxed)) break;
    }
    return step::go_on;
  }
  /// True if the record is known to be bad: whoever waits for its group is told, and the group is
  /// left out; or, where nobody can be told, the record alone is kept as a dead letter.
  bool leave_out() {
    auto kept = keep();
    const auto* known = bad->find(kept, {});
    if (known == nullptr) return false;
    out->state.expect_save();  // so that a commit takes note of it
    if (from->is_atomic()) {
      from->refuse_group({known->reason, known->cause});
      return true;
    }
    ++out->counted[record_way::emitted];
    ++out->counted[record_way::rejected];
    out->rejected.push_back({std::move(kept), known->reason});
    from->leave_out_record();
    return true;
  }
};

template <class T>
struct author_source {
  using ports = std::tuple<>;
  static constexpr bool timed = false, has_clock = false;
  std::shared_ptr<source<T>> from;
  void enter(flow::wiring& w) { w.leave_inlets(); }
  template <class Chain>
  auto bind(Chain chain, flow::wiring& w) {
    const auto index = w.next_source();
    return std::tuple{source_entry<T, Chain>{kept(w, index), index, &w.out(), &w.bad(),
                                             &w.must_leave(), std::move(chain)}};
  }

private:
  /// The source as it was when the chain was built for the first time.
  emissions<T>* kept(flow::wiring& w, std::size_t index) {
    if (w.sources() == nullptr) return nullptr;
    if (auto* known = w.sources()->find(index)) return static_cast<emissions<T>*>(known);
    if (w.wake()) from->open(w.wake());
    return static_cast<emissions<T>*>(
        &w.sources()->add(index, std::make_unique<emissions<T>>(std::move(from))));
  }
};

/// All entries of a streamlet's pipelines behind the virtual functions of `operator_chain`.
template <class... Entries>
class fused final : public flow::operator_chain {
public:
  fused(flow::changes& out, std::tuple<Entries...> entries)
    : out_(&out), entries_(std::move(entries)) {}

  step load() override { return send<flow::signals::load>({}).result; }
  flow::run_result run(const flow::batch& b) override {
    flow::run_result all;
    each([&](auto& e) {
      const auto done = e.run(b);
      all.processed += done.processed;
      all.result |= done.result;
    });
    return all;
  }
  step resume() override {
    auto all = step::go_on;
    each([&](auto& e) {
      flow::signals::resume s;
      e.chain.on(s);
      e.resumed(s.result);
      all |= s.result;
    });
    return all;
  }
  flow::poll_result poll() override {
    flow::poll_result all;
    each([&](auto& e) {
      const auto done = e.poll();
      all.status = std::max(all.status, done.status);
      all.result |= done.result;
    });
    return all;
  }
  flow::tick_result tick(timestamp now) override {
    const auto s = send<flow::signals::tick>({.now = now});
    return {s.is_waiting, s.result};
  }
  void mark_idle(std::size_t inlet) override {
    each([&](auto& e) { e.mark_idle(inlet); });
  }
  step finish() override { return send<flow::signals::finish>({}).result; }
  void save() override {
    send<flow::signals::save>({});
    out_->state.saved();
  }
  void committed() override { send<flow::signals::committed>({}); }

private:
  template <class Signal>
  Signal send(Signal s) {
    each([&s](auto& e) { e.chain.on(s); });
    return s;
  }
  template <class F>
  void each(F f) {
    for_all(entries_, f, std::index_sequence_for<Entries...>{});
  }
  flow::changes* out_;
  std::tuple<Entries...> entries_;
};

template <class... Entries>
std::unique_ptr<flow::operator_chain> make_operator_chain(flow::changes& out,
                                                          std::tuple<Entries...> entries) {
  return std::make_unique<fused<Entries...>>(out, std::move(entries));
}

}  // namespace detail
}  // namespace cloudflow
