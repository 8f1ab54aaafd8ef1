#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace cloudflow {

/// A number with a meaning: `struct offset_tag; using offset = strong<offset_tag, std::int64_t>;`.
/// Converts explicitly only, so that a partition is never passed for an offset.
template <class Tag, class Rep>
class strong {
public:
  using rep = Rep;

  constexpr strong() = default;
  constexpr explicit strong(Rep value) noexcept : value_(value) {}

  constexpr Rep value() const noexcept { return value_; }
  constexpr auto operator<=>(const strong&) const = default;

  constexpr strong& operator++() noexcept {
    ++value_;
    return *this;
  }
  /// A distance is a plain number: `offset + 3`, `last - first`.
  friend constexpr strong operator+(strong a, Rep n) noexcept {
    return strong{static_cast<Rep>(a.value_ + n)};
  }
  friend constexpr Rep operator-(strong a, strong b) noexcept {
    return static_cast<Rep>(a.value_ - b.value_);
  }

private:
  Rep value_{};
};

}  // namespace cloudflow

template <class Tag, class Rep>
struct std::hash<cloudflow::strong<Tag, Rep>> {
  std::size_t operator()(cloudflow::strong<Tag, Rep> x) const noexcept {
    return std::hash<Rep>{}(x.value());
  }
};
