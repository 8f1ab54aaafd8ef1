#include "cloudflow/blueprint/internal/checks.hpp"
#include "cloudflow/blueprint/names.hpp"
#include "cloudflow/blueprint/parameter_value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace cloudflow::blueprint::internal {
namespace {

constexpr std::string_view dns_rule =
    "Names must consist of lower case alphanumeric characters and may contain '-' except for at "
    "the "
    "start or end.";

bool has_parent_element(std::string_view path) {
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    if (path.substr(0, slash) == "..") return true;
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return false;
}

/// Calls `report` with each value of `member` that occurs more than once, once.
template <class Item, class Member, class Report>
void for_each_duplicate(const std::vector<Item>& items, Member member, Report report) {
  std::vector<std::string> seen, reported;
  for (const auto& item : items) {
    const std::string& value = std::invoke(member, item);
    const auto is_in = [&](const auto& list) {
      return std::find(list.begin(), list.end(), value) != list.end();
    };
    if (is_in(seen) && !is_in(reported)) {
      report(value);
      reported.push_back(value);
    }
    seen.push_back(value);
  }
}

class descriptor_check {
public:
  descriptor_check(const streamlet_descriptor& descriptor, config::origin where,
                   std::vector<problem>& problems)
    : descriptor_(descriptor), where_(std::move(where)), problems_(problems) {}

  void run() {
    for (const auto& p : descriptor_.inlets)
      check_port(p, problem_kind::invalid_inlet_name, "Inlet");
    for (const auto& p : descriptor_.outlets)
      check_port(p, problem_kind::invalid_outlet_name, "Outlet");
    check_duplicates(descriptor_.inlets, problem_kind::invalid_inlet_name, "inlet");
    check_duplicates(descriptor_.outlets, problem_kind::invalid_outlet_name, "outlet");
    for (const auto& p : descriptor_.config_parameters) check_parameter(p);
    check_duplicate_parameters();
    for (const auto& m : descriptor_.volume_mounts) check_mount(m);
    check_duplicate_mounts();
  }

private:
  void report(problem_kind kind, std::string message, std::string suggestion) {
    problems_.push_back({.kind = kind,
                         .message = std::move(message),
                         .where = where_,
                         .suggestion = std::move(suggestion)});
  }

  std::string suggest_name(const std::string& name) const {
    const auto label = to_dns_label(name);
    return is_dns_name(label) ? fmt::format("name it '{}' in the class", label) : "";
  }

  void check_port(const port_descriptor& port, problem_kind kind, std::string_view what) {
    if (is_dns_name(port.name)) return;
    report(kind,
           fmt::format("{} `{}` in streamlet `{}` is invalid. {}", what, port.name,
                       descriptor_.class_name, dns_rule),
           suggest_name(port.name));
  }

  void check_duplicates(const std::vector<port_descriptor>& ports, problem_kind kind,
                        std::string_view what) {
    for_each_duplicate(ports, &port_descriptor::name, [&](const std::string& name) {
      report(kind,
             fmt::format("`{}` declares the {} `{}` twice.", descriptor_.class_name, what, name),
             fmt::format("give each {} a name of its own", what));
    });
  }

  void check_parameter(const parameter_descriptor& parameter) {
    if (!is_parameter_key(parameter.key))
      report(problem_kind::invalid_config_parameter_key_name,
             fmt::format("`{}` contains a configuration parameter with invalid key name `{}`.",
                         descriptor_.class_name, parameter.key),
             "begin with letters only, then parts of letters and digits joined by '-'");
    const auto is_text = parameter.validation_type == "string";
    if (const auto fault = is_text && parameter.validation_pattern
                               ? pattern_problem(*parameter.validation_pattern)
                               : std::nullopt) {
      report(problem_kind::invalid_validation_pattern_config_parameter,
             fmt::format("`{}` contains a configuration parameter `{}` with an invalid validation "
                         "pattern `{}`.",
                         descriptor_.class_name, parameter.key, *parameter.validation_pattern),
             *fault);
    } else if (parameter.default_value) {
      check_default(parameter);
    }
  }

  void check_default(const parameter_descriptor& parameter) {
    const auto value = check_value(parameter, *parameter.default_value);
    if (value || value.error().kind == value_problem_kind::unknown_type) return;
    const auto is_mismatch = value.error().kind == value_problem_kind::no_match;
    report(
        problem_kind::invalid_default_value_in_config_parameter,
        fmt::format("`{}` contains a configuration parameter `{}` with an invalid default value, "
                    "`{}` is invalid.",
                    descriptor_.class_name, parameter.key,
                    parameter.is_secret ? "***" : *parameter.default_value),
        is_mismatch ? fmt::format("it must match '{}'", *parameter.validation_pattern)
                    : fmt::format("expected {}", value.error().detail));
  }

  void check_duplicate_parameters() {
    for_each_duplicate(
        descriptor_.config_parameters, &parameter_descriptor::key, [&](const std::string& key) {
          report(
              problem_kind::duplicate_config_parameter_key_found,
              fmt::format("`{}` contains a duplicate configuration parameter key, `{}` is used in "
                          "more than one `ConfigParameter`",
                          descriptor_.class_name, key),
              "give each parameter a key of its own");
        });
  }

  void check_mount(const volume_mount_descriptor& mount) {
    if (!is_volume_mount_name(mount.name))
      report(problem_kind::invalid_volume_mount_name,
             fmt::format("Volume mount `{}` in streamlet `{}` is invalid. {}", mount.name,
                         descriptor_.class_name, dns_rule),
             suggest_name(mount.name));
    if (has_parent_element(mount.path))
      report(
          problem_kind::backtracking_volume_mount_path,
          fmt::format("`{}` contains a volume mount `{}` with an invalid path `{}`, backtracking "
                      "in paths are not allowed.",
                      descriptor_.class_name, mount.name, mount.path),
          "write an absolute path without '..'");
    if (mount.path.empty())
      report(problem_kind::empty_volume_mount_path,
             fmt::format("`{}` contains a volume mount `{}` with an empty path.",
                         descriptor_.class_name, mount.name),
             fmt::format("write an absolute path, for example '/mnt/{}'", mount.name));
    if (!mount.path.starts_with('/'))
      report(problem_kind::non_absolute_volume_mount_path,
             fmt::format("`{}` contains a volume mount `{}` with a non-absolute path (`{}`).",
                         descriptor_.class_name, mount.name, mount.path),
             "begin it with '/'");
  }

  void check_duplicate_mounts() {
    for_each_duplicate(
        descriptor_.volume_mounts, &volume_mount_descriptor::name, [&](const std::string& name) {
          report(problem_kind::duplicate_volume_mount_name,
                 fmt::format("`{}` contains volume mounts with duplicate names (`{}`).",
                             descriptor_.class_name, name),
                 "give each volume mount a name of its own");
        });
    for_each_duplicate(
        descriptor_.volume_mounts, &volume_mount_descriptor::path, [&](const std::string& path) {
          report(problem_kind::duplicate_volume_mount_path,
                 fmt::format("`{}` contains volume mounts with duplicate paths (`{}`).",
                             descriptor_.class_name, path),
                 "give each volume mount a path of its own");
        });
  }

  const streamlet_descriptor& descriptor_;
  config::origin where_;
  std::vector<problem>& problems_;
};

/// Where the blueprint names this class; the file if it does not.
config::origin origin_of(const streamlet_descriptor& descriptor, const model& blueprint,
                         std::span<const streamlet_entry> streamlets) {
  for (const auto& s : streamlets)
    if (s.descriptor == &descriptor) return s.ref->class_name.where;
  return {std::make_shared<const std::string>(blueprint.source), 0, 0};
}

}  // namespace

void check_descriptors(const model& blueprint, std::span<const streamlet_descriptor> descriptors,
                       std::span<const streamlet_entry> streamlets,
                       std::vector<problem>& problems) {
  for (const auto& d : descriptors)
    descriptor_check{d, origin_of(d, blueprint, streamlets), problems}.run();
}

}  // namespace cloudflow::blueprint::internal
