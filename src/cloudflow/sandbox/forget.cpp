#include "cloudflow/sandbox/forget.hpp"

#include "cloudflow/pubsub/embedded/log.hpp"

#include <fmt/format.h>

#include <system_error>

namespace cloudflow::sandbox {

namespace {

using paths = std::vector<std::filesystem::path>;

error cannot_remove(const std::filesystem::path& path, const std::error_code& why) {
  return error{
      fmt::format("{}: cannot be removed: {}. Nothing was started.", path.string(), why.message())};
}

result<void> forget_database(const std::filesystem::path& directory, paths& foreign) {
  pubsub::embedded::options which;
  which.directory = directory;
  auto removed = pubsub::embedded::remove(which);
  if (!removed) return error{std::move(removed).error().message};
  foreign.insert(foreign.end(), removed->foreign.begin(), removed->foreign.end());
  return {};
}

/// Local copies of state lie at any depth; each is a database of its own.
result<void> forget_copies(const std::filesystem::path& root, paths& foreign) {
  std::error_code failed;
  if (!std::filesystem::exists(root, failed)) return {};
  paths directories{root};
  for (const auto& entry : std::filesystem::recursive_directory_iterator{root, failed})
    if (entry.is_directory()) directories.push_back(entry.path());
  if (failed) return cannot_remove(root, failed);
  for (auto at = directories.rbegin(); at != directories.rend(); ++at) {
    if (std::filesystem::exists(*at / "LOCK", failed) ||
        std::filesystem::exists(*at / "CURRENT", failed)) {
      CLOUDFLOW_TRY(forget_database(*at, foreign));
    } else if (std::filesystem::is_empty(*at, failed)) {
      std::filesystem::remove(*at, failed);
    }
    if (failed) return cannot_remove(*at, failed);
  }
  return {};
}

}  // namespace

result<std::vector<std::filesystem::path>> forget(const state_layout& state) {
  paths foreign;
  CLOUDFLOW_TRY(forget_database(state.log(), foreign));
  CLOUDFLOW_TRY(forget_copies(state.kafka(), foreign));
  for (const auto& path : {state.mounts(), state.socket(), state.crash_note(),
                           state.crash_history(), state.addresses(), state.feed_ended()}) {
    std::error_code failed;
    std::filesystem::remove_all(path, failed);
    if (failed) return cannot_remove(path, failed);
  }
  return foreign;
}

}  // namespace cloudflow::sandbox
