/// Checks for bugs of ours. Input is never asserted on: it gets an error.
#pragma once

namespace cloudflow::detail {
/// Prints the broken assumption with its place and aborts.
[[noreturn]] void assertion_failed(const char* condition, const char* message, const char* file,
                                   int line) noexcept;
}  // namespace cloudflow::detail

/// Always on: aborts with `message` when `condition` does not hold.
#define CLOUDFLOW_ASSERT(condition, message) \
  (static_cast<bool>(condition)              \
       ? void(0)                             \
       : ::cloudflow::detail::assertion_failed(#condition, message, __FILE__, __LINE__))

#ifdef NDEBUG
/// On in debug builds only, for checks that cost something per record.
#define CLOUDFLOW_DEBUG_ASSERT(condition, message) void(0)
#else
#define CLOUDFLOW_DEBUG_ASSERT(condition, message) CLOUDFLOW_ASSERT(condition, message)
#endif
