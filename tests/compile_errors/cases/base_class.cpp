// error: A streamlet has no base class
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

using namespace std::chrono_literals;
using flowtest::count;
using flowtest::line;

struct with_an_inlet {
  cloudflow::inlet<line> in{"in"};
};

struct wrong : with_an_inlet {
  cloudflow::outlet<line> out{"out"};
  auto logic() const { return from(in).to(out); }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
