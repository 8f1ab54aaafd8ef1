#include "cloudflow/sandbox/file_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace cloudflow::sandbox {

result<std::optional<file_lock>> file_lock::try_take(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0)
    return error{fmt::format("{}: {}", file.string(), std::generic_category().message(errno))};
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0)
    return std::optional<file_lock>{file_lock{descriptor}};
  ::close(descriptor);
  return std::optional<file_lock>{};
}

file_lock::~file_lock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

result<void> make_private_directory(const std::filesystem::path& directory) {
  std::error_code is_not_there, failed;
  if (std::filesystem::is_directory(directory, is_not_there)) return {};
  if (directory.has_parent_path())
    std::filesystem::create_directories(directory.parent_path(), failed);
  if (!failed && (::mkdir(directory.c_str(), 0700) == 0 || errno == EEXIST)) return {};
  const auto why = failed ? failed : std::error_code{errno, std::generic_category()};
  return error{fmt::format("{}: cannot be created: {}", directory.string(), why.message())};
}

}  // namespace cloudflow::sandbox
