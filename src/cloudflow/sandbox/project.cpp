#include "cloudflow/sandbox/project.hpp"

#include "cloudflow/blueprint/resolve.hpp"
#include "cloudflow/config/layers.hpp"
#include "cloudflow/streamlet/context.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace cloudflow::sandbox {

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
std::string quoted(std::string_view text) {
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

/// The embedded log commits everything exactly once, which is at least once and at most once as well.
void tell_what_is_true(blueprint::plan& plan) {
  const auto is_elsewhere = [&](const blueprint::port_plan& port) {
    return !plan.find_topic(port.topic_id)->place.empty();
  };
  for (auto& s : plan.streamlets)
    if (std::none_of(s.inlets.begin(), s.inlets.end(), is_elsewhere) &&
        std::none_of(s.outlets.begin(), s.outlets.end(), is_elsewhere))
      s.guarantee = blueprint::delivery::exactly_once;
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

}  // namespace

result<project> project::load(std::span<const streamlet_definition* const> streamlets,
                              const application_info& info) {
  project p;
  p.info_ = info;
  for (const auto* s : streamlets) {
    try {
      p.descriptors_.push_back(s->describe());
    } catch (const std::invalid_argument& e) {
      return error{e.what()};
    }
    p.by_class_.emplace(p.descriptors_.back().class_name, s);
  }
  return p;
}

result<blueprint::verification> project::verify_file(const std::string& path) const {
  std::ifstream file{path};
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return error{fmt::format("{}: cannot be read", path)};
  return blueprint::verify(text.str(), path, descriptors_);
}

const streamlet_definition* project::definition_of(const std::string& class_name) const {
  const auto it = by_class_.find(class_name);
  return it == by_class_.end() ? nullptr : it->second;
}

result<blueprint::verification> project::verify() const {
  return blueprint::verify(info_.blueprint_text, std::string{info_.blueprint_file}, descriptors_);
}

result<planned_application> project::make_plan(const configuration_arguments& arguments,
                                               const std::string& state_directory,
                                               bool needs_parameters) const {
  auto verified =
      blueprint::verify(info_.blueprint_text, std::string{info_.blueprint_file}, descriptors_);
  if (!verified.is_valid()) return error{blueprint::to_string(verified.problems)};
  auto assignments = expand_assignments(arguments.assignments, verified.blueprint);
  if (!assignments) return std::move(assignments).error();
  if (!arguments.kafka.empty())
    assignments->insert(
        assignments->begin(),
        "cloudflow.kafka.clusters.default.bootstrap.servers=" + quoted(arguments.kafka));
  const auto layers = config::load_layers(arguments.files, *assignments);
  if (!layers) return error{joined(layers.error())};
  const auto configuration = layers->resolve({.environment = config::process_environment});
  if (!configuration) return error{joined(configuration.error())};
  const auto app = blueprint::make_application(info_.name, std::string{info_.version},
                                               std::move(verified.blueprint));
  auto resolved = blueprint::resolve(
      app, *configuration,
      {.mount_root = state_directory + "/mounts", .needs_parameters = needs_parameters});
  if (!resolved.result) return error{blueprint::to_string(resolved.problems)};
  tell_what_is_true(*resolved.result);
  return planned_application{std::move(*resolved.result), blueprint::to_string(resolved.problems)};
}

result<void> project::check_values(const blueprint::plan& plan) const {
  for (const auto& s : plan.streamlets) {
    deployment where;
    where.streamlet = s.name;
    where.parameters = s.parameters;
    where.mounts = s.mounts;
    try {
      by_class_.at(s.class_name)->check(where);
    } catch (const std::exception& e) {
      return error{fmt::format("streamlet {}: {}", s.name, e.what())};
    }
  }
  return {};
}

result<std::vector<std::string>> project::expand_assignments(
    const std::vector<std::string>& assignments,
    const blueprint::verified_blueprint& verified) const {
  std::vector<std::string> expanded;
  for (const auto& a : assignments) {
    const auto equals = a.find('=');
    const auto path = a.substr(0, equals);
    if (path.starts_with("cloudflow.") || equals == a.npos) {
      expanded.push_back(a);
      continue;
    }
    const auto value = quoted(std::string_view{a}.substr(equals + 1));
    const auto before = expanded.size();
    for (const auto& s : verified.streamlets) {
      const auto key = path.starts_with(s.name + ".") ? path.substr(s.name.size() + 1) : path;
      if (has_parameter(s, key)) expanded.push_back(parameter_path(s.name, key) + "=" + value);
    }
    if (expanded.size() == before) return unknown_key(path, verified);
  }
  return expanded;
}

}  // namespace cloudflow::sandbox
