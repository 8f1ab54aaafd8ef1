/// How HOCON puts values over each other and side by side. Internal to config.
#pragma once

#include "cloudflow/config/node.hpp"

#include <cstddef>
#include <optional>
#include <variant>
#include <vector>

namespace cloudflow::config::detail {

/// `upper` where both have a value: objects merge field by field, everything else is replaced. As
/// long as a substitution decides what a value is, both are kept as a stack.
node_ptr over(const node_ptr& upper, const node_ptr& lower);

/// One value over another of which it is not known whether they merge: a reference, a
/// concatenation, a stack.
bool is_unmergeable(const node& n);

/// Two neighbours in a concatenation that have nothing in common: a list beside text.
struct mismatch {
  node_ptr left, right;
};

problem not_joinable(const node& left, const node& right);

/// Bytes and items that concatenation may still make; stops text that doubles with every
/// substitution.
struct allowance {
  std::size_t left = 16UL << 20U;
  /// False once it is used up.
  bool spend(std::size_t amount) noexcept;
};

/// Values side by side: text grows, lists grow, objects merge. What is not known yet stays side by
/// side with the rest. No piece: a null pointer.
std::variant<node_ptr, mismatch> concatenate(const std::vector<node_ptr>& pieces, allowance& room);

}  // namespace cloudflow::config::detail
