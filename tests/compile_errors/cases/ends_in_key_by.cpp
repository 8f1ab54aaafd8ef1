// error: logic() ends in key_by()
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

using namespace std::chrono_literals;
using flowtest::count;
using flowtest::line;

struct wrong {
  cloudflow::inlet<line> in{"in"};
  auto logic() const { return from(in).key_by(&line::app); }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
