#include "cloudflow/operate/inlets.hpp"

#include "cloudflow/blueprint/problem.hpp"

#include <fmt/format.h>

namespace cloudflow::operate {

namespace {

error not_there(std::string_view what, std::string_view word,
                const std::vector<std::string>& known) {
  return error{fmt::format("there is no {} '{}'; {}", what, word, blueprint::suggest(word, known))};
}

}  // namespace

std::vector<std::string> planned_inlet::repartition_topics() const {
  std::vector<std::string> topics;
  for (const auto& r : streamlet->repartitions)
    if (r.port.name == port->name) topics.push_back(plan->topics[r.port.topic].name);
  return topics;
}

result<const blueprint::streamlet_plan*> find_streamlet(const blueprint::plan& plan,
                                                        std::string_view name) {
  if (const auto* found = plan.find_streamlet(name)) return found;
  std::vector<std::string> names;
  for (const auto& s : plan.streamlets) names.push_back(s.name);
  return not_there("streamlet", name, names);
}

result<std::vector<planned_inlet>> find_inlets(const blueprint::plan& plan, std::string_view path) {
  std::vector<planned_inlet> found;
  if (path.empty()) {
    for (const auto& s : plan.streamlets)
      for (const auto& port : s.inlets) found.push_back({&plan, &s, &port});
    return found;
  }
  const auto dot = path.find('.');
  const auto streamlet = CLOUDFLOW_TRY(find_streamlet(plan, path.substr(0, dot)));
  std::vector<std::string> names;
  for (const auto& port : streamlet->inlets) {
    const planned_inlet inlet{&plan, streamlet, &port};
    names.push_back(inlet.path());
    if (dot == std::string_view::npos || inlet.path() == path) found.push_back(inlet);
  }
  if (names.empty()) return error{fmt::format("streamlet {} has no inlets", streamlet->name)};
  if (found.empty()) return not_there("inlet", path, names);
  return found;
}

result<planned_inlet> find_inlet(const blueprint::plan& plan, std::string_view path) {
  const auto found = CLOUDFLOW_TRY(find_inlets(plan, path));
  if (found.size() == 1) return found.front();
  std::vector<std::string> paths;
  for (const auto& inlet : found) paths.push_back(inlet.path());
  return error{
      fmt::format("'{}' has several inlets; name one of them: {}", path, fmt::join(paths, ", "))};
}

}  // namespace cloudflow::operate
