#include "cloudflow/operate/activity.hpp"

#include <algorithm>
#include <tuple>

namespace cloudflow::operate {

namespace {

double rate(std::uint64_t before, std::uint64_t now, std::chrono::nanoseconds elapsed) {
  const auto seconds = std::chrono::duration<double>(elapsed).count();
  const auto done = now >= before ? now - before : now;  // fewer: the process is another one
  return seconds > 0 ? static_cast<double>(done) / seconds : 0;
}

task_activity::state state_of(const app::task_status& t) {
  if (t.is_restoring) return task_activity::state::restoring;
  return t.is_running ? task_activity::state::running : task_activity::state::failed;
}

/// @pre of the two, `into` reads if any does
void add(const app::task_status& t, app::task_status& into) {
  into.records_in += t.records_in;
  into.records_out += t.records_out;
  into.bytes_out += t.bytes_out;
  into.records_late += t.records_late;
  into.records_rejected += t.records_rejected;
  into.counted += t.counted;
  into.commits += t.commits;
  into.restarts += t.restarts;
  if (t.sources.empty()) return;
  into.is_running &= t.is_running;
  into.is_restoring |= t.is_restoring;
  if (into.failure.empty()) into.failure = t.failure;
  into.watermark_delay = std::max(into.watermark_delay, t.watermark_delay);
  into.sources.insert(into.sources.end(), t.sources.begin(), t.sources.end());
}

}  // namespace

std::vector<app::task_status> merged(std::vector<app::task_status> of_processes) {
  const auto place = [](const auto& t) { return std::tie(t.streamlet, t.partition); };
  std::ranges::stable_sort(of_processes, [&](const auto& a, const auto& b) {
    return place(a) != place(b) ? place(a) < place(b) : a.sources.size() > b.sources.size();
  });
  std::vector<app::task_status> all;
  for (auto& t : of_processes) {
    if (!all.empty() && place(all.back()) == place(t))
      add(t, all.back());
    else
      all.push_back(std::move(t));
  }
  return all;
}

std::string_view to_string(task_activity::state s) {
  switch (s) {
    case task_activity::state::running: return "running";
    case task_activity::state::restoring: return "restoring";
    case task_activity::state::failed: return "failed";
  }
  return "";
}

std::vector<task_activity> activity_of(const std::vector<app::task_status>& before,
                                       const std::vector<app::task_status>& now,
                                       std::chrono::nanoseconds elapsed) {
  std::vector<task_activity> all;
  for (const auto& t : now) {
    const auto same = [&t](const auto& b) {
      return b.streamlet == t.streamlet && b.partition == t.partition;
    };
    const auto found = std::find_if(before.begin(), before.end(), same);
    const auto was = found == before.end() ? app::task_status{} : *found;
    auto& a = all.emplace_back();
    a.streamlet = t.streamlet;
    a.partition = t.partition;
    a.now = state_of(t);
    a.in_per_second = rate(was.records_in, t.records_in, elapsed);
    a.out_per_second = rate(was.records_out, t.records_out, elapsed);
    for (const auto& source : t.sources) a.lag += source.lag();
    a.watermark_delay = t.watermark_delay;
    a.restarts = t.restarts;
    a.rejected = t.records_rejected;
    a.failure = t.failure;
  }
  return all;
}

task_activity total_of(const std::vector<task_activity>& tasks) {
  task_activity sum;
  for (const auto& t : tasks) {
    sum.now = std::max(sum.now, t.now);
    sum.in_per_second += t.in_per_second;
    sum.out_per_second += t.out_per_second;
    sum.lag += t.lag;
    sum.watermark_delay = std::max(sum.watermark_delay, t.watermark_delay);
    sum.restarts += t.restarts;
    sum.rejected += t.rejected;
  }
  return sum;
}

}  // namespace cloudflow::operate
