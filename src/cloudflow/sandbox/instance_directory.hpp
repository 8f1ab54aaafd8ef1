#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/sandbox/file_lock.hpp"

#include <filesystem>
#include <optional>

namespace cloudflow::sandbox {

inline constexpr int most_processes = 1000;  ///< of one streamlet below one state directory

/// The place of one process among those that run the same streamlet on this machine: a number, and
/// a directory that is its own while it lives. The number is the lowest that is free, so that a
/// process which is started again finds its state. Movable.
class instance_directory {
public:
  /// `<root>/<number>`, created if need be. With `number` that one or none: the error says that it
  /// is taken.
  static result<instance_directory> take(const std::filesystem::path& root,
                                         std::optional<int> number);
  int number() const noexcept { return number_; }
  const std::filesystem::path& directory() const noexcept { return directory_; }

private:
  instance_directory(int number, std::filesystem::path directory, file_lock lock)
    : number_(number), directory_(std::move(directory)), lock_(std::move(lock)) {}

  int number_;
  std::filesystem::path directory_;
  file_lock lock_;
};

}  // namespace cloudflow::sandbox
