#include "cloudflow/blueprint/problem.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace cloudflow::blueprint {
namespace {

std::string position(const config::origin& where) {
  if (!where.source) return "blueprint";
  return where.line > 0 ? config::to_string(where) : *where.source;
}

/// A message of several lines, as one: tools read a compiler's output by lines.
std::string on_one_line(std::string_view message) {
  std::string out;
  for (const auto c : message) {
    if (c == '\n') {
      out += ' ';
    } else if (c != ' ' || !out.ends_with(' ')) {
      out += c;
    }
  }
  return out;
}

std::string indented(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    out += fmt::format("  {}\n", text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace

std::string_view to_string(problem_kind kind) {
  switch (kind) {
    case problem_kind::missing_streamlets_section: return "MissingStreamletsSection";
    case problem_kind::blueprint_format_error: return "BlueprintFormatError";
    case problem_kind::empty_streamlets: return "EmptyStreamlets";
    case problem_kind::empty_streamlet_descriptors: return "EmptyStreamletDescriptors";
    case problem_kind::unconnected_outlets: return "UnconnectedOutlets";
    case problem_kind::unconnected_inlets: return "UnconnectedInlets";
    case problem_kind::port_bound_to_many_topics: return "PortBoundToManyTopics";
    case problem_kind::invalid_inlet_name: return "InvalidInletName";
    case problem_kind::invalid_outlet_name: return "InvalidOutletName";
    case problem_kind::invalid_config_parameter_key_name: return "InvalidConfigParameterKeyName";
    case problem_kind::duplicate_config_parameter_key_found:
      return "DuplicateConfigParameterKeyFound";
    case problem_kind::invalid_validation_pattern_config_parameter:
      return "InvalidValidationPatternConfigParameter";
    case problem_kind::invalid_default_value_in_config_parameter:
      return "InvalidDefaultValueInConfigParameter";
    case problem_kind::invalid_volume_mount_name: return "InvalidVolumeMountName";
    case problem_kind::backtracking_volume_mount_path: return "BacktrackingVolumeMounthPath";
    case problem_kind::empty_volume_mount_path: return "EmptyVolumeMountPath";
    case problem_kind::non_absolute_volume_mount_path: return "NonAbsoluteVolumeMountPath";
    case problem_kind::duplicate_volume_mount_name: return "DuplicateVolumeMountName";
    case problem_kind::duplicate_volume_mount_path: return "DuplicateVolumeMountPath";
    case problem_kind::invalid_streamlet_name: return "InvalidStreamletName";
    case problem_kind::invalid_streamlet_class_name: return "InvalidStreamletClassName";
    case problem_kind::ambiguous_streamlet_ref: return "AmbiguousStreamletRef";
    case problem_kind::streamlet_descriptor_not_found: return "StreamletDescriptorNotFound";
    case problem_kind::invalid_topic_name: return "InvalidTopicName";
    case problem_kind::invalid_port_path: return "InvalidPortPath";
    case problem_kind::port_path_not_found: return "PortPathNotFound";
    case problem_kind::invalid_producer_port_path: return "InvalidProducerPortPath";
    case problem_kind::invalid_consumer_port_path: return "InvalidConsumerPortPath";
    case problem_kind::invalid_kafka_cluster_name: return "InvalidKafkaClusterName";
    case problem_kind::incompatible_schema: return "IncompatibleSchema";
    case problem_kind::duplicate_key: return "DuplicateKey";
    case problem_kind::key_mismatch: return "KeyMismatch";
    case problem_kind::invalid_partition_count: return "InvalidPartitionCount";
    case problem_kind::unknown_key: return "UnknownKey";
    case problem_kind::invalid_configuration: return "InvalidConfiguration";
  }
  return "";
}

bool has_errors(std::span<const problem> problems) {
  return std::any_of(problems.begin(), problems.end(),
                     [](const problem& p) { return p.level == severity::error; });
}

std::string to_string(const problem& p) {
  auto out = fmt::format("{}: {}: {}\n", position(p.where),
                         p.level == severity::error ? "error" : "warning", on_one_line(p.message));
  if (!p.excerpt.empty()) {
    out += p.excerpt;
    if (!out.ends_with('\n')) out += '\n';
  }
  out += indented(p.suggestion);
  for (const auto& n : p.notes) out += fmt::format("{}: note: {}\n", position(n.where), n.message);
  return out;
}

std::string to_string(std::span<const problem> problems) {
  std::string out;
  for (const auto& p : problems) out += to_string(p);
  return out;
}

void sort_by_position(std::vector<problem>& problems) {
  const auto position_of = [](const problem& p) {
    return std::tuple{p.where.source ? std::string_view{*p.where.source} : std::string_view{},
                      p.where.line, p.where.column};
  };
  std::stable_sort(problems.begin(), problems.end(), [&](const problem& a, const problem& b) {
    return position_of(a) < position_of(b);
  });
}

void add_excerpts(std::vector<problem>& problems, std::string_view text, std::string_view source) {
  for (auto& p : problems)
    if (p.excerpt.empty() && p.where.line > 0 && p.where.source && *p.where.source == source)
      p.excerpt = config::excerpt(text, p.where);
}

std::string did_you_mean(std::string_view word, std::span<const std::string> candidates) {
  const auto near = config::nearest(word, candidates);
  return near ? fmt::format("did you mean '{}'?", *near) : "";
}

std::string suggest(std::string_view word, std::span<const std::string> candidates) {
  constexpr std::size_t most = 8;
  if (auto near = did_you_mean(word, candidates); !near.empty()) return near;
  if (candidates.empty()) return {};
  const auto shown = std::min(candidates.size(), most);
  auto out = fmt::format("there {} ", candidates.size() == 1 ? "is only" : "are");
  out += fmt::format(
      "{}",
      fmt::join(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  if (shown < candidates.size()) out += fmt::format(" and {} more", candidates.size() - shown);
  return out;
}

}  // namespace cloudflow::blueprint
