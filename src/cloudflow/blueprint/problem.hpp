/// What is wrong with a blueprint, its streamlets or its configuration, for the person who wrote
/// it.
#pragma once

#include "cloudflow/config/value.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::blueprint {

/// The first group are the problems of Cloudflow 2.3, in the order in which it looked for them.
enum class problem_kind {
  missing_streamlets_section,
  blueprint_format_error,
  empty_streamlets,
  empty_streamlet_descriptors,
  unconnected_outlets,
  unconnected_inlets,
  port_bound_to_many_topics,
  invalid_inlet_name,
  invalid_outlet_name,
  invalid_config_parameter_key_name,
  duplicate_config_parameter_key_found,
  invalid_validation_pattern_config_parameter,
  invalid_default_value_in_config_parameter,
  invalid_volume_mount_name,
  backtracking_volume_mount_path,
  empty_volume_mount_path,
  non_absolute_volume_mount_path,
  duplicate_volume_mount_name,
  duplicate_volume_mount_path,
  invalid_streamlet_name,
  invalid_streamlet_class_name,
  ambiguous_streamlet_ref,
  streamlet_descriptor_not_found,
  invalid_topic_name,
  invalid_port_path,
  port_path_not_found,
  invalid_producer_port_path,
  invalid_consumer_port_path,
  invalid_kafka_cluster_name,
  incompatible_schema,

  // -- found by us alone ---
  duplicate_key,
  key_mismatch,
  invalid_partition_count,
  unknown_key,
  invalid_configuration,  ///< of `resolve`: a value, a name or a combination that cannot be
};

/// The name that 2.3 gives it (`PortPathNotFound`), its misspelling of
/// `BacktrackingVolumeMounthPath` included.
std::string_view to_string(problem_kind kind);

enum class severity { error, warning };

/// Another place that belongs to a problem.
struct note {
  config::origin where;
  std::string message;
};

/// A value type. `message` is the text of 2.3 where 2.3 knew the problem.
struct problem {
  problem_kind kind = problem_kind::blueprint_format_error;
  severity level = severity::error;
  std::string message;
  config::origin where;  ///< without a line where the fault is in no file: in a streamlet's class
  std::string excerpt = {};     ///< the line with a caret; may be empty
  std::string suggestion = {};  ///< what to write; may be empty
  std::vector<note> notes = {};
};

bool has_errors(std::span<const problem> problems);

/// As a compiler prints it, ending in a newline:
///
///     src/blueprint.conf:12:5: error: 'a.ot' does not point to a known streamlet inlet or outlet.
///         producers = [a.ot]
///                      ^
///       did you mean 'a.out'?
std::string to_string(const problem& p);
std::string to_string(std::span<const problem> problems);

/// By file, those without a line first, then by line and column; stable.
void sort_by_position(std::vector<problem>& problems);

/// Fills in the excerpts of the problems that point into `text`, the contents of `source`.
void add_excerpts(std::vector<problem>& problems, std::string_view text, std::string_view source);

/// `did you mean 'nearest'?`, or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);
/// `did you mean 'nearest'?`, or `there are: a, b, c` (at most eight, then how many more), or
/// nothing.
std::string suggest(std::string_view word, std::span<const std::string> candidates);

}  // namespace cloudflow::blueprint
