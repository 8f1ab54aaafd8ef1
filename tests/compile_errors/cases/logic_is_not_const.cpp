// error: logic() has to be const
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/line.hpp"

using flowtest::line;

struct wrong {
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<line> out{"out"};
  auto logic() { return from(in).to(out); }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
