#pragma once

#include "cloudflow/pubsub/backend.hpp"
#include "cloudflow/sandbox/access.hpp"
#include "cloudflow/schema/avro_schema.hpp"

#include <map>
#include <string>

namespace cloudflow::sandbox {

/// Turns the records of one topic into text by the schemas of the log's schema store, and text into records. Confined
/// to one thread.
class record_text {
public:
  /// `log` outlives this; `base_schema` is the fingerprint of records without schema header.
  record_text(pubsub::backend& log, std::string base_schema, bool has_readable_times)
    : log_(&log), base_(std::move(base_schema)), has_readable_times_(has_readable_times) {}

  /// A value that its schema cannot read is shown as its bytes in hexadecimal; that is no error.
  result<shown_record> show(const record_view& r, std::int32_t partition);
  /// Plain JSON to the base schema's Avro. Errors name the field, what was expected and what was found.
  result<std::string> encode(const std::string& json);

private:
  /// Null when the log does not know the schema.
  result<const schema::avro_schema*> schema_of(const std::string& fingerprint_prefix);

  pubsub::backend* log_;
  std::string base_;
  bool has_readable_times_;
  std::map<std::string, schema::avro_schema> known_;
};

}  // namespace cloudflow::sandbox
