/// What a process does that runs the streamlets of a plan: logs, streamlets, health, upkeep.
#pragma once

#include "cloudflow/base/log.hpp"
#include "cloudflow/base/time.hpp"
#include "cloudflow/blueprint/plan.hpp"
#include "cloudflow/connect/http/server.hpp"
#include "cloudflow/runner/health_server.hpp"
#include "cloudflow/runner/logs.hpp"
#include "cloudflow/runner/native_runner.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace cloudflow::runner {

/// The exit code of a process that cannot go on, but another one may.
inline constexpr int starts_again = 75;  // EX_TEMPFAIL of sysexits.h

struct host_options {
  std::filesystem::path log;            ///< directory of the embedded log
  std::filesystem::path kafka;          ///< of local copies of state on Kafka
  std::filesystem::path crash_note;     ///< file: what was in work when this process crashes
  std::filesystem::path crash_history;  ///< file: what the processes before it crashed at
  std::filesystem::path termination_message = {};  ///< file: a copy of the note; empty: none
  std::uint64_t disk_bound = 0;                    ///< of the embedded log, bytes; 0: none
  std::size_t workers = 0;                         ///< 0: usual_workers()
  std::string instance = {};                       ///< see runtime::runtime_options
  health_endpoint health = {};
  app::provision_mode provision = app::provision_mode::make;
  pubsub::open_cluster open_kafka = nullptr;  ///< null: the program is built without
};

/// What a host is given; all of it outlives the host.
struct host_surroundings {
  const clock* time = nullptr;
  logger log_lines{make_null_sink(), "runner"};
  find_definition definition_of;
  /// Where the server of a streamlet listens.
  std::function<server_endpoint(const std::string& streamlet)> endpoint_of;
  std::function<void(const std::string& streamlet, std::string_view url)> on_listening;
  std::function<bool()> must_stop;
  /// Called when health is served, before anything is waited for.
  std::function<void(std::uint16_t port)> on_health = {};
};

/// The streamlets of a plan in this process. Its health is served from the first moment on: a pod
/// that waits for its cluster or its disk lives, and is not ready.
///
/// *Lifecycle.* open(), start(), look() again and again, stop(). Confined to one thread; what
/// streamlets() gives is as thread-safe as it.
class host {
public:
  /// Serves health, opens the logs. Waits for what may pass, until it must stop. `plan` and
  /// `secrets` outlive it. Errors: what will not pass.
  static result<std::unique_ptr<host>> open(const blueprint::plan& plan,
                                            const blueprint::secret_texts& secrets,
                                            host_options options, host_surroundings around);

  /// Runs the streamlets. Waits for what may pass, as open(). Errors: those of native_runner.
  result<void> start();
  const streamlet_runner& streamlets() const noexcept { return *runner_; }
  bool advance_to_end() { return runner_->advance_to_end(); }
  /// Upkeep that is due: retention of the embedded log.
  void look();
  /// Commits what is under way. `is_well`: what crashed before is forgotten.
  void stop(bool is_well);

  pubsub::backend& log() noexcept { return logs_->all(); }
  /// Null when no topic is in the embedded log.
  pubsub::embedded::log* embedded() noexcept { return logs_->embedded(); }

private:
  host(const blueprint::plan& plan, const blueprint::secret_texts& secrets, host_options options,
       host_surroundings around);
  result<runtime::crash_history> learn_of_crashes() const;
  result<void> open_logs();
  void make_runner(runtime::crash_history crashes);
  bool waits_for_others() const;
  void maintain(pubsub::embedded::log& log);

  const blueprint::plan* plan_;
  const blueprint::secret_texts* secrets_;
  host_options options_;
  host_surroundings around_;
  std::unique_ptr<logs> logs_;
  std::unique_ptr<streamlet_runner> runner_;
  std::atomic<const streamlet_runner*> for_health_{nullptr};  // runner_, once it is there
  std::unique_ptr<connect::http_server> health_;
  std::chrono::steady_clock::time_point next_maintenance_;
  bool is_time_believed_ = true;
};

}  // namespace cloudflow::runner
