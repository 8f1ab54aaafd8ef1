#pragma once

#include <chrono>
#include <string>

namespace cloudflow {

/// A point in time with Kafka's resolution: milliseconds since 1970-01-01T00:00:00Z.
using timestamp = std::chrono::sys_time<std::chrono::milliseconds>;

/// `2015-10-18T18:01:47.978Z`. Years outside 0..9999 are printed with as many digits as they have.
std::string to_iso8601(timestamp t);

/// Where time comes from. Handed in everywhere, so that a test or a simulation decides what time it
/// is. Implementations are thread-safe.
class clock {
public:
  virtual ~clock() = default;
  /// The time of day.
  virtual timestamp now() const = 0;
  /// For distances only: never goes back.
  virtual std::chrono::nanoseconds monotonic() const = 0;
};

/// The machine's clock.
class system_clock final : public clock {
public:
  timestamp now() const override;
  std::chrono::nanoseconds monotonic() const override;
};

/// Stands still until it is told to move. Confined to one thread.
class virtual_clock final : public clock {
public:
  explicit virtual_clock(timestamp start = timestamp{std::chrono::seconds{1'700'000'000}})
    : now_(start) {}
  timestamp now() const override { return std::chrono::floor<std::chrono::milliseconds>(now_); }
  std::chrono::nanoseconds monotonic() const override { return now_.time_since_epoch(); }
  void advance(std::chrono::nanoseconds by) { now_ += by; }

private:
  std::chrono::sys_time<std::chrono::nanoseconds> now_;
};

}  // namespace cloudflow
