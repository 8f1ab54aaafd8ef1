#include "cloudflow/runner/host.hpp"
#include "cloudflow/runner/stop_signal.hpp"
#include "cloudflow/sandbox/feed.hpp"
#include "cloudflow/sandbox/file_lock.hpp"
#include "cloudflow/sandbox/forget.hpp"
#include "cloudflow/sandbox/print.hpp"
#include "cloudflow/sandbox/process.hpp"
#include "cloudflow/sandbox/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

namespace cloudflow::sandbox {

namespace {

using namespace std::chrono_literals;

/// A child that has run this long was healthy: the next crash starts with the shortest delay again.
constexpr auto healthy_after = 60s;
constexpr auto first_delay = 500ms, longest_delay = 30'000ms;
/// What is asked to end has so long; then it is killed.
constexpr auto ends_within = 25s;

std::string read_note(const std::filesystem::path& path) {
  std::ifstream in{path};
  std::string line;
  std::getline(in, line);
  return line;
}

/// One life of the child.
struct life {
  exit_status end;
  bool was_killed = false;   ///< it had not ended in time
  std::string feed_failure;  ///< why it was told to end; empty: the feed has not failed
};

/// Waits for the child's end; a stop signal is passed on once.
life wait_for(process& child, feeder& feed) {
  using clock = std::chrono::steady_clock;
  life of;
  std::optional<clock::time_point> told;
  for (;;) {
    if (const auto ended = child.poll()) {
      of.end = *ended;
      return of;
    }
    if (!told && of.feed_failure.empty())
      if (auto fed = feed.look(); !fed) of.feed_failure = fed.error().message;
    if (!told && (runner::stop_signal() != 0 || !of.feed_failure.empty())) {
      child.signal(SIGTERM);
      told = clock::now();
    }
    if (told && !of.was_killed && clock::now() - *told > ends_within) {
      child.signal(SIGKILL);
      of.was_killed = true;
    }
    std::this_thread::sleep_for(20ms);
  }
}

void wait_out(std::chrono::milliseconds delay) {
  const auto until = std::chrono::steady_clock::now() + delay;
  while (runner::stop_signal() == 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(20ms);
}

/// The lock of the state directory, for as long as this process lives; everything else there is
/// touched by its holder.
result<file_lock> take_over(const state_layout& state) {
  CLOUDFLOW_TRY(make_private_directory(state.root));
  auto lock = CLOUDFLOW_TRY(file_lock::try_take(state.run_lock()));
  if (lock) return *std::move(lock);
  return error{
      fmt::format("{}: the application runs here already, in another process. Stop that one, or "
                  "give this one another --state directory.",
                  state.root.string())};
}

/// Empties the state if that is wanted. Whoever starts it anew may have mended what crashed.
result<void> make_ready(const state_layout& state, bool is_fresh) {
  if (is_fresh) {
    const auto foreign = CLOUDFLOW_TRY(forget(state));
    for (const auto& path : foreign)
      say("{}: is not of this application, and stays\n", path.string());
  }
  for (const auto& path : {state.crash_note(), state.crash_history()}) {
    std::error_code is_not_there;
    std::filesystem::remove(path, is_not_there);
  }
  return {};
}

/// The exit code of all of it; none: the application starts again.
std::optional<int> exit_code_after(const life& of) {
  const auto& ended = of.end;
  if (of.was_killed)
    say("sandbox: the application had not ended {} s after it was told to, and was killed. What it "
        "had committed is kept.\n",
        ends_within.count());
  if (!of.feed_failure.empty()) {
    say("{}\n", of.feed_failure);
    return 1;
  }
  if (ended.signal == 0 && ended.code != runner::starts_again) return ended.code;
  if (ended.signal == SIGPIPE) {
    say("sandbox: nobody reads what the application prints any more\n");
    return 128 + ended.signal;
  }
  if (runner::stop_signal() != 0) return ended.signal != 0 ? 128 + ended.signal : ended.code;
  return {};
}

}  // namespace

int supervise(const run_options& options, const std::vector<std::string>& child_command) {
  const state_layout state{options.state};
  const auto refuse = [](const error& why) {
    say("{}\n", why.message);
    return 1;
  };
  const auto lock = take_over(state);
  if (!lock) return refuse(lock.error());
  if (const auto ready = make_ready(state, options.is_fresh); !ready) return refuse(ready.error());
  runner::catch_stop_signals({SIGINT, SIGTERM, SIGHUP});

  feeder feed{state, options.feed};
  auto delay = std::chrono::milliseconds{first_delay};
  for (;;) {
    const auto started = std::chrono::steady_clock::now();
    auto child = process::start(child_command);
    if (!child) return refuse(child.error());
    const auto life = wait_for(*child, feed);
    if (const auto code = exit_code_after(life)) return *code;
    if (std::chrono::steady_clock::now() - started > healthy_after) delay = first_delay;
    const auto note = read_note(state.crash_note());
    say("sandbox: the application {} {}{}; it starts again in {} ms\n",
        life.end.signal != 0 ? "crashed with" : "ended with", to_string(life.end),
        note.empty() ? "" : fmt::format(" in {}", note), delay.count());
    wait_out(delay);
    if (runner::stop_signal() != 0) return 128 + runner::stop_signal();
    delay = std::min(2 * delay, std::chrono::milliseconds{longest_delay});
  }
}

}  // namespace cloudflow::sandbox
