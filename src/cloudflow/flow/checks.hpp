/// What the compiler says about a wrong pipeline: one named struct per use, each with its sentence.
///
/// g++ 12 leads with a sentence only for static_assert (a failed concept gives "no matching
/// function" first), so each check is a struct whose static_assert names it; the struct's arguments
/// are the types in question. A stage whose check fails returns `broken`, which accepts the rest of
/// the pipeline silently: one mistake, one error.
#pragma once

#include "cloudflow/flow/expand.hpp"
#include "cloudflow/flow/repartition.hpp"
#include "cloudflow/flow/window.hpp"

#include <variant>

namespace cloudflow {

template <class T, class Errors, class Source, class... Stages>
class stream;

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

namespace detail {

/// What a function returns for a record; void where it cannot be called.
template <class F, class... Args>
struct returned {
  using type = void;
};
template <class F, class... Args>
  requires std::invocable<F&, Args...>
struct returned<F, Args...> {
  using type = std::invoke_result_t<F&, Args...>;
};

/// Whether asking what F takes may compile its body: a generic lambda, or overloads.
template <class F>
inline constexpr bool is_generic = std::is_class_v<F> && !requires { &F::operator(); };

/// Whether a `U` becomes a `T` without loss.
template <class U, class T>
concept keeps_all = std::convertible_to<U, T> &&
                    (!std::is_arithmetic_v<T> || std::same_as<std::remove_cvref_t<U>, T> ||
                     requires(U&& u) { T{std::forward<U>(u)}; });

}  // namespace detail

namespace check {

template <class F, class Record>
concept takes = std::invocable<F&, const Record&>;

template <class Next, class Record>
struct goes_on {
  static constexpr bool ok = !std::same_as<Record, nothing>;
  static_assert(ok,
                "Nothing can follow here: to(), split() and for_each() end a stream. To deliver "
                "records and go on with them use also_to(); what is done for_each() goes last");
};

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
  static constexpr bool ok =
      std::same_as<std::remove_cvref_t<typename detail::returned<Function, const Record&>::type>,
                   bool>;
  static_assert(
      ok,
      "filter() needs a function from a record of this stream to bool, and nothing that merely "
      "converts to it (the function and the record type are named below; an inlet of T gives "
      "view_of<T>)");
};

template <class Function, class Record>
struct for_each {
  static constexpr bool callable = takes<Function, Record>;
  static_assert(callable,
                "for_each() cannot call this function with the records of the stream: it has to "
                "take a record of the stream (both are named below)");
  using result = typename detail::returned<Function, const Record&>::type;
  static constexpr bool nothing_lost = std::is_void_v<result> || is_result<result>;
  static_assert(
      nothing_lost,
      "for_each() would drop what this function returns: return nothing or a result<T, E>, "
      "or use map()");
  static constexpr bool ok = callable && nothing_lost;
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
    if constexpr (callable) {
      using key = detail::owned_key_of<std::invoke_result_t<Function&, const Record&>>;
      return encodable<key> && (detail::key_type<key> || requires(const key& k) {
               std::hash<key>{}(k);
               { k == k } -> std::same_as<bool>;
             }) && !std::floating_point<key>;
    } else {
      return true;
    }
  }
  static_assert(usable(),
                "key_by() needs a key that can be stored and compared: text, a whole number, bool, "
                "an enum, a time, or a pair, tuple or plain struct of these that owns its text; no "
                "floating-point number");
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

template <bool IsFirst>
struct one_clock {
  static constexpr bool ok = IsFirst;
  static_assert(IsFirst,
                "event_time() is there twice: windows behind both would have two clocks. Keep the "
                "one whose times the windows are about");
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
  static constexpr bool callable = std::invocable<Function&, State&, const Record&>;
  static_assert(callable,
                "fold() cannot call this function: it has to take `State&, const Record&`");
  using result = typename detail::returned<Function, State&, const Record&>::type;
  /// It changes the state that it is given. Of a generic function this is taken for granted: asking
  /// would compile its body with a state that cannot be changed.
  static consteval bool changes_in_place() {
    if constexpr (!callable || detail::is_generic<Function>)
      return true;
    else
      return !std::invocable<Function&, const State&, const Record&>;
  }
  static constexpr bool nothing_lost =
      !changes_in_place() || std::is_void_v<result> || std::same_as<result, State&>;
  static_assert(
      nothing_lost,
      "fold() would drop what this function returns: change the state by its reference and "
      "return nothing, or take the state by value, with its type written out, and return "
      "the new one");
  static constexpr bool gives_state = changes_in_place() || detail::keeps_all<result, State>;
  static_assert(
      gives_state,
      "fold() could not keep what this function makes of the state: take `State&` and "
      "change it, or take the state by value and return the new one, of the state's type");
  static constexpr bool ok = callable && nothing_lost && gives_state;
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
        { e.advance(s, whole, out).error().is_retriable() } -> std::same_as<bool>;
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
  static constexpr bool callable = std::invocable<Handler&, const Error&>;
  static_assert(
      callable,
      "on_error<E>() needs an outlet of E, a function that takes `const E&`, or dead_letter");
  static constexpr bool nothing_lost =
      std::is_void_v<typename detail::returned<Handler, const Error&>::type>;
  static_assert(
      nothing_lost,
      "on_error<E>() would drop what this function returns: the record of an error goes no "
      "further, so return nothing");
  static constexpr bool ok = callable && nothing_lost;
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

/// What a function of split() makes of its branch.
template <class Branch>
struct branch {
  static constexpr bool ok = false;
  static_assert(!std::same_as<Branch, Branch>,
                "A function of split() has to return the stream that it was given, continued and "
                "delivered with to(outlet), split() or for_each()");
};
template <>
struct branch<broken> {
  static constexpr bool ok = false;
};
template <class T, class Errors, class Source, class... Stages>
struct branch<stream<T, Errors, Source, Stages...>> {
  static constexpr bool delivered = std::same_as<T, nothing>;
  static_assert(delivered,
                "A branch of split() ends in the middle: deliver its records with to(), split() or "
                "for_each()");
  static constexpr bool ok = delivered && errors_handled<Errors>::ok;
};

}  // namespace check

namespace detail {

/// Throws std::invalid_argument: logic() has given a stage a value that makes no sense.
void refuse_setting(const char* sentence);
inline void expect_setting(bool is_right, const char* sentence) {
  if (!is_right) refuse_setting(sentence);
}
/// Times further from 1970 would overflow when windows are computed from them.
constexpr bool is_span(std::chrono::milliseconds t) {
  return t.count() >= 0 && t.count() <= (std::int64_t{1} << 53);
}

/// How fold() calls a function that takes the state by value: what it returns is the new state.
template <class F, class State, class Record>
struct returned_state {
  F fn;
  void operator()(State& s, const Record& x) {
    s = static_cast<State>(std::invoke(fn, std::as_const(s), x));
  }
};
template <class F, class State, class Record>
auto in_place(F f) {
  if constexpr (check::fold<F, State, Record>::changes_in_place())
    return f;
  else
    return returned_state<F, State, Record>{std::move(f)};
}

}  // namespace detail
}  // namespace cloudflow
