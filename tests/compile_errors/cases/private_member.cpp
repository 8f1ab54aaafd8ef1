// error: A streamlet is a plain struct
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

using namespace std::chrono_literals;
using flowtest::count;
using flowtest::line;

class wrong {
public:
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<line> out{"out"};
  auto logic() const { return from(in).to(out); }

private:
  int seen_ = 0;
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
