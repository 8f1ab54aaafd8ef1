#pragma once

#include "cloudflow/application/task_status.hpp"
#include "cloudflow/base/result.hpp"

#include <string>
#include <vector>

namespace cloudflow {

struct runner_status {
  std::vector<app::task_status> tasks = {};
  std::vector<app::worker_status> workers = {};
};

/// Runs streamlets of a plan: the native runtime in this process, or the driver of an engine
/// elsewhere. What it is given at its making says which.
///
/// *Concurrency.* start(), advance_to_end() and stop() from one thread; the rest from any, at any
/// time.
class streamlet_runner {
public:
  virtual ~streamlet_runner() = default;

  /// From now on records are processed, until stop(). Errors: what it needs is not there; the
  /// retriable ones may pass, and it may be called again.
  virtual result<void> start() = 0;
  virtual runner_status status() const = 0;
  /// The first reason, for `/ready`; empty: it is ready.
  virtual std::string why_not_ready() const = 0;
  /// What only a new process mends, for `/live`; empty: it is live. Waits for nothing, whatever
  /// hangs.
  virtual std::string why_not_live() const = 0;
  /// Only a new process can go on.
  virtual bool must_end() const = 0;
  /// Works towards the end of input, which no source will add to any more. Call it again and again
  /// after start(); true when everything has been read, computed and committed.
  virtual bool advance_to_end() = 0;
  /// Ends the work under way, commits it and returns. Does nothing before start().
  virtual void stop() = 0;
};

}  // namespace cloudflow
