#pragma once

#include "cloudflow/blueprint/application.hpp"
#include "cloudflow/blueprint/plan.hpp"
#include "cloudflow/blueprint/problem.hpp"
#include "cloudflow/blueprint/resolve.hpp"

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::blueprint::internal {

/// The configuration as resolution reads it, and where its problems go. Refers to both.
class settings {
public:
  settings(const config::value& root, std::vector<problem>& problems)
    : root_(root), problems_(problems) {}

  /// For what is wrong with no single value: `configuration`, without a line.
  static config::origin nowhere();

  /// An object at this path, or null. Anything else there is reported, once.
  const config::value* object_at(std::initializer_list<std::string_view> path);
  /// What stands at `path` below the streamlet's `config`, else below its runtime's.
  const config::value* config_of(const verified_streamlet& streamlet,
                                 std::initializer_list<std::string_view> path) const;

  void report(const config::origin& where, std::string message, std::string suggestion = {},
              problem_kind kind = problem_kind::invalid_configuration,
              severity level = severity::error);
  /// Reports each member of `object` that `known` does not have.
  void check_keys(const config::value& object, std::string_view path,
                  std::span<const std::string> known, std::string_view message);
  /// Reports what in `object` is neither one of `known` nor below one; their dots may be nesting.
  void check_paths(const config::value& object, std::string_view path,
                   std::span<const std::string> known, severity level = severity::error);

  /// Keeps the text of a secret apart. `path`: where it stands.
  setting keep_secret(std::string path, std::string text);
  const secret_texts& secrets() const noexcept { return secrets_; }

private:
  const config::value& root_;
  std::vector<problem>& problems_;
  secret_texts secrets_;
  std::vector<std::string> reported_;
};

/// Parameters and mounts of one streamlet into its plan.
void resolve_parameters(const verified_streamlet& streamlet, const resolve_options& options,
                        settings& from, streamlet_plan& into);
void resolve_mounts(const verified_streamlet& streamlet, const resolve_options& options,
                    settings& from, streamlet_plan& into);

/// The topics of the blueprint, in its order.
std::vector<topic_plan> resolve_topics(const application& app, const std::string& prefix,
                                       settings& from);

/// Adds to `whole` the topics of dead letters, of retried and of repartitioned records of a
/// streamlet, and refers to them in it.
void add_internal_topics(streamlet_plan& of, bool has_sources, plan& whole, settings& from);

/// No two topics have one name at one place, the application's own among them.
void check_names_on_logs(const plan& whole, settings& from);

}  // namespace cloudflow::blueprint::internal
