/// What the author of a streamlet includes: ports, the stream DSL, parameters, mounts, context; and what makes a
/// definition of a plain struct.
#pragma once

#include "cloudflow/flow/stream.hpp"
#include "cloudflow/streamlet/context.hpp"
#include "cloudflow/streamlet/definition.hpp"

namespace cloudflow {

namespace detail {

/// The part of a definition that does not depend on the streamlet's type: compiled once.
class definition_base : public streamlet_definition {
public:
  blueprint::streamlet_descriptor describe() const final;
  flow::store_needs check(const deployment& d) const final;
  std::unique_ptr<flow::program> start(const deployment& d,
                                       flow::wiring::surroundings around) const final;

protected:
  explicit definition_base(std::string_view raw_name);
  void add(const inlet_base& p);
  void add(const outlet_base& p);
  void add(const state_base& p);
  void add(const parameter_base& p);
  void add(const volume_mount& m);
  void add(const server_port& p);
  template <class Constant>
  void add(const Constant&)
    requires(!std::derived_from<Constant, port_base> &&
             !std::derived_from<Constant, parameter_base>)
  {}  // a constant of the author's
  void set_class_name(std::string_view name);

private:
  /// The values of the parameters and mounts. Throws std::invalid_argument.
  context context_of(const deployment& d) const;
  virtual std::unique_ptr<flow::program> bind(const context& ctx, flow::wiring& w) const = 0;

  blueprint::streamlet_descriptor described_;  // without what only building the logic tells
  std::vector<const void*> inlets_, outlets_, states_;
  std::vector<const parameter_base*> parameters_;
  std::vector<const volume_mount*> mounts_;
};

template <class S, std::size_t... I>
std::tuple<std::type_identity<boost::pfr::tuple_element_t<I, S>>...> member_types(
    std::index_sequence<I...>);
template <class P, class... M>
consteval bool is_among(std::tuple<std::type_identity<M>...>*) {
  return (std::same_as<P, M> || ...);
}

template <class S>
auto logic_of(const S& s, const context& ctx) {
  if constexpr (requires { s.logic(ctx); })
    return s.logic(ctx);
  else
    return s.logic();
}
/// Converts to the bases of S and to nothing else: finds out whether there is one.
template <class S>
struct base_of {
  template <class B>
    requires(std::is_base_of_v<B, S> && !std::same_as<B, S>)
  operator B() const;
};
template <class P>
struct as_tuple {
  using type = std::tuple<P>;
};
template <class... P>
struct as_tuple<std::tuple<P...>> {
  using type = std::tuple<P...>;
};

}  // namespace detail

namespace check {

template <class S>
struct streamlet {
  static constexpr bool no_base = !requires { S{detail::base_of<S>{}}; };
  static_assert(no_base,
                "A streamlet has no base class: its members are its ports, and what streamlets "
                "share is a function");
  static constexpr bool plain = std::is_aggregate_v<S>;
  static_assert(plain,
                "A streamlet is a plain struct: no constructors, no private data members, no "
                "virtual functions");
  static constexpr bool has_logic =
      requires(const S& s, const context& c) { s.logic(c); } || requires(const S& s) { s.logic(); };
  static_assert(has_logic,
                "A streamlet needs `auto logic(const cloudflow::context&) const` or `auto logic() "
                "const` (if it has "
                "one, the error is above, in its body)");
  static constexpr bool ok = no_base && plain && has_logic;
};

template <class S, class Port>
struct member_of {
  using members =
      decltype(detail::member_types<S>(std::make_index_sequence<boost::pfr::tuple_size_v<S>>{}));
  static constexpr bool ok = detail::is_among<Port>(static_cast<members*>(nullptr));
  static_assert(ok, "This streamlet uses a port of another: it has no member of the type Port");
};

template <class S, class Pipeline>
struct complete {
  static constexpr bool ok = false;
  static_assert(
      !std::same_as<Pipeline, Pipeline>,
      "logic() has to return a pipeline: from(inlet)...to(outlet), or a std::tuple of several");
};
template <class S, class T, class Key, class KeyFn, class Stream>
struct complete<S, keyed_stream<T, Key, KeyFn, Stream>> {
  static constexpr bool ok = false;
  static_assert(!std::same_as<T, T>,
                "logic() ends in key_by(): go on with window(), fold() or distinct(), and deliver "
                "the result with to()");
};
template <class S, class T, class Key, class KeyFn, class Stream, class Late>
struct complete<S, windowed_stream<T, Key, KeyFn, Stream, Late>> {
  static constexpr bool ok = false;
  static_assert(!std::same_as<T, T>,
                "logic() ends in window(): go on with fold(), and deliver the result with to()");
};
template <class S, class T, class Errors, class Source, class... Stages>
struct complete<S, stream<T, Errors, Source, Stages...>> {
  static constexpr bool delivered = std::same_as<T, nothing>;
  static_assert(delivered,
                "logic() ends in the middle: its last records go nowhere, so deliver them with "
                "to(outlet), split() "
                "or for_each()");
  static constexpr bool ok = delivered && errors_handled<Errors>::ok;
};
template <class S>
struct complete<S, broken> {
  static constexpr bool ok = false;
};

}  // namespace check

namespace detail {

template <class S, class... Port>
consteval bool all_members(std::tuple<Port...>*) {
  return (check::member_of<S, Port>::ok && ...);
}
template <class S, class... P>
consteval bool is_usable(std::tuple<P...>*) {
  if constexpr ((check::complete<S, P>::ok && ...))
    return (all_members<S>(static_cast<typename P::ports*>(nullptr)) && ...);
  else
    return false;
}

template <class S, class Pipelines>
class definition final : public definition_base {
public:
  definition() : definition_base(raw_type_name<S>()) {
    if constexpr (requires { S::class_name; }) this->set_class_name(S::class_name);
    boost::pfr::for_each_field(streamlet_, [this](const auto& member) { this->add(member); });
  }

private:
  std::unique_ptr<flow::program> bind(const context& ctx, flow::wiring& w) const override {
    Pipelines pipelines{logic_of(streamlet_, ctx)};
    return bind_all(pipelines, w, std::make_index_sequence<std::tuple_size_v<Pipelines>>{});
  }
  template <std::size_t... I>
  static auto bind_all(Pipelines& pipelines, flow::wiring& w, std::index_sequence<I...>) {
    return make_program(w.out(), std::tuple_cat(std::get<I>(pipelines).bind(end{}, w)...));
  }
  S streamlet_{};
};

}  // namespace detail

template <class S>
const streamlet_definition& definition_of() {
  if constexpr (check::streamlet<S>::ok) {
    using result =
        decltype(detail::logic_of(std::declval<const S&>(), std::declval<const context&>()));
    using pipelines = typename detail::as_tuple<result>::type;
    if constexpr (detail::is_usable<S>(static_cast<pipelines*>(nullptr))) {
      static const detail::definition<S, pipelines> d;
      return d;
    }
  }
  __builtin_unreachable();  // the checks have failed to compile
}

}  // namespace cloudflow
