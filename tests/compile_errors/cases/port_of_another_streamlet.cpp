// error: This streamlet uses a port of another
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

using namespace std::chrono_literals;
using flowtest::count;
using flowtest::line;

inline cloudflow::outlet<count> elsewhere{"elsewhere"};

struct wrong {
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<line> out{"out"};
  auto logic() const {
    return from(in)
        .map([](const line::view& l) {
          return count{std::string{l.app}, l.time, 1};
        })
        .to(elsewhere);
  }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
