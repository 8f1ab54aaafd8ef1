#pragma once

#include "cloudflow/application/configure.hpp"
#include "cloudflow/blueprint/verify.hpp"
#include "cloudflow/sandbox/application.hpp"

#include <map>
#include <string>
#include <vector>

namespace cloudflow::sandbox {

/// An application with its streamlets, as its program sees itself. Immutable; refers to the
/// definitions.
class project {
public:
  /// Describes the streamlets. Errors: a streamlet whose logic cannot be built.
  static result<project> load(std::span<const streamlet_definition* const> streamlets,
                              const application_info& info);

  const application_info& info() const noexcept { return info_; }
  const std::vector<blueprint::streamlet_descriptor>& descriptors() const noexcept {
    return descriptors_;
  }
  /// Null if the program has no such class.
  const streamlet_definition* definition_of(const std::string& class_name) const;
  result<blueprint::verification> verify() const;
  /// Another blueprint for the same streamlets. Errors: the file cannot be read.
  result<blueprint::verification> verify_file(const std::string& path) const;
  /// The plan for this machine; the error is the problems, as a compiler prints them.
  /// `needs_parameters`: false for a plan that is only looked at.
  result<app::configured_plan> make_plan(const app::configuration_arguments& arguments,
                                         const std::string& state_directory,
                                         bool needs_parameters) const;

  /// Whether the streamlets take the values of the plan, as far as only their own code can tell.
  result<void> check_values(const app::configured_plan& configured) const;

private:
  application_info info_;
  std::vector<blueprint::streamlet_descriptor> descriptors_;
  std::map<std::string, const streamlet_definition*> by_class_;
};

}  // namespace cloudflow::sandbox
