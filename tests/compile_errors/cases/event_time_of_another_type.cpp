// error: event_time() needs a function from `const Record&` to cloudflow::timestamp
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

using namespace std::chrono_literals;
using flowtest::count;
using flowtest::line;

struct wrong {
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<line> out{"out"};
  auto logic() const { return from(in).event_time(&line::text, cloudflow::in_order).to(out); }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
