/// The operators without state. One struct per operator: its settings, and in it `op<Next>`, the running form.
/// A chain is built back to front, each `op` holds the next by value, so a record's way is one inlined call.
/// To add an operator: one struct like these, one member function in stream.hpp, one check in checks.hpp.
#pragma once

#include "cloudflow/flow/boundary.hpp"
#include "cloudflow/flow/errors.hpp"
#include "cloudflow/flow/ports.hpp"

#include <functional>
#include <tuple>

namespace cloudflow {

/// The record type of a stream whose records have all been delivered.
struct nothing {};

/// What travels with a record. `origin` is the record of the inlet it comes from; null for timers and windows.
struct record_info {
  timestamp time{};
  const record_view* origin = nullptr;
  std::size_t inlet = 0;
};

namespace detail {

/// Hands everything on. Operators derive from it and hide what they do themselves. `take` gets records that have moved to
/// this task and gives how many were begun; `rest` says that nothing comes from above for now, `rest_of` the same of an
/// inlet of moved records.
template <class Next>
struct link {
  Next next;
  template <class E>
  void raise(const E& e, const record_info& i) {
    next.raise(e, i);
  }
  void advance(timestamp watermark) { next.advance(watermark); }
  void resume() { next.resume(); }
  bool tick(timestamp now) { return next.tick(now); }
  std::size_t take(const flow::batch& moved) { return next.take(moved); }
  void rest_of(std::size_t moved_inlet) { next.rest_of(moved_inlet); }
  void rest() { next.rest(); }
  void finish() { next.finish(); }
  void save(flow::changes& out) { next.save(out); }
  void load() { next.load(); }
  void committed() { next.committed(); }
};

/// The end of every chain.
struct end {
  void operator()(const nothing&, const record_info&) {}
  void advance(timestamp) {}
  void resume() {}
  bool tick(timestamp) { return false; }
  std::size_t take(const flow::batch&) { return 0; }
  void rest_of(std::size_t) {}
  void rest() {}
  void finish() {}
  void save(flow::changes&) {}
  void load() {}
  void committed() {}
};

/// Defaults for what the stream's type has to know about a stage.
struct stage_base {
  using ports = std::tuple<>;
  static constexpr bool sets_time = false;
};

template <class R, class Next>
inline void hand_on(R&& r, Next& next, const record_info& i) {
  if constexpr (is_result<std::remove_cvref_t<R>>) {
    if (r.has_value())
      next(r.value(), i);
    else
      next.raise(r.error(), i);
  } else {
    next(r, i);
  }
}

template <class F, class In>
struct map_stage : stage_base {
  F fn;
  template <class Next>
  struct op : link<Next> {
    F fn;
    void operator()(const In& x, const record_info& i) {
      hand_on(std::invoke(fn, x), this->next, i);
    }
  };
  template <class Next>
  op<Next> bind(Next next, flow::wiring&) {
    return {{std::move(next)}, std::move(fn)};
  }
};

template <class F, class In>
struct filter_stage : stage_base {
  F fn;
  template <class Next>
  struct op : link<Next> {
    F fn;
    void operator()(const In& x, const record_info& i) {
      if (std::invoke(fn, x)) this->next(x, i);
    }
  };
  template <class Next>
  op<Next> bind(Next next, flow::wiring&) {
    return {{std::move(next)}, std::move(fn)};
  }
};

template <class F, class In>
struct flat_map_stage : stage_base {
  F fn;
  template <class Next>
  struct op : link<Next> {
    F fn;
    void operator()(const In& x, const record_info& i) {
      for (auto&& each : std::invoke(fn, x)) this->next(each, i);
    }
  };
  template <class Next>
  op<Next> bind(Next next, flow::wiring&) {
    return {{std::move(next)}, std::move(fn)};
  }
};

// -- errors ------------------------------------------------------------------------------------------

template <class E, class H, class In>
struct on_error_stage : stage_base {
  H handler;
  template <class Next>
  struct op : link<Next> {
    H handler;
    void operator()(const In& x, const record_info& i) { this->next(x, i); }
    template <class X>
    void raise(const X& e, const record_info& i) {
      if constexpr (std::same_as<X, E>)
        std::invoke(handler, e);
      else
        this->next.raise(e, i);
    }
  };
  template <class Next>
  op<Next> bind(Next next, flow::wiring&) {
    return {{std::move(next)}, std::move(handler)};
  }
};

/// on_error<E>(dead_letter): the original record and `e.reason()`.
template <class E, class In>
struct dead_letter_stage : stage_base {
  template <class Next>
  struct op : link<Next> {
    flow::changes* out;
    void operator()(const In& x, const record_info& i) { this->next(x, i); }
    template <class X>
    void raise(const X& e, const record_info& i) {
      if constexpr (std::same_as<X, E>)
        reject(e, i);
      else
        this->next.raise(e, i);
    }
    void reject(const E& e, const record_info& i) {
      static constexpr record_view none;
      out->rejected.push_back(
          flow::rejected(i.inlet, i.origin != nullptr ? *i.origin : none, e.reason(), true));
    }
  };
  template <class Next>
  op<Next> bind(Next next, flow::wiring& w) {
    return {{std::move(next)}, &w.out()};
  }
};

// -- delivery ----------------------------------------------------------------------------------------

template <class T, class X>
void write(const outlet<T>& port, flow::outlet_buffer& out, const X& x) {
  std::string_view key;
  if constexpr (std::same_as<X, view_of<T>>)
    key = port.key_of(x, out.key_space());
  else
    key = port.key_of(codec<T>::borrow(x), out.key_space());
  out.append(key, [&](byte_writer& w) { codec<T>::encode(x, w); });
}

/// to() and also_to(): `Pass` is In (hand on) or nothing (the end of the way).
template <class T, class In, class Pass>
struct to_stage {
  using ports = std::tuple<outlet<T>>;
  static constexpr bool sets_time = false;
  const outlet<T>* port;
  template <class Next>
  struct op : link<Next> {
    const outlet<T>* port;
    flow::outlet_buffer* out;
    void operator()(const In& x, const record_info& i) {
      write(*port, *out, x);
      if constexpr (std::same_as<Pass, nothing>)
        this->next(nothing{}, i);
      else
        this->next(x, i);
    }
  };
  template <class Next>
  op<Next> bind(Next next, flow::wiring& w) {
    return {{std::move(next)}, port, w.outlet(port, port->name())};
  }
};

template <class E, class T, class In>
struct error_to_stage {
  using ports = std::tuple<outlet<T>>;
  static constexpr bool sets_time = false;
  const outlet<T>* port;
  template <class Next>
  struct op : link<Next> {
    const outlet<T>* port;
    flow::outlet_buffer* out;
    void operator()(const In& x, const record_info& i) { this->next(x, i); }
    template <class X>
    void raise(const X& e, const record_info& i) {
      if constexpr (std::same_as<X, E>)
        write(*port, *out, e);
      else
        this->next.raise(e, i);
    }
  };
  template <class Next>
  op<Next> bind(Next next, flow::wiring& w) {
    return {{std::move(next)}, port, w.outlet(port, port->name())};
  }
};

/// A cheap std::apply: no invoke machinery over long types.
template <class Tuple, class F, std::size_t... I>
void for_all(Tuple& t, F& f, std::index_sequence<I...>) {
  (f(std::get<I>(t)), ...);
}

template <class In, class... Branches>
struct split_stage {
  using ports = decltype(std::tuple_cat(std::declval<typename Branches::ports>()...));
  static constexpr bool sets_time = false;
  std::tuple<Branches...> branches;

  template <class Next, class... Chains>
  struct op : link<Next> {
    std::tuple<Chains...> chains;
    void operator()(const In& x, const record_info& i) {
      dispatch(x, i, std::index_sequence_for<Chains...>{});
      this->next(nothing{}, i);
    }
    template <std::size_t... I>
    void dispatch(const In& x, const record_info& i, std::index_sequence<I...>) {
      (void)((x.index() == I && (std::get<I>(chains)(*std::get_if<I>(&x), i), true)) || ...);
    }
    void advance(timestamp t) {
      all([&](auto& c) { c.advance(t); });
      this->next.advance(t);
    }
    void resume() {
      all([](auto& c) { c.resume(); });
      this->next.resume();
    }
    bool tick(timestamp now) {
      bool is_waiting = this->next.tick(now);
      all([&](auto& c) { is_waiting |= c.tick(now); });
      return is_waiting;
    }
    std::size_t take(const flow::batch& moved) {
      auto begun = this->next.take(moved);
      all([&](auto& c) { begun += c.take(moved); });
      return begun;
    }
    void rest_of(std::size_t moved_inlet) {
      all([&](auto& c) { c.rest_of(moved_inlet); });
      this->next.rest_of(moved_inlet);
    }
    void rest() {
      all([](auto& c) { c.rest(); });
      this->next.rest();
    }
    void finish() {
      all([](auto& c) { c.finish(); });
      this->next.finish();
    }
    void save(flow::changes& out) {
      all([&](auto& c) { c.save(out); });
      this->next.save(out);
    }
    void load() {
      all([](auto& c) { c.load(); });
      this->next.load();
    }
    void committed() {
      all([](auto& c) { c.committed(); });
      this->next.committed();
    }
    template <class F>
    void all(F f) {
      for_all(chains, f, std::index_sequence_for<Chains...>{});
    }
  };
  template <class Next>
  auto bind(Next next, flow::wiring& w) {
    return bind_all(std::move(next), w, std::index_sequence_for<Branches...>{});
  }
  template <class Next, std::size_t... I>
  auto bind_all(Next next, flow::wiring& w, std::index_sequence<I...>) {
    return op<Next, decltype(std::get<I>(branches).chain(end{}, w))...>{
        {std::move(next)}, {std::get<I>(branches).chain(end{}, w)...}};
  }
};

}  // namespace detail
}  // namespace cloudflow
