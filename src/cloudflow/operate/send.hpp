#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/pubsub/backend.hpp"
#include "cloudflow/pubsub/durable_names.hpp"

#include <optional>
#include <string>
#include <vector>

namespace cloudflow::operate {

struct send_request {
  std::string topic;
  std::optional<std::string> key;        ///< of all records; it decides the partition
  std::vector<std::string> values_json;  ///< in the topic's schema
};

/// Appends all values in one transaction, or none. `names`: of the application. Errors: a value
/// that the schema does not take, with its number; what the log says.
result<void> send(pubsub::backend& log, const pubsub::durable_names& names,
                  const send_request& request);

}  // namespace cloudflow::operate
