#pragma once

#include <pthread.h>

#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace cloudflow {

/// Starts a thread that tools (top -H, gdb, perf) show by its name, of which Linux keeps 15 bytes.
/// `run` takes a std::stop_token or nothing.
template <class Run>
std::jthread named_thread(std::string_view name, Run&& run) {
  std::jthread thread{std::forward<Run>(run)};
  pthread_setname_np(thread.native_handle(), std::string{name.substr(0, 15)}.c_str());
  return thread;
}

}  // namespace cloudflow
