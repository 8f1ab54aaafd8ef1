#include "cloudflow/runner/same_program.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::runner {
namespace {

using blueprint::port_descriptor, blueprint::port_plan, blueprint::schema_descriptor;

/// What has a name, as text that is equal where the things are.
using described = std::map<std::string, std::string>;

std::string text_of(const schema_descriptor& s) {
  return s.name.empty() ? "no schema" : fmt::format("schema {} ({})", s.name, s.fingerprint);
}

template <class Port>
described ports(const std::vector<Port>& all) {
  described out;
  for (const auto& p : all)
    out[p.name] = fmt::format("{}, {}", text_of(p.schema),
                              p.key.empty() ? "no key field" : "keyed by " + p.key);
  return out;
}

described states(const std::vector<blueprint::state_plan>& all) {
  described out;
  for (const auto& s : all)
    out[s.name] = fmt::format("key {}, value {}, {}", text_of(s.key), text_of(s.value),
                              s.window.empty() ? "no window" : s.window + " windows");
  return out;
}

template <class Names>
described names_of(const Names& all) {
  described out;
  for (const auto& name : all) out[name] = "";
  return out;
}

class comparison {
public:
  void compare(std::string_view what, const described& planned, const described& own) {
    for (const auto& [name, text] : planned) {
      const auto found = own.find(name);
      if (found == own.end())
        add("the plan has {} {}, and the program has none of that name", what, name);
      else if (found->second != text)
        add("{} {} has {} in the plan, and {} in the program", what, name, text, found->second);
    }
    for (const auto& [name, text] : own)
      if (!planned.contains(name))
        add("the program has {} {}, and the plan has none of that name", what, name);
  }

  /// What runs the streamlet goes by the order of its ports.
  template <class Planned, class Own>
  void compare_order(std::string_view what, const Planned& planned, const Own& own) {
    const auto names = [](const auto& ports) {
      std::vector<std::string> all;
      for (const auto& p : ports) all.push_back(p.name);
      return fmt::format("{}", fmt::join(all, ", "));
    };
    if (differences_.empty() && names(planned) != names(own))
      add("the {}s are {} in the plan, and {} in the program", what, names(planned), names(own));
  }

  const std::vector<std::string>& differences() const { return differences_; }

private:
  template <class... Args>
  void add(fmt::format_string<Args...> text, Args&&... args) {
    differences_.push_back(fmt::format(text, std::forward<Args>(args)...));
  }
  std::vector<std::string> differences_;
};

std::vector<std::string> parameters_of(const blueprint::streamlet_plan& s,
                                       const blueprint::streamlet_descriptor& own) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : s.parameters) keys.push_back(key);
  // A plan leaves out those whose default has no text.
  for (const auto& p : own.config_parameters)
    if (p.has_default && !p.default_value && !s.parameters.contains(p.key)) keys.push_back(p.key);
  return keys;
}

}  // namespace

result<void> expect_same_program(const blueprint::streamlet_plan& planned,
                                 const blueprint::streamlet_descriptor& own) {
  comparison c;
  c.compare("inlet", ports(planned.inlets), ports(own.inlets));
  c.compare("outlet", ports(planned.outlets), ports(own.outlets));
  c.compare("state", states(planned.states),
            states(blueprint::plan_states(planned.name, own.states)));
  std::vector<std::string> keys, mounts, planned_mounts;
  for (const auto& p : own.config_parameters) keys.push_back(p.key);
  for (const auto& m : own.volume_mounts) mounts.push_back(m.name);
  for (const auto& [name, directory] : planned.mounts) planned_mounts.push_back(name);
  c.compare("parameter", names_of(parameters_of(planned, own)), names_of(keys));
  c.compare("mount", names_of(planned_mounts), names_of(mounts));
  const bool has_server = std::ranges::any_of(
      own.attributes, [](const auto& a) { return a.attribute_name == "server"; });
  const auto server = [](bool is_there) {
    return is_there ? described{{"port", ""}} : described{};
  };
  c.compare("server", server(planned.has_server), server(has_server));
  c.compare_order("inlet", planned.inlets, own.inlets);
  c.compare_order("outlet", planned.outlets, own.outlets);
  if (c.differences().empty()) return {};
  return error{fmt::format(
      "streamlet {}: the plan is of another program than this one of class {}: {}. Deploy the "
      "image and the custom resource of the same build.",
      planned.name, planned.class_name, fmt::join(c.differences(), "; "))};
}

}  // namespace cloudflow::runner
