#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace cloudflow::pubsub::embedded {

/// A directory of one test, gone with it.
class test_directory {
public:
  test_directory() {
    std::string name = (std::filesystem::temp_directory_path() / "cloudflow-log-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~test_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  test_directory(const test_directory&) = delete;
  test_directory& operator=(const test_directory&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }

private:
  std::filesystem::path path_;
};

}  // namespace cloudflow::pubsub::embedded
