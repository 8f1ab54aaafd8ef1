#include "cloudflow/kube/internal/run_command.hpp"

#include "cloudflow/base/process_arguments.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace cloudflow::kube::internal {

namespace {

using std::chrono::steady_clock;

constexpr std::size_t most_output = 1 << 20;
/// How often the stop token and the clock are looked at: a plugin takes longer than that.
constexpr std::chrono::milliseconds looks_every{20};

/// A process that is gone, one way or the other, when this is.
class child {
public:
  child(pid_t process, int output) : process_(process), output_(output) {}
  ~child() {
    ::close(output_);
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  child(const child&) = delete;
  child& operator=(const child&) = delete;

  /// Appends what there is; false at the end.
  bool read_into(std::string& out) const {
    std::array<char, 4096> bytes{};
    pollfd waiting{.fd = output_, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, static_cast<int>(looks_every.count())) <= 0) return true;
    const auto size = ::read(output_, bytes.data(), bytes.size());
    if (size > 0) out.append(bytes.data(), static_cast<std::size_t>(size));
    return size > 0 || (size < 0 && errno == EINTR);
  }
  /// Whether it has ended; then its exit code, 128 and more for a signal.
  bool has_ended(int& code) {
    int raw = 0;
    if (::waitpid(process_, &raw, WNOHANG) != process_) return false;
    process_ = 0;
    constexpr int by_signal = 128;
    code = WIFEXITED(raw) ? WEXITSTATUS(raw) : by_signal + WTERMSIG(raw);
    return true;
  }

private:
  pid_t process_;
  int output_;
};

cloudflow::error from_errno(const std::string& program, int code) {
  return {fmt::format("'{}' cannot be run: {}", program, std::generic_category().message(code))};
}

/// The process, and the reading end of its output.
cloudflow::result<std::pair<pid_t, int>> start(const command& what) {
  int output[2];
  if (::pipe2(output, O_CLOEXEC) != 0) return from_errno(what.arguments[0], errno);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, output[1], STDOUT_FILENO);
  auto arguments = what.arguments, variables = environment_with(what.environment);
  const auto argv = pointers_to(arguments), envp = pointers_to(variables);
  pid_t process = 0;
  const auto code = ::posix_spawnp(&process, argv[0], &files, nullptr, argv.data(), envp.data());
  ::posix_spawn_file_actions_destroy(&files);
  ::close(output[1]);
  if (code == 0) return std::pair{process, output[0]};
  ::close(output[0]);
  return from_errno(what.arguments[0], code);
}

}  // namespace

cloudflow::result<std::string> output_of(const command& what, const std::stop_token& stop) {
  const auto& program = what.arguments[0];
  const auto [process, output] = CLOUDFLOW_TRY(start(what));
  child running{process, output};
  const auto give_up = steady_clock::now() + what.longest;
  std::string out;
  int code = 0;
  for (bool is_open = true; is_open || !running.has_ended(code);) {
    if (stop.stop_requested()) return cloudflow::error{fmt::format("'{}' was stopped", program)};
    if (steady_clock::now() > give_up)
      return cloudflow::error{fmt::format("'{}' has not ended after {}", program, what.longest)};
    if (out.size() > most_output)
      return cloudflow::error{fmt::format("'{}' writes more than 1 MiB", program)};
    if (is_open) {
      is_open = running.read_into(out);
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
  }
  if (code == 0) return out;
  return cloudflow::error{fmt::format("'{}' ended with code {}", program, code)};
}

}  // namespace cloudflow::kube::internal
