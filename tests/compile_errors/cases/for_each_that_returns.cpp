// error: for_each() would drop what this function returns
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/line.hpp"

using flowtest::line;

struct wrong {
  cloudflow::inlet<line> in{"in"};

  auto logic() const {
    return from(in).for_each([](const line::view& l) { return l.text.size(); });
  }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
