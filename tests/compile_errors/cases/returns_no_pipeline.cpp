// error: logic() has to return a pipeline
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

using namespace std::chrono_literals;
using flowtest::count;
using flowtest::line;

struct wrong {
  cloudflow::inlet<line> in{"in"};
  int logic() const { return 3; }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
