#include "cloudflow/cli/applications.hpp"

#include "cloudflow/kube/object.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace cloudflow::cli {
namespace {

using nlohmann::json, nlohmann::ordered_json;
using rows = std::vector<std::vector<std::string>>;

using kube::number_at;

std::string text_at(const json& in, const char* pointer) {
  return std::string{kube::text_at(in, pointer)};
}

struct summary {
  std::string name, name_space, version, created;
};

summary summary_of(const json& resource) {
  return {text_at(resource, "/metadata/name"), text_at(resource, "/metadata/namespace"),
          text_at(resource, "/spec/app_version"), text_at(resource, "/metadata/creationTimestamp")};
}

ordered_json to_json(const summary& s) {
  return {{"name", s.name},
          {"namespace", s.name_space},
          {"version", s.version},
          {"creationTime", s.created}};
}

/// For programs: JSON on one line, or YAML.
std::string for_programs(const ordered_json& value, output_format how) {
  return how == output_format::yaml ? to_yaml(value) : value.dump() + "\n";
}

bool is_for_programs(output_format how) {
  return how == output_format::json || how == output_format::yaml;
}

std::vector<alignment> all_left(std::size_t columns) {
  return std::vector<alignment>(columns, alignment::left);
}

struct pod_row {
  std::string name;
  std::int64_t ready = 0, total = 0, restarts = 0;
  std::string status;
};
struct streamlet_rows {
  std::string name;
  std::vector<pod_row> pods;
};

std::vector<streamlet_rows> streamlets_of(const json& resource) {
  std::vector<streamlet_rows> all;
  const auto status = resource.value("status", json::object());
  if (!status.contains("streamlet_statuses")) return all;
  for (const auto& s : status["streamlet_statuses"]) {
    auto& streamlet = all.emplace_back();
    streamlet.name = text_at(s, "/streamlet_name");
    if (!s.contains("pod_statuses")) continue;
    for (const auto& p : s["pod_statuses"])
      streamlet.pods.push_back({text_at(p, "/name"), number_at(p, "/nr_of_containers_ready"),
                                number_at(p, "/nr_of_containers"), number_at(p, "/restarts"),
                                text_at(p, "/status")});
  }
  return all;
}

rows pod_rows(std::vector<streamlet_rows> all, bool is_sorted) {
  if (is_sorted) {
    std::ranges::sort(all, {}, &streamlet_rows::name);
    for (auto& s : all) std::ranges::sort(s.pods, {}, &pod_row::name);
  }
  rows out{{"STREAMLET", "POD", "READY", "STATUS", "RESTARTS"}};
  for (auto& s : all) {
    if (s.pods.empty()) s.pods.emplace_back().status = "Missing";
    for (const auto& p : s.pods)
      out.push_back({s.name, p.name, fmt::format("{}/{}", p.ready, p.total), p.status,
                     std::to_string(p.restarts)});
  }
  return out;
}

std::string app_status(const json& resource) {
  const auto found = text_at(resource, "/status/app_status");
  return found.empty() ? "Unknown" : found;
}

ordered_json status_for_programs(const json& resource) {
  auto streamlets = ordered_json::array();
  for (const auto& s : streamlets_of(resource)) {
    auto pods = ordered_json::array();
    for (const auto& p : s.pods)
      pods.push_back({{"name", p.name},
                      {"ready", {{"ready", p.ready}, {"total", p.total}}},
                      {"status", p.status},
                      {"restarts", p.restarts}});
    streamlets.push_back({{"name", s.name}, {"podsStatuses", std::move(pods)}});
  }
  ordered_json status{{"summary", to_json(summary_of(resource))},
                      {"status", app_status(resource)},
                      {"endpointsStatuses", ordered_json::array()},
                      {"streamletsStatuses", std::move(streamlets)}};
  if (const auto message = text_at(resource, "/status/app_message"); !message.empty())
    status["message"] = message;
  return {{"status", std::move(status)}};
}

/// Leaves by their paths.
void add_leaves(const json& value, const std::string& path,
                std::map<std::string, std::string>& to) {
  if (value.is_object() && !value.empty()) {
    for (const auto& [key, item] : value.items())
      add_leaves(item, path.empty() ? key : fmt::format("{}.{}", path, key), to);
    return;
  }
  if (!path.empty()) to[path] = value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace

std::string show_list(const std::vector<json>& resources, output_format how) {
  if (is_for_programs(how)) {
    auto all = ordered_json::array();
    for (const auto& r : resources) all.push_back(to_json(summary_of(r)));
    return for_programs({{"summaries", std::move(all)}}, how);
  }
  rows out{{"NAME", "NAMESPACE", "VERSION", "CREATION-TIME"}};
  for (const auto& r : resources) {
    const auto s = summary_of(r);
    out.push_back({s.name, s.name_space, s.version,
                   how == output_format::classic ? classic_time(s.created) : s.created});
  }
  return how == output_format::classic ? classic_rows(out) : grid(out, all_left(4), true);
}

std::string show_status(const json& resource, output_format how) {
  if (is_for_programs(how)) return for_programs(status_for_programs(resource), how);
  const bool is_classic = how == output_format::classic;
  const auto s = summary_of(resource);
  rows head{{"Name:", s.name},
            {"Namespace:", s.name_space},
            {"Version:", s.version},
            {"Created:", is_classic ? classic_time(s.created) : s.created},
            {"Status:", app_status(resource)}};
  if (const auto message = text_at(resource, "/status/app_message"); !message.empty())
    head.push_back({"Message:", message});
  const auto pods = pod_rows(streamlets_of(resource), !is_classic);
  if (is_classic) return classic_rows(head) + "\n" + classic_rows(pods);
  constexpr auto left = alignment::left, centre = alignment::centre;
  return grid(head, {left, centre}, false) + grid(pods, {left, left, centre, centre, centre}, true);
}

std::string show_configuration(const json& configuration, output_format how) {
  if (is_for_programs(how)) return for_programs(ordered_json(configuration), how);
  std::map<std::string, std::string> leaves;
  add_leaves(configuration, "", leaves);
  rows out{{"KEY", "VALUE"}};
  for (const auto& [path, text] : leaves) out.push_back({path, text});
  return how == output_format::classic ? classic_rows(out) : grid(out, all_left(2), true);
}

std::string show_version(const std::string& version, output_format how) {
  if (is_for_programs(how)) return for_programs({{"version", version}}, how);
  if (how == output_format::classic) return version + "\n";
  return grid({{"VERSION", version}}, all_left(2), false);
}

}  // namespace cloudflow::cli
