#pragma once

#include "cloudflow/runtime/source.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace cloudflow::runtime {

/// Notices that an inlet of a task is idle: it has been read to its end, and nothing has come for
/// the idle timeout.
///
/// That nothing comes may mean that nothing can. So the log is asked where the inlet ends, and
/// answers when it can; until then it is not idle.
///
/// Confined to the worker of its task.
class idleness_monitor {
public:
  using sources = std::span<const std::unique_ptr<source>>;

  idleness_monitor(std::size_t inlet, std::chrono::milliseconds idle_timeout)
    : inlet_(inlet), timeout_(idle_timeout) {}

  /// To be called in each step. True when the inlet is idle, and again after each idle timeout for
  /// which that goes on. `of_task`: all that the task reads.
  bool is_idle(timestamp now, sources of_task, pubsub::backend& log);

private:
  /// Where a partition ends: an offset, or one of these.
  enum : std::int64_t { unanswered = -1, unknown = -2 };
  struct question {
    const source* about = nullptr;
    std::shared_ptr<std::atomic<std::int64_t>> end;
  };

  bool is_quiet(timestamp now, sources of_task) const;
  void ask(sources of_task, pubsub::backend& log);
  bool is_answered() const;
  bool is_at_end(sources of_task) const;

  std::size_t inlet_;
  std::chrono::milliseconds timeout_;
  timestamp not_before_ = timestamp::min();
  std::vector<question> asked_;
};

}  // namespace cloudflow::runtime
