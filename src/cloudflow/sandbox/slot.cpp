#include "cloudflow/sandbox/slot.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace cloudflow::sandbox {

slot::slot(slot&& other) noexcept
  : number_(other.number_),
    directory_(std::move(other.directory_)),
    lock_(std::exchange(other.lock_, -1)) {}

slot::~slot() {
  if (lock_ >= 0) ::close(lock_);
}

result<slot> slot::take(const std::filesystem::path& root, std::optional<int> number) {
  for (int n = number.value_or(0); n != most_processes; ++n) {
    auto directory = root / std::to_string(n);
    std::error_code failed;
    std::filesystem::create_directories(directory, failed);
    if (failed)
      return error{fmt::format("{}: cannot be created: {}", directory.string(), failed.message())};
    const auto file = directory / "lock";
    const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (lock < 0)
      return error{fmt::format("{}: {}", file.string(), std::generic_category().message(errno))};
    if (::flock(lock, LOCK_EX | LOCK_NB) == 0) return slot{n, std::move(directory), lock};
    ::close(lock);
    if (number)
      return error{
          fmt::format("{}: another process has this ordinal. Give this one another "
                      "--ordinal, or another --state directory.",
                      directory.string())};
  }
  return error{fmt::format("{}: {} processes run here already", root.string(), most_processes)};
}

}  // namespace cloudflow::sandbox
