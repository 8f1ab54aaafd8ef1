// error: key_by() needs a key that can be stored and compared
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

#include <vector>

using flowtest::count;
using flowtest::line;

struct wrong {
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<count> out{"out"};
  cloudflow::state<std::int64_t> lines{"lines"};
  auto logic() const {
    return from(in)
        .key_by([](const line::view& l) { return std::vector<std::string>{std::string{l.app}}; })
        .fold(lines, [](std::int64_t& n, const line::view&) { ++n; })
        .map([](const auto& k) {
          return count{{}, {}, k.value};
        })
        .to(out);
  }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
