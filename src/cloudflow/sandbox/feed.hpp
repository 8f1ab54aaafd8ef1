/// `--feed`: a command that brings the input of an application. The parent runs it, once, whatever
/// becomes of the child; they tell each other by files in the state directory when it may begin,
/// where, and that it has ended.
#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/sandbox/process.hpp"
#include "cloudflow/sandbox/run.hpp"

#include <map>
#include <optional>
#include <string>

namespace cloudflow::sandbox {

/// In the parent. Destroyed, it ends the command and what the command has started. Confined to one
/// thread.
class feeder {
public:
  /// `command`: for a shell; empty: there is none. Forgets what another run has left.
  feeder(const state_layout& state, std::string command);
  ~feeder();
  feeder(const feeder&) = delete;
  feeder& operator=(const feeder&) = delete;

  /// Starts the command when the application takes input, and tells the child when it has ended.
  /// Errors: it cannot be run; it has failed.
  result<void> look();

private:
  state_layout state_;
  std::string command_;
  std::optional<process> running_;
  bool has_ended_ = false;
};

// -- in the child ---------------------------------------------------------------------------------

/// Where the servers of streamlets listen: environment variables for the feed.
using server_addresses = std::map<std::string, std::string>;

/// The application takes input, at these places.
result<void> let_feed_begin(const state_layout& state, const server_addresses& where);
/// Where the child before this one took it: the feed still looks there. Empty: there was none.
server_addresses earlier_addresses(const state_layout& state);
bool has_feed_ended(const state_layout& state);

}  // namespace cloudflow::sandbox
