#pragma once

#include "cloudflow/pubsub/kafka/internal/connection.hpp"
#include "cloudflow/pubsub/kafka/internal/deadline.hpp"

#include <algorithm>
#include <chrono>

namespace cloudflow::pubsub::kafka {

/// How long a question to brokers is waited for: up to its own limit, and for a second when the
/// process is to end. Immutable; `of` outlives it.
class answer_deadline {
public:
  answer_deadline(const connection& of, std::chrono::milliseconds at_most)
    : session_(of), until_(of.time(), at_most), until_at_end_(of.time(), at_end) {}

  bool is_over() const {
    return until_.has_passed() || (session_.must_stop() && until_at_end_.has_passed());
  }
  /// How long to wait before is_over() is asked again.
  std::chrono::milliseconds step() const { return std::min(until_.left(), longest_step); }

private:
  static constexpr std::chrono::milliseconds at_end{1000}, longest_step{100};

  const connection& session_;
  const deadline until_, until_at_end_;
};

}  // namespace cloudflow::pubsub::kafka
