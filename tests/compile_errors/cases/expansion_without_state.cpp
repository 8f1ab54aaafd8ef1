// error: expand() needs a struct with `using output` and `using state`
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

using namespace std::chrono_literals;
using flowtest::count;
using flowtest::line;

struct words {
  using output = count;
  std::string key(const line::view& l) const { return std::string{l.app}; }
};

struct wrong {
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<count> out{"out"};
  cloudflow::state<std::int64_t> done{"done"};
  auto logic() const { return from(in).expand(done, words{}).to(out); }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
