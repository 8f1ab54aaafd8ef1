// The jobs as a user of Cloudflow writes them.
#include "cloudflow/sandbox/application.hpp"
#include "cloudflow/streamlet/streamlet.hpp"
#include "bench_schemas/hit.hpp"
#include "bench_schemas/level_count.hpp"
#include "bench_schemas/log_line.hpp"
#include "bench_schemas/log_out.hpp"

namespace loglines {

using namespace std::chrono_literals;

/// Drops what is of no interest and gives latencies in milliseconds.
struct transform {
  cloudflow::inlet<log_line> in{"lines"};
  cloudflow::outlet<log_out> out{"transformed"};

  auto logic(const cloudflow::context&) const {
    return from(in)
        .filter([](const log_line::view& l) { return l.level != "DEBUG"; })
        .map([](const log_line::view& l) {
          return log_out::view{l.app,    l.level, l.ts,
                               l.host,   l.code,  static_cast<double>(l.latency_us) / 1000.0,
                               l.message};
        })
        .to(out);
  }
};

/// Counts the lines of each application, level and minute of event time. Lines have no key: where
/// they come in several partitions, what is counted of them moves to the task of its key.
struct count {
  cloudflow::inlet<log_line> in{"lines"};
  cloudflow::outlet<level_count> out{"counts", cloudflow::key(&level_count::series)};
  cloudflow::state<std::int64_t> lines{"counts"};

  auto logic(const cloudflow::context&) const {
    return from(in)
        .map([series = std::string{}](const log_line::view& l) mutable {
          series.assign(l.app).append("|").append(l.level);
          return hit::view{series, l.ts};
        })
        .event_time(
            [](const hit::view& h) {
              return cloudflow::timestamp{std::chrono::milliseconds{h.ts}};
            },
            cloudflow::in_order)
        .key_by(&hit::series)
        .window(cloudflow::tumbling{1min})
        .lateness(cloudflow::allowed_lateness{1min})
        .fold(lines, [](std::int64_t& n, const hit::view&) { ++n; })
        .map([](const cloudflow::windowed<std::string, std::int64_t>& w) {
          return level_count{w.key, w.window.start.time_since_epoch().count(), w.value};
        })
        .to(out);
  }
};

}  // namespace loglines

int main(int argc, char** argv) {
  return cloudflow::application<loglines::transform, loglines::count>(argc, argv);
}
