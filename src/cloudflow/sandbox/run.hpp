/// `run`: the whole application on this machine, as a small parent and one child that does the
/// work.
#pragma once

#include "cloudflow/sandbox/project.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace cloudflow::sandbox {

struct run_options {
  app::configuration_arguments configuration;
  std::filesystem::path state = ".cloudflow";
  bool is_fresh = false;       ///< forgets what is in `state` first
  bool is_until_idle = false;  ///< ends when all input has been consumed and committed
  std::string feed;            ///< a shell command that brings the input; ends with it
  std::uint16_t first_port =
      3000;  ///< of the servers of streamlets, in the order of the blueprint; 0: any free ones
  std::uint16_t metrics_port = 2050;
  bool must_have_metrics_port = false;  ///< else another one where it is taken
  std::size_t workers = 0;              ///< 0: as many as there are cores, at most 4
  std::string log_level = "info";
  std::uint64_t disk_bound = 0;  ///< bytes; 0: none
  /// Only this streamlet, as one of several processes; empty: all of them.
  std::string streamlet;
  std::optional<int> ordinal;  ///< of this process among those of the streamlet; none: the lowest
                               ///< that is free here
};

/// In the parent: runs the child with the same arguments, starts it again when it crashes, passes
/// signals on. Returns the exit code.
int supervise(const run_options& options, const std::vector<std::string>& child_command);

/// In the child, or in the one process of a streamlet: runs until a signal, or until the input has
/// ended. Returns the exit code.
int run(const project& app, const run_options& options);

/// Where things are in the state directory.
struct state_layout {
  std::filesystem::path root;
  std::filesystem::path log() const { return root / "log"; }
  std::filesystem::path kafka() const { return root / "kafka"; }
  std::filesystem::path streamlets() const { return root / "streamlets"; }
  std::filesystem::path socket() const { return root / "sandbox.sock"; }
  std::filesystem::path crash_note() const { return root / "crash-note"; }
  std::filesystem::path crash_history() const { return root / "crash-history"; }
  std::filesystem::path addresses() const { return root / "addresses"; }
  std::filesystem::path feed_ended() const { return root / "feed-ended"; }
  std::filesystem::path mounts() const { return root / "mounts"; }
  std::filesystem::path run_lock() const { return root / "run.lock"; }
};

}  // namespace cloudflow::sandbox
