/// What of a streamlet's state is committed.
#pragma once

#include "cloudflow/base/try_again.hpp"
#include "cloudflow/state/stored_values.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace cloudflow::stores {

/// A streamlet's durable state as of the last commit. Throws `storage_failure` when it cannot be
/// read.
class store_reader {
public:
  virtual ~store_reader() = default;
  virtual std::optional<std::string> find(std::size_t store, std::string_view key) const = 0;
  /// In the order of the keys' bytes; `f` returns false to stop, its arguments are valid during the
  /// call.
  virtual void scan(
      std::size_t store, std::string_view prefix,
      const std::function<bool(std::string_view key, std::string_view value)>& f) const = 0;
  /// How the values of a store are written. Valid as long as the reader.
  virtual const stored_values& values_of(std::size_t /*store*/) const { return one_schema_; }

private:
  stored_values one_schema_;
};

/// State could not be read.
struct storage_failure : try_again {
  using try_again::try_again;
};

}  // namespace cloudflow::stores
