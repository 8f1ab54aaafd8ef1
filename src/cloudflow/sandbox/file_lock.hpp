#pragma once

#include "cloudflow/base/result.hpp"

#include <filesystem>
#include <optional>
#include <utility>

namespace cloudflow::sandbox {

/// A file that one process holds at a time: the lock ends with the process, however it ends. The
/// file stays. Movable.
class file_lock {
public:
  /// None: another process holds it. The file is made for the owner alone. Errors: it cannot be
  /// made or opened.
  static result<std::optional<file_lock>> try_take(const std::filesystem::path& file);
  file_lock(file_lock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  file_lock& operator=(file_lock&&) = delete;
  ~file_lock();

private:
  explicit file_lock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

/// Makes a directory, and its parents, that nobody but the owner can look into. One that is there
/// stays as it is.
result<void> make_private_directory(const std::filesystem::path& directory);

}  // namespace cloudflow::sandbox
