// error: keyed_by() of an inlet needs a member of its record type
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

using namespace std::chrono_literals;
using flowtest::count;
using flowtest::line;

struct wrong {
  cloudflow::inlet<line> in{"in", cloudflow::keyed_by(&count::app)};
  cloudflow::outlet<line> out{"out"};
  auto logic() const { return from(in).to(out); }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
