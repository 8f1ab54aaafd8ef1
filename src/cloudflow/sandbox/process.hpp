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

/// A child process; killed and waited for when destroyed before its end. It dies with this process. Confined to one
/// thread.
class process {
public:
  /// `environment` is added to that of this process. Errors: the program cannot be run.
  static result<process> start(const std::vector<std::string>& command,
                               const std::map<std::string, std::string>& environment = {});
  process(process&& other) noexcept : pid_(std::exchange(other.pid_, -1)), ended_(other.ended_) {}
  process& operator=(process&&) = delete;
  ~process();

  pid_t pid() const noexcept { return pid_; }
  /// Does not block; none while it runs.
  std::optional<exit_status> poll();
  /// Blocks.
  exit_status wait();
  void signal(int number) const noexcept;

private:
  explicit process(pid_t pid) : pid_(pid) {}
  pid_t pid_;
  std::optional<exit_status> ended_;
};

}  // namespace cloudflow::sandbox
