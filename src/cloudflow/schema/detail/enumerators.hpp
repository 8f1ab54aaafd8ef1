/// Names of an enum's values, as they stand in the source.
#pragma once

#include <cstddef>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

// The compiler writes a value that it gets as a template argument by its name, and one without a
// name as a cast: `app::level::high`, `(app::level)7`.
namespace cloudflow::schema::detail {

template <auto Value>
consteval std::string_view enumerator_path() {
  constexpr std::string_view text = __PRETTY_FUNCTION__;
  constexpr std::string_view start = "Value = ";
  constexpr auto rest = text.substr(text.find(start) + start.size());
  return rest.substr(0, rest.find_first_of(";]"));
}

#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wenum-constexpr-conversion"
#endif
/// The name of the enumerator with this value; empty: there is none.
template <class Enum, std::size_t Value>
consteval std::string_view enumerator_name() {
  constexpr auto path = enumerator_path<static_cast<Enum>(Value)>();
  const auto separator = path.rfind(':'), cast = path.rfind(')');
  constexpr auto none = std::string_view::npos;
  if (cast != none && (separator == none || separator < cast)) return {};
  return separator == none ? path : path.substr(separator + 1);
}
#ifdef __clang__
#pragma clang diagnostic pop
#endif

/// Enumerators that are looked for: those of an enum with more are numbers.
inline constexpr std::size_t most_enumerators = 256;

template <class Enum, std::size_t Known = 0>
consteval std::size_t count_enumerators() {
  constexpr auto largest = std::numeric_limits<std::underlying_type_t<Enum>>::max();
  if constexpr (Known == most_enumerators || std::cmp_greater(Known, +largest))
    return Known;
  else if constexpr (enumerator_name<Enum, Known>().empty())
    return Known;
  else
    return count_enumerators<Enum, Known + 1>();
}

/// How many values, from 0 on, have a name each.
template <class Enum>
inline constexpr std::size_t enumerators = count_enumerators<Enum>();

}  // namespace cloudflow::schema::detail
