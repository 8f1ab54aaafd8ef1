#include "cloudflow/application/pod_files.hpp"

#include "cloudflow/application/plan_json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>

namespace cloudflow::app {
namespace {

using blueprint::secret_texts;

/// The paths of all secrets that a plan refers to.
std::set<std::string> secret_paths_of(const blueprint::plan& plan) {
  std::set<std::string> paths;
  const auto add = [&](const blueprint::settings_by_name& settings) {
    for (const auto& [name, value] : settings)
      if (value.is_secret()) paths.insert(value.secret_path);
  };
  for (const auto& s : plan.streamlets) add(s.parameters);
  for (const auto& t : plan.topics)
    for (const auto* settings : {&t.connection, &t.producer, &t.consumer}) add(*settings);
  return paths;
}

result<std::string> content_of(const std::filesystem::path& path) {
  std::ifstream in{path};
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  if (!in.is_open() || in.bad())
    return error{fmt::format("{}: cannot be read: {}. It is mounted from the streamlet's Secret.",
                             path.string(), std::strerror(errno))};
  return text;
}

result<secret_texts> secrets_from_json(const std::string& text) {
  const auto parsed = nlohmann::json::parse(text, nullptr, false);
  if (!parsed.is_object()) return error{"it is no JSON object"};
  secret_texts secrets;
  for (const auto& [path, value] : parsed.items()) {
    if (!value.is_string()) return error{fmt::format("{} is no text", path)};
    secrets[path] = value.get<std::string>();
  }
  return secrets;
}

}  // namespace

pod_configuration pod_configuration_of(const blueprint::plan& whole, const secret_texts& secrets,
                                       const std::string& streamlet) {
  pod_configuration pod{blueprint::part_of(whole, streamlet), {}};
  // What does not change what a pod does must not change its files: others restart it.
  pod.plan.app_version.clear();
  pod.plan.streamlets.front().replicas = 1;
  for (const auto& path : secret_paths_of(pod.plan))
    if (const auto found = secrets.find(path); found != secrets.end()) pod.secrets.insert(*found);
  return pod;
}

std::map<std::string, std::string> to_files(const pod_configuration& pod) {
  return {{plan_file, to_json(pod.plan)}, {secrets_file, nlohmann::json(pod.secrets).dump()}};
}

result<pod_configuration> read_pod_configuration(const std::filesystem::path& directory) {
  const auto in_file = [&](const char* name, const error& why) {
    return within((directory / name).string(), why);
  };
  const auto plan_text = CLOUDFLOW_TRY(content_of(directory / plan_file));
  auto plan = plan_from_json(plan_text);
  if (!plan) return in_file(plan_file, plan.error());
  if (plan->streamlets.size() != 1)
    return in_file(plan_file, error{fmt::format("it has {} streamlets, and a pod runs one",
                                                plan->streamlets.size())});
  const auto secrets_text = CLOUDFLOW_TRY(content_of(directory / secrets_file));
  auto secrets = secrets_from_json(secrets_text);
  if (!secrets) return in_file(secrets_file, secrets.error());
  for (const auto& path : secret_paths_of(*plan))
    if (!secrets->contains(path))
      return in_file(secrets_file,
                     error{fmt::format("{} is missing, which the plan refers to", path)});
  return pod_configuration{std::move(plan).value(), std::move(secrets).value()};
}

}  // namespace cloudflow::app
