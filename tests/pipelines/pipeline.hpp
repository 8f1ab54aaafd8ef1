/// What is known of a compiled pipeline, and what the author's functions are given by the run.
#pragma once

#include "functions.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow {
class streamlet_definition;
}

namespace cloudflow::pipelines {

/// One operator of a pipeline. `stage` is its number; 0 is the event time in front.
struct op {
  std::string name;
  int stage = 0;
  /// The outlet that it writes to (also-to, to, split: `a,b`), or where its errors go: `function`,
  /// `letter`, or an outlet.
  std::string port = {};
  /// Of split-functions: what the first branch goes on with. The second goes to an outlet.
  std::vector<op> branch = {};
};

struct outlet_use {
  std::string name;
  std::optional<row> (*read)(std::string_view bytes);
};

struct pipeline {
  std::string name, text;
  bool has_source = false;  ///< of the author's; else an inlet
  std::vector<op> ops;
  std::vector<outlet_use> outlets;
  const streamlet_definition& (*definition)();
};

/// Of the run, read when a pipeline is started.
struct run_settings {
  std::int64_t bound_ms = 0;
  std::int64_t lateness_ms = 0;  ///< negative: without limit
};
run_settings& settings();

/// Ids of what an author's function has done something for.
std::set<std::string>& effects();

/// One call of an author's function. Of event time and of expansions, in their order.
struct call {
  int stage;
  std::size_t number;  ///< of the input record that it is for
};
std::vector<call>& calls();
/// Of what comes of an input record, the record's number; none: it comes of a window.
std::optional<std::size_t> number_of(std::string_view id);

/// Of pipelines with a source.
class client_pool {
public:
  struct sent {
    row what;
    std::size_t number;
    std::function<void()> when_durable, when_unknown;
  };
  /// `on_answer` is called when the client of a record is told that it is durable.
  void reset(std::vector<row> all, std::size_t at_once, std::function<void(std::size_t)> on_answer);
  void reconnect();
  /// Who has taken these is gone.
  void disconnect(const std::vector<std::size_t>& taken);
  std::vector<sent> take();
  bool are_done() const;
  const std::map<std::size_t, int>& sends() const { return sends_; }
  const std::set<std::size_t>& answered() const { return answered_; }

private:
  bool sends_again(std::size_t i) const;
  void send_again(std::size_t i);

  std::vector<row> all_;
  std::size_t at_once_ = 1;
  std::function<void(std::size_t)> on_answer_;
  std::deque<std::size_t> waiting_;
  std::map<std::size_t, int> sends_;
  std::set<std::size_t> answered_;
};
client_pool& clients();

/// All compiled ones, in the order of their names.
const std::vector<pipeline>& all_pipelines();

}  // namespace cloudflow::pipelines
