/// The operators without state. One struct per operator: its settings, and in it `op<Next>`, the
/// running form. A chain is built back to front, each `op` holds the next by value, so a record's
/// way is one inlined call. To add an operator: one struct like these, one member function in
/// stream.hpp, one check in checks.hpp.
#pragma once

#include "cloudflow/flow/errors.hpp"
#include "cloudflow/flow/ports.hpp"
#include "cloudflow/flow/signals.hpp"
#include "cloudflow/flow/wiring.hpp"

#include <functional>
#include <tuple>

namespace cloudflow {

/// The record type of a stream whose records have all been delivered.
struct nothing {};

/// What travels with a record. `from` lives as long as the call.
struct record_info {
  timestamp time{};
  const flow::origin* from;
};

namespace detail {

using flow::step;

/// Hands everything on. Operators derive from it, and hide or overload (`using link<Next>::on`)
/// what they do themselves. Signals: signals.hpp.
template <class Next>
struct link {
  Next next;
  template <class E>
  void raise(const E& e, const record_info& i) {
    next.raise(e, i);
  }
  template <class Signal>
  void on(Signal& s) {
    next.on(s);
  }
};

/// The end of every chain.
struct end {
  record_balance* count;
  step operator()(const nothing&, const record_info&) {
    ++(*count)[record_way::delivered];
    return step::go_on;
  }
  template <class Signal>
  void on(Signal&) {}
};

/// Defaults for what the stream's type has to know about a stage.
struct stage_base {
  using ports = std::tuple<>;
  static constexpr bool sets_time = false;
};

/// What such a stage hands on is what has come in, not changed: `keeps_record`.
template <class Stage>
concept keeps_record = Stage::keeps_record;

template <class R, class Next>
inline step hand_on(R&& r, Next& next, const record_info& i) {
  if constexpr (is_result<std::remove_cvref_t<R>>) {
    if (r.has_value()) return next(r.value(), i);
    next.raise(r.error(), i);
    return step::go_on;
  } else {
    return next(r, i);
  }
}

template <class F, class In>
struct map_stage : stage_base {
  F fn;
  template <class Next>
  struct op : link<Next> {
    F fn;
    step operator()(const In& x, const record_info& i) {
      return hand_on(std::invoke(fn, x), this->next, i);
    }
  };
  template <class Next>
  op<Next> bind(Next next, flow::wiring&) {
    return {{std::move(next)}, std::move(fn)};
  }
};

template <class F, class In>
struct filter_stage : stage_base {
  static constexpr bool keeps_record = true;
  F fn;
  template <class Next>
  struct op : link<Next> {
    F fn;
    record_balance* count;
    step operator()(const In& x, const record_info& i) {
      if (std::invoke(fn, x)) return this->next(x, i);
      ++(*count)[record_way::filtered];
      return step::go_on;
    }
  };
  template <class Next>
  op<Next> bind(Next next, flow::wiring& w) {
    return {{std::move(next)}, std::move(fn), &w.out().counted};
  }
};

template <class F, class In>
struct flat_map_stage : stage_base {
  F fn;
  template <class Next>
  struct op : link<Next> {
    F fn;
    record_balance* count;
    step operator()(const In& x, const record_info& i) {
      ++(*count)[record_way::expanded];
      auto result = step::go_on;
      for (auto&& each : std::invoke(fn, x)) {
        ++(*count)[record_way::expanded_into];
        result |= this->next(each, i);
      }
      return result;
    }
  };
  template <class Next>
  op<Next> bind(Next next, flow::wiring& w) {
    return {{std::move(next)}, std::move(fn), &w.out().counted};
  }
};

// -- errors ---------------------------------------------------------------------------------------

template <class E, class H, class In>
struct on_error_stage : stage_base {
  static constexpr bool keeps_record = true;
  H handler;
  template <class Next>
  struct op : link<Next> {
    H handler;
    record_balance* count;
    step operator()(const In& x, const record_info& i) { return this->next(x, i); }
    template <class X>
    void raise(const X& e, const record_info& i) {
      if constexpr (std::same_as<X, E>) {
        ++(*count)[record_way::handled];
        std::invoke(handler, e);
      } else {
        this->next.raise(e, i);
      }
    }
  };
  template <class Next>
  op<Next> bind(Next next, flow::wiring& w) {
    return {{std::move(next)}, std::move(handler), &w.out().counted};
  }
};

/// on_error<E>(dead_letter): the origin (the record of the inlet, the source's record, the window)
/// and `e.reason()`.
template <class E, class In>
struct dead_letter_stage : stage_base {
  static constexpr bool keeps_record = true;
  template <class Next>
  struct op : link<Next> {
    flow::changes* out;
    step operator()(const In& x, const record_info& i) { return this->next(x, i); }
    template <class X>
    void raise(const X& e, const record_info& i) {
      if constexpr (std::same_as<X, E>)
        reject(e, i);
      else
        this->next.raise(e, i);
    }
    void reject(const E& e, const record_info& i) {
      ++out->counted[record_way::rejected];
      out->rejected.push_back({i.from->keep(), e.reason()});
    }
  };
  template <class Next>
  op<Next> bind(Next next, flow::wiring& w) {
    return {{std::move(next)}, &w.out()};
  }
};

// -- delivery -------------------------------------------------------------------------------------

template <class T, class X>
void write(const outlet<T>& port, flow::outlet_buffer& out, const X& x) {
  std::string_view key;
  if constexpr (std::same_as<X, view_of<T>>)
    key = port.key_of(x, out.key_space());
  else
    key = port.key_of(codec<T>::borrow(x), out.key_space());
  // A field is looked at where it is encoded.
  if (port.key_field_.empty() && !is_utf8(key)) [[unlikely]]
    refuse_text(port.name(), "the key of a record");
  out.append(key, [&](byte_writer& w) {
    w.check_text();
    codec<T>::encode(x, w);
    if (w.had_bad_text()) [[unlikely]]
      refuse_text(port.name(), "a text in a record");
  });
}

/// to() and also_to(): `Pass` is In (hand on) or nothing (the end of the way).
template <class T, class In, class Pass>
struct to_stage {
  using ports = std::tuple<outlet<T>>;
  static constexpr bool sets_time = false;
  static constexpr bool keeps_record = true;
  const outlet<T>* port;
  template <class Next>
  struct op : link<Next> {
    const outlet<T>* port;
    flow::outlet_buffer* out;
    step operator()(const In& x, const record_info& i) {
      write(*port, *out, x);
      if constexpr (std::same_as<Pass, nothing>)
        return this->next(nothing{}, i);
      else
        return this->next(x, i);
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
  static constexpr bool keeps_record = true;
  const outlet<T>* port;
  template <class Next>
  struct op : link<Next> {
    const outlet<T>* port;
    flow::outlet_buffer* out;
    record_balance* count;
    step operator()(const In& x, const record_info& i) { return this->next(x, i); }
    template <class X>
    void raise(const X& e, const record_info& i) {
      if constexpr (std::same_as<X, E>) {
        ++(*count)[record_way::handled];
        write(*port, *out, e);
      } else {
        this->next.raise(e, i);
      }
    }
  };
  template <class Next>
  op<Next> bind(Next next, flow::wiring& w) {
    return {{std::move(next)}, port, w.outlet(port, port->name()), &w.out().counted};
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
    step operator()(const In& x, const record_info& i) {
      return dispatch(x, i, std::index_sequence_for<Chains...>{});
    }
    template <std::size_t... I>
    step dispatch(const In& x, const record_info& i, std::index_sequence<I...>) {
      auto result = step::go_on;
      (void)((x.index() == I && (result = std::get<I>(chains)(*std::get_if<I>(&x), i), true)) ||
             ...);
      return result;
    }
    template <class Signal>
    void on(Signal& s) {
      all([&s](auto& c) { c.on(s); });
      this->next.on(s);
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
        {std::move(next)}, {std::get<I>(branches).chain(end{&w.out().counted}, w)...}};
  }
};

}  // namespace detail
}  // namespace cloudflow
