// error: event_time() is there twice
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/line.hpp"

using flowtest::line;

struct wrong {
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<line> out{"out"};
  auto logic() const {
    return from(in)
        .event_time(&line::time, cloudflow::in_order)
        .filter([](const line::view& l) { return !l.text.empty(); })
        .event_time(&line::time, cloudflow::in_order)
        .to(out);
  }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
