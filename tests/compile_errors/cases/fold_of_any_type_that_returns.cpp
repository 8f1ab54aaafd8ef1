// error: fold() would drop what this function returns
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
        .fold(lines, [](auto n, const auto&) { return n + 1; })
        .map([](const cloudflow::keyed<std::string, std::int64_t>& k) {
          return count{k.key, {}, k.value};
        })
        .to(out);
  }
};

template const cloudflow::streamlet_definition& cloudflow::definition_of<wrong>();
