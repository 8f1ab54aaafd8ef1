#pragma once

#include "cloudflow/base/result.hpp"

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace cloudflow::sandbox {

/// How a process ended.
struct exit_status {
  int code = 0;    ///< when it returned
  int signal = 0;  ///< when a signal ended it; else 0
  bool is_success() const noexcept { return code == 0 && signal == 0; }
};
/// `exit code 3`, `signal 11 (Segmentation fault)`.
std::string to_string(const exit_status& s);

struct process_options {
  std::map<std::string, std::string> environment = {};  ///< added to that of this process
  /// Signals go to it and to whatever it has started. What is typed at a terminal is not for it.
  bool has_group_of_its_own = false;
};

/// A child process; killed and waited for when destroyed before its end. It dies with this process.
/// Confined to one thread.
class process {
public:
  /// Errors: the program cannot be run.
  static result<process> start(const std::vector<std::string>& command,
                               const process_options& how = {});
  process(process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), has_group_(other.has_group_), ended_(other.ended_) {}
  process& operator=(process&&) = delete;
  ~process();

  pid_t pid() const noexcept { return pid_; }
  /// Does not block; none while it runs.
  std::optional<exit_status> poll();
  /// Blocks.
  exit_status wait();
  void signal(int number) const noexcept;

private:
  process(pid_t pid, bool has_group) : pid_(pid), has_group_(has_group) {}
  pid_t pid_;
  bool has_group_;
  std::optional<exit_status> ended_;
};

}  // namespace cloudflow::sandbox
