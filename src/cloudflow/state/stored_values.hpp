/// Values in a store: each has the number of its schema in front, so that a program reads what one
/// with another schema wrote.
#pragma once

#include "cloudflow/base/bytes.hpp"

#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflow::stores {

/// The schemas that values of one store were written with, by number. Immutable; thread-safe.
class stored_values {
public:
  /// Appends a value of an earlier schema as one of the current schema; false: it cannot be.
  using conversion = std::function<bool(std::string_view value, byte_writer& to)>;

  /// A store that has known one schema.
  stored_values() : stored_values(0, {nullptr}) {}
  /// One conversion for each number; null: its values are as those of the current schema.
  stored_values(std::uint8_t current, std::vector<conversion> conversions)
    : current_(current), conversions_(std::move(conversions)) {}

  /// Goes in front of a value that is written now.
  void put_number(byte_writer& w) const { w.put_byte(current_); }
  /// What is stored, as a value of the current schema; borrows from it or from `space`, which is
  /// empty. Throws storage_failure: it has no number, one that is not known, or cannot be read.
  std::string_view read(std::string_view stored, byte_writer& space) const {
    return convert(number_of(stored), stored.substr(1), space);
  }
  /// The same where something else stands between the number and the value.
  std::string_view convert(std::uint8_t number, std::string_view value, byte_writer& space) const;
  /// Throws storage_failure for what is empty.
  static std::uint8_t number_of(std::string_view stored);

private:
  std::uint8_t current_;
  std::vector<conversion> conversions_;
};

}  // namespace cloudflow::stores
