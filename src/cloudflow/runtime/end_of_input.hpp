#pragma once

#include <atomic>
#include <utility>

namespace cloudflow::runtime {

/// What a task knows of the end of its input: that it has come, that what was open has fired, that
/// this is committed; and that a new start has forgotten it. Confined to the task's worker, but for
/// what is said to be thread-safe.
class end_of_input {
public:
  /// Thread-safe.
  void request() noexcept { is_requested_.store(true, std::memory_order_release); }
  /// Requested, and not committed yet. Thread-safe.
  bool is_requested() const noexcept { return is_requested_.load(std::memory_order_acquire); }
  /// Since the last call: an end that was committed has been forgotten. Thread-safe.
  bool take_lost() noexcept { return is_lost_.exchange(false, std::memory_order_acq_rel); }

  bool has_fired() const noexcept { return has_fired_; }
  void fired() noexcept { has_fired_ = true; }
  /// What has fired is committed.
  void committed() noexcept {
    is_held_ = true;
    is_requested_.store(false, std::memory_order_release);
    has_fired_ = false;
  }
  /// The operator chain is dropped. A parked record may have held the end back, and the operators
  /// knew of it.
  void dropped() noexcept {
    has_fired_ = false;
    if (std::exchange(is_held_, false)) is_lost_.store(true, std::memory_order_release);
  }

private:
  std::atomic<bool> is_requested_{false}, is_lost_{false};
  bool has_fired_ = false;  ///< since the chain was built
  bool is_held_ = false;    ///< the chain has been told, and what came of it is committed
};

}  // namespace cloudflow::runtime
