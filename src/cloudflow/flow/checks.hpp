/// What the compiler says about a wrong pipeline: one named struct per use, each with its sentence.
///
/// g++ 12 leads with a sentence only for static_assert (a failed concept gives "no matching function" first), so
/// each check is a struct whose static_assert names it; the struct's arguments are the types in question. A stage
/// whose check fails returns `broken`, which accepts the rest of the pipeline silently: one mistake, one error.
#pragma once

#include "cloudflow/flow/expand.hpp"
#include "cloudflow/flow/repartition.hpp"
#include "cloudflow/flow/window.hpp"

#include <variant>

namespace cloudflow {

/// on_error policy: the original record goes to the inlet's dead-letter topic.
struct dead_letter_t {};
inline constexpr dead_letter_t dead_letter{};

/// What a wrong pipeline turns into: it takes every further stage and says nothing more.
struct broken {
  template <class F>
  broken map(const F&) const {
    return {};
  }
  template <class F>
  broken filter(const F&) const {
    return {};
  }
  template <class F>
  broken flat_map(const F&) const {
    return {};
  }
  template <class F>
  broken for_each(const F&) const {
    return {};
  }
  template <class E, class H>
  broken on_error(const H&) const {
    return {};
  }
  template <class F>
  broken event_time(const F&, bounded_out_of_order) const {
    return {};
  }
  template <class F>
  broken key_by(const F&) const {
    return {};
  }
  template <class S, class F>
  broken fold(const S&, const F&) const {
    return {};
  }
  template <class S>
  broken distinct(const S&) const {
    return {};
  }
  template <class S, class E>
  broken expand(const S&, const E&, retry = {}) const {
    return {};
  }
  template <class P>
  broken late_to(const P&) const {
    return {};
  }
  template <class P>
  broken also_to(const P&) const {
    return {};
  }
  template <class P>
  broken to(const P&) const {
    return {};
  }
  template <class... D>
  broken split(const D&...) const {
    return {};
  }
  template <class F>
  broken through(const F&) const {
    return {};
  }
  broken window(tumbling) const { return {}; }
  broken lateness(allowed_lateness) const { return {}; }
  broken owned() const { return {}; }
};

namespace check {

template <class F, class Record>
concept takes = std::invocable<F&, const Record&>;

template <class Function, class Record>
struct map {
  static constexpr bool callable = takes<Function, Record>;
  static_assert(callable,
                "map() cannot call this function with the records of this stream (the function and "
                "the record "
                "type are named below; an inlet of T gives view_of<T>)");
  static consteval bool returns() {
    if constexpr (callable)
      return !std::is_void_v<std::invoke_result_t<Function&, const Record&>>;
    else
      return true;
  }
  static_assert(returns(),
                "map() needs a function that returns something: use for_each() for a side effect");
  static constexpr bool ok = callable && returns();
};

template <class Function, class Record>
struct flat_map {
  static constexpr bool callable = takes<Function, Record>;
  static_assert(
      callable,
      "flat_map() cannot call this function with the records of this stream (the function and the "
      "record type are named below; an inlet of T gives view_of<T>)");
  static consteval bool gives_range() {
    if constexpr (callable) {
      using range = std::invoke_result_t<Function&, const Record&>;
      return requires(range r) {
        std::begin(r);
        std::end(r);
      };
    } else {
      return true;
    }
  }
  static_assert(gives_range(),
                "flat_map() needs a function that returns a range, for example a std::vector");
  static constexpr bool ok = callable && gives_range();
};

template <class Function, class Record>
struct filter {
  static constexpr bool ok = std::predicate<Function&, const Record&>;
  static_assert(
      ok,
      "filter() needs a function from a record of this stream to bool (the function and the record "
      "type are named below; an inlet of T gives view_of<T>)");
};

template <class Function, class Record>
struct for_each {
  static constexpr bool ok = takes<Function, Record>;
  static_assert(ok,
                "for_each() cannot call this function with the records of the stream: it has to "
                "take a record "
                "of the stream (both are named below)");
};

template <class Function, class Record>
struct event_time {
  static constexpr bool ok = std::is_invocable_r_v<timestamp, Function&, const Record&>;
  static_assert(ok, "event_time() needs a function from `const Record&` to cloudflow::timestamp");
};

template <class Function, class Record, class Errors>
struct key_by {
  static constexpr bool callable = takes<Function, Record>;
  static_assert(
      callable,
      "key_by() cannot get a key from the records of this stream: pass a member pointer of the "
      "record, or a function that takes it (both are named below)");
  static constexpr bool handled = std::same_as<Errors, errors<>>;
  static_assert(
      handled,
      "Errors have to be handled before key_by(), because it may move records to another task: add "
      ".on_error<E>(...) for each type named below");
  static consteval bool usable() {
    if constexpr (callable)
      return encodable<owned_of<std::invoke_result_t<Function&, const Record&>>>;
    else
      return true;
  }
  static_assert(usable(),
                "key_by() needs a key that can be stored: a number, an enum, a string or a type "
                "with a codec");
  static constexpr bool ok = callable && handled && usable();
};

template <class Record, bool Keyed = false>
struct window {
  static constexpr bool ok = Keyed;
  static_assert(Keyed, "window() needs a keyed stream: put key_by(...) before it");
};

template <class State, class Record, bool Keyed = false>
struct keyed {
  static constexpr bool ok = Keyed;
  static_assert(Keyed, "State is kept by key: put key_by(...) before fold() or distinct()");
};

template <class What, class Record, bool Keyed = true>
struct not_keyed {
  static constexpr bool ok = !Keyed;
  static_assert(!Keyed,
                "A keyed stream goes on with window(), fold() or distinct(): put map(), filter() "
                "and to() before "
                "key_by(), or after those");
};

template <class Function>
struct copyable {
  static constexpr bool ok = std::copy_constructible<Function>;
  static_assert(
      ok,
      "A pipeline is a value that can be copied: hold what cannot be copied in a std::shared_ptr");
};

template <bool Timed>
struct event_time_before_window {
  static constexpr bool ok = Timed;
  static_assert(
      Timed,
      "window() needs to know the records' own time: put event_time(...) before key_by(...)");
};

template <class Function, class State, class Record>
struct fold {
  static constexpr bool ok = std::invocable<Function&, State&, const Record&>;
  static_assert(ok, "fold() cannot call this function: it has to take `State&, const Record&`");
};

template <class State>
struct distinct_state {
  static constexpr bool ok = std::same_as<State, timestamp>;
  static_assert(
      ok, "distinct() remembers times: give it a member `cloudflow::state<cloudflow::timestamp>`");
};

template <class Expansion, class State, class Record>
struct expansion {
  static constexpr bool named = requires {
    typename Expansion::output;
    requires std::same_as<typename Expansion::state, State>;
  };
  static_assert(named,
                "expand() needs a struct with `using output` and `using state`, and a "
                "cloudflow::state of that type");
  static consteval bool callable() {
    if constexpr (named) {
      return requires(Expansion& e, State& s, const Record& x, const owned_of<Record>& whole,
                      expansion_output<typename Expansion::output>& out) {
        { e.key(x) } -> std::convertible_to<std::string>;
        { e.advance(s, whole, out).value() } -> std::convertible_to<expansion_progress>;
        { e.advance(s, whole, out).error().is_retriable() } -> std::convertible_to<bool>;
      };
    } else {
      return true;
    }
  }
  static_assert(
      callable(),
      "expand() needs `std::string key(const Record&) const` and `result<expansion_progress, E> "
      "advance(state&, const Owned&, expansion_output<output>&)`, where E has `bool is_retriable() "
      "const`");
  static constexpr bool ok = named && callable();
};

template <class Errors>
struct errors_handled {
  static constexpr bool ok = std::same_as<Errors, errors<>>;
  static_assert(
      ok,
      "This stream can still raise errors that nobody handles: add .on_error<E>(...) for each type "
      "named below before delivering it");
};

template <class E, class Errors>
struct raised {
  static constexpr bool ok = detail::contains<Errors, E>;
  static_assert(
      ok,
      "on_error() handles an error that cannot occur here: no stage before it raises this type");
};

template <class E>
struct has_reason {
  static constexpr bool ok = requires(const E& e) {
    { e.reason() } -> std::convertible_to<std::string>;
  };
  static_assert(ok,
                "on_error<E>(dead_letter) needs `std::string reason() const` in E: it is kept with "
                "the record");
};

template <class Record, class Port>
struct outlet_type {
  static_assert(sizeof(Record) == 0, "This needs an outlet: pass a member of the streamlet");
  static constexpr bool ok = false;
};
template <class Record, class T>
struct outlet_type<Record, outlet<T>> {
  static constexpr bool ok = record_for<Record, T>;
  static_assert(ok,
                "The records of this stream are not of the outlet's type: map() them to it first");
};

template <class Handler, class Error>
struct error_handler {
  static constexpr bool ok = std::invocable<Handler&, const Error&>;
  static_assert(
      ok, "on_error<E>() needs an outlet of E, a function that takes `const E&`, or dead_letter");
};

template <std::size_t Alternatives, std::size_t Destinations>
struct split {
  static_assert(Alternatives != 0,
                "split() needs records that are a std::variant: map() to one alternative per "
                "destination first");
  static_assert(
      Alternatives == 0 || Alternatives == Destinations,
      "split() needs one destination for each alternative of the variant, in the same order");
  static constexpr bool ok = Alternatives != 0 && Alternatives == Destinations;
};

template <class Alternative, class Destination>
inline constexpr bool fits = true;  // a function: it says itself what it takes
template <class Alternative, class T>
inline constexpr bool fits<Alternative, outlet<T>> = record_for<Alternative, T>;

template <class Records, class... Destination>
struct destinations;
template <class... Alternative, class... Destination>
struct destinations<std::variant<Alternative...>, Destination...> {
  static constexpr bool ok = (fits<Alternative, Destination> && ...);
  static_assert(ok,
                "split() has an outlet that is not of its alternative's type: outlets stand in the "
                "order of the variant's alternatives");
};

}  // namespace check
}  // namespace cloudflow
