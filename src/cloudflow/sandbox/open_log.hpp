#pragma once

#include "cloudflow/base/time.hpp"
#include "cloudflow/pubsub/backend.hpp"
#include "cloudflow/sandbox/project.hpp"
#include "cloudflow/sandbox/run.hpp"

#include <filesystem>
#include <memory>

namespace cloudflow::runner {
class logs;
}

namespace cloudflow::sandbox {

/// Where an application is, as a command is told.
struct log_location {
  app::configuration_arguments configuration;
  std::filesystem::path state = ".cloudflow";
};

enum class purpose {
  reading,
  writing,
  keeping_state,  ///< writing, with the state of tasks
};

/// An application's plan and its logs, for a command: through the socket of the application where
/// it runs and has the embedded log open, else opened here. Movable.
class application_log {
public:
  /// An application that is starting has the log open before it answers, and one that ends has it
  /// open for longer: both are waited for. `own_state`: names a directory for local copies of state
  /// that are not the application's; empty: its own. Errors say what to do next.
  static result<application_log> open(const project& app, const log_location& where, purpose why,
                                      const std::string& own_state = {});
  application_log(application_log&&) noexcept;
  ~application_log();

  const blueprint::plan& plan() const noexcept { return configured_->plan; }
  pubsub::backend& log() const noexcept { return *log_; }
  const system_clock& time() const noexcept { return *time_; }
  /// The log was opened here, and nobody writes to it meanwhile.
  bool is_at_rest() const noexcept { return needs_embedded_log_ && socket_ == nullptr; }

private:
  application_log();
  /// False: it is worth trying again.
  result<bool> try_open(const state_layout& state, const std::filesystem::path& kafka, purpose why,
                        bool is_last);

  std::unique_ptr<app::configured_plan> configured_;
  std::unique_ptr<system_clock> time_;
  pubsub::open_cluster open_kafka_ = nullptr;
  std::unique_ptr<pubsub::backend> socket_;
  std::unique_ptr<runner::logs> logs_;
  pubsub::backend* log_ = nullptr;
  bool needs_embedded_log_ = false;
};

}  // namespace cloudflow::sandbox
