/// What the stream DSL and the ports need to know about a record type: its schema, how it is
/// encoded, what its borrowing view is, and whether it owns its data. Generated code specialises
/// `codec`; nothing here knows Avro.
#pragma once

#include "cloudflow/base/bytes.hpp"
#include "cloudflow/base/time.hpp"

#include <boost/pfr/core.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace cloudflow {

// -- owning ---------------------------------------------------------------------------------------

/// Specialise as `true` for a class of yours that refers to data it does not own and that is not an
/// aggregate.
template <class T>
inline constexpr bool borrows = false;

namespace detail {

template <class T>
consteval bool owns();

template <class V>
inline constexpr bool variant_owns = true;
template <class... A>
inline constexpr bool variant_owns<std::variant<A...>> = (owns<A>() && ...);
template <class T>
inline constexpr bool is_reference_wrapper = false;
template <class T>
inline constexpr bool is_reference_wrapper<std::reference_wrapper<T>> = true;

template <class T>
concept string_view_like = requires(T v) {
  v.data();
  v.substr(0);
} && !requires(T v) { v.push_back('x'); };
template <class T>
concept span_like = requires {
  typename T::element_type;
  T::extent;
};

template <class T, std::size_t... I>
consteval bool members_own(std::index_sequence<I...>) {
  return (owns<boost::pfr::tuple_element_t<I, T>>() && ...);
}
template <class T, std::size_t... I>
consteval bool elements_own(std::index_sequence<I...>) {
  return (owns<std::remove_cv_t<std::tuple_element_t<I, T>>>() && ...);
}

/// Looks into aggregates member by member, and into containers, optionals, pairs, tuples and
/// variants.
template <class T>
consteval bool owns() {
  if constexpr (std::is_pointer_v<T> || std::is_reference_v<T> || borrows<T> ||
                is_reference_wrapper<T>)
    return false;
  else if constexpr (!variant_owns<T>)
    return false;
  else if constexpr (std::is_array_v<T>)
    return owns<std::remove_all_extents_t<T>>();
  else if constexpr (requires { typename T::owner_type; })
    return false;  // a generated view
  else if constexpr (requires { typename T::view::owner_type; })
    return true;  // a generated struct; may contain its own kind
  else if constexpr (string_view_like<T> || span_like<T>)
    return false;
  else if constexpr (requires {
                       typename T::rep;
                       typename T::period;
                     })
    return true;  // a duration
  else if constexpr (requires { std::tuple_size<T>::value; })
    return elements_own<T>(std::make_index_sequence<std::tuple_size_v<T>>{});
  else if constexpr (requires { typename T::value_type; })
    return owns<typename T::value_type>();
  else if constexpr (std::is_aggregate_v<T> && !std::is_empty_v<T>)
    return members_own<T>(std::make_index_sequence<boost::pfr::tuple_size_v<T>>{});
  else
    return true;
}

}  // namespace detail

/// A type that stays valid after the batch it came from is gone.
template <class T>
concept owning = detail::owns<std::remove_cv_t<T>>();

// -- codec ----------------------------------------------------------------------------------------

/// Contract (generated for schema types, all members static):
///   `view`                        borrows from the payload; has `owner_type`; valid while the
///   batch lives `schema_name`                 full name of the schema `schema_text` compact text
///   of the schema `schema_format`               `avro` `fingerprint`                 SHA-256 of
///   the parsing canonical form, a string_view of 32 bytes `bool decode(std::string_view, view&)`
///   a complete payload, or false `void encode(const T& or view, byte_writer&)` `T own(const
///   view&)`          deep copy `view borrow(const T&)`       a view into an owning value `member(M
///   T::*)`              the view's member for a member of T, so that `&T::app` works on views
///   `name_of(M T::*)`             the field's name in the schema
template <class T>
struct codec;

template <class T>
concept encodable = requires {
  typename codec<T>::view;
  codec<T>::schema_text;
};

/// What an inlet of T hands to the pipeline: borrows from the batch, costs no allocation.
template <class T>
using view_of = typename codec<T>::view;

/// Text as a key or as state.
template <>
struct codec<std::string> {
  using view = std::string_view;
  static constexpr std::string_view schema_name = "string";
  static constexpr std::string_view schema_text = R"("string")";
  static constexpr std::string_view schema_format = "avro";
  static constexpr std::string_view fingerprint{
      "\351\345\301\311\344\366\047\163\071\321\274\336\007\063\245\233"
      "\324\057\207\061\364\111\332\155\301\060\020\251\026\223\015\110",
      32};
  static bool decode(std::string_view in, std::string_view& out) noexcept {
    byte_reader r{in};
    out = r.get_text();
    return r.complete();
  }
  static void encode(std::string_view v, byte_writer& out) { out.put_text(v); }
  static std::string own(std::string_view v) { return std::string{v}; }
  static std::string_view borrow(const std::string& v) noexcept { return v; }
};

namespace detail {
template <class T>
struct owned_form {
  using type = T;
};
template <>
struct owned_form<std::string_view> {
  using type = std::string;
};
template <class T>
  requires requires { typename T::owner_type; }
struct owned_form<T> {
  using type = typename T::owner_type;
};
}  // namespace detail

/// The owning counterpart: `std::string` of `std::string_view`, `T` of `view_of<T>`, otherwise the
/// type itself.
template <class T>
using owned_of = typename detail::owned_form<std::remove_cvref_t<T>>::type;

template <class T>
owned_of<T> to_owned(const T& v) {
  if constexpr (std::same_as<owned_of<T>, T>)
    return v;
  else
    return codec<owned_of<T>>::own(v);
}

/// `U` is `T` itself or its view: an outlet of T takes both.
template <class U, class T>
concept record_for = encodable<T> && (std::same_as<U, T> || std::same_as<U, view_of<T>>);

}  // namespace cloudflow
