#include "cloudflow/streamlet/streamlet.hpp"
#include "log_schemas/log_message.hpp"
#include "log_schemas/log_stats.hpp"

#include <algorithm>

namespace logproc {

using namespace std::chrono_literals;
using data::log_message;
using data::log_stats;
using std::chrono::milliseconds;

/// What is counted for one application in one window.
struct counts {
  std::int64_t messages = 0;
  std::int64_t problems = 0;
};

/// Counts messages and problems per application and window of event time.
struct stat_aggregator {
  cloudflow::inlet<log_message> in{"valid-logs", cloudflow::keyed_by(&log_message::app)};
  cloudflow::outlet<log_stats> out{"log-stat", cloudflow::key(&log_stats::app)};
  cloudflow::state<counts> per_app{"counts"};

  cloudflow::parameter<milliseconds> window{"window", "Length of a window.", 2min,
                                            [](milliseconds w) { return w > 0ms; }};
  cloudflow::parameter<std::vector<std::string>> problem_levels{
      "filter-text", "Levels that count as problems, separated by commas.", {"WARN", "ERROR"}};
  cloudflow::parameter<std::int32_t> threshold{
      "alert-threshold", "A window with more problems than this is flagged.", 10};

  auto logic(const cloudflow::context& ctx) const {
    return from(in)
        .event_time(&log_message::timestamp, cloudflow::in_order)
        .key_by(&log_message::app)
        .window(cloudflow::tumbling{ctx[window]})
        .lateness(cloudflow::unlimited_lateness)  // real logs jump back by weeks
        .fold(per_app,
              [levels = ctx[problem_levels]](counts& c, const log_message::view& m) {
                ++c.messages;
                if (std::find(levels.begin(), levels.end(), m.log_type) != levels.end())
                  ++c.problems;
              })
        .map([limit = ctx[threshold]](const cloudflow::windowed<std::string, counts>& w) {
          return log_stats{w.key,
                           w.window.start,
                           w.window.end,
                           w.value.messages,
                           w.value.problems,
                           w.value.problems > limit};
        })
        .to(out);
  }
};

}  // namespace logproc

template const cloudflow::streamlet_definition&
cloudflow::definition_of<logproc::stat_aggregator>();
