/// Keys: what can be one, its text, its hash, and how a key that borrows is compared with one that
/// owns.
///
/// A key is text, a whole number, bool, an enum, a time, or several of these: a pair, a tuple, or a
/// plain struct, with optionals among them. The text form, which says to which partition a record
/// goes and which outlets write as the record's key:
///
///     text     as it is
///     numbers  in decimal; `true` and `false`
///     enums    by name; a number where the value has none
///     times    and durations as their count (a cloudflow::timestamp: milliseconds since 1970)
///     several  their texts joined by `|`; in a text of theirs `\` is `\\` and `|` is `\|`;
///              nothing in an optional is `\-`
///
/// So two different keys of one type never have one text.
#pragma once

#include "cloudflow/base/bytes.hpp"
#include "cloudflow/base/time.hpp"
#include "cloudflow/schema/codec.hpp"
#include "cloudflow/schema/detail/enumerators.hpp"

// No library. NOLINTNEXTLINE(readability-identifier-naming): xxHash calls it so
#define XXH_INLINE_ALL
#include <boost/pfr/core.hpp>
#include <xxhash.h>

#include <array>
#include <charconv>
#include <chrono>
#include <concepts>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace cloudflow::detail {

// -- what a key is made of ------------------------------------------------------------------------

template <class T>
concept text_like = std::convertible_to<const T&, std::string_view>;
template <class T>
concept point_in_time = requires(const T& t) { t.time_since_epoch().count(); };
template <class T>
concept time_span = requires(const T& t) {
  t.count();
  typename T::period;
};
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
concept tuple_like = requires { std::tuple_size<T>::value; };
/// Text, time and containers are classes too; what can be gone through is none.
template <class T>
concept plain_struct = std::is_class_v<T> && std::is_aggregate_v<T> && !tuple_like<T> &&
                       !text_like<T> && !std::is_empty_v<T> && !requires(const T& t) { t.begin(); };
template <class T>
concept composite = tuple_like<T> || plain_struct<T>;

template <class T>
consteval std::size_t part_count() {
  if constexpr (tuple_like<T>)
    return std::tuple_size_v<T>;
  else
    return boost::pfr::tuple_size_v<T>;
}
template <std::size_t I, class T>
const auto& part_of(const T& key) noexcept {
  if constexpr (tuple_like<T>)
    return std::get<I>(key);
  else
    return boost::pfr::get<I>(key);
}
/// `f(part)` for each part, in order.
template <class T, class F>
void for_each_part(const T& key, F f) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (f(part_of<I>(key)), ...);
  }(std::make_index_sequence<part_count<T>()>{});
}

template <class T>
consteval bool is_key(bool may_be_real);
template <class T, std::size_t... I>
consteval bool parts_are_keys(std::index_sequence<I...>, bool may_be_real) {
  return (
      is_key<std::remove_cvref_t<decltype(part_of<I>(std::declval<const T&>()))>>(may_be_real) &&
      ...);
}
template <class T>
consteval bool is_key(bool may_be_real) {
  if constexpr (text_like<T> || std::integral<T> || std::is_enum_v<T> || point_in_time<T>)
    return true;
  else if constexpr (std::floating_point<T>)
    return may_be_real;
  else if constexpr (time_span<T>)
    return std::integral<typename T::rep> || may_be_real;
  else if constexpr (is_optional<T>)  // of one in another there would be two that are written alike
    return !is_optional<typename T::value_type> && is_key<typename T::value_type>(may_be_real);
  else if constexpr (composite<T>)
    return parts_are_keys<T>(std::make_index_sequence<part_count<T>()>{}, may_be_real);
  else
    return false;
}

/// What key_text() can write.
template <class T>
concept has_key_text = is_key<T>(true);
/// What state can be kept by: no real number, of which equal ones may differ, and NaN is never
/// equal.
template <class T>
concept key_type = is_key<T>(false);

// -- text -----------------------------------------------------------------------------------------

template <class E>
constexpr auto enumerator_names = []<std::size_t... I>(std::index_sequence<I...>) {
  return std::array<std::string_view, sizeof...(I)>{schema::detail::enumerator_name<E, I>()...};
}(std::make_index_sequence<schema::detail::enumerators<E>>{});

/// By its symbol in the schema where it comes from one.
template <class E>
std::string_view enum_text(E value) {
  if constexpr (requires {
                  { to_text(value) } -> std::convertible_to<std::string_view>;
                }) {
    return to_text(value);
  } else {
    const auto number = static_cast<std::underlying_type_t<E>>(value);
    const auto& names = enumerator_names<E>;
    return std::cmp_greater_equal(+number, 0) && std::cmp_less(+number, names.size())
               ? names[static_cast<std::size_t>(number)]
               : std::string_view{};
  }
}

template <class Number>
void put_number(Number number, byte_writer& to) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  to.put_raw(digits, static_cast<std::size_t>(end - digits));
}

inline void put_escaped(std::string_view text, byte_writer& to) {
  for (const char c : text) {
    if (c == '\\' || c == '|') to.put_raw("\\");
    to.put_raw(&c, 1);
  }
}

/// Appends the text of a key, or of a part of one.
template <has_key_text Key>
void put_key_text(const Key& key, byte_writer& to, bool is_part) {
  if constexpr (text_like<Key>) {
    const std::string_view text = key;
    is_part ? put_escaped(text, to) : to.put_raw(text);
  } else if constexpr (std::same_as<Key, bool>) {
    to.put_raw(key ? std::string_view{"true"} : std::string_view{"false"});
  } else if constexpr (std::is_arithmetic_v<Key>) {
    put_number(key, to);
  } else if constexpr (std::is_enum_v<Key>) {
    if (const auto text = enum_text(key); !text.empty())
      to.put_raw(text);
    else
      put_number(+static_cast<std::underlying_type_t<Key>>(key), to);
  } else if constexpr (point_in_time<Key>) {
    put_number(key.time_since_epoch().count(), to);
  } else if constexpr (time_span<Key>) {
    put_number(key.count(), to);
  } else if constexpr (is_optional<Key>) {
    key ? put_key_text(*key, to, true) : to.put_raw("\\-");
  } else {
    bool is_first = true;
    for_each_part(key, [&](const auto& part) {
      if (!std::exchange(is_first, false)) to.put_raw("|");
      put_key_text(part, to, true);
    });
  }
}

/// Empty is not null: no key is another thing than one that is empty.
inline std::string_view not_null(std::string_view text) noexcept {
  return text.data() == nullptr ? std::string_view{""} : text;
}

/// The text form of a key; borrows from it or from `space`. Never null.
template <has_key_text Key>
std::string_view key_text(const Key& key, byte_writer& space) {
  if constexpr (text_like<Key>) {
    return not_null(key);
  } else {
    put_key_text(key, space, false);
    return not_null(space.view());
  }
}

// -- in memory ------------------------------------------------------------------------------------

/// The key that a store keeps for `Key`, which may borrow.
template <class Key>
struct owned_key {
  using type = owned_of<Key>;
};
template <class A, class B>
struct owned_key<std::pair<A, B>> {
  using type = std::pair<typename owned_key<A>::type, typename owned_key<B>::type>;
};
template <class... Part>
struct owned_key<std::tuple<Part...>> {
  using type = std::tuple<typename owned_key<Part>::type...>;
};
template <class Part>
struct owned_key<std::optional<Part>> {
  using type = std::optional<typename owned_key<Part>::type>;
};
template <class Key>
using owned_key_of = typename owned_key<std::remove_cvref_t<Key>>::type;

/// Makes `to` the key; keeps the memory that it has where it can.
template <class Owned, class Key>
void assign_key(Owned& to, const Key& key) {
  if constexpr (std::is_assignable_v<Owned&, const Key&>)
    to = key;
  else
    to = to_owned(key);
}

/// Hashes a key that owns and one that borrows alike: a key is copied when it is new, not per
/// record.
struct key_hash {
  using is_transparent = void;
  template <class K>
  std::size_t operator()(const K& k) const noexcept {
    if constexpr (text_like<K>) {
      const std::string_view text = k;
      return XXH3_64bits(text.data(), text.size());
    } else if constexpr (point_in_time<K>) {
      return std::hash<long long>{}(k.time_since_epoch().count());
    } else if constexpr (time_span<K>) {
      return std::hash<long long>{}(k.count());
    } else if constexpr (is_optional<K>) {
      return k ? (*this)(*k) : absent;
    } else if constexpr (composite<K>) {
      std::size_t all = 0;
      for_each_part(k, [&](const auto& part) {
        all ^= (*this)(part) + mix + (all << 6U) + (all >> 2U);  // as boost::hash_combine
      });
      return all;
    } else {
      return std::hash<K>{}(k);
    }
  }

private:
  static constexpr std::size_t absent = 0x5bd1e995, mix = 0x9e3779b97f4a7c15;
};

template <class A, class B>
bool key_equal(const A& a, const B& b) noexcept {
  if constexpr (text_like<A>) {
    return std::string_view{a} == std::string_view{b};
  } else if constexpr (is_optional<A>) {
    return a.has_value() == b.has_value() && (!a || key_equal(*a, *b));
  } else if constexpr (composite<A>) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return (key_equal(part_of<I>(a), part_of<I>(b)) && ...);
    }(std::make_index_sequence<part_count<A>()>{});
  } else {
    return a == b;
  }
}

}  // namespace cloudflow::detail
