#pragma once

#include "cloudflow/pubsub/backend.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::runtime {

/// Turns the records of one topic into the schema of one inlet (DESIGN: data is read from its
/// writer's schema into the reader's). Where both are the same nothing is looked at and nothing
/// copied.
///
/// Immutable but for a cache of compiled resolutions under a lock that is taken once per batch that
/// needs it.
class schema_reader {
public:
  /// Space for what had to be converted; reused. The records of the last call borrow from it.
  struct scratch {
    byte_writer bytes;
    std::vector<record_view> records;
    std::vector<std::pair<std::size_t, std::string>> failures;  ///< index in the batch, why
  };

  /// `base` is the fingerprint of records without header. Errors: the base schema cannot be read as
  /// `reader_schema`, and `may_be_unreadable` is false: the topic holds records.
  static pubsub::result<schema_reader> open(pubsub::schema_store& schemas, const std::string& base,
                                            const std::string& reader_schema,
                                            bool may_be_unreadable = false);
  schema_reader(schema_reader&&) noexcept;
  schema_reader& operator=(schema_reader&&) noexcept;
  ~schema_reader();

  /// The batch in the reader's schema: itself, or records of `space` with the same keys, times and
  /// offsets. A record that cannot be converted is left out and listed in `space.failures`.
  std::span<const record_view> convert(std::span<const record_view> batch, scratch& space) const;

private:
  struct shared;
  explicit schema_reader(std::unique_ptr<shared> s);
  std::unique_ptr<shared> shared_;
};

}  // namespace cloudflow::runtime
