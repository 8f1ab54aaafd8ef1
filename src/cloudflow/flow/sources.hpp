/// Where streams come from: an inlet, or a source of the author's.
#pragma once

#include "cloudflow/flow/operators.hpp"

#include <functional>
#include <memory>

namespace cloudflow {

/// Where a source puts its records.
template <class T>
class emitter {
public:
  /// `when_durable` runs after the commit that holds the record, on the worker: the place to answer a client.
  /// It is destroyed without being called when the commit fails.
  void operator()(T record, std::function<void()> when_durable = {}) {
    records_.push_back(std::move(record));
    if (when_durable) when_durable_.push_back(std::move(when_durable));
  }

  // -- used by the library and by tests ---
  std::vector<T>& records() noexcept { return records_; }
  std::vector<std::function<void()>>& when_durable() noexcept { return when_durable_; }

private:
  std::vector<T> records_;
  std::vector<std::function<void()>> when_durable_;
};

/// Something that records come from besides inlets: a server, a clock, a generator. One task polls it; what other
/// threads bring waits inside, bounded.
template <class T>
class source {
public:
  virtual ~source() = default;
  /// Called before the first poll. `wake` may be called from any thread when there is something to poll.
  virtual void open([[maybe_unused]] std::function<void()> wake) {}
  /// Emits what there is, some thousand records at most, and does not block.
  virtual flow::source_status poll(emitter<T>& emit) = 0;
};

namespace detail {

/// Decodes the records of one inlet and drives one chain.
template <class T, class Chain>
struct inlet_entry {
  const inlet<T>* port;
  std::size_t index;
  flow::changes* out;
  Chain chain;

  std::size_t run(const flow::batch& b) {
    if (b.inlet != index) return chain.take(b);
    view_of<T> v{};
    const auto begun = flow::for_each_record(b, *out, [&](const record_view& r) {
      if (!codec<T>::decode(r.value, v)) [[unlikely]]
        return reject(r, "not a record of the inlet's schema");
      if (&r == b.records.data()) expect_key(r, v);
      chain(v, record_info{r.time, &r, index});
    });
    out->count.records_in += begun;
    return begun;
  }
  void rest(std::size_t inlet) {
    if (inlet == index)
      chain.rest();
    else
      chain.rest_of(inlet);
  }
  flow::source_status poll() { return flow::source_status::ended; }

private:
  void reject(const record_view& r, std::string reason) {
    out->rejected.push_back(flow::rejected(index, r, std::move(reason), false));
  }
  /// Sampled: with a wrong key, the records of one key are spread over partitions, and windows would be wrong.
  void expect_key(const record_view& r, const view_of<T>& v) const {
    if (r.key.data() != nullptr && !port->has_key(r.key, v)) [[unlikely]]
      throw std::runtime_error("the record's key is not the field that this inlet is keyed by");
  }
};

template <class T>
struct inlet_source {
  using ports = std::tuple<cloudflow::inlet<T>>;
  static constexpr bool timed = false;
  const inlet<T>* port;
  std::size_t index = 0;
  /// Before the stages are bound.
  void enter(flow::wiring& w) { index = w.inlet(port, port->name()); }
  template <class Chain>
  auto bind(Chain chain, flow::wiring& w) {
    return std::tuple{inlet_entry<T, Chain>{port, index, &w.out(), std::move(chain)}};
  }
};

template <class T, class Chain>
struct source_entry {
  std::shared_ptr<source<T>> from;
  flow::changes* out;
  Chain chain;
  emitter<T> emit{};

  std::size_t run(const flow::batch& b) { return chain.take(b); }
  void rest(std::size_t inlet) { chain.rest_of(inlet); }
  flow::source_status poll() {
    const auto status = from->poll(emit);
    for (const auto& x : emit.records()) chain(x, record_info{});
    out->count.records_in += emit.records().size();
    emit.records().clear();
    std::move(emit.when_durable().begin(), emit.when_durable().end(),
              std::back_inserter(out->when_durable));
    emit.when_durable().clear();
    return status;
  }
};

template <class T>
struct author_source {
  using ports = std::tuple<>;
  static constexpr bool timed = false;
  std::shared_ptr<source<T>> from;
  void enter(flow::wiring& w) { w.leave_inlets(); }
  template <class Chain>
  auto bind(Chain chain, flow::wiring& w) {
    if (w.wake()) from->open(w.wake());
    return std::tuple{source_entry<T, Chain>{from, &w.out(), std::move(chain)}};
  }
};

/// All entries of a streamlet's pipelines behind the virtual functions of `program`.
template <class... Entries>
class fused final : public flow::program {
public:
  fused(flow::changes& out, std::tuple<Entries...> entries)
    : out_(&out), entries_(std::move(entries)) {}

  void load() override {
    all([](auto& e) { e.chain.load(); });
  }
  std::size_t run(const flow::batch& b) override {
    std::size_t begun = 0;
    all([&](auto& e) { begun += e.run(b); });
    return begun;
  }
  void resume() override {
    out_->is_suspended = false;
    all([](auto& e) { e.chain.resume(); });
  }
  flow::source_status poll() override {
    auto status = flow::source_status::ended;
    all([&](auto& e) {
      const auto s = e.poll();
      if (s == flow::source_status::produced || status == flow::source_status::ended) status = s;
    });
    return status;
  }
  bool tick(timestamp now) override {
    bool is_waiting = false;
    all([&](auto& e) { is_waiting |= e.chain.tick(now); });
    return is_waiting;
  }
  void rest(std::size_t inlet) override {
    all([&](auto& e) { e.rest(inlet); });
  }
  void finish() override {
    all([](auto& e) { e.chain.finish(); });
  }
  void save() override {
    all([&](auto& e) { e.chain.save(*out_); });
    out_->has_unsaved_state = false;
  }
  void committed() override {
    all([](auto& e) { e.chain.committed(); });
  }

private:
  template <class F>
  void all(F f) {
    for_all(entries_, f, std::index_sequence_for<Entries...>{});
  }
  flow::changes* out_;
  std::tuple<Entries...> entries_;
};

template <class... Entries>
std::unique_ptr<flow::program> make_program(flow::changes& out, std::tuple<Entries...> entries) {
  return std::make_unique<fused<Entries...>>(out, std::move(entries));
}

}  // namespace detail
}  // namespace cloudflow
