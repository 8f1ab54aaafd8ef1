/// The stream DSL as an author sees it. A stream is a value: it describes and does not run.
///
///     from(in)                                      stream of view_of<T>
///       .map(f) .filter(f) .flat_map(f) .owned()    one record at a time
///       .expand(state, expansion, retry{...})       one record becomes very many, in parts
///       .on_error<E>(outlet | function | dead_letter)
///       .event_time(f, bounded_out_of_order{30s})
///       .key_by(f)                                  keyed_stream:
///         .fold(state, f) .distinct(state)
///         .window(tumbling{2min})                   windowed_stream:
///           .lateness(l) .late_to(outlet) .fold(state, f)
///       .also_to(outlet) .to(outlet) .split(a, b) .for_each(f)   deliver
///     from(std::shared_ptr<source<T>>)              stream of T
///
/// What is checked, and the sentences: checks.hpp. The operators: operators.hpp, keyed.hpp,
/// window.hpp, expand.hpp.
#pragma once

#include "cloudflow/flow/checks.hpp"
#include "cloudflow/flow/sources.hpp"

#include <type_traits>
#include <variant>

namespace cloudflow {

namespace detail {

template <class V>
inline constexpr std::size_t alternatives = 0;
template <class... A>
inline constexpr std::size_t alternatives<std::variant<A...>> = sizeof...(A);
template <class S>
inline constexpr bool is_inlet_source = false;
template <class T>
inline constexpr bool is_inlet_source<inlet_source<T>> = true;
/// Whether the records are where the values of `field` bring them; with a stage that keeps them so.
template <class Stage>
bool is_in_place(const Stage&, std::string_view) {
  return true;
}
template <class KeyFn, class In, bool Timed>
bool is_in_place(const repartition_stage<KeyFn, In, Timed>& s, std::string_view field) {
  return s.inlet_field == field;
}
template <class T>
inline constexpr bool is_outlet = false;
template <class T>
inline constexpr bool is_outlet<outlet<T>> = true;
/// The head of a branch of split(): its time is that of the stream it branches from.
template <bool Timed, bool HasClock>
struct branch_source {
  using ports = std::tuple<>;
  static constexpr bool timed = Timed, has_clock = HasClock;
};

/// Whether event_time() moves the clock of what comes behind a stage; behind a window it is gone.
template <class Stage>
consteval bool clock_behind(bool has_clock) {
  if constexpr (requires { Stage::gives_time; })
    return false;
  else
    return has_clock || Stage::sets_time;
}
template <bool HasClock, class... Stages>
consteval bool has_clock_behind() {
  bool has_clock = HasClock;
  ((has_clock = clock_behind<Stages>(has_clock)), ...);
  return has_clock;
}

}  // namespace detail

template <class T, class Key, class KeyFn, class Stream>
class keyed_stream;
template <class T, class Key, class KeyFn, class Stream, class Late>
class windowed_stream;

// -- stream ---------------------------------------------------------------------------------------

/// Records of type `T`, and the errors that may still occur. An immutable value: every function
/// gives a new stream.
template <class T, class Errors, class Source, class... Stages>
class [[nodiscard]] stream {
public:
  using record = T;
  using error_set = Errors;
  using ports = decltype(std::tuple_cat(std::declval<typename Source::ports>(),
                                        std::declval<typename Stages::ports>()...));
  static constexpr bool timed = Source::timed || (Stages::sets_time || ...);
  /// An event_time() moves the clock of what comes behind.
  static constexpr bool has_clock = detail::has_clock_behind<Source::has_clock, Stages...>();
  /// Its records are those of an inlet, as they came.
  static constexpr bool is_as_read =
      detail::is_inlet_source<Source> && (detail::keeps_record<Stages> && ...);

  explicit stream(Source source, std::tuple<Stages...> stages = {})
    : source_(std::move(source)), stages_(std::move(stages)) {}

  /// `f(const T&)` gives the new record, or `result<U, E>`, which adds E to the errors of the
  /// stream.
  template <class F>
  auto map(F f) const {
    using fn = detail::fit<T, F>;
    if constexpr (!check::goes_on<fn, T>::ok) {
      return broken{};
    } else if constexpr (!check::map<fn, T>::ok) {
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
    if constexpr (!check::goes_on<fn, T>::ok)
      return broken{};
    else if constexpr (!check::filter<fn, T>::ok)
      return broken{};
    else
      return then<T, Errors>(detail::filter_stage<fn, T>{{}, fitted(std::move(f))});
  }

  /// `f(const T&)` gives a range; each element becomes a record. All of them belong to the same
  /// commit.
  template <class F>
  auto flat_map(F f) const {
    if constexpr (!check::goes_on<F, T>::ok) {
      return broken{};
    } else if constexpr (!check::flat_map<F, T>::ok) {
      return broken{};
    } else {
      using range = std::invoke_result_t<F&, const T&>;
      using element = std::remove_cvref_t<decltype(*std::begin(std::declval<range&>()))>;
      return then<element, Errors>(detail::flat_map_stage<F, T>{{}, std::move(f)});
    }
  }

  /// One record becomes any number of records, processed in parts that are committed one by one;
  /// `s` says, by the expansion's key, how far the work has come. The errors of `advance` are
  /// raised when `policy` gives up. At most one in a pipeline.
  template <class State, class Expansion>
  auto expand(const state<State>& s, Expansion e, retry policy = {}) const {
    if constexpr (!check::goes_on<Expansion, T>::ok) {
      return broken{};
    } else if constexpr (!check::expansion<Expansion, State, T>::ok) {
      return broken{};
    } else if constexpr (!check::durable<State>::ok) {
      return broken{};
    } else {
      detail::expect_setting(
          policy.max_attempts > 0 && detail::is_span(policy.first_delay) &&
              policy.first_delay.count() > 0 && detail::is_span(policy.longest_delay),
          "expand(): it is tried at least once, and again after a delay of more than nothing");
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

  /// Calls `f(const T&)` for its effect. Ends the stream. After a failure the same record may come
  /// again.
  template <class F>
  auto for_each(F f) const {
    if constexpr (!check::goes_on<F, T>::ok) {
      return broken{};
    } else if constexpr (!check::for_each<F, T>::ok) {
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

  /// Handles errors of type E with `h`: an outlet of E, a function taking `const E&`, or
  /// `dead_letter`.
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
    detail::expect_setting(detail::is_span(bound.by),
                           "event_time(): records cannot be out of order by less than nothing, nor "
                           "by more than 2^53 ms");
    if constexpr (!check::goes_on<fn, T>::ok)
      return broken{};
    else if constexpr (!check::event_time<fn, T>::ok)
      return broken{};
    else if constexpr (!check::one_clock<!has_clock>::ok)
      return broken{};
    else
      return then<T, Errors>(detail::event_time_stage<fn, T>{fitted(std::move(f)), bound.by});
  }

  /// All records of a key are handled by one task, in order. Where the topic of the inlet has
  /// several partitions, records go through an internal topic (see repartition.hpp); but for those
  /// that are as they came, where the inlet is `keyed_by` the same field. For that they need a
  /// schema, or are a plain struct that owns its data: the plan checks it. Between records of
  /// different partitions there is no order.
  template <class F>
  auto key_by(F f) const {
    using fn = detail::fit<T, F>;
    if constexpr (!check::goes_on<fn, T>::ok)
      return broken{};
    else if constexpr (!check::key_by<fn, T, Errors>::ok)
      return broken{};
    else
      return keyed_stream<T, detail::owned_key_of<std::invoke_result_t<fn&, const T&>>, fn, stream>{
          *this, fitted(f), inlet_field_of(f)};
  }

  /// Delivers to an outlet and goes on.
  template <class Port>
  auto also_to(const Port& port) const {
    if constexpr (!check::goes_on<Port, T>::ok)
      return broken{};
    else if constexpr (!check::outlet_type<T, Port>::ok)
      return broken{};
    else
      return then<T, Errors>(detail::to_stage<typename Port::record_type, T, T>{&port});
  }

  /// Delivers to an outlet. Ends the stream.
  template <class Port>
  auto to(const Port& port) const {
    if constexpr (!check::goes_on<Port, T>::ok)
      return broken{};
    else if constexpr (!check::errors_handled<Errors>::ok)
      return broken{};
    else if constexpr (!check::outlet_type<T, Port>::ok)
      return broken{};
    else
      return then<nothing, Errors>(detail::to_stage<typename Port::record_type, T, nothing>{&port});
  }

  /// A record of `std::variant<A, B, ...>` goes to the destination of its alternative. A
  /// destination is an outlet, or a function that continues: `[&](auto bad) { return
  /// bad.map(...).to(out); }`. Ends the stream.
  template <class... D>
  auto split(const D&... destinations) const {
    if constexpr (!check::goes_on<void (*)(D...), T>::ok)
      return broken{};
    else if constexpr (!check::errors_handled<Errors>::ok)
      return broken{};
    else if constexpr (!check::split<detail::alternatives<T>, sizeof...(D)>::ok)
      return broken{};
    else if constexpr (!check::destinations<T, D...>::ok)
      return broken{};
    else
      return split_to(std::index_sequence_for<D...>{}, destinations...);
  }

  /// Applies a part of a pipeline that is written elsewhere: `f(stream)` returns the continued
  /// stream.
  template <class F>
  auto through(F f) const {
    return f(*this);
  }

  // -- here to say what is missing ---

  template <class Record = T>
  broken window(tumbling) const {
    if constexpr (check::goes_on<tumbling, Record>::ok) (void)check::window<Record>::ok;
    return {};
  }
  template <class State, class F>
  broken fold(const State&, const F&) const {
    if constexpr (check::goes_on<F, T>::ok) (void)check::keyed<State, T>::ok;
    return {};
  }
  template <class State>
  broken distinct(const State&) const {
    if constexpr (check::goes_on<State, T>::ok) (void)check::keyed<State, T>::ok;
    return {};
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
  /// See flow::moved_record.
  template <class F>
  std::string_view inlet_field_of(const F& f) const {
    if constexpr (is_as_read) {
      const auto field = detail::field_of<F>::name(f);
      const auto are_in_place = [field](const auto&... stage) {
        return (detail::is_in_place(stage, field) && ...);
      };
      if (std::apply(are_in_place, stages_)) return field;
    }
    return {};
  }
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
    const stream<A, errors<>, detail::branch_source<timed, has_clock>> start{{}};
    if constexpr (detail::is_outlet<D>)
      return start.to(d);
    else
      return d(start);
  }
  template <std::size_t... I, class... D>
  auto split_to(std::index_sequence<I...>, const D&... d) const {
    if constexpr (!(check::branch<decltype(branch<std::variant_alternative_t<I, T>>(d))>::ok &&
                    ...)) {
      return broken{};
    } else {
      using stage =
          detail::split_stage<T, decltype(branch<std::variant_alternative_t<I, T>>(d))...>;
      return then<nothing, Errors>(stage{{branch<std::variant_alternative_t<I, T>>(d)...}});
    }
  }

  Source source_;
  std::tuple<Stages...> stages_;
};

// -- keyed and windowed streams -------------------------------------------------------------------

namespace detail {
/// A stage that keeps state by key: all records of a key have to come to it.
template <class T, class U, class Stream, class KeyFn, class Stage>
auto then_by_key(const Stream& up, const KeyFn& key_of, std::string_view inlet_field, Stage stage) {
  using move = repartition_stage<KeyFn, T, Stream::timed>;
  if constexpr (!check::copyable<move>::ok) {
    return broken{};
  } else {
    const auto gathered = up.template then<T, errors<>>(move{{}, key_of, inlet_field, stage.store});
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
  /// `inlet_field`: see flow::moved_record.
  keyed_stream(Stream up, KeyFn key_of, std::string_view inlet_field)
    : up_(std::move(up)), key_of_(std::move(key_of)), inlet_field_(inlet_field) {}

  auto window(tumbling w) const {
    detail::expect_setting(
        w.size.count() > 0 && detail::is_span(w.size),
        "window(): a window is longer than nothing, and not longer than 2^53 ms");
    if constexpr (!check::event_time_before_window<Stream::timed>::ok)
      return broken{};
    else
      return windowed_stream<T, Key, KeyFn, Stream, nothing>{up_, key_of_, inlet_field_,
                                                             w,   {},      nullptr};
  }

  /// Changes the state of the record's key: `f(State&, const T&)` changes it in place; what
  /// `f(State, const T&)` returns becomes the state. Gives keyed<Key, State> after every record.
  template <class State, class F>
  auto fold(const state<State>& s, F f) const {
    if constexpr (!check::durable<State>::ok) {
      return broken{};
    } else if constexpr (!check::fold<F, State, T>::ok) {
      return broken{};
    } else {
      auto fn = detail::in_place<F, State, T>(std::move(f));
      using stage = detail::fold_stage<KeyFn, Key, State, decltype(fn), T>;
      return detail::then_by_key<T, keyed<Key, State>>(
          up_, key_of_, inlet_field_,
          stage{{}, key_of_, {&s, s.name()}, s.initial(), std::move(fn)});
    }
  }

  /// The first record of every key; later ones are dropped. `s` remembers the time of the first.
  template <class State>
  auto distinct(const state<State>& s) const {
    if constexpr (!check::distinct_state<State>::ok)
      return broken{};
    else
      return detail::then_by_key<T, T>(
          up_, key_of_, inlet_field_,
          detail::distinct_stage<KeyFn, Key, T>{{}, key_of_, {&s, s.name()}});
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
  std::string_view inlet_field_;
};

/// Records grouped by key and window.
template <class T, class Key, class KeyFn, class Stream, class Late>
class [[nodiscard]] windowed_stream {
public:
  windowed_stream(Stream up, KeyFn key_of, std::string_view inlet_field, tumbling window,
                  allowed_lateness lateness, const outlet<Late>* late)
    : up_(std::move(up)),
      key_of_(std::move(key_of)),
      inlet_field_(inlet_field),
      window_(window),
      lateness_(lateness),
      late_(late) {}

  /// How long after its end a window is still updated; each update emits its full new value.
  /// Without it: not at all.
  auto lateness(allowed_lateness l) const {
    detail::expect_setting(detail::is_span(l.by),
                           "lateness(): it cannot be less than nothing, nor more than 2^53 ms");
    return windowed_stream{up_, key_of_, inlet_field_, window_, l, late_};
  }

  /// Records of a window that can no longer be updated go to this outlet. Without it they are
  /// counted and dropped.
  template <class Port>
  auto late_to(const Port& port) const {
    if constexpr (!check::outlet_type<T, Port>::ok)
      return broken{};
    else
      return windowed_stream<T, Key, KeyFn, Stream, typename Port::record_type>{
          up_, key_of_, inlet_field_, window_, lateness_, &port};
  }

  /// Like keyed_stream::fold(), with a state for each key and window. Gives windowed<Key, State>
  /// when the watermark passes the window's end, and again for each later record within the
  /// lateness.
  template <class State, class F>
  auto fold(const state<State>& s, F f) const {
    if constexpr (!check::durable<State>::ok) {
      return broken{};
    } else if constexpr (!check::fold<F, State, T>::ok) {
      return broken{};
    } else {
      auto fn = detail::in_place<F, State, T>(std::move(f));
      using stage = detail::window_fold_stage<KeyFn, Key, State, decltype(fn), T, Late>;
      return detail::then_by_key<T, windowed<Key, State>>(
          up_, key_of_, inlet_field_,
          stage{key_of_, window_, lateness_, late_, {&s, s.name()}, s.initial(), std::move(fn)});
    }
  }

private:
  Stream up_;
  KeyFn key_of_;
  std::string_view inlet_field_;
  tumbling window_;
  allowed_lateness lateness_;
  const outlet<Late>* late_;
};

// -- sources --------------------------------------------------------------------------------------

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
  detail::expect_setting(s != nullptr, "from(): there is no source behind this pointer");
  return stream<T, errors<>, detail::author_source<T>>{{std::move(s)}};
}

}  // namespace cloudflow
