// error: fold() could not keep what this function makes of the state
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

using flowtest::count;
using flowtest::line;

struct wrong {
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<count> out{"out"};
  cloudflow::state<std::int64_t> lines{"lines"};
  auto logic() const {
    return from(in)
        .key_by(&line::app)
        .fold(lines, [](std::int64_t n, const line::view&) { ++n; })
        .map([](const cloudflow::keyed<std::string, std::int64_t>& k) {
          return count{k.key, {}, k.value};
        })
        .to(out);
  }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
