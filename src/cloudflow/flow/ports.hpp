/// The typed ends of a stream: inlets, outlets, and the state between them. Members of a streamlet.
#pragma once

#include "cloudflow/schema/derived_codec.hpp"
#include "cloudflow/state/keys.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace cloudflow {

// Its name is the error message: a consteval constructor that calls it does not compile.
void a_port_name_is_lower_case_letters_digits_and_inner_hyphens();

/// Checked when the streamlet is compiled.
struct port_name {
  std::string_view text;
  consteval port_name(const char* s) : text(s) {
    const auto is_inner = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    bool is_valid = !text.empty() && is_inner(text.front()) && is_inner(text.back());
    for (const char c : text) is_valid = is_valid && (is_inner(c) || c == '-');
    if (!is_valid) a_port_name_is_lower_case_letters_digits_and_inner_hyphens();
  }
};

namespace check {
template <class T>
struct port_type {
  static constexpr bool ok = encodable<T> && !requires { codec<T>::is_derived; };
  static_assert(
      ok,
      "A port needs a record type that comes from a schema: add the schema to cloudflow_schemas(), "
      "or specialise cloudflow::codec<T>");
};
template <class Record, class PortRecord, class Member>
struct inlet_key {
  static constexpr bool is_member = std::same_as<Record, PortRecord>;
  static_assert(is_member,
                "keyed_by() of an inlet needs a member of its record type (both are named below)");
  static constexpr bool is_key = detail::key_type<Member>;
  static_assert(
      is_key,
      "keyed_by() needs a member that can be a key: text, a whole number, bool, an enum, a "
      "time, or a record of these (its type is named below)");
  static constexpr bool ok = is_member && is_key;
};
template <class Function, class Record>
struct outlet_key {
  static constexpr bool is_callable = std::is_invocable_v<Function&, const Record&>;
  static_assert(
      is_callable,
      "key() of an outlet needs a member of its record type, or a function that takes view_of<T> "
      "(both are named below)");
  static consteval bool gives_key() {
    if constexpr (is_callable)
      return detail::has_key_text<
          std::remove_cvref_t<std::invoke_result_t<Function&, const Record&>>>;
    else
      return true;
  }
  static_assert(gives_key(),
                "key() of an outlet needs a key that can be written as text: text, a number, bool, "
                "an enum, a time, or a pair, tuple or plain struct of these");
  static constexpr bool ok = is_callable && gives_key();
};
}  // namespace check

namespace detail {

/// `T` as the compiler writes it; turned into a blueprint's name (dots) by the library.
template <class T>
constexpr std::string_view raw_type_name() {
  std::string_view s = __PRETTY_FUNCTION__;
  s.remove_prefix(s.find("T = ") + 4);
  return s.substr(0, s.find_first_of(";]"));
}

/// view_of<T>; T itself where it has none, so that the port can say what is wrong with it.
template <class T>
struct port_view {
  using type = T;
};
template <encodable T>
struct port_view<T> {
  using type = view_of<T>;
};

/// A schema as its codec names it.
struct schema_ref {
  std::string_view name, text, format;
};
template <class T>
schema_ref schema_of() {
  if constexpr (encodable<T>)
    return {codec<T>::schema_name, codec<T>::schema_text, codec<T>::schema_format};
  else
    return {};
}

/// Lets `&log_message::app` be used where the records are views of log_message.
template <class Record, class F>
struct fitted {
  using type = F;
  static F apply(F f) { return f; }
};
template <class Record, class M, class C>
  requires(!std::is_function_v<M> && !std::same_as<C, Record> && std::same_as<owned_of<Record>, C>)
struct fitted<Record, M C::*> {
  static auto apply(M C::*m) { return codec<C>::member(m); }
  using type = decltype(codec<C>::member(std::declval<M C::*>()));
};
template <class Record, class F>
using fit = typename fitted<Record, F>::type;

/// The field that a member pointer names; empty for a function.
template <class F>
struct field_of {
  static std::string_view name(const F&) { return {}; }
};
template <class M, class C>
  requires(!std::is_function_v<M> && requires(M C::*m) { codec<C>::name_of(m); })
struct field_of<M C::*> {
  static std::string_view name(M C::*m) { return codec<C>::name_of(m); }
};

/// Throws std::invalid_argument: what an outlet has been given is no text.
[[noreturn]] void refuse_text(std::string_view outlet, const char* what);

struct port_base {
  std::string_view name_, type_;
  schema_ref schema_;
  std::string_view key_field_;
  std::string_view name() const noexcept { return name_; }
};
struct inlet_base : port_base {};
struct outlet_base : port_base {};
struct state_base : port_base {};

}  // namespace detail

/// How an outlet gets the key of a record.
template <class F>
struct key_function {
  F fn;
};
/// `key(&T::member)` or `key([](const view_of<T>& x) { ... })`, giving text, a number, bool, an
/// enum, a time, or a pair, tuple or plain struct of these. Its text form: keys.hpp.
template <class F>
key_function<F> key(F f) {
  return {std::move(f)};
}
/// What the records of an inlet must be keyed by: `keyed_by(&T::member)`. The blueprint's
/// verification compares it with the keys of the outlets that write to the topic.
template <class M, class T>
key_function<M T::*> keyed_by(M T::*member) {
  return {member};
}

/// A typed way in. Its identity is its address in the streamlet; not copyable, so that it cannot
/// lose it.
template <class T>
class inlet : public detail::inlet_base {
public:
  using record_type = T;
  using view = typename detail::port_view<T>::type;
  explicit inlet(port_name name)
    : inlet_base{{name.text, detail::raw_type_name<T>(), detail::schema_of<T>(), {}}} {
    (void)check::port_type<T>::ok;
  }
  template <class M, class Record>
  inlet(port_name name, key_function<M Record::*> k) : inlet(name) {
    if constexpr (check::port_type<T>::ok && check::inlet_key<Record, T, M>::ok) {
      key_field_ = codec<T>::name_of(k.fn);
      is_key_ = [member = codec<T>::member(k.fn)](std::string_view key, const view& x) {
        byte_writer space;
        return key == detail::key_text(x.*member, space);
      };
    }
  }
  inlet(const inlet&) = delete;
  inlet& operator=(const inlet&) = delete;

  /// Whether a record's key is the text of the declared field; true where no key is declared.
  bool has_key(std::string_view key, const view& x) const { return !is_key_ || is_key_(key, x); }
  bool is_keyed() const noexcept { return static_cast<bool>(is_key_); }

private:
  std::function<bool(std::string_view, const view&)> is_key_;
};

/// A typed way out, with the key of its records. Without key they go to one partition after the
/// other.
template <class T>
class outlet : public detail::outlet_base {
public:
  using record_type = T;
  using view = typename detail::port_view<T>::type;
  explicit outlet(port_name name)
    : outlet_base{{name.text, detail::raw_type_name<T>(), detail::schema_of<T>(), {}}} {
    (void)check::port_type<T>::ok;
  }
  template <class F>
  outlet(port_name name, key_function<F> k) : outlet(name) {
    if constexpr (check::port_type<T>::ok && check::outlet_key<detail::fit<view, F>, view>::ok) {
      key_field_ = detail::field_of<F>::name(k.fn);
      key_ = [f = detail::fitted<view, F>::apply(std::move(k.fn))](const view& x,
                                                                   byte_writer& space) {
        using part = std::remove_cvref_t<decltype(std::invoke(f, x))>;
        if constexpr (std::same_as<part, std::string>) {
          space.put_raw(std::invoke(f, x));
          return detail::not_null(space.view());
        } else {
          return detail::key_text(std::invoke(f, x), space);
        }
      };
    }
  }
  outlet(const outlet&) = delete;
  outlet& operator=(const outlet&) = delete;

  /// The record's key, null without key; borrows from `x` or `space`.
  std::string_view key_of(const view& x, byte_writer& space) const {
    return key_ ? key_(x, space) : std::string_view{};
  }

private:
  std::function<std::string_view(const view&, byte_writer&)> key_;
};

namespace check {
template <class State>
struct durable {
  static constexpr bool owns = owning<State>;
  static_assert(
      owns,
      "This state borrows data from the batch it came from (a view, string_view, span or pointer): "
      "state outlives the batch, so store owning types such as std::string");
  static constexpr bool has_codec = !owns || encodable<State>;
  static_assert(
      has_codec,
      "This state cannot be made durable: it is neither a plain value nor a type with a codec");
  static constexpr bool ok = owns && has_codec;
};
}  // namespace check

/// Durable state, one T per key, kept by one stage. A member, so that the descriptor lists it and a
/// diff of two versions can say what a new one breaks. The name is the identity of what is stored.
template <class T>
class state : public detail::state_base {
public:
  using value_type = T;
  explicit state(port_name name, T initial = {})
    : state_base{{name.text, detail::raw_type_name<T>(), schema(), {}}},
      initial_(std::move(initial)) {}
  state(const state&) = delete;
  state& operator=(const state&) = delete;
  const T& initial() const noexcept { return initial_; }

private:
  static detail::schema_ref schema() {
    if constexpr (check::durable<T>::ok)
      return detail::schema_of<T>();
    else
      return {};
  }
  T initial_;
};

}  // namespace cloudflow
