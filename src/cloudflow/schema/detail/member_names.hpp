/// Names of an aggregate's members, as they stand in the source.
#pragma once

#include <boost/pfr/core.hpp>

#include <cstddef>
#include <string_view>

// The compiler writes an address that it gets as a template argument as the path of the member:
// `(& member_owner<app::counts>. ... ::messages)`. Boost.PFR has this from 1.84 on.
namespace cloudflow::schema::detail {

/// Declared and never defined: only addresses of its members are used, and only while compiling.
template <class T>
struct member_owner {
  T value;
};
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif
template <class T>
extern const member_owner<T> some_owner;
#ifdef __clang__
#pragma clang diagnostic pop
#endif

/// clang 16 takes the address of a member as a template argument only inside of a class.
template <class Pointer>
struct member_address {
  Pointer at;
};

template <auto Address>
consteval std::string_view member_path() {
  return __PRETTY_FUNCTION__;
}

/// The name of member `I` of the aggregate `T`.
template <class T, std::size_t I>
consteval std::string_view member_name() {
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
  constexpr auto text =
      member_path<member_address<decltype(&boost::pfr::get<I>(some_owner<T>.value))>{
          &boost::pfr::get<I>(some_owner<T>.value)}>();
#pragma clang diagnostic pop
  constexpr auto end = text.rfind('}');
#else
  constexpr auto text = member_path<&boost::pfr::get<I>(some_owner<T>.value)>();
  constexpr auto end = text.rfind(')');
#endif
  constexpr auto path = text.substr(0, end);
  return path.substr(path.find_last_of(":.") + 1);
}

}  // namespace cloudflow::schema::detail
