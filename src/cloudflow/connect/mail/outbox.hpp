#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/connect/mail/message.hpp"

#include <filesystem>

namespace cloudflow::connect {

/// A directory with one `.eml` file for each mail: what a mail server would have got.
///
/// *Operation.* The file is named by the mail's idempotency key, written under another name,
/// synced, renamed, and the directory is synced: after `put` has returned it is there, whole, also
/// after a loss of power; before, it is not there or is the mail put before. The same key again
/// gives the same file, so there is exactly one.
///
/// *Concurrency.* Thread-safe, and safe between processes.
///
/// *Limitations.* A kill in the middle of `put` leaves a hidden file, `.<name>.part`, until the
/// mail is put again. Writers wait for each other.
class mail_outbox {
public:
  /// Creates the directory where it is missing. Fails when it cannot be made or written to.
  static result<mail_outbox> open(std::filesystem::path directory);

  /// Returns the path of the file. Blocks on the disk. Fails when the disk does not take it; then
  /// the same call may be repeated.
  result<std::filesystem::path> put(const mail_message& message) const;

  const std::filesystem::path& directory() const noexcept { return directory_; }

private:
  explicit mail_outbox(std::filesystem::path directory) : directory_(std::move(directory)) {}

  std::filesystem::path directory_;
};

}  // namespace cloudflow::connect
