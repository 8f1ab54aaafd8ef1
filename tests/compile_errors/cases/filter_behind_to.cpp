// error: Nothing can follow here
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/line.hpp"

using flowtest::line;

struct wrong {
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<line> all{"all"}, out{"out"};
  auto logic() const {
    return from(in).to(all).filter([](const line::view& l) { return l.app == "a"; }).to(out);
  }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
