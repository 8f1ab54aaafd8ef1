#pragma once

#include "cloudflow/base/record.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace cloudflow::operate {

/// A set of offsets of one partition, small where they are next to each other. A value type.
class offset_set {
public:
  /// `3-7,9`. None if it is anything else, or a range that ends before it begins.
  static std::optional<offset_set> parse(std::string_view text);

  void add(record_offset offset) { add(offset, offset); }
  /// Both ends belong to it. @pre first <= last
  void add(record_offset first, record_offset last);
  void add(const offset_set& other);
  bool has(record_offset offset) const;
  bool empty() const noexcept { return ranges_.empty(); }
  /// As parse() reads it.
  std::string text() const;

  bool operator==(const offset_set&) const = default;

private:
  std::map<record_offset, record_offset> ranges_;  // first -> last; apart from each other
};

}  // namespace cloudflow::operate
