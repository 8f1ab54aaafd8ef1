// error: Nothing can follow here
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/line.hpp"

using flowtest::line;

struct wrong {
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<line> out{"out"};
  cloudflow::state<cloudflow::timestamp> seen{"seen"};
  auto logic() const { return from(in).to(out).key_by(&line::app).distinct(seen); }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
