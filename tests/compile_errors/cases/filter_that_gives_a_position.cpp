// error: filter() needs a function from a record of this stream to bool
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/line.hpp"

using flowtest::line;

struct wrong {
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<line> out{"out"};
  auto logic() const {
    return from(in).filter([](const line::view& l) { return l.text.find("x"); }).to(out);
  }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
