#pragma once

#include "cloudflow/base/time.hpp"
#include "cloudflow/pubsub/simulated/cluster.hpp"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace cloudflow::pubsub::simulated {

/// What all parts of the broker share.
struct circumstances {
  const clock* time = nullptr;
  fault_profile now{};
  std::mt19937_64 random;
  std::vector<std::string> violations{};

  bool happens(int of_1000) {
    return of_1000 > 0 && random() % 1000 < static_cast<std::uint64_t>(of_1000);
  }
  int up_to(int longest) {
    if (longest <= 0) return 0;
    return static_cast<int>(random() % (static_cast<std::uint64_t>(longest) + 1));
  }
};

/// One process, as the brokers know it.
struct process {
  bool is_silent = false;
  std::chrono::nanoseconds silent_since{0};

  bool is_silent_for(std::chrono::nanoseconds at_least, const clock& time) const {
    return is_silent && time.monotonic() - silent_since >= at_least;
  }
};

}  // namespace cloudflow::pubsub::simulated
