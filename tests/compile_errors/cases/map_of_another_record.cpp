// error: map() cannot call this function with the records of this stream
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

using namespace std::chrono_literals;
using flowtest::count;
using flowtest::line;

struct wrong {
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<count> out{"out"};
  auto logic() const {
    return from(in).map([](const count::view& c) { return cloudflow::to_owned(c); }).to(out);
  }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
