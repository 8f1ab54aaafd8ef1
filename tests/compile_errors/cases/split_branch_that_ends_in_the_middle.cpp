// error: A branch of split() ends in the middle
#include "cloudflow/streamlet/streamlet.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

#include <variant>

using flowtest::count;
using flowtest::line;

struct wrong {
  cloudflow::inlet<line> in{"in"};
  cloudflow::outlet<line> out{"out"};
  auto logic() const {
    return from(in)
        .map(
            [](const line::view& l) -> std::variant<line, count> { return cloudflow::to_owned(l); })
        .split(out, [](auto counts) { return counts; });
  }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
