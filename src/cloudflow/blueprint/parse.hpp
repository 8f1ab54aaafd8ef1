/// From the text of a blueprint to what it says, with the place of every word.
#pragma once

#include "cloudflow/blueprint/problem.hpp"
#include "cloudflow/config/value.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::blueprint {

struct located_text {
  std::string text;
  config::origin where;
};

/// `name = class`.
struct streamlet_ref {
  located_text name;
  located_text class_name;
  /// False if it is defined twice or its class cannot be read. That has been reported; nothing that
  /// may follow from it is.
  bool is_certain = true;
};

/// A list of ports under a key that is nearly `producers` or `consumers`.
struct misspelt_list {
  located_text key;
  std::string meant;
  std::vector<located_text> paths;
};

struct topic_ref {
  located_text id;
  located_text name = {};  ///< `topic.name`, or the id
  std::vector<located_text> producers = {}, consumers = {};
  std::vector<misspelt_list> misspelt = {};
  std::optional<located_text> cluster = {};
  /// An object: everything else. `partitions` and `replicas` stand at its top, also if they were
  /// written in `topic`.
  config::value kafka_config = {};
};

/// What a blueprint says, in its order. A value type.
struct model {
  std::string source;  ///< the file's name
  std::string text;    ///< its contents, for excerpts
  /// False if there is nothing to verify: no HOCON, or no streamlets section.
  bool is_readable = false;
  std::vector<streamlet_ref> streamlets;
  std::vector<topic_ref> topics;
  /// Ports that stand where they have no effect: in a value that another one replaces or that
  /// cannot be read.
  std::vector<std::string> ineffective_paths;
};

struct parsed_blueprint {
  model blueprint;
  std::vector<problem> problems;
};

/// Parses HOCON, resolves its substitutions (also against the process's environment) and reads the
/// sections of a blueprint. Problems found here: `missing_streamlets_section`,
/// `blueprint_format_error` (one per place; what can be read is read all the same),
/// `duplicate_key`, `unknown_key`, `invalid_partition_count`. Not sorted, without excerpts.
parsed_blueprint parse(std::string_view text, std::string source);

}  // namespace cloudflow::blueprint
