#include "cloudflow/runner/stop_signal.hpp"

#include <csignal>

namespace cloudflow::runner {

namespace {

volatile std::sig_atomic_t last = 0;
void remember(int number) { last = number; }

}  // namespace

void catch_stop_signals(std::initializer_list<int> numbers) {
  struct sigaction action {};
  action.sa_handler = remember;
  for (const int number : numbers) ::sigaction(number, &action, nullptr);
}

int stop_signal() noexcept { return static_cast<int>(last); }

}  // namespace cloudflow::runner
