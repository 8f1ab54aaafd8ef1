/// The stream DSL as an author sees it. A stream is a value: it describes and does not run.
///
///     from(in)                                      stream of view_of<T>
///       .map(f) .filter(f) .flat_map(f) .owned()    one record at a time
///       .expand(state, expansion, retry{...})       one record becomes very many, worked off in parts
///       .on_error<E>(outlet | function | dead_letter)
///       .event_time(f, bounded_out_of_order{30s})
///       .key_by(f)                                  keyed_stream: .window(w) .fold(state, f) .distinct(state)
///       .window(tumbling{2min}) .lateness(l) .late_to(outlet)   windowed_stream: .fold(state, f)
///       .also_to(outlet) .to(outlet) .split(a, b) .for_each(f)  deliver
///     from(std::shared_ptr<source<T>>)              stream of T
///
/// What is checked, and the sentences: checks.hpp. The operators: operators.hpp, keyed.hpp, window.hpp, expand.hpp.
#pragma once

#include "cloudflow/flow/checks.hpp"
#include "cloudflow/flow/sources.hpp"

#include <variant>

namespace cloudflow {

namespace detail {

template <class V>
inline constexpr std::size_t alternatives = 0;
template <class... A>
inline constexpr std::size_t alternatives<std::variant<A...>> = sizeof...(A);
template <class T>
inline constexpr bool is_outlet = false;
template <class T>
inline constexpr bool is_outlet<outlet<T>> = true;
/// The head of a branch of split(): its time is that of the stream it branches from.
struct branch_source {
  using ports = std::tuple<>;
  static constexpr bool timed = true;
};

}  // namespace detail

template <class T, class Key, class KeyFn, class Stream>
class keyed_stream;
template <class T, class Key, class KeyFn, class Stream, class Late>
class windowed_stream;

// -- stream ------------------------------------------------------------------------------------------

/// Records of type `T`, and the errors that may still occur. An immutable value: every function gives a new stream.
template <class T, class Errors, class Source, class... Stages>
class [[nodiscard]] stream {
public:
  using record = T;
  using error_set = Errors;
  using ports = decltype(std::tuple_cat(std::declval<typename Source::ports>(),
                                        std::declval<typename Stages::ports>()...));
  static constexpr bool timed = Source::timed || (Stages::sets_time || ...);

  explicit stream(Source source, std::tuple<Stages...> stages = {})
    : source_(std::move(source)), stages_(std::move(stages)) {}

  /// `f(const T&)` gives the new record, or `result<U, E>`, which adds E to the errors of the stream.
  template <class F>
  auto map(F f) const {
    using fn = detail::fit<T, F>;
    if constexpr (!check::map<fn, T>::ok) {
      return broken{};
    } else {
      using out = detail::outcome<std::decay_t<std::invoke_result_t<fn&, const T&>>>;
      return then<typename out::value, typename out::template add_to<Errors>>(
          detail::map_stage<fn, T>{{}, fitted(std::move(f))});
    }
  }

  /// Keeps the records for which `f(const T&)` is true.
  template <class F>
  auto filter(F f) const {
    using fn = detail::fit<T, F>;
    if constexpr (!check::filter<fn, T>::ok)
      return broken{};
    else
      return then<T, Errors>(detail::filter_stage<fn, T>{{}, fitted(std::move(f))});
  }

  /// `f(const T&)` gives a range; each element becomes a record. All of them belong to the same commit.
  template <class F>
  auto flat_map(F f) const {
    if constexpr (!check::flat_map<F, T>::ok) {
      return broken{};
    } else {
      using range = std::invoke_result_t<F&, const T&>;
      using element = std::remove_cvref_t<decltype(*std::begin(std::declval<range&>()))>;
      return then<element, Errors>(detail::flat_map_stage<F, T>{{}, std::move(f)});
    }
  }

  /// One record becomes any number of records, worked off in parts that are committed one by one; `s` says, by the
  /// expansion's key, how far the work has come. The errors of `advance` are raised when `policy` gives up.
  /// At most one in a pipeline.
  template <class State, class Expansion>
  auto expand(const state<State>& s, Expansion e, retry policy = {}) const {
    if constexpr (!check::expansion<Expansion, State, T>::ok) {
      return broken{};
    } else if constexpr (!check::durable<State>::ok) {
      return broken{};
    } else {
      using step =
          decltype(e.advance(std::declval<State&>(), std::declval<const owned_of<T>&>(),
                             std::declval<expansion_output<typename Expansion::output>&>()));
      using raised = typename detail::outcome<step>::template add_to<Errors>;
      return then<typename Expansion::output, raised>(detail::expand_stage<Expansion, T>{
          {}, {&s, s.name()}, s.initial(), std::move(e), policy});
    }
  }

  /// Copies the record out of the batch. Needed before it is kept or crosses a thread.
  auto owned() const {
    return map([](const T& x) { return to_owned(x); });
  }

  /// Calls `f(const T&)` for its effect. Ends the stream. After a failure the same record may come again.
  template <class F>
  auto for_each(F f) const {
    if constexpr (!check::for_each<F, T>::ok) {
      return broken{};
    } else if constexpr (is_result<std::invoke_result_t<F&, const T&>>) {
      return map(std::move(f)).map([](const auto&) { return nothing{}; });
    } else {
      return map([f = std::move(f)](const T& x) {
        std::invoke(f, x);
        return nothing{};
      });
    }
  }

  /// Handles errors of type E with `h`: an outlet of E, a function taking `const E&`, or `dead_letter`.
  template <class E, class H>
  auto on_error(const H& h) const {
    using rest = typename detail::remove<Errors, E>::type;
    if constexpr (!check::raised<E, Errors>::ok) {
      return broken{};
    } else if constexpr (std::same_as<H, dead_letter_t>) {
      if constexpr (!check::has_reason<E>::ok)
        return broken{};
      else
        return then<T, rest>(detail::dead_letter_stage<E, T>{});
    } else if constexpr (detail::is_outlet<H>) {
      if constexpr (!check::outlet_type<E, H>::ok)
        return broken{};
      else
        return then<T, rest>(detail::error_to_stage<E, typename H::record_type, T>{&h});
    } else if constexpr (!check::error_handler<H, E>::ok) {
      return broken{};
    } else {
      return then<T, rest>(detail::on_error_stage<E, H, T>{{}, h});
    }
  }

  /// `f(const T&)` is the record's own time; the watermark stays `bound` behind the latest.
  template <class F>
  auto event_time(F f, bounded_out_of_order bound) const {
    using fn = detail::fit<T, F>;
    if constexpr (!check::event_time<fn, T>::ok)
      return broken{};
    else
      return then<T, Errors>(detail::event_time_stage<fn, T>{fitted(std::move(f)), bound.by});
  }

  /// All records of a key are handled by one task, in order. Where the inlet is not keyed by the same field
  /// (`keyed_by`) and its topic has several partitions, records go through an internal topic (see repartition.hpp). For
  /// that they need a schema, or are a plain struct that owns its data: the plan checks it. Between records
  /// of different partitions there is no order.
  template <class F>
  auto key_by(F f) const {
    using fn = detail::fit<T, F>;
    if constexpr (!check::key_by<fn, T, Errors>::ok)
      return broken{};
    else
      return keyed_stream<T, owned_of<std::invoke_result_t<fn&, const T&>>, fn, stream>{
          *this, fitted(std::move(f))};
  }

  /// Delivers to an outlet and goes on.
  template <class Port>
  auto also_to(const Port& port) const {
    if constexpr (!check::outlet_type<T, Port>::ok)
      return broken{};
    else
      return then<T, Errors>(detail::to_stage<typename Port::record_type, T, T>{&port});
  }

  /// Delivers to an outlet. Ends the stream.
  template <class Port>
  auto to(const Port& port) const {
    if constexpr (!check::errors_handled<Errors>::ok)
      return broken{};
    else if constexpr (!check::outlet_type<T, Port>::ok)
      return broken{};
    else
      return then<nothing, Errors>(detail::to_stage<typename Port::record_type, T, nothing>{&port});
  }

  /// A record of `std::variant<A, B, ...>` goes to the destination of its alternative. A destination is an outlet,
  /// or a function that continues: `[&](auto bad) { return bad.map(...).to(out); }`. Ends the stream.
  template <class... D>
  auto split(const D&... destinations) const {
    if constexpr (!check::errors_handled<Errors>::ok)
      return broken{};
    else if constexpr (!check::split<detail::alternatives<T>, sizeof...(D)>::ok)
      return broken{};
    else if constexpr (!check::destinations<T, D...>::ok)
      return broken{};
    else
      return split_to(std::index_sequence_for<D...>{}, destinations...);
  }

  /// Applies a part of a pipeline that is written elsewhere: `f(stream)` returns the continued stream.
  template <class F>
  auto through(F f) const {
    return f(*this);
  }

  // -- here to say what is missing ---

  template <class Record = T>
  broken window(tumbling) const {
    return (void)check::window<Record>::ok, broken{};
  }
  template <class State, class F>
  broken fold(const State&, const F&) const {
    return (void)check::keyed<State, T>::ok, broken{};
  }
  template <class State>
  broken distinct(const State&) const {
    return (void)check::keyed<State, T>::ok, broken{};
  }

  // -- used by the library ---

  template <class U, class Es, class S>
  auto then(S stage) const {
    if constexpr (!check::copyable<S>::ok)
      return broken{};
    else
      return stream<U, Es, Source, Stages..., S>{
          source_, std::tuple_cat(stages_, std::tuple<S>{std::move(stage)})};
  }
  template <class Next>
  auto chain(Next next, flow::wiring& w) {
    return fuse<sizeof...(Stages)>(std::move(next), w);
  }
  template <class Next>
  auto bind(Next next, flow::wiring& w) {
    source_.enter(w);
    return source_.bind(chain(std::move(next), w), w);
  }

private:
  template <class F>
  static auto fitted(F f) {
    return detail::fitted<T, F>::apply(std::move(f));
  }
  template <std::size_t I, class Next>
  auto fuse(Next next, flow::wiring& w) {
    if constexpr (I == 0)
      return next;
    else
      return fuse<I - 1>(std::get<I - 1>(stages_).bind(std::move(next), w), w);
  }
  template <class A, class D>
  static auto branch(const D& d) {
    const stream<A, errors<>, detail::branch_source> start{{}};
    if constexpr (detail::is_outlet<D>)
      return start.to(d);
    else
      return d(start);
  }
  template <std::size_t... I, class... D>
  auto split_to(std::index_sequence<I...>, const D&... d) const {
    return split_into(branch<std::variant_alternative_t<I, T>>(d)...);
  }
  template <class... B>
  auto split_into(B... branches) const {
    if constexpr ((std::same_as<B, broken> || ...))
      return broken{};
    else
      return then<nothing, Errors>(detail::split_stage<T, B...>{{std::move(branches)...}});
  }

  Source source_;
  std::tuple<Stages...> stages_;
};

// -- keyed and windowed streams ----------------------------------------------------------------------

namespace detail {
/// A stage that keeps state by key: all records of a key have to come to it.
template <class T, class U, class Stream, class KeyFn, class Stage>
auto then_by_key(const Stream& up, const KeyFn& key_of, Stage stage) {
  using move = repartition_stage<KeyFn, T, Stream::timed>;
  if constexpr (!check::copyable<move>::ok) {
    return broken{};
  } else {
    const auto gathered = up.template then<T, errors<>>(move{{}, key_of, stage.store});
    return gathered.template then<U, errors<>>(std::move(stage));
  }
}
}  // namespace detail

/// Records grouped by key; the only kind of stream that has windows and state.
template <class T, class Key, class KeyFn, class Stream>
class [[nodiscard]] keyed_stream {
public:
  using record = T;
  using key_type = Key;
  keyed_stream(Stream up, KeyFn key_of) : up_(std::move(up)), key_of_(std::move(key_of)) {}

  auto window(tumbling w) const {
    if constexpr (!check::event_time_before_window<Stream::timed>::ok)
      return broken{};
    else
      return windowed_stream<T, Key, KeyFn, Stream, nothing>{up_, key_of_, w, {}, nullptr};
  }

  /// Changes the state of the record's key: `f(State&, const T&)`. Gives keyed<Key, State> after every record.
  template <class State, class F>
  auto fold(const state<State>& s, F f) const {
    if constexpr (!check::durable<State>::ok) {
      return broken{};
    } else if constexpr (!check::fold<F, State, T>::ok) {
      return broken{};
    } else {
      using stage = detail::fold_stage<KeyFn, Key, State, F, T>;
      return detail::then_by_key<T, keyed<Key, State>>(
          up_, key_of_, stage{{}, key_of_, {&s, s.name()}, s.initial(), std::move(f)});
    }
  }

  /// The first record of every key; later ones are dropped. `s` remembers the time of the first.
  template <class State>
  auto distinct(const state<State>& s) const {
    if constexpr (!check::distinct_state<State>::ok)
      return broken{};
    else
      return detail::then_by_key<T, T>(
          up_, key_of_, detail::distinct_stage<KeyFn, Key, T>{{}, key_of_, {&s, s.name()}});
  }

  // -- here to say what is in the way ---

  template <class F>
  broken map(const F&) const {
    return (void)check::not_keyed<F, T>::ok, broken{};
  }
  template <class F>
  broken filter(const F&) const {
    return (void)check::not_keyed<F, T>::ok, broken{};
  }
  template <class Port>
  broken to(const Port&) const {
    return (void)check::not_keyed<Port, T>::ok, broken{};
  }

private:
  Stream up_;
  KeyFn key_of_;
};

/// Records grouped by key and window.
template <class T, class Key, class KeyFn, class Stream, class Late>
class [[nodiscard]] windowed_stream {
public:
  windowed_stream(Stream up, KeyFn key_of, tumbling window, allowed_lateness lateness,
                  const outlet<Late>* late)
    : up_(std::move(up)),
      key_of_(std::move(key_of)),
      window_(window),
      lateness_(lateness),
      late_(late) {}

  /// How long after its end a window is still updated; each update emits its full new value. Without it: not at all.
  auto lateness(allowed_lateness l) const {
    return windowed_stream{up_, key_of_, window_, l, late_};
  }

  /// Records of a window that can no longer be updated go to this outlet. Without it they are counted and dropped.
  template <class Port>
  auto late_to(const Port& port) const {
    if constexpr (!check::outlet_type<T, Port>::ok)
      return broken{};
    else
      return windowed_stream<T, Key, KeyFn, Stream, typename Port::record_type>{
          up_, key_of_, window_, lateness_, &port};
  }

  /// Like keyed_stream::fold(), with a state for each key and window. Gives windowed<Key, State> when the watermark
  /// passes the window's end, and again for each later record within the lateness.
  template <class State, class F>
  auto fold(const state<State>& s, F f) const {
    if constexpr (!check::durable<State>::ok) {
      return broken{};
    } else if constexpr (!check::fold<F, State, T>::ok) {
      return broken{};
    } else {
      using stage = detail::window_fold_stage<KeyFn, Key, State, F, T, Late>;
      return detail::then_by_key<T, windowed<Key, State>>(
          up_, key_of_,
          stage{key_of_, window_, lateness_, late_, {&s, s.name()}, s.initial(), std::move(f)});
    }
  }

private:
  Stream up_;
  KeyFn key_of_;
  tumbling window_;
  allowed_lateness lateness_;
  const outlet<Late>* late_;
};

// -- sources -----------------------------------------------------------------------------------------

/// The records of an inlet, as views into the batch.
template <class T>
auto from(const inlet<T>& port) {
  if constexpr (!encodable<T>)
    return broken{};  // the inlet has said so
  else
    return stream<view_of<T>, errors<>, detail::inlet_source<T>>{{&port}};
}
template <class T>
void from(inlet<T>&&) = delete;

/// The records of a source of the author's.
template <class T>
auto from(std::shared_ptr<source<T>> s) {
  return stream<T, errors<>, detail::author_source<T>>{{std::move(s)}};
}

}  // namespace cloudflow
