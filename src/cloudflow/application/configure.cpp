#include "cloudflow/application/configure.hpp"

#include "cloudflow/blueprint/resolve.hpp"
#include "cloudflow/config/layers.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::app {

namespace {

std::string joined(const std::vector<config::problem>& problems) {
  std::string all;
  for (const auto& p : problems) all += config::to_string(p) + "\n";
  return all;
}

bool has_parameter(const blueprint::verified_streamlet& s, std::string_view key) {
  const auto& all = s.descriptor.config_parameters;
  return std::any_of(all.begin(), all.end(), [key](const auto& p) { return p.key == key; });
}

/// Values from the command line are text: quoted, so that HOCON takes them as they are.
std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string parameter_path(std::string_view streamlet, std::string_view key) {
  return fmt::format("cloudflow.streamlets.{}.config-parameters.{}", streamlet, key);
}

error unknown_key(std::string_view path, const blueprint::verified_blueprint& verified) {
  std::vector<std::string> known;
  for (const auto& s : verified.streamlets)
    for (const auto& p : s.descriptor.config_parameters) {
      known.push_back(p.key);
      known.push_back(s.name + "." + p.key);
    }
  const auto near = config::nearest(path, known);
  return error{
      fmt::format("{}=...: no streamlet of the blueprint has this parameter{}\n  write "
                  "parameter=value, streamlet.parameter=value "
                  "or a path that begins with cloudflow.\n",
                  path, near ? fmt::format("; did you mean {}?", *near) : "")};
}

/// `window=5m` becomes a value for every streamlet of the blueprint that has the parameter.
result<std::vector<std::string>> expand_assignments(const std::vector<std::string>& assignments,
                                                    const blueprint::verified_blueprint& verified) {
  std::vector<std::string> expanded;
  for (const auto& a : assignments) {
    const auto equals = a.find('=');
    const auto path = a.substr(0, equals);
    if (path.starts_with("cloudflow.") || equals == a.npos) {
      expanded.push_back(a);
      continue;
    }
    const auto value = in_quotes(std::string_view{a}.substr(equals + 1));
    const auto before = expanded.size();
    for (const auto& s : verified.streamlets) {
      const auto key = path.starts_with(s.name + ".") ? path.substr(s.name.size() + 1) : path;
      if (has_parameter(s, key)) expanded.push_back(parameter_path(s.name, key) + "=" + value);
    }
    if (expanded.size() == before) return unknown_key(path, verified);
  }
  return expanded;
}

}  // namespace

result<configured_plan> configure(const application_info& application,
                                  std::span<const blueprint::streamlet_descriptor> descriptors,
                                  const configuration_arguments& arguments,
                                  const configure_options& options) {
  auto verified = blueprint::verify(application.blueprint_text,
                                    std::string{application.blueprint_file}, descriptors);
  if (!verified.is_valid()) return error{blueprint::to_string(verified.problems)};
  auto assignments = CLOUDFLOW_TRY(expand_assignments(arguments.assignments, verified.blueprint));
  if (!arguments.kafka.empty())
    assignments.insert(assignments.begin(), "cloudflow.kafka.clusters.default.bootstrap.servers=" +
                                                in_quotes(arguments.kafka));
  const auto layers = config::load_layers(arguments.files, assignments);
  if (!layers) return error{joined(layers.error())};
  const auto configuration = layers->resolve({.environment = config::process_environment});
  if (!configuration) return error{joined(configuration.error())};
  const auto app = blueprint::make_application(application.name, std::string{application.version},
                                               std::move(verified.blueprint));
  auto resolved = blueprint::resolve(
      app, *configuration,
      {.mount_root = options.mount_root, .needs_parameters = options.needs_parameters});
  if (!resolved.result) return error{blueprint::to_string(resolved.problems)};
  return configured_plan{
      std::move(*resolved.result), std::move(resolved.secrets),
      blueprint::to_string(verified.problems) + blueprint::to_string(resolved.problems)};
}

}  // namespace cloudflow::app
