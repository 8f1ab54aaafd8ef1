/// What a run has: records, sizes, and what goes wrong. All of it follows from the seed.
#pragma once

#include "model.hpp"

#include "cloudflow/testkit/group_simulation.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace cloudflow::pipelines {

enum class log_kind { embedded, kafka };

struct scenario {
  std::uint64_t seed = 1;
  log_kind log = log_kind::embedded;
  circumstances given;
  std::vector<input_record> input;  ///< without offsets
  std::size_t records_in_a_commit = 1, records_in_a_fetch = 1024, records_in_a_poll = 1;
  std::size_t workers = 1, processes = 1, max_uncommitted_bytes = 0;
  std::uint64_t steps_between_events = 0;  ///< losses of power; or lives of processes
  pubsub::simulated::fault_profile faults{};
  bool is_calm() const {
    return steps_between_events == 0 && faults.failing_commits == 0 &&
           faults.unknown_outcomes == 0 && faults.stale_generations == 0 && faults.rebalances == 0;
  }
  std::string describe() const;
};

scenario draw(std::uint64_t seed, const pipeline& p, log_kind log);

}  // namespace cloudflow::pipelines
