#include "cloudflow/sandbox/process.hpp"
#include "cloudflow/sandbox/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <system_error>
#include <thread>

namespace cloudflow::sandbox {

namespace {

using namespace std::chrono_literals;

/// A child that has run this long was healthy: the next crash starts with the shortest delay again.
constexpr auto healthy_after = 60s;
constexpr auto first_delay = 500ms, longest_delay = 30'000ms;

volatile std::sig_atomic_t stop_signal = 0;
void on_stop(int number) { stop_signal = number; }

void say(const std::string& line) { fmt::print(stderr, "{}\n", line); }

std::string read_note(const std::filesystem::path& path) {
  std::ifstream in{path};
  std::string line;
  std::getline(in, line);
  return line;
}

/// Waits for the child's end; a stop signal is passed on once.
exit_status wait_for(process& child) {
  bool is_told = false;
  for (;;) {
    if (const auto ended = child.poll()) return *ended;
    if (stop_signal != 0 && !is_told) {
      child.signal(SIGTERM);
      is_told = true;
    }
    std::this_thread::sleep_for(20ms);
  }
}

void wait_out(std::chrono::milliseconds delay) {
  const auto until = std::chrono::steady_clock::now() + delay;
  while (stop_signal == 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(20ms);
}

/// The user's state is removed only if it is ours: a directory that holds a log and nothing that this does not know.
result<void> forget(const state_layout& state) {
  std::error_code failed;
  for (const auto& path :
       {state.log(), state.kafka(), state.root / "mounts", state.socket(), state.crash_note()})
    std::filesystem::remove_all(path, failed);
  if (failed)
    return error{fmt::format("{}: cannot be emptied: {}", state.root.string(), failed.message())};
  return {};
}

}  // namespace

int supervise(const run_options& options, const std::vector<std::string>& child_command) {
  const state_layout state{options.state};
  if (options.is_fresh) {
    if (const auto done = forget(state); !done) {
      say(done.error().message);
      return 1;
    }
  }
  struct sigaction action {};
  action.sa_handler = on_stop;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(number, &action, nullptr);

  auto delay = std::chrono::milliseconds{first_delay};
  for (;;) {
    const auto started = std::chrono::steady_clock::now();
    auto child = process::start(child_command);
    if (!child) {
      say(child.error().message);
      return 1;
    }
    const auto ended = wait_for(*child);
    if (ended.signal == 0) return ended.code;
    if (stop_signal != 0) return 128 + ended.signal;
    if (std::chrono::steady_clock::now() - started > healthy_after) delay = first_delay;
    const auto note = read_note(state.crash_note());
    say(fmt::format("sandbox: the application crashed with {}{}; it starts again in {} ms",
                    to_string(ended), note.empty() ? "" : fmt::format(" in {}", note),
                    delay.count()));
    wait_out(delay);
    if (stop_signal != 0) return 128 + ended.signal;
    delay = std::min(2 * delay, std::chrono::milliseconds{longest_delay});
  }
}

}  // namespace cloudflow::sandbox
