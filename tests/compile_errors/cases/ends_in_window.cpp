// error: logic() ends in window()
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

using namespace std::chrono_literals;
using flowtest::count;
using flowtest::line;

struct wrong {
  cloudflow::inlet<line> in{"in"};
  auto logic() const {
    return from(in)
        .event_time(&line::time, cloudflow::in_order)
        .key_by(&line::app)
        .window(cloudflow::tumbling{60s});
  }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
