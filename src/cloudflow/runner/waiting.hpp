#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>

namespace cloudflow::runner {

/// Pauses between attempts at what may pass, each twice as long as the one before.
class waiting {
public:
  waiting(std::chrono::milliseconds first, std::chrono::milliseconds longest,
          const std::function<bool()>& must_stop)
    : pause_(first), longest_(longest), must_stop_(&must_stop) {}

  /// Blocks for the next pause. False: it is time to stop.
  bool wait() {
    constexpr std::chrono::milliseconds look_every{10};
    const auto until = std::chrono::steady_clock::now() + pause_;
    pause_ = std::min(2 * pause_, longest_);
    while (!(*must_stop_)() && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(look_every);
    return !(*must_stop_)();
  }

private:
  std::chrono::milliseconds pause_, longest_;
  const std::function<bool()>* must_stop_;
};

}  // namespace cloudflow::runner
