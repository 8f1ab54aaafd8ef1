#include "cloudflow/sandbox/instance_directory.hpp"

#include <fmt/format.h>

namespace cloudflow::sandbox {

result<instance_directory> instance_directory::take(const std::filesystem::path& root,
                                                    std::optional<int> number) {
  for (int n = number.value_or(0); n != most_processes; ++n) {
    auto directory = root / std::to_string(n);
    CLOUDFLOW_TRY(make_private_directory(directory));
    auto lock = CLOUDFLOW_TRY(file_lock::try_take(directory / "lock"));
    if (lock) return instance_directory{n, std::move(directory), *std::move(lock)};
    if (number)
      return error{
          fmt::format("{}: another process has this ordinal. Give this one another "
                      "--ordinal, or another --state directory.",
                      directory.string())};
  }
  return error{fmt::format("{}: {} processes run here already", root.string(), most_processes)};
}

}  // namespace cloudflow::sandbox
