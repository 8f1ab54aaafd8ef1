// error: The records of this stream are not of the outlet's type
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

using namespace std::chrono_literals;
using flowtest::count;
using flowtest::line;

struct wrong {
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<count> out{"out"};
  cloudflow::state<std::int64_t> lines{"lines"};
  auto logic() const {
    return from(in)
        .event_time(&line::time, cloudflow::in_order)
        .key_by(&line::app)
        .window(cloudflow::tumbling{60s})
        .late_to(out)
        .fold(lines, [](std::int64_t& n, const line::view&) { ++n; })
        .map([](const cloudflow::windowed<std::string, std::int64_t>& w) {
          return count{w.key, w.window.start, w.value};
        })
        .to(out);
  }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
