/// Files of the tests: cases are folders, so that adding one needs no C++.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::blueprint::internal {

/// @param repository `CLOUDFLOW_SOURCE_DIR`, which only test programs know
inline std::filesystem::path test_directory(std::string_view repository, std::string_view name) {
  return std::filesystem::path{repository} / "src/cloudflow/blueprint/testdata" / name;
}

/// The contents of a file; empty if it is not there.
inline std::string read_text(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// The folders in `testdata/<name>`, by name.
inline std::vector<std::filesystem::path> test_cases(std::string_view repository,
                                                     std::string_view name) {
  std::vector<std::filesystem::path> out;
  for (const auto& entry : std::filesystem::directory_iterator{test_directory(repository, name)})
    if (entry.is_directory()) out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

/// The expected text; with CLOUDFLOW_UPDATE_EXPECTED in the environment it becomes `actual`, to be
/// looked at before it is committed.
inline std::string expected_text(const std::filesystem::path& file, const std::string& actual) {
  if (std::getenv("CLOUDFLOW_UPDATE_EXPECTED") != nullptr) std::ofstream{file} << actual;
  return read_text(file);
}

}  // namespace cloudflow::blueprint::internal
