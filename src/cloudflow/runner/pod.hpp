/// A process in a pod: one streamlet, as the files say that are mounted into it.
#pragma once

#include "cloudflow/base/log.hpp"
#include "cloudflow/pubsub/cluster_options.hpp"
#include "cloudflow/streamlet/program_facts.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace cloudflow::runner {

struct pod_options {
  /// Where the streamlet's Secret is mounted; see application/pod_files.hpp.
  std::filesystem::path configuration = "/etc/cloudflow-runner-secret";
  /// Of local copies of state, and of what a container that crashed leaves to the next one.
  std::filesystem::path state = "/var/lib/cloudflow";
  /// Where Kubernetes reads why a container has ended; empty: nowhere.
  std::filesystem::path termination_message = "/dev/termination-log";
  std::string address = "0.0.0.0";   ///< of the servers
  std::uint16_t health_port = 2050;  ///< of /live, /ready and /metrics; 0: any
  std::uint16_t server_port = 3000;  ///< of the streamlet's own; 0: any
  std::string name;                  ///< of the pod
  std::size_t workers = 0;           ///< 0: usual_workers()
  log_level level = log_level::info;
};

/// Runs the streamlet until SIGTERM or SIGINT: then what is under way is committed. A cluster that
/// is away is waited for. `definition_of`: of this program. `open_kafka`: null if it is built
/// without.
///
/// Returns the exit code: 0 after a signal; 1 for what will not pass, such as the plan of another
/// program; 75 when another process may go on where this one cannot. The reason is in the log and
/// in the termination message; after a crash that holds the note of it.
int run_pod(const find_definition& definition_of, pubsub::open_cluster open_kafka,
            const pod_options& options);

}  // namespace cloudflow::runner
