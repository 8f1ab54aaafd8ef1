/// A streamlet as the rest of the system sees it: what it says about itself, and how it is started. Enough for main().
#pragma once

#include "cloudflow/blueprint/descriptor.hpp"
#include "cloudflow/flow/boundary.hpp"

#include <memory>

namespace cloudflow {

struct deployment;

/// Immutable, one per class; thread-safe.
class streamlet_definition {
public:
  virtual ~streamlet_definition() = default;

  /// Builds the logic with the parameters' defaults and drops it; its shape must not depend on their values.
  /// Throws std::invalid_argument with a sentence: a foreign port, an inlet read twice, an outlet never written.
  virtual blueprint::streamlet_descriptor describe() const = 0;

  /// Builds the logic with these values and drops it: a value that only the author's code can judge is refused before
  /// anything runs. Returns what the streamlet keeps with them.
  /// Throws what the author's code throws, std::invalid_argument otherwise.
  virtual flow::store_needs check(const deployment& d) const = 0;

  /// Calls logic() and binds what it returns. `d` and `around` outlive the program.
  /// Throws std::invalid_argument with a sentence: a parameter without value, a value that is not allowed.
  virtual std::unique_ptr<flow::program> start(const deployment& d,
                                               flow::wiring::surroundings around) const = 0;
};

/// Instantiated where the streamlet is compiled; main() needs only the streamlet's name. A streamlet in a file of
/// its own ends with `template const cloudflow::streamlet_definition& cloudflow::definition_of<my_streamlet>();`
template <class S>
const streamlet_definition& definition_of();

}  // namespace cloudflow
