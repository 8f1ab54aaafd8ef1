/// The parts of verification, in the order in which they run. Each appends to `problems`.
#pragma once

#include "cloudflow/blueprint/verify.hpp"

#include <span>
#include <vector>

namespace cloudflow::blueprint::internal {

/// A streamlet of the blueprint and its class; no class: that has been reported, and nothing that
/// follows is.
struct streamlet_entry {
  const streamlet_ref* ref = nullptr;
  const streamlet_descriptor* descriptor = nullptr;
};

/// Names of streamlets, and their classes.
std::vector<streamlet_entry> check_streamlets(const model& blueprint,
                                              std::span<const streamlet_descriptor> descriptors,
                                              std::vector<problem>& problems);

/// Port names, parameters and volume mounts of every class, used or not.
void check_descriptors(const model& blueprint, std::span<const streamlet_descriptor> descriptors,
                       std::span<const streamlet_entry> streamlets, std::vector<problem>& problems);

/// Names of topics and clusters.
void check_topic_names(const model& blueprint, std::vector<problem>& problems);

/// Which port is bound to which topic, schemas and keys.
/// @return the topics that have ports
std::vector<verified_topic> check_wiring(const model& blueprint,
                                         std::span<const streamlet_entry> streamlets,
                                         std::vector<problem>& problems);

}  // namespace cloudflow::blueprint::internal
