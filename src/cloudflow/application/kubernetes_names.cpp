#include "cloudflow/application/kubernetes_names.hpp"

#include "cloudflow/base/hash.hpp"
#include "cloudflow/blueprint/custom_resource.hpp"
#include "cloudflow/blueprint/names.hpp"

#include <fmt/format.h>

namespace cloudflow::app {

namespace {

constexpr std::size_t longest_workload = 52, longest_label = 63, longest_name = 63;

}  // namespace

std::string to_string(const app_key& key) { return key.name_space + "/" + key.name; }

nlohmann::json owned_by(std::string_view app, std::string_view uid) {
  return nlohmann::json::array({{{"apiVersion", blueprint::custom_resource_version},
                                 {"kind", blueprint::custom_resource_kind},
                                 {"name", app},
                                 {"uid", uid},
                                 {"controller", true},
                                 {"blockOwnerDeletion", true}}});
}

std::string configuration_secret_of(std::string_view app) { return fmt::format("config-{}", app); }

std::string workload_name(std::string_view app, std::string_view streamlet) {
  const auto whole = fmt::format("{}-{}", app, streamlet);
  auto name = blueprint::to_dns_label(app) + "-" + blueprint::to_dns_label(streamlet);
  if (name == whole && name.size() <= longest_workload) return name;
  const auto hash = short_hash(whole).substr(0, 8);
  name = name.substr(0, longest_workload - hash.size() - 1);
  while (name.ends_with('-')) name.pop_back();
  return name + "-" + hash;
}

std::string service_name(std::string_view workload) {
  constexpr std::string_view suffix = "-service";
  return fmt::format("{}{}", workload.substr(0, longest_name - suffix.size()), suffix);
}

std::string governing_service_name(std::string_view workload) {
  return fmt::format("{}-pods", workload);
}

std::string account_name(std::string_view app) { return fmt::format("{}-cloudflow", app); }

std::string label_value(std::string_view text) {
  return std::string{text.substr(0, longest_label)};
}

std::string short_hash(std::string_view text) { return fmt::format("{:016x}", fnv1a(text)); }

}  // namespace cloudflow::app
