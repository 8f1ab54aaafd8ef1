// error: Nothing can follow here
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/line.hpp"

using flowtest::line;

struct wrong {
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<line> out{"out"};
  auto logic() const {
    return from(in).for_each([](const line::view&) {}).to(out);
  }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
