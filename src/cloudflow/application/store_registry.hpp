/// What a state store is, recorded in the log itself, so that state is never read as something that
/// it is not.
#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/pubsub/backend.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace cloudflow::app {

/// What a program takes a store for. Schemas are compared as text: give their canonical form.
struct store_spec {
  std::string name;  ///< full name: `<streamlet>.<state>`
  std::string key_schema;
  std::string value_schema;
  std::string window;  ///< for example `tumbling 2m`; empty: none
  std::int32_t partitions = 1;

  bool operator==(const store_spec&) const = default;
};

/// A store as it is recorded. A value in it may have been written with any of these schemas: who
/// writes one says with which (the number is small enough for a byte in front of the value).
struct registered_store {
  store_spec spec;
  std::vector<std::string> value_schemas;  ///< in the order of their first use
  std::size_t current = 0;                 ///< the index of `spec.value_schema`

  bool operator==(const registered_store&) const = default;
};

/// Whether values written with `writer` can be read with `reader`; the error is the reason why not.
using can_read = std::function<result<void>(const std::string& writer, const std::string& reader)>;

/// Records a store that is new, or compares what is recorded with what is wanted: equal; or with
/// another value schema that can read the values of all earlier ones, and is then recorded beside
/// them. Durable when it returns. `writer` commits the record, and must not be in the middle of a
/// transaction.
///
/// Errors: anything else that differs (key schema, window, partitions, a schema that cannot read),
/// with each difference and the two ways on: reset_store(), or another name. Whatever the log says.
result<registered_store> open_store(const pubsub::backend& log, pubsub::producer& writer,
                                    const store_spec& wanted, const can_read& check);

/// What is recorded; empty when there is no such store.
result<std::optional<registered_store>> find_store(const pubsub::backend& log,
                                                   std::string_view name);

/// Forgets a store and everything in it, whether it is recorded or not, and also when what is
/// recorded is not understood: as many partitions as are recorded, `partitions` at least. Not
/// atomic when there is much in it: begun, it has to be run to its end, and can be run again.
result<void> reset_store(const pubsub::backend& log, pubsub::producer& writer,
                         std::string_view name, std::int32_t partitions);

}  // namespace cloudflow::app
