#include "cloudflow/sandbox/running.hpp"

#include "cloudflow/operate/activity.hpp"
#include "cloudflow/sandbox/run.hpp"
#include "cloudflow/sandbox/socket_log.hpp"

#include <fmt/format.h>

#include <utility>

namespace cloudflow::sandbox {

namespace {

/// `run` has one socket; each process of `streamlet` has one in a directory of its own.
std::vector<std::filesystem::path> sockets_in(const state_layout& state) {
  std::vector<std::filesystem::path> all{state.socket()};
  std::error_code failed;
  for (const auto& of_streamlet : std::filesystem::directory_iterator{state.streamlets(), failed})
    for (const auto& process : std::filesystem::directory_iterator{of_streamlet.path(), failed})
      all.push_back(state_layout{process.path()}.socket());
  return all;
}

}  // namespace

result<std::vector<app::task_status>> running_tasks(const std::filesystem::path& state) {
  std::vector<app::task_status> all;
  bool is_running = false;
  for (const auto& socket : sockets_in({state})) {
    const auto process = socket_log::connect(socket);
    if (!process) continue;
    auto tasks = process->status();
    if (!tasks && !tasks.error().is_retriable()) return error{tasks.error().message};
    if (!tasks) continue;  // it has ended in between
    is_running = true;
    all.insert(all.end(), tasks->begin(), tasks->end());
  }
  if (!is_running)
    return error{fmt::format(
        "{}: no application runs here: start it with run, or name its directory with --state",
        state.string())};
  return operate::merged(std::move(all));
}

}  // namespace cloudflow::sandbox
