#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/blueprint/plan.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::operate {

/// An inlet of a plan, which outlives it.
struct planned_inlet {
  const blueprint::plan* plan = nullptr;
  const blueprint::streamlet_plan* streamlet = nullptr;
  const blueprint::port_plan* port = nullptr;

  const std::string& topic() const { return plan->topics[port->topic].name; }
  /// Empty: it keeps no dead letters.
  std::string dead_letter_topic() const { return name_of(port->dead_letter_topic); }
  std::string retry_topic() const { return name_of(port->retry_topic); }
  /// The internal topics that records of the inlet go through.
  std::vector<std::string> repartition_topics() const;

  /// `streamlet.inlet`
  std::string path() const { return streamlet->name + "." + port->name; }

private:
  std::string name_of(const std::optional<std::size_t>& topic) const {
    return topic ? plan->topics[*topic].name : std::string{};
  }
};

/// The inlets that `path` means: all when it is empty, those of a streamlet, or the one of
/// `streamlet.inlet`. The error lists what there is.
result<std::vector<planned_inlet>> find_inlets(const blueprint::plan& plan, std::string_view path);

/// The one inlet that `streamlet.inlet` means; `streamlet` is enough where it has one only.
result<planned_inlet> find_inlet(const blueprint::plan& plan, std::string_view path);

/// As `plan.find_streamlet`; the error lists what there is.
result<const blueprint::streamlet_plan*> find_streamlet(const blueprint::plan& plan,
                                                        std::string_view name);

}  // namespace cloudflow::operate
