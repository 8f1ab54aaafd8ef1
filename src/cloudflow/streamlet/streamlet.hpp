/// What the author of a streamlet includes: ports, the stream DSL, parameters, mounts, context; and
/// what makes a definition of a plain struct.
#pragma once

#include "cloudflow/flow/stream.hpp"
#include "cloudflow/schema/detail/member_names.hpp"
#include "cloudflow/streamlet/context.hpp"
#include "cloudflow/streamlet/definition.hpp"

namespace cloudflow {

namespace detail {

/// What the author's logic() has thrown, whatever it was.
struct logic_failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// The exception that is being handled, as a logic_failure.
[[noreturn]] void throw_logic_failure();

/// A name that a member of a streamlet has given to something.
struct declared_name {
  std::string_view kind, name, member;
};

/// The part of a definition that does not depend on the streamlet's type: compiled once.
class definition_base : public streamlet_definition {
public:
  result<blueprint::streamlet_descriptor> describe() const final;
  flow::store_needs check(const streamlet_config& d) const final;
  std::unique_ptr<flow::operator_chain> start(const streamlet_config& d,
                                              flow::wiring::dependencies around) const final;

protected:
  explicit definition_base(std::string_view raw_name);
  void add(std::string_view member, const inlet_base& p);
  void add(std::string_view member, const outlet_base& p);
  void add(std::string_view member, const state_base& p);
  void add(std::string_view member, const parameter_base& p);
  void add(std::string_view member, const volume_mount& m);
  void add(std::string_view member, const server_port& p);
  template <class Constant>
  void add(std::string_view, const Constant&)
    requires(!std::derived_from<Constant, port_base> &&
             !std::derived_from<Constant, parameter_base>)
  {}  // a constant of the author's
  void set_class_name(std::string_view name);
  /// Called in a catch block: the streamlet has no members, because making them has thrown.
  void has_no_members();

private:
  /// The values of the parameters and mounts. Throws std::invalid_argument.
  context context_of(const streamlet_config& d) const;
  virtual std::unique_ptr<flow::operator_chain> bind(const context& ctx, flow::wiring& w) const = 0;

  std::vector<std::string> mistakes_of_declarations() const;
  struct attempt;
  attempt build_with_placeholders() const;
  blueprint::streamlet_descriptor described_with(const flow::store_needs& needs) const;

  blueprint::streamlet_descriptor described_;  // without what only building the logic tells
  std::vector<declared_name> names_;
  std::vector<const void*> inlets_, outlets_, states_;
  std::vector<const parameter_base*> parameters_;
  std::vector<const volume_mount*> mounts_;
  std::string no_members_because_;
};

template <class S, std::size_t... I>
std::tuple<std::type_identity<boost::pfr::tuple_element_t<I, S>>...> member_types(
    std::index_sequence<I...>);
template <class P, class... M>
consteval bool is_among(std::tuple<std::type_identity<M>...>*) {
  return (std::same_as<P, M> || ...);
}

template <class S>
auto call_logic(const S& s, const context& ctx) {
  if constexpr (requires { s.logic(ctx); })
    return s.logic(ctx);
  else
    return s.logic();
}
template <class S>
auto logic_of(const S& s, const context& ctx) {
  try {
    return call_logic(s, ctx);
  } catch (...) {
    throw_logic_failure();
  }
}
/// Converts to the bases of S and to nothing else: finds out whether there is one.
template <class S>
struct base_of {
  template <class B>
    requires(std::is_base_of_v<B, S> && !std::same_as<B, S>)
  operator B() const;
};
template <class T, class... Members>
consteval std::size_t count_of(std::tuple<std::type_identity<Members>...>*) {
  return (std::size_t{std::same_as<T, Members>} + ... + 0);
}
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
  static constexpr bool is_const = has_logic || !(
                                                    requires(S& s, const context& c) {
                                                      s.logic(c);
                                                    } || requires(S& s) { s.logic(); });
  static_assert(is_const,
                "logic() has to be const, because a streamlet is shared by all of its tasks: write "
                "`auto logic(const cloudflow::context&) const`");
  static_assert(has_logic || !is_const,
                "A streamlet needs `auto logic(const cloudflow::context&) const` or `auto logic() "
                "const` (if it has "
                "one, the error is above, in its body)");
  static constexpr bool ok = no_base && plain && has_logic;
};

template <class S>
using members_of =
    decltype(detail::member_types<S>(std::make_index_sequence<boost::pfr::tuple_size_v<S>>{}));

template <class S>
struct server {
  static constexpr bool ok =
      detail::count_of<server_port>(static_cast<members_of<S>*>(nullptr)) <= 1;
  static_assert(
      ok, "A streamlet declares its server twice: it has one `cloudflow::server_port` at most");
};

template <class S, class Port>
struct member_of {
  using members = members_of<S>;
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
    try {
      add_all(*(streamlet_ = std::unique_ptr<S>{new S{}}),
              std::make_index_sequence<boost::pfr::tuple_size_v<S>>{});
    } catch (...) {
      this->has_no_members();
    }
  }

private:
  template <std::size_t... I>
  void add_all(const S& s, std::index_sequence<I...>) {
    (this->add(schema::detail::member_name<S, I>(), boost::pfr::get<I>(s)), ...);
  }
  std::unique_ptr<flow::operator_chain> bind(const context& ctx, flow::wiring& w) const override {
    Pipelines pipelines{logic_of(*streamlet_, ctx)};
    return bind_all(pipelines, w, std::make_index_sequence<std::tuple_size_v<Pipelines>>{});
  }
  template <std::size_t... I>
  static auto bind_all(Pipelines& pipelines, flow::wiring& w, std::index_sequence<I...>) {
    return make_operator_chain(
        w.out(), std::tuple_cat(std::get<I>(pipelines).bind(end{&w.out().counted}, w)...));
  }
  std::unique_ptr<S> streamlet_;
};

}  // namespace detail

template <class S, class>
const streamlet_definition& definition_of() {
  if constexpr (check::streamlet<S>::ok) {
    using result =
        decltype(detail::logic_of(std::declval<const S&>(), std::declval<const context&>()));
    using pipelines = typename detail::as_tuple<result>::type;
    if constexpr (check::server<S>::ok && detail::is_usable<S>(static_cast<pipelines*>(nullptr))) {
      static const detail::definition<S, pipelines> d;
      return d;
    }
  }
  __builtin_unreachable();  // the checks have failed to compile
}

}  // namespace cloudflow
