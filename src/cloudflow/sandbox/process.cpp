#include "cloudflow/sandbox/process.hpp"

#include "cloudflow/base/process_arguments.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

namespace cloudflow::sandbox {

namespace {

exit_status status_of(int raw) {
  if (WIFSIGNALED(raw)) return {.code = 0, .signal = WTERMSIG(raw)};
  return {.code = WEXITSTATUS(raw), .signal = 0};
}

/// In the child, between fork and exec: only what is safe there. Reports errno through `report`
/// when exec fails.
[[noreturn]] void become(char* const* arguments, char* const* environment, pid_t parent, int report,
                         bool has_group) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (has_group) {
    ::setpgid(0, 0);
    // It would be stopped if it read from the terminal.
    if (::isatty(STDIN_FILENO) != 0) ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
  }
  if (::getppid() == parent) {
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execvpe(arguments[0], arguments, environment);
  }
  const int why = errno;
  (void)!::write(report, &why, sizeof why);
  ::_exit(127);
}

}  // namespace

std::string to_string(const exit_status& s) {
  if (s.signal != 0) return fmt::format("signal {} ({})", s.signal, ::strsignal(s.signal));
  return fmt::format("exit code {}", s.code);
}

result<process> process::start(const std::vector<std::string>& command,
                               const process_options& how) {
  auto arguments = command;
  auto variables = environment_with(how.environment);
  const auto argv = pointers_to(arguments), envp = pointers_to(variables);
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0)
    return error{fmt::format("cannot make a pipe: {}", std::strerror(errno))};
  const pid_t parent = ::getpid(), pid = ::fork();
  if (pid == 0) become(argv.data(), envp.data(), parent, report[1], how.has_group_of_its_own);
  ::close(report[1]);
  int why = pid < 0 ? errno : 0;
  if (pid > 0 && ::read(report[0], &why, sizeof why) != sizeof why) why = 0;  // closed by exec
  ::close(report[0]);
  if (why == 0) return process{pid, how.has_group_of_its_own};
  if (pid > 0) ::waitpid(pid, nullptr, 0);
  return error{fmt::format("cannot run {}: {}", command.front(), std::strerror(why))};
}

process::~process() {
  if (pid_ <= 0 || ended_) return;
  signal(SIGKILL);
  wait();
}

std::optional<exit_status> process::poll() {
  int raw = 0;
  if (!ended_ && ::waitpid(pid_, &raw, WNOHANG) == pid_) ended_ = status_of(raw);
  return ended_;
}

exit_status process::wait() {
  int raw = 0;
  while (!ended_) {
    if (::waitpid(pid_, &raw, 0) == pid_)
      ended_ = status_of(raw);
    else if (errno != EINTR)
      ended_ = exit_status{.code = 127, .signal = 0};
  }
  return *ended_;
}

void process::signal(int number) const noexcept {
  if (pid_ <= 0) return;
  if (has_group_)
    ::kill(-pid_, number);  // there may be somebody left in it
  else if (!ended_)
    ::kill(pid_, number);
}

}  // namespace cloudflow::sandbox
