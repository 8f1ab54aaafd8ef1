/// What passes through an operator chain beside records. A signal is a value with its answer in it;
/// `link` (operators.hpp) hands each on with one template, so a new one is a struct here and an
/// overload of `on` in the operators that care; one that comes from outside also has a function of
/// operator_chain. By default it overtakes records that an operator holds.
#pragma once

#include "cloudflow/base/time.hpp"
#include "cloudflow/flow/boundary.hpp"

namespace cloudflow::flow::signals {

/// No record with an earlier event time is expected.
struct watermark {
  timestamp value;
  step result = step::go_on;
};

/// Do the next part of what is held. `suspended`: something is still held.
struct resume {
  step result = step::go_on;
};

/// Time passes: what waits for the clock (a retry) goes on.
struct tick {
  timestamp now;
  bool is_waiting = false;  ///< something still waits for the clock
  step result = step::go_on;
};

/// Records that have moved to this task through a repartition topic; see run_result.
struct moved {
  const batch& records;
  run_result result{};
};

/// Nothing comes from above for now.
struct idle {};

/// Nothing comes from this inlet of moved records for now.
struct moved_idle {
  std::size_t inlet;
};

/// The input has ended: open windows fire.
struct finish {
  step result = step::go_on;
};

/// Add the state that has changed since the last save.
struct save {};

/// Read what has to be known before the first record. `suspended`: work was held at the last
/// commit.
struct load {
  step result = step::go_on;
};

/// What was saved is durable, and the stores show it.
struct committed {};

}  // namespace cloudflow::flow::signals
