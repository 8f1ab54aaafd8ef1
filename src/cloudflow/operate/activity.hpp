#pragma once

#include "cloudflow/application/task_status.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cloudflow::operate {

/// What a task is doing: two looks at its status compared.
struct task_activity {
  std::string streamlet;
  std::int32_t partition = 0;
  enum class state { running, restoring, failed } now = state::running;
  double in_per_second = 0, out_per_second = 0;
  std::int64_t lag = 0;  ///< records
  std::optional<std::chrono::milliseconds> watermark_delay;
  std::uint64_t restarts = 0, rejected = 0;  ///< since it was started here
  std::string failure;
};

std::string_view to_string(task_activity::state s);

/// One status for each streamlet and partition, in this order. Every process of a streamlet has a
/// task for each partition, and may read one of its topics while another reads the other: what they
/// have done is added up, and the state is that of those that read.
std::vector<app::task_status> merged(std::vector<app::task_status> of_processes);

/// Of each task in `now`. One that was not there before, or was started again meanwhile, has done
/// all it did since.
std::vector<task_activity> activity_of(const std::vector<app::task_status>& before,
                                       const std::vector<app::task_status>& now,
                                       std::chrono::nanoseconds elapsed);

/// The sums; the watermark that is furthest behind; the worst state.
task_activity total_of(const std::vector<task_activity>& tasks);

}  // namespace cloudflow::operate
