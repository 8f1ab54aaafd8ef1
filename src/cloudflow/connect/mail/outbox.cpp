#include "cloudflow/connect/mail/outbox.hpp"

#include "cloudflow/connect/mail/internal/encoding.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

namespace cloudflow::connect {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t longest_name =
    200;  // of 255, with room for `.eml` and what a temporary name adds

error from_errno(std::string_view what, const fs::path& path) {
  return error{fmt::format("cannot {} '{}': {}", what, path.string(),
                           std::generic_category().message(errno))};
}

class file_descriptor {
public:
  explicit file_descriptor(int fd) noexcept : fd_(fd) {}
  file_descriptor(const file_descriptor&) = delete;
  file_descriptor& operator=(const file_descriptor&) = delete;
  ~file_descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }

private:
  int fd_;
};

result<void> write_and_sync(const fs::path& path, std::string_view bytes) {
  constexpr mode_t readable_by_all = 0644;
  const file_descriptor file{
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, readable_by_all)};
  if (file.get() < 0) return from_errno("create", path);
  while (!bytes.empty()) {
    const auto n = ::write(file.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return from_errno("write", path);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fsync(file.get()) != 0) return from_errno("sync", path);
  return {};
}

/// One writer at a time, of all processes; a kill releases it.
result<void> lock(const file_descriptor& directory, const fs::path& path) {
  while (::flock(directory.get(), LOCK_EX) != 0)
    if (errno != EINTR) return from_errno("lock", path);
  return {};
}

}  // namespace

result<mail_outbox> mail_outbox::open(fs::path directory) {
  std::error_code ec;
  fs::create_directories(directory, ec);
  if (ec)
    return error{
        fmt::format("cannot create the outbox '{}': {}", directory.string(), ec.message())};
  if (::access(directory.c_str(), W_OK | X_OK) != 0)
    return from_errno("write into the outbox", directory);
  return mail_outbox{std::move(directory)};
}

/// The temporary name is always the same for a mail: what a kill has left there, the repeat of the
/// mail replaces.
result<fs::path> mail_outbox::put(const mail_message& message) const {
  const auto name = detail::word_for(message.idempotency_key, longest_name);
  const auto temporary = directory_ / fmt::format(".{}.part", name);
  auto path = directory_ / (name + ".eml");
  const file_descriptor directory{::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (directory.get() < 0) return from_errno("open", directory_);
  CLOUDFLOW_TRY(lock(directory, directory_));
  auto done = write_and_sync(temporary, to_rfc5322(message));
  if (done && ::rename(temporary.c_str(), path.c_str()) != 0)
    done = from_errno("rename", temporary);
  if (done && ::fsync(directory.get()) != 0) done = from_errno("sync", directory_);
  if (done) return path;
  ::unlink(temporary.c_str());
  return std::move(done).error();
}

}  // namespace cloudflow::connect
