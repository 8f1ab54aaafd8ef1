#pragma once

#include <cstdint>
#include <string>

namespace cloudflow::runtime {

/// What this thread works on, for the case that the author's code brings the process down: the signal's handler
/// writes it to a file, and whoever restarts the process tells the user. Costs four stores per batch.
class crash_note {
public:
  /// Names live until the next `set` or `clear` of this thread.
  static void set(const std::string& streamlet, const std::string& topic, std::int32_t partition,
                  std::int64_t first_offset, std::int64_t last_offset) noexcept;
  static void clear() noexcept;

  /// From now on a crash of this process (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT) leaves a line in the file. The file is
  /// emptied. Call once, from main. False if the file cannot be written.
  static bool install(const std::string& path) noexcept;
};

}  // namespace cloudflow::runtime
