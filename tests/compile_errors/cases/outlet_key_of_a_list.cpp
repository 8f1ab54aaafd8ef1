// error: key() of an outlet needs a key that can be written as text
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/line.hpp"

#include <vector>

using flowtest::line;

struct wrong {
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<line> out{"out", cloudflow::key([](const line::view& l) {
                                return std::vector<std::string_view>{l.app};
                              })};
  auto logic() const { return from(in).to(out); }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
