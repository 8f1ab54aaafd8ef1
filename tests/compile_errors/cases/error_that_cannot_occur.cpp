// error: on_error() handles an error that cannot occur here
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

using namespace std::chrono_literals;
using flowtest::count;
using flowtest::line;

struct empty_line {};

struct wrong {
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<line> out{"out"};
  auto logic() const {
    return from(in).on_error<empty_line>([](const empty_line&) {}).to(out);
  }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
