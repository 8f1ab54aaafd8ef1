#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/blueprint/plan.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::operate {

/// An inlet of a plan, which outlives it, and the topic that it reads.
struct planned_inlet {
  const blueprint::streamlet_plan* streamlet = nullptr;
  const blueprint::port_plan* port = nullptr;
  const blueprint::topic_plan* topic = nullptr;

  /// `streamlet.inlet`
  std::string path() const { return streamlet->name + "." + port->name; }
};

/// The inlets that `path` means: all when it is empty, those of a streamlet, or the one of `streamlet.inlet`.
/// The error lists what there is.
result<std::vector<planned_inlet>> find_inlets(const blueprint::plan& plan, std::string_view path);

/// The one inlet that `streamlet.inlet` means; `streamlet` is enough where it has one only.
result<planned_inlet> find_inlet(const blueprint::plan& plan, std::string_view path);

/// As `plan.find_streamlet`; the error lists what there is.
result<const blueprint::streamlet_plan*> find_streamlet(const blueprint::plan& plan,
                                                        std::string_view name);

}  // namespace cloudflow::operate
