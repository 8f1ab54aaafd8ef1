/// The errors that a stream may still raise, as a list of types.
#pragma once

#include "cloudflow/base/result.hpp"

#include <concepts>
#include <type_traits>

namespace cloudflow {

/// The error types a stream may still raise.
template <class... E>
struct errors {};

namespace detail {

template <class Set, class E>
struct insert;
template <class... Es, class E>
struct insert<errors<Es...>, E>
  : std::conditional<(std::same_as<Es, E> || ...), errors<Es...>, errors<Es..., E>> {};

/// What a function's return type means for a stream: its records, and the errors it adds.
template <class R>
struct outcome {
  using value = R;
  template <class Set>
  using add_to = Set;
};
template <class T, class E>
struct outcome<result<T, E>> {
  using value = T;
  template <class Set>
  using add_to = typename insert<Set, E>::type;
};

template <class Set, class E, class Out = errors<>>
struct remove {
  using type = Out;
};
template <class H, class... T, class E, class... Out>
struct remove<errors<H, T...>, E, errors<Out...>>
  : std::conditional_t<std::same_as<H, E>, remove<errors<T...>, E, errors<Out...>>,
                       remove<errors<T...>, E, errors<Out..., H>>> {};

template <class Set, class E>
inline constexpr bool contains = false;
template <class... Es, class E>
inline constexpr bool contains<errors<Es...>, E> = (std::same_as<Es, E> || ...);

}  // namespace detail
}  // namespace cloudflow
