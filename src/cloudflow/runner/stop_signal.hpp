/// SIGINT, SIGTERM and SIGHUP as a number that loops look at.
#pragma once

#include <initializer_list>

namespace cloudflow::runner {

/// Has these signals counted from now on instead of ending the process. Once per process.
void catch_stop_signals(std::initializer_list<int> numbers);

/// The last of them that has come; 0 before. Thread-safe.
int stop_signal() noexcept;

}  // namespace cloudflow::runner
