// error: The records of this stream are not of the outlet's type
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
    return from(in).filter([](const line::view& l) { return !l.text.empty(); }).to(out);
  }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
