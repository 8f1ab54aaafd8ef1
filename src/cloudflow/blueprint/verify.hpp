/// Whether a blueprint can run: names, classes, ports, schemas and keys, all problems in one go.
#pragma once

#include "cloudflow/blueprint/descriptor.hpp"
#include "cloudflow/blueprint/parse.hpp"
#include "cloudflow/blueprint/problem.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::blueprint {

struct verified_streamlet {
  std::string name;
  streamlet_descriptor descriptor;
};

struct verified_topic {
  std::string id;
  std::string name;                         ///< `topic.name`, or the id
  std::string cluster = {};                 ///< empty: the default one
  std::vector<std::string> producers = {};  ///< `streamlet.outlet`, sorted, each once
  std::vector<std::string> consumers = {};  ///< `streamlet.inlet`, sorted, each once
  config::value kafka_config = {};          ///< as in `topic_ref`
};

/// What can be relied on. Streamlets and topics in the order of the blueprint; topics without ports
/// are left out.
struct verified_blueprint {
  std::vector<verified_streamlet> streamlets;
  std::vector<verified_topic> topics;
};

struct verification {
  /// By position, with excerpts; empty or warnings only if the blueprint is valid.
  std::vector<problem> problems;
  /// To be relied on only if `is_valid()`.
  verified_blueprint blueprint;

  bool is_valid() const { return !has_errors(problems); }
};

/// Checks what `parse` has read against what the streamlet classes say about themselves. No problem
/// is reported that only follows from another one; docs/blueprint-differences.md says where that
/// differs from 2.3.
verification verify(parsed_blueprint parsed, std::span<const streamlet_descriptor> descriptors);

/// `parse`, then `verify`.
verification verify(std::string_view text, std::string source,
                    std::span<const streamlet_descriptor> descriptors);

}  // namespace cloudflow::blueprint
