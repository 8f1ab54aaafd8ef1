#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/pubsub/backend.hpp"
#include "cloudflow/schema/avro_schema.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cloudflow::operate {

/// A record as text.
struct shown_record {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  timestamp time;
  std::optional<std::string> key;
  std::string value_json;  ///< one line; null: a tombstone
  std::vector<std::pair<std::string, std::string>> headers;
};

/// Turns the records of one topic into text by the schemas of the log's schema store, and text into
/// records. Confined to one thread.
class record_text {
public:
  /// `log` outlives this; `base_schema` is the fingerprint (or the first bytes of it) of records
  /// without schema header. `has_readable_times`: ISO 8601 instead of the numbers that are stored.
  record_text(pubsub::backend& log, std::string base_schema, bool has_readable_times)
    : log_(&log), base_(std::move(base_schema)), has_readable_times_(has_readable_times) {}

  /// A value that its schema cannot read is shown as `{"text": ...}` when it is text, else as
  /// `{"hex": ...}`; that is no error. The schema's header is not shown.
  result<shown_record> show(const record_view& r, std::int32_t partition);
  /// One value as JSON, by the schema of that fingerprint, as above.
  result<std::string> show_value(std::string_view value, const std::string& schema);
  /// Plain JSON to the base schema's Avro. Errors name the field, what was expected and what was
  /// found.
  result<std::string> encode(const std::string& json);

private:
  /// Null when the log does not know the schema.
  result<const schema::avro_schema*> schema_of(const std::string& fingerprint_prefix);

  pubsub::backend* log_;
  std::string base_;
  bool has_readable_times_;
  std::map<std::string, schema::avro_schema> known_;
};

}  // namespace cloudflow::operate
