/// A streamlet as the rest of the system sees it: what it says about itself, and how it is started.
/// Enough for main().
#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/blueprint/descriptor.hpp"
#include "cloudflow/flow/wiring.hpp"

#include <memory>

namespace cloudflow {

struct streamlet_config;

/// Immutable, one per class; thread-safe.
class streamlet_definition {
public:
  virtual ~streamlet_definition() = default;

  /// Builds the logic and drops it; its shape must not depend on the parameters' values. They are
  /// the defaults and examples; for required parameters without example others are tried, one after
  /// the other, until logic() takes them. Errors: all that is wrong with the streamlet, a line
  /// each, each with the streamlet's class: names that are declared twice, a foreign port, an inlet
  /// read twice, an outlet never written, a default that its check refuses, what logic() throws.
  virtual result<blueprint::streamlet_descriptor> describe() const = 0;

  /// Builds the logic with these values and drops it: a value that only the author's code can judge
  /// is refused before anything runs. Returns what the streamlet keeps with them. Throws an
  /// std::exception: what the author's code throws, std::invalid_argument otherwise.
  virtual flow::store_needs check(const streamlet_config& d) const = 0;

  /// Calls logic() and binds what it returns. `around` outlives the program; `d` is copied.
  /// Throws as check() does.
  virtual std::unique_ptr<flow::operator_chain> start(const streamlet_config& d,
                                                      flow::wiring::dependencies around) const = 0;
};

/// Its name is the message of the linker for a streamlet that main() names and no file defines.
struct its_file_has_to_end_with_template_const_streamlet_definition_and_definition_of_it;

/// Instantiated where the streamlet is compiled; main() needs only the streamlet's name. A
/// streamlet in a file of its own ends with `template const cloudflow::streamlet_definition&
/// cloudflow::definition_of<my_streamlet>();`
template <class S,
          class = its_file_has_to_end_with_template_const_streamlet_definition_and_definition_of_it>
const streamlet_definition& definition_of();

}  // namespace cloudflow
