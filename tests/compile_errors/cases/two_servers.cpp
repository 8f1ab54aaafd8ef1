// error: A streamlet declares its server twice
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/line.hpp"

using flowtest::line;

struct wrong {
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<line> out{"out"};
  cloudflow::server_port http, admin;
  auto logic() const { return from(in).to(out); }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
