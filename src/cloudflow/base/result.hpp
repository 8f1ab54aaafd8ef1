#pragma once

#include "cloudflow/base/assert.hpp"
#include "cloudflow/base/error.hpp"

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>
#include <variant>

namespace cloudflow {

/// A value, or the reason why there is none. Converts implicitly from both, so that a function can
/// `return value;` and `return error{...};`.
///
/// A value type. Reading the side that is not there is a bug and aborts; look with `has_value()`
/// first.
template <class T, class E = error>
class [[nodiscard]] result {
  static_assert(!std::same_as<T, E>, "A result needs different types for value and error");

public:
  using value_type = T;
  using error_type = E;

  template <class U = T>
    requires(std::constructible_from<T, U> && std::convertible_to<U, T> &&
             !std::same_as<std::remove_cvref_t<U>, result> &&
             !std::same_as<std::remove_cvref_t<U>, E>)
  result(U&& value) : held_(std::in_place_index<0>, std::forward<U>(value)) {}
  result(E failure) : held_(std::in_place_index<1>, std::move(failure)) {}

  bool has_value() const noexcept { return held_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  T& value() & { return *checked<0>(held_); }
  const T& value() const& { return *checked<0>(held_); }
  /// By value, so that `for (auto& x : f().value())` does not dangle.
  T value() && { return std::move(*checked<0>(held_)); }
  E& error() & { return *checked<1>(held_); }
  const E& error() const& { return *checked<1>(held_); }
  E error() && { return std::move(*checked<1>(held_)); }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  T value_or(T other) const& { return has_value() ? value() : std::move(other); }

  /// `f(T)` on a value; an error passes through.
  template <class F>
  auto map(F&& f) && -> result<std::invoke_result_t<F, T>, E> {
    if (!has_value()) return std::move(*this).error();
    return std::invoke(std::forward<F>(f), std::move(*this).value());
  }
  /// `f(T)` that itself returns a result with the same error type.
  template <class F>
  auto and_then(F&& f) && -> std::invoke_result_t<F, T> {
    if (!has_value()) return std::move(*this).error();
    return std::invoke(std::forward<F>(f), std::move(*this).value());
  }

  /// Drops the outcome on purpose; `reason` is for the reader.
  void ignore([[maybe_unused]] const char* reason) const noexcept {}

private:
  template <std::size_t I, class V>
  static auto* checked(V& held) {
    auto* p = std::get_if<I>(&held);
    CLOUDFLOW_ASSERT(p != nullptr, I == 0 ? "value() of a result that is an error"
                                          : "error() of a result that is a value");
    return p;
  }
  std::variant<T, E> held_;
};

/// Success, or the reason why not.
template <class E>
class [[nodiscard]] result<void, E> {
public:
  using value_type = void;
  using error_type = E;

  result() = default;
  result(E failure) : held_(std::in_place_index<1>, std::move(failure)) {}

  bool has_value() const noexcept { return held_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }
  /// So that CLOUDFLOW_TRY need not tell it from other results.
  void value() const noexcept { CLOUDFLOW_DEBUG_ASSERT(has_value(), "value() of an error"); }
  const E& error() const& { return *checked(held_); }
  E error() && { return std::move(*checked(held_)); }
  void ignore([[maybe_unused]] const char* reason) const noexcept {}

private:
  template <class V>
  static auto* checked(V& held) {
    auto* p = std::get_if<1>(&held);
    CLOUDFLOW_ASSERT(p != nullptr, "error() of a result that is a success");
    return p;
  }
  std::variant<std::monostate, E> held_;
};

template <class T>
inline constexpr bool is_result = false;
template <class T, class E>
inline constexpr bool is_result<result<T, E>> = true;

}  // namespace cloudflow

/// The value of a result. Of an error it leaves the function around it, which returns the error:
///
///     const auto plan = CLOUDFLOW_TRY(make_plan(files));
///     CLOUDFLOW_TRY(check(plan));
///
/// That function's result has the same type of error, or one that it converts to. To be used alone
/// in a statement: what else a statement has made by then would not be destroyed. What is to be
/// held, such as a lock, needs a name. A macro, since no function returns for its caller; the
/// statement in an expression is GCC's, and Clang's.
#define CLOUDFLOW_TRY(...)                                                     \
  __extension__({                                                              \
    auto&& cloudflow_tried = (__VA_ARGS__);                                    \
    if (!cloudflow_tried) [[unlikely]]                                         \
      return std::forward<decltype(cloudflow_tried)>(cloudflow_tried).error(); \
    std::forward<decltype(cloudflow_tried)>(cloudflow_tried).value();          \
  })
