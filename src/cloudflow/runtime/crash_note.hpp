#pragma once

#include "cloudflow/flow/origin.hpp"

#include <pthread.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cloudflow::runtime {

/// How a process ended, and what the thread that brought it down worked on.
struct crash {
  std::string streamlet;
  std::string topic = {};  ///< empty: on no record
  std::int32_t partition = 0;
  std::int64_t first = 0, last = 0;  ///< offsets
  std::string how = {};  ///< `signal 11 (Segmentation fault) at program(+0x1234)`, with its stack

  bool operator==(const crash&) const = default;
};

/// What this thread works on, for the case that the author's code brings the process down: the
/// signal's handler writes it to a file, and whoever restarts the process tells the user. Costs
/// a few stores per batch. What is handed in is kept by reference, until the opposite call.
class crash_note {
public:
  /// From now on this thread works for a streamlet. `held`: where its operators say on which of the
  /// records that they have taken over they work; see flow::changes.
  static void begin(const std::string& streamlet, const flow::kept_origin* const& held) noexcept;
  static void end() noexcept;
  /// Within: it works on these records.
  static void begin_records(const std::string& topic, std::int32_t partition,
                            std::int64_t first_offset, std::int64_t last_offset) noexcept;
  static void end_records() noexcept;

  /// From now on a crash of this process (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT) leaves its note
  /// in the file, and in `copy` where that can be written (empty: nowhere). The files are emptied.
  /// Call once, from main. False if the file cannot be written.
  static bool install(const std::string& path, const std::string& copy = {}) noexcept;
  /// A note is left even if this thread overflows its stack. Call in each thread that runs an
  /// author's code.
  static void protect_this_thread();

  /// Ends the process with SIGABRT in that thread, as if its code had done so. `why`: what the note
  /// says instead of the signal; text that lives for ever.
  static void abort(pthread_t thread, const char* why) noexcept;

  /// What such a file holds; none: no crash, or one in nobody's code.
  static std::optional<crash> parse(std::string_view text);
};

}  // namespace cloudflow::runtime
